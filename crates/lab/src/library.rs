//! The scenarios that come with the program, and finding a scenario by name or file.

use crate::document::Document;
use crate::error::{ScenarioError, suggest};
use crate::scenario::{Files, Scenario};
use std::path::{Path, PathBuf};

/// The scenario that runs where none is named.
pub const DEFAULT: &str = "flash-crash";

/// A built-in scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its TOML.
    pub text: &'static str,
}

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        &[$(Builtin { name: $name, text: include_str!(concat!("../../../scenarios/", $name, ".toml")) }),*]
    };
}

const LIBRARY: &[Builtin] = builtin![
    "flash-crash",
    "thin-book",
    "deep-book",
    "exogenous-mark",
    "suppressed",
    "frozen-mark",
    "fund-exhausted",
    "adl-exhausted",
    "halted",
    "coin-margined",
    "collateral-loop",
    "volatility-jump",
    "procyclical-margin",
    "recorded-equity",
    "recorded-futures",
    "my-venue",
];

const FILES: Files = Files::Embedded(&[
    ("my-venue/positions.csv", include_str!("../../../scenarios/my-venue/positions.csv")),
    ("my-venue/book.csv", include_str!("../../../scenarios/my-venue/book.csv")),
    ("volatility-jump/positions.csv", include_str!("../../../scenarios/volatility-jump/positions.csv")),
]);

/// All built-in scenarios, the default first.
#[must_use]
pub const fn library() -> &'static [Builtin] {
    LIBRARY
}

/// The text of a built-in scenario, to start from, or of a venue's preset.
///
/// # Errors
/// Where there is none of that name.
pub fn show(name: &str) -> Result<&'static str, ScenarioError> {
    let found = LIBRARY.iter().find(|entry| entry.name == name).map(|entry| entry.text);
    let preset = || crate::venues().iter().find(|preset| preset.name == name).map(|preset| preset.text);
    found.or_else(preset).ok_or_else(|| ScenarioError::Unknown(unknown(name)))
}

/// Reads a scenario: a built-in one by name, else a TOML file, with each of `sets` (`path=value`) applied.
///
/// # Errors
/// Where there is no such scenario, or the first thing that is wrong with it.
pub fn load(source: &str, sets: &[String]) -> Result<Scenario, ScenarioError> {
    Text::open(source)?.read(sets)
}

/// A scenario's text, and where the files are that it names: what can be read again with other changes.
#[derive(Clone, Debug)]
pub struct Text {
    /// What errors call it.
    pub name: String,
    /// Its TOML.
    pub text: String,
    /// Where the files are that it names.
    pub files: Files,
}

impl Text {
    /// Finds a scenario: a built-in one by name, else a TOML file.
    ///
    /// # Errors
    /// Where there is no such scenario, or its file cannot be read.
    pub fn open(source: &str) -> Result<Self, ScenarioError> {
        open(source)
    }

    /// The text out of a journal, whose files are in `files`, or else those of the library and those named relative
    /// to the working directory.
    #[must_use]
    pub fn of_journal(text: String, files: Option<PathBuf>) -> Self {
        let files = files.map_or(FILES, Files::Directory);
        Self { name: "the journal's scenario".to_owned(), text, files }
    }

    /// The scenario, with each of `sets` (`path=value`) applied.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(&self, sets: &[String]) -> Result<Scenario, ScenarioError> {
        Scenario::read(&self.document(sets)?, &self.files)
    }

    /// The text as a document, with each of `sets` applied.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn document(&self, sets: &[String]) -> Result<Document, ScenarioError> {
        Document::read(&self.name, &self.text, sets)
    }
}

fn open(source: &str) -> Result<Text, ScenarioError> {
    if let Some(entry) = LIBRARY.iter().find(|entry| entry.name == source) {
        return Ok(entry.text());
    }
    let path = Path::new(source);
    if !path.exists() {
        return Err(ScenarioError::Unknown(format!("{}, or the path of a TOML file", unknown(source))));
    }
    let file = |reason: std::io::Error| ScenarioError::File { path: source.to_owned(), reason: reason.to_string() };
    let text = std::fs::read_to_string(path).map_err(file)?;
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Text { name: source.to_owned(), text, files: Files::Directory(directory) })
}

/// Reads a scenario from its text, as a journal's header holds it. Files that it names are looked for in the library,
/// then in the working directory.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_text(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::read(&Document::read(name, text, &[])?, &FILES)
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = LIBRARY.iter().map(|entry| entry.name).collect();
    format!("no scenario {name:?}, expected {}", suggest(name, &names))
}

impl Builtin {
    /// Reads it, with each of `sets` applied.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(&self, sets: &[String]) -> Result<Scenario, ScenarioError> {
        self.text().read(sets)
    }

    fn text(&self) -> Text {
        Text { name: format!("{}.toml", self.name), text: self.text.to_owned(), files: FILES }
    }

    /// What it shows, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let document = Document::read(self.name, self.text, &[]);
        let stated = document.as_ref().ok().and_then(|document| document.root().get("summary")?.as_str());
        stated.unwrap_or_default().to_owned()
    }

    /// Whether it replays a recording, which `feed.path` must name.
    #[must_use]
    pub fn needs_recording(&self) -> bool {
        Document::read(self.name, self.text, &[]).is_ok_and(|document| document.root().contains_key("feed"))
    }
}
