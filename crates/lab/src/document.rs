//! A scenario's text, and the changes that `--set path=value` makes to it before it is read.

use crate::error::{Place, SET, ScenarioError, suggest};
use crate::venues;
use std::ops::Range;
use toml_edit::{Document as Parsed, DocumentMut, Item, TableLike, Value};

/// A scenario as TOML, with the changes asked for already in its text.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    text: String,
    parsed: Parsed<String>,
    /// What was set: the path as fields are named in errors, and the argument.
    sets: Vec<(String, String)>,
    /// Of each, the first part of the path that was not there before: what stands there is the argument's.
    added: Vec<Option<String>>,
    /// The line of the file that each line of the text comes from, where a venue's preset has been put into it.
    origins: Vec<usize>,
}

impl Document {
    /// Reads `text`, which errors call `name`, and applies each of `sets`, a `path=value`, in order.
    ///
    /// A path's segments are separated by points; an element of a list is named by its place or by its `name`. A
    /// value is TOML; what is not, and a number with a fraction, is taken as a string.
    ///
    /// # Errors
    /// Where the text is not TOML, or a path leads nowhere.
    pub fn read(name: &str, text: &str, sets: &[String]) -> Result<Self, ScenarioError> {
        let (name, text) = (name.to_owned(), text.to_owned());
        let mut document =
            Self { parsed: parse(&name, &text)?, name, text, sets: Vec::new(), added: Vec::new(), origins: Vec::new() };
        // A venue that is set comes first, so that the others change what it says.
        let names_venue = |set: &&String| set.split_once('=').is_some_and(|(path, _)| path.trim() == "venue");
        let (venues, others): (Vec<&String>, Vec<&String>) = sets.iter().partition(names_venue);
        document.set_all(&venues)?;
        if document.root().contains_key("venue") {
            document.go_to_its_venue(!venues.is_empty())?;
        }
        document.set_all(&others)?;
        Ok(document)
    }

    fn set_all(&mut self, arguments: &[&String]) -> Result<(), ScenarioError> {
        if arguments.is_empty() {
            return Ok(());
        }
        let mut edited = self.parsed.clone().into_mut();
        for argument in arguments {
            let Target { path, added } = set(&mut edited, argument)?;
            self.sets.push((path, (*argument).clone()));
            self.added.push(added);
        }
        self.text = edited.to_string();
        self.parsed = parse(&self.name, &self.text)?;
        Ok(())
    }

    /// Puts the preset of the venue that it names in place of the name. Where both say something, the preset `wins`, or
    /// the scenario.
    fn go_to_its_venue(&mut self, wins: bool) -> Result<(), ScenarioError> {
        let span = self.root().get("venue").and_then(Item::span);
        let line = line_of(&self.text, span.as_ref().map_or(0, |span| span.start));
        let place = self.place("venue", span);
        let mut edited = self.parsed.clone().into_mut();
        let named = edited.remove("venue").unwrap_or_default();
        venues::named(&named).and_then(|preset| venues::fill(&mut edited, preset, wins)).map_err(|reason| {
            let field = "venue".to_owned();
            ScenarioError::Model { place, field, reason }
        })?;
        let text = edited.to_string();
        self.origins = origins(&self.text, &text, line);
        self.parsed = parse(&self.name, &text)?;
        self.text = text;
        Ok(())
    }

    /// The text, changes included: reading it again gives the same scenario.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of the file, or of the built-in scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was set: each path as errors name the field, and the argument.
    #[must_use]
    pub fn sets(&self) -> &[(String, String)] {
        &self.sets
    }

    pub(crate) fn root(&self) -> &dyn TableLike {
        self.parsed.as_table()
    }

    /// Where a field stands: in the argument that set it, else in the file.
    pub(crate) fn place(&self, field: &str, span: Option<Range<usize>>) -> Place {
        let within = |path: &str| field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let sets = self.sets.iter().zip(&self.added).rev();
        match sets.into_iter().find(|((path, _), added)| within(added.as_ref().unwrap_or(path))) {
            Some(((_, argument), _)) => Place::Set { option: SET, argument: argument.clone() },
            None => match place(&self.name, &self.text, span.map_or(0, |s| s.start)) {
                Place::File { name, line, column } => {
                    Place::File { name, line: self.origins.get(line - 1).copied().unwrap_or(line), column }
                }
                place => place,
            },
        }
    }
}

fn parse(name: &str, text: &str) -> Result<Parsed<String>, ScenarioError> {
    Parsed::parse(text.to_owned()).map_err(|error| ScenarioError::Syntax {
        place: place(name, text, error.span().map_or(0, |s| s.start)),
        reason: error.message().replace('\n', "; "),
    })
}

fn place(name: &str, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    Place::File { name: name.to_owned(), line: line_of(text, offset), column: before[line_start..].chars().count() + 1 }
}

/// The line at an offset, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

/// The line of `before` that each line of `after` comes from, if some were taken out and others put in: those come from
/// `line`.
fn origins(before: &str, after: &str, line: usize) -> Vec<usize> {
    /// More lines than any one value has.
    const REACH: usize = 40;
    let before: Vec<&str> = before.lines().collect();
    let mut at = 0;
    let origin = |text: &str| match before[at..].iter().take(REACH).position(|kept| *kept == text) {
        Some(skipped) => {
            at += skipped + 1;
            at
        }
        None => line,
    };
    after.lines().map(origin).collect()
}

/// Where a `path=value` led.
struct Target {
    /// The path, as errors name the field.
    path: String,
    /// The first part of it that was not there.
    added: Option<String>,
}

/// Applies one `path=value`.
fn set(document: &mut DocumentMut, argument: &str) -> Result<Target, ScenarioError> {
    let refuse = |reason: String| ScenarioError::Set { option: SET, argument: argument.to_owned(), reason };
    let (path, value) = argument.split_once('=').ok_or_else(|| refuse("found no '=', expected path=value".into()))?;
    let segments: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    if segments.iter().any(|s| s.is_empty()) {
        return Err(refuse(format!("found path {path:?}, expected names and places separated by points")));
    }
    let Some((last, leading)) = segments.split_last() else {
        return Err(refuse("found no path, expected path=value".into()));
    };
    let mut field = Vec::new();
    let mut added = None;
    let mut item = document.as_item_mut();
    for segment in leading {
        item = step(item, segment, &mut field).map_err(&refuse)?;
        added = added.or_else(|| item.is_none().then(|| field.join(".")));
    }
    let is_list_of_tables = matches!(item, Item::ArrayOfTables(_));
    let target = step(item, last, &mut field).map_err(&refuse)?;
    if matches!(target, Item::ArrayOfTables(_)) {
        return Err(refuse(format!("{path} is a list of tables, expected the path of a value in one of them")));
    }
    if is_list_of_tables {
        return Err(refuse(format!("{path} is a table, expected the path of a value in it, {path}.FIELD")));
    }
    let mut value = literal(value.trim());
    if let Some(old) = target.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *target = Item::Value(value);
    Ok(Target { path: field.join("."), added })
}

/// One segment down. A name that a table does not have yet is added: whether it may be there is for the reader of
/// the scenario to say.
fn step<'a>(item: &'a mut Item, segment: &str, field: &mut Vec<String>) -> Result<&'a mut Item, String> {
    let at = field.join(".");
    let named = |item: &Item| item.as_table_like().and_then(|t| t.get("name")?.as_str().map(str::to_owned));
    let length = match item {
        Item::ArrayOfTables(list) => list.len(),
        Item::Value(Value::Array(list)) => list.len(),
        Item::Value(value) if !value.is_inline_table() => {
            return Err(format!("{at} is a value, expected a table or a list before .{segment}"));
        }
        Item::None | Item::Table(_) | Item::Value(_) => {
            field.push(segment.to_owned());
            return Ok(&mut item[segment]);
        }
    };
    let names: Vec<Option<String>> = (0..length).map(|n| item.get(n).and_then(named)).collect();
    let by_place = || segment.parse().ok().filter(|place| *place < length);
    let place = names.iter().position(|n| n.as_deref() == Some(segment)).or_else(by_place).ok_or_else(|| {
        let known: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
        let names = if known.is_empty() { String::new() } else { format!(", or {}", suggest(segment, &known)) };
        format!("{at} has no element {segment:?}, expected a place from 0 below {length}{names}")
    })?;
    field.push(names[place].clone().unwrap_or_else(|| place.to_string()));
    Ok(&mut item[place])
}

/// The value of an argument.
fn literal(text: &str) -> Value {
    match text.parse::<Value>() {
        // A number with a fraction is exact only as text.
        Ok(Value::Float(_) | Value::Datetime(_)) | Err(_) => Value::from(text),
        Ok(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"x\" # why\ntiers = [{ floor = 0 }, { floor = 5 }]\n[[actors]]\nname = \"crowd\"\ncount = 3\n[fund]\nUSDT = \"1\"\n";

    fn after(sets: &[&str]) -> Result<String, String> {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Document::read("t", TEXT, &sets).map(|d| d.text().to_owned()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_set_changes_its_value_and_nothing_else() {
        for (argument, old, new) in [
            ("actors.crowd.count=4", "count = 3", "count = 4"),
            ("actors.0.count = 4", "count = 3", "count = 4"),
            ("fund.USDT=0.25", "USDT = \"1\"", "USDT = \"0.25\""),
            ("tiers.1.floor=6", "floor = 5", "floor = 6"),
            ("name=flash crash", "\"x\"", "\"flash crash\""),
            ("fund.EUR=1", "USDT = \"1\"\n", "USDT = \"1\"\nEUR = 1\n"),
        ] {
            assert_eq!(after(&[argument]).unwrap(), TEXT.replace(old, new), "{argument}");
        }
    }

    #[test]
    fn a_set_adds_tables_on_its_way() {
        let text = after(&["liquidation.adl.ranking=pro-rata"]).unwrap();
        assert!(text.starts_with(TEXT.split("[[").next().unwrap()), "{text}");
        let document = Document::read("t", &text, &[]).unwrap();
        let ranking = document.root().get("liquidation").unwrap()["adl"]["ranking"].as_str();
        assert_eq!(ranking, Some("pro-rata"));
    }

    #[test]
    fn a_set_that_leads_nowhere_says_what_there_is() {
        let message = |argument| after(&[argument]).unwrap_err();
        assert_eq!(
            message("actors.crwd.count=1"),
            "--set actors.crwd.count=1: actors has no element \"crwd\", expected a place from 0 below 1, or one of crowd (did you mean crowd?)"
        );
        assert_eq!(
            message("tiers.2.floor=1"),
            "--set tiers.2.floor=1: tiers has no element \"2\", expected a place from 0 below 2"
        );
        assert_eq!(message("name.x=1"), "--set name.x=1: name is a value, expected a table or a list before .x");
        assert_eq!(message("name"), "--set name: found no '=', expected path=value");
        assert_eq!(
            message("actors..count=1"),
            "--set actors..count=1: found path \"actors..count\", expected names and places separated by points"
        );
        assert!(message("actors=1").contains("is a list of tables"));
        assert_eq!(
            message("actors.crowd=1"),
            "--set actors.crowd=1: actors.crowd is a table, expected the path of a value in it, actors.crowd.FIELD"
        );
    }

    #[test]
    fn a_venue_is_put_in_its_place() {
        let text = "# About.\nname = \"x\"\nvenue = \"dydx-v4\"\n[[instruments]]\nname = \"BTC\"\ntaker_fee = \"1%\"\n[liquidation]\nmode = \"suppressed\"\n[fund]\nUSDC = 1\n";
        let document = Document::read("t", text, &[]).unwrap();
        let expected =
            "# About.\nname = \"x\"\n[[instruments]]\nname = \"BTC\"\ntaker_fee = \"1%\"\ncontract = \"linear\"\n";
        assert!(document.text().starts_with(expected), "{}", document.text());
        let root = document.root();
        assert_eq!(root.get("liquidation").unwrap()["mode"].as_str(), Some("suppressed"), "its own wins");
        assert_eq!(root.get("liquidation").unwrap()["adl"]["ranking"].as_str(), Some("random-start"));
        let line = |key: &str| {
            let span = root.get(key).and_then(Item::span);
            document.place(key, span).to_string()
        };
        assert_eq!((line("fund"), line("liquidation")), ("t:9:1".to_owned(), "t:7:1".to_owned()));
        let again = Document::read("t", document.text(), &[]).unwrap();
        assert_eq!(again.text(), document.text(), "whole without the preset");
        // A venue that is set wins over the scenario, and other changes over it.
        let sets = ["liquidation.residual=trader", "venue=dydx-v4"].map(str::to_owned);
        let by_set = Document::read("t", &text.replace("dydx-v4", "bitmex"), &sets).unwrap();
        let root = by_set.root();
        assert_eq!(root.get("liquidation").unwrap()["mode"].as_str(), Some("market"));
        assert_eq!(root.get("liquidation").unwrap()["residual"].as_str(), Some("trader"));
        assert_eq!(root.get("instruments").unwrap()[0]["taker_fee"].as_str(), Some("0.05%"));
        let refused = Document::read("t", text, &["venue=bitmex".to_owned()]).unwrap_err().to_string();
        assert_eq!(
            refused,
            "--set venue=bitmex: venue: found bitmex, whose contracts are inverse, expected one with linear contracts, as the scenario's BTC is: sizes mean something else"
        );
    }

    #[test]
    fn a_venue_says_how_positions_are_sold_or_the_scenario_does() {
        let text = "venue = \"hyperliquid\"\n[liquidation]\nmode = \"market\"\n";
        let document = Document::read("t", text, &[]).unwrap();
        let liquidation = document.root().get("liquidation").unwrap();
        assert!(liquidation.get("step").is_none() && liquidation.get("adl").is_some(), "{}", document.text());
    }

    #[test]
    fn an_unknown_venue_is_named() {
        let error = |text: &str, sets: &[String]| Document::read("t", text, sets).unwrap_err().to_string();
        assert_eq!(
            error("name = \"x\"\nvenue = \"bitmx\"\n", &[]),
            "t:2:9: venue: found \"bitmx\", expected one of binance-usdm, bybit-inverse, bitmex, deribit-pm, dydx-v4, hyperliquid, vega (did you mean bitmex?)"
        );
        let set = error("name = \"x\"\n", &["venue=3".to_owned()]);
        assert!(set.starts_with("--set venue=3: venue: found integer, expected one of binance-usdm"), "{set}");
    }

    #[test]
    fn broken_text_is_located() {
        let error = Document::read("broken.toml", "a = 1\nb = = 2\n", &[]).unwrap_err().to_string();
        assert!(error.starts_with("broken.toml:2:5: "), "{error}");
    }
}
