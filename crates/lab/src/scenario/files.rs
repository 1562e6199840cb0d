//! Files that a scenario names, relative to its own, and tables in CSV.

use crate::decimal::Decimal;
use crate::error::{ScenarioError, suggest};
use crate::read::{Field, Outcome};
use std::path::PathBuf;

/// Where the files are that a scenario names.
#[derive(Clone, Debug)]
pub enum Files {
    /// Beside the scenario's file, else in the working directory.
    Directory(PathBuf),
    /// In the library: path and content.
    Embedded(&'static [(&'static str, &'static str)]),
}

impl Files {
    /// The path of a file on disk that a field names.
    pub(crate) fn path(&self, field: &Field<'_>) -> Outcome<PathBuf> {
        let name = field.string()?;
        let beside = match self {
            Self::Directory(directory) => directory.join(name),
            Self::Embedded(_) => PathBuf::from(name),
        };
        // A path given on the command line is relative to where that is.
        let found = [beside, PathBuf::from(name)].into_iter().find(|path| path.is_file());
        found.ok_or_else(|| field.expected("the path of a file"))
    }

    /// The CSV table that a field names.
    pub(crate) fn table(&self, field: &Field<'_>) -> Outcome<Table> {
        let name = field.string()?;
        if let Self::Embedded(files) = self
            && let Some((_, content)) = files.iter().find(|(path, _)| *path == name)
        {
            return Table::new(name.to_owned(), (*content).to_owned());
        }
        let path = self.path(field)?;
        let shown = path.display().to_string();
        let file = |reason: std::io::Error| ScenarioError::File { path: shown.clone(), reason: reason.to_string() };
        let content = std::fs::read_to_string(&path).map_err(file)?;
        Table::new(shown, content)
    }
}

/// A table in CSV with a header.
pub(crate) struct Table {
    file: String,
    header: Vec<String>,
    rows: csv::StringRecordsIntoIter<std::io::Cursor<String>>,
}

/// A row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    file: &'a str,
    line: u64,
    header: &'a [String],
    record: csv::StringRecord,
}

impl Table {
    fn new(file: String, content: String) -> Outcome<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(std::io::Cursor::new(content));
        let header = reader.headers().map_err(|e| malformed(&file, &e))?;
        let header = header.iter().map(str::to_owned).collect();
        Ok(Self { file, header, rows: reader.into_records() })
    }

    pub(crate) fn next_row(&mut self) -> Outcome<Option<Row<'_>>> {
        match self.rows.next() {
            None => Ok(None),
            Some(Err(error)) => Err(malformed(&self.file, &error)),
            Some(Ok(record)) => {
                let line = record.position().map_or(0, csv::Position::line);
                Ok(Some(Row { file: &self.file, line, header: &self.header, record }))
            }
        }
    }

    /// The table must have these columns and no others.
    pub(crate) fn columns(&self, required: &[&str], optional: &[&str]) -> Outcome<()> {
        let known: Vec<&str> = required.iter().chain(optional).copied().collect();
        let refuse = |column: &str, found: &str, expected: String| ScenarioError::Row {
            file: self.file.clone(),
            line: 1,
            column: column.to_owned(),
            found: found.to_owned(),
            expected,
        };
        if let Some(column) = self.header.iter().find(|c| !known.contains(&c.as_str())) {
            return Err(refuse(column, "an unknown column", suggest(column, &known)));
        }
        match required.iter().find(|c| !self.header.iter().any(|h| h == *c)) {
            Some(missing) => Err(refuse(missing, "no such column", format!("the columns {}", required.join(", ")))),
            None => Ok(()),
        }
    }
}

fn malformed(file: &str, error: &csv::Error) -> ScenarioError {
    ScenarioError::Row {
        file: file.to_owned(),
        line: error.position().map_or(1, csv::Position::line),
        column: "row".to_owned(),
        found: error.to_string(),
        expected: "a row of CSV with as many fields as the header".to_owned(),
    }
}

impl<'a> Row<'a> {
    /// The text of a column, if the column is there and not empty.
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        let place = self.header.iter().position(|name| name == column)?;
        self.record.get(place).filter(|text| !text.is_empty())
    }

    pub(crate) fn text(&self, column: &str) -> Outcome<&str> {
        self.get(column).ok_or_else(|| self.expected(column, "a value"))
    }

    pub(crate) fn decimal(&self, column: &str) -> Outcome<Decimal> {
        let text = self.text(column)?;
        Decimal::parse(text).map_err(|_| self.expected(column, "a decimal"))
    }

    /// A decimal as a number of `unit`.
    pub(crate) fn units(&self, column: &str, unit: Decimal, what: &str) -> Outcome<i128> {
        let count = self.decimal(column)?.count(unit);
        count.map_err(|_| self.expected(column, format!("a whole number of {what}s of {unit}")))
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&self, column: &str, words: &[(&str, T)]) -> Outcome<T> {
        let text = self.text(column)?;
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| self.expected(column, suggest(text, &names)))
    }

    pub(crate) fn expected(&self, column: &str, expected: impl Into<String>) -> ScenarioError {
        let found = self.get(column).map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"));
        ScenarioError::Row {
            file: self.file.to_owned(),
            line: self.line,
            column: column.to_owned(),
            found,
            expected: expected.into(),
        }
    }
}
