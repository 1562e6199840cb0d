//! Reading fields: each knows its path and place, so that whatever is wrong with it can be said where it stands.
//!
//! A [`Section`] is a table. Every field asked for becomes known; [`Section::finish`] refuses the rest.

use crate::decimal::{Decimal, DecimalError, NotWhole};
use crate::document::Document;
use crate::error::{FieldError, ScenarioError, suggest};
use downdraft_types::{Ppm, Span};
use std::ops::Range;
use toml_edit::{Item, TableLike, Value};

pub(crate) type Outcome<T> = Result<T, ScenarioError>;

/// A table being read.
pub(crate) struct Section<'a> {
    document: &'a Document,
    path: String,
    span: Option<Range<usize>>,
    table: &'a dyn TableLike,
    known: Vec<&'static str>,
}

/// A value being read.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    document: &'a Document,
    path: String,
    span: Option<Range<usize>>,
    item: Node<'a>,
}

#[derive(Clone, Copy)]
enum Node<'a> {
    Item(&'a Item),
    Value(&'a Value),
    Table(&'a toml_edit::Table),
}

impl<'a> Section<'a> {
    pub(crate) fn root(document: &'a Document) -> Self {
        Self { document, path: String::new(), span: Some(0..0), table: document.root(), known: Vec::new() }
    }

    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field of that name, if it is there.
    pub(crate) fn field(&mut self, name: &'static str) -> Option<Field<'a>> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.any_field(name)
    }

    fn any_field(&self, name: &str) -> Option<Field<'a>> {
        let (key, item) = self.table.get_key_value(name)?;
        let span = item.span().or_else(|| key.span());
        Some(Field { document: self.document, path: self.path_of(name), span, item: Node::Item(item) })
    }

    /// All fields, for tables whose names are the scenario's own.
    pub(crate) fn fields(&self) -> Vec<(&'a str, Field<'a>)> {
        let field = |name: &'a str| self.any_field(name).map(|field| (name, field));
        self.table.iter().filter_map(|(name, _)| field(name)).collect()
    }

    /// An optional field.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Field<'a>) -> Outcome<T>,
    ) -> Outcome<Option<T>> {
        self.field(name).map(|field| read(&field)).transpose()
    }

    /// A field with a default.
    pub(crate) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Field<'a>) -> Outcome<T>,
    ) -> Outcome<T> {
        Ok(self.optional(name, read)?.unwrap_or(default))
    }

    /// A field that must be there; `expected` says what it is.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&Field<'a>) -> Outcome<T>,
    ) -> Outcome<T> {
        match self.field(name) {
            Some(field) => read(&field),
            None => Err(self.refuse(name, "nothing", expected)),
        }
    }

    /// An error about a field of this table, at the table's place.
    pub(crate) fn refuse(&self, name: &str, found: impl Into<String>, expected: impl Into<String>) -> ScenarioError {
        let field = self.path_of(name);
        error(self.document, field, self.span.clone(), found.into(), expected.into())
    }

    /// Every field must have been asked for.
    pub(crate) fn finish(self) -> Outcome<()> {
        for (name, _) in self.table.iter() {
            if !self.known.contains(&name) {
                let span = self.table.key(name).and_then(toml_edit::Key::span);
                let expected = suggest(name, &self.known);
                return Err(error(self.document, self.path_of(name), span, "an unknown field".to_owned(), expected));
            }
        }
        Ok(())
    }
}

fn error(
    document: &Document,
    field: String,
    span: Option<Range<usize>>,
    found: String,
    expected: String,
) -> ScenarioError {
    let place = document.place(&field, span);
    Box::new(FieldError { place, field, found, expected }).into()
}

impl<'a> Field<'a> {
    /// An error about this field that says what it holds.
    pub(crate) fn expected(&self, expected: impl Into<String>) -> ScenarioError {
        self.refuse(self.describe(), expected)
    }

    /// An error in a model's own words, `field: found x, expected y`.
    pub(crate) fn invalid(&self, reason: String) -> ScenarioError {
        let place = self.document.place(&self.path, self.span.clone());
        ScenarioError::Model { place, field: self.path.clone(), reason }
    }

    pub(crate) fn refuse(&self, found: impl Into<String>, expected: impl Into<String>) -> ScenarioError {
        error(self.document, self.path.clone(), self.span.clone(), found.into(), expected.into())
    }

    fn value(&self) -> Option<&'a Value> {
        match self.item {
            Node::Item(item) => item.as_value(),
            Node::Value(value) => Some(value),
            Node::Table(_) => None,
        }
    }

    fn describe(&self) -> String {
        match self.value() {
            Some(Value::String(s)) => format!("{:?}", s.value()),
            Some(Value::Integer(n)) => n.value().to_string(),
            Some(Value::Float(x)) => format!("the number {}", x.value()),
            Some(Value::Boolean(b)) => b.value().to_string(),
            Some(Value::Datetime(d)) => d.value().to_string(),
            Some(Value::Array(_)) => "a list".to_owned(),
            Some(Value::InlineTable(_)) => "a table".to_owned(),
            None if matches!(self.item, Node::Item(Item::ArrayOfTables(_))) => "a list of tables".to_owned(),
            None => "a table".to_owned(),
        }
    }

    pub(crate) fn string(&self) -> Outcome<&'a str> {
        self.value().and_then(Value::as_str).ok_or_else(|| self.expected("a string"))
    }

    pub(crate) fn owned(&self) -> Outcome<String> {
        self.string().map(str::to_owned)
    }

    pub(crate) fn boolean(&self) -> Outcome<bool> {
        self.value().and_then(Value::as_bool).ok_or_else(|| self.expected("true or false"))
    }

    /// A whole number within bounds, both included.
    pub(crate) fn integer(&self, low: u64, high: u64) -> Outcome<u64> {
        let value = self.value().and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
        let bounds = match high {
            u64::MAX => format!("a whole number, at least {low}"),
            _ => format!("a whole number from {low} to {high}"),
        };
        value.filter(|n| (low..=high).contains(n)).ok_or_else(|| self.expected(bounds))
    }

    pub(crate) fn count(&self) -> Outcome<u32> {
        self.integer(1, u64::from(u32::MAX)).map(|n| n as u32)
    }

    /// A parameter of a model, the one kind of number that is a float: a number, quoted or not.
    pub(crate) fn number(&self) -> Outcome<f64> {
        let number = match self.value() {
            Some(Value::Float(x)) => Some(*x.value()),
            Some(Value::Integer(n)) => Some(*n.value() as f64),
            Some(Value::String(s)) => s.value().parse().ok(),
            _ => None,
        };
        number.filter(|x| x.is_finite()).ok_or_else(|| self.expected("a number"))
    }

    /// A parameter of a model within bounds, both included.
    pub(crate) fn number_within(&self, low: f64, high: f64) -> Outcome<f64> {
        let number = self.number()?;
        let bounds = if high == f64::MAX { format!("at least {low}") } else { format!("from {low} to {high}") };
        if (low..=high).contains(&number) { Ok(number) } else { Err(self.expected(format!("a number {bounds}"))) }
    }

    /// An exact quantity.
    pub(crate) fn decimal(&self) -> Outcome<Decimal> {
        match self.value() {
            Some(Value::Integer(n)) => Ok(Decimal::new(i128::from(*n.value()), 0)),
            Some(Value::String(s)) => Decimal::parse(s.value()).map_err(|e| match e {
                DecimalError::Malformed => self.expected("a decimal such as \"0.1\""),
                DecimalError::TooLong => self.expected("a decimal of at most 30 digits after the point, 38 in all"),
            }),
            Some(Value::Float(x)) => {
                Err(self.expected(format!("an exact quantity: put it in quotes, \"{}\"", x.display_repr())))
            }
            _ => Err(self.expected("a decimal such as \"0.1\"")),
        }
    }

    pub(crate) fn positive_decimal(&self) -> Outcome<Decimal> {
        let decimal = self.decimal()?;
        if decimal.is_positive() { Ok(decimal) } else { Err(self.expected("a decimal above 0")) }
    }

    /// An exact quantity as a number of `unit`, of which `what` is the name.
    pub(crate) fn units(&self, unit: Decimal, what: &str) -> Outcome<i128> {
        self.decimal()?.count(unit).map_err(|error| match error {
            NotWhole::Between(low, high) => {
                self.expected(format!("a whole number of {what}s of {unit}, such as {low} or {high}"))
            }
            NotWhole::TooLarge => self.expected(format!("a number of {what}s of {unit} below 2^127")),
        })
    }

    /// [`Field::units`] within the range of an `i64`.
    pub(crate) fn units_i64(&self, unit: Decimal, what: &str) -> Outcome<i64> {
        let count = self.units(unit, what)?;
        i64::try_from(count).map_err(|_| self.expected(format!("a number of {what}s of {unit} below 2^63")))
    }

    /// As [`Field::units_i64`], above zero.
    pub(crate) fn positive_units(&self, unit: Decimal, what: &str) -> Outcome<i64> {
        let count = self.units_i64(unit, what)?;
        if count > 0 { Ok(count) } else { Err(self.expected(format!("at least one {what} of {unit}"))) }
    }

    /// A rate: `"0.5%"`, `"0.005"` or `"5000ppm"`, a whole number of millionths.
    pub(crate) fn rate(&self) -> Outcome<Ppm> {
        let expected = "a rate such as \"0.5%\", \"0.005\" or \"5000ppm\"";
        let millionth = Decimal::new(1, 6);
        let decimal = match self.value() {
            Some(Value::String(s)) => {
                let text = s.value().trim();
                let (number, unit) = match (text.strip_suffix('%'), text.strip_suffix("ppm")) {
                    (Some(number), _) => (number, Decimal::new(1, 2)),
                    (_, Some(number)) => (number, millionth),
                    _ => (text, Decimal::ONE),
                };
                let decimal = Decimal::parse(number.trim()).ok().and_then(|d| d.checked_mul(unit));
                decimal.ok_or_else(|| self.expected(expected))?
            }
            Some(Value::Integer(n)) => Decimal::new(i128::from(*n.value()), 0),
            Some(Value::Float(x)) => {
                return Err(self.expected(format!("an exact rate: put it in quotes, \"{}\"", x.display_repr())));
            }
            _ => return Err(self.expected(expected)),
        };
        let count = decimal.count(millionth).ok().and_then(|n| i64::try_from(n).ok());
        count.map(Ppm).ok_or_else(|| self.expected("a rate of a whole number of millionths"))
    }

    /// A rate within bounds, both included.
    pub(crate) fn rate_within(&self, low: Ppm, high: Ppm) -> Outcome<Ppm> {
        let rate = self.rate()?;
        let percent = |rate: Ppm| Decimal::new(i128::from(rate.0), 4);
        let bounds = || format!("a rate from {}% to {}%", percent(low), percent(high));
        if (low..=high).contains(&rate) { Ok(rate) } else { Err(self.expected(bounds())) }
    }

    /// A part of a whole: above 0, at most 1.
    pub(crate) fn part(&self) -> Outcome<Ppm> {
        self.rate_within(Ppm(1), Ppm::ONE)
    }

    /// A length of time: `"250us"`, `"1.5s"`, `"1h"`.
    pub(crate) fn span(&self) -> Outcome<Span> {
        let expected = "a length of time such as \"250us\", \"10ms\", \"5s\", \"2m\", \"1h\" or \"1d\"";
        let text = self.value().and_then(Value::as_str).ok_or_else(|| self.expected(expected))?;
        let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(at);
        let nanos = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return Err(self.expected(expected)),
        };
        let span = Decimal::parse(number.trim()).ok().and_then(|d| d.checked_mul(Decimal::new(nanos, 0)));
        let count = span.and_then(|span| span.count(Decimal::ONE).ok()).and_then(|n| u64::try_from(n).ok());
        count.map(Span).ok_or_else(|| self.expected(expected))
    }

    pub(crate) fn positive_span(&self) -> Outcome<Span> {
        let span = self.span()?;
        if span == Span::ZERO { Err(self.expected("a length of time above 0")) } else { Ok(span) }
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Outcome<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let word = self.value().and_then(Value::as_str);
        let word = word.ok_or_else(|| self.expected(format!("one of {}", names.join(", "))))?;
        let found = words.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| *value).ok_or_else(|| self.expected(suggest(word, &names)))
    }

    pub(crate) fn section(&self) -> Outcome<Section<'a>> {
        let table: Option<&'a dyn TableLike> = match self.item {
            Node::Item(item) => item.as_table_like(),
            Node::Value(value) => value.as_inline_table().map(|t| t as &dyn TableLike),
            Node::Table(table) => Some(table),
        };
        let table = table.ok_or_else(|| self.expected("a table"))?;
        let (document, path, span) = (self.document, self.path.clone(), self.span.clone());
        Ok(Section { document, path, span, table, known: Vec::new() })
    }

    /// The elements of a list, whose paths use their names where they have one.
    pub(crate) fn list(&self) -> Outcome<Vec<Field<'a>>> {
        let nodes: Vec<(Node<'a>, Option<Range<usize>>)> = match (self.item, self.value()) {
            (Node::Item(Item::ArrayOfTables(list)), _) => list.iter().map(|t| (Node::Table(t), t.span())).collect(),
            (_, Some(Value::Array(list))) => list.iter().map(|v| (Node::Value(v), v.span())).collect(),
            _ => return Err(self.expected("a list")),
        };
        let element = |(place, (item, span)): (usize, (Node<'a>, Option<Range<usize>>))| {
            let name = item.name().map_or_else(|| place.to_string(), str::to_owned);
            Field { document: self.document, path: format!("{}.{name}", self.path), span, item }
        };
        Ok(nodes.into_iter().enumerate().map(element).collect())
    }

    /// Whether this is a table, as opposed to a word.
    pub(crate) fn is_table(&self) -> bool {
        self.section().is_ok()
    }
}

impl<'a> Node<'a> {
    fn name(self) -> Option<&'a str> {
        let table: &dyn TableLike = match self {
            Self::Table(table) => table,
            Self::Value(value) => value.as_inline_table()?,
            Self::Item(item) => item.as_table_like()?,
        };
        table.get("name")?.as_str()
    }
}
