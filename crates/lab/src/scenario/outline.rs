//! A scenario's outline: what its text says by itself, without the files that it names. Enough to print in human
//! units what a journal holds.

use super::{Currencies, Instrument, instruments};
use crate::document::Document;
use crate::error::ScenarioError;
use crate::read::{Field, Outcome, Section};
use downdraft_types::Span;

/// What a scenario's text says without other files.
#[derive(Clone, PartialEq, Debug)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// What it shows, in a line.
    pub summary: String,
    /// How long a run lasts.
    pub duration: Span,
    /// The currencies; a currency's number is its place.
    pub currencies: Currencies,
    /// The instruments; an instrument's number is its place.
    pub instruments: Vec<Instrument>,
    /// Names of the actors, by number.
    pub actors: Vec<String>,
}

impl Outline {
    /// Reads the outline of a scenario's text, as a journal's header has it.
    ///
    /// # Errors
    /// Where the text is no scenario of this version.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let document = Document::read("the journal's scenario", text, &[])?;
        let mut s = Section::root(&document);
        let currencies = s.required("currencies", "a table of currencies", Currencies::read)?;
        let feed = s.optional("feed", |_| Ok("feed".to_owned()))?;
        let named = s.or("actors", Vec::new(), |f| f.list()?.iter().map(name).collect())?;
        Ok(Self {
            name: s.required("name", "the scenario's name", Field::owned)?,
            summary: s.or("summary", String::new(), Field::owned)?,
            duration: s.required("duration", "how long a run lasts", Field::positive_span)?,
            instruments: s.required("instruments", "a list of instruments", |f| instruments(f, &currencies))?,
            currencies,
            actors: feed.into_iter().chain(named).collect(),
        })
    }
}

fn name(field: &Field<'_>) -> Outcome<String> {
    field.section()?.required("name", "the actor's name", Field::owned)
}
