//! `[feed]`: recorded order flow, from a file of the user's.

use super::actors::{Actor, ActorKind, Scope, deposit};
use crate::decimal::Decimal;
use crate::read::{Field, Outcome, Section};
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader, PairReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{FeedError, Input, Record, Steps, lobster, mbo};
use downdraft_sim::actors::{Anchor, Recorded, RecordedConfig, Replay, Seeded, Tape};
use downdraft_sim::latency::Latencies;
use downdraft_types::{AccountId, Span};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Accounts of recorded flow: bids, asks, takers.
const ACCOUNTS: u32 = 3;

/// A recording and how it is replayed.
#[derive(Clone, PartialEq, Debug)]
pub struct Recording {
    path: PathBuf,
    format: Format,
    /// The tick and the lot in the recording's units.
    steps: (i64, u64),
    config: RecordedConfig,
}

/// A recording's format, with what belongs to it alone.
#[derive(Clone, PartialEq, Debug)]
enum Format {
    /// LOBSTER messages, and perhaps their order book file.
    Lobster { book: Option<PathBuf>, rows: Rows },
    /// CME market-by-order, of one of its instruments.
    Dbn { instrument: Option<u32> },
}

/// What is taken from an order book file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rows {
    /// The first row: what rested before the recording.
    First,
    /// Every row: levels that come into its range are set from it.
    All,
}

/// Reads `[feed]`. Its actor's name is `feed`.
pub(super) fn read(field: &Field<'_>, scope: &mut Scope<'_>) -> Outcome<Actor> {
    let mut s = field.section()?;
    let path = s.required("path", "the path of a recording (--set feed.path=FILE)", |f| scope.files.path(f))?;
    let formats = [("lobster", true), ("dbn", false)];
    let is_lobster = s.required("format", "lobster or dbn", |f| f.choice(&formats))?;
    let (instrument, terms) = scope.instrument(&mut s)?;
    let (currency, margin) = deposit(&mut s, terms)?;
    let modes = [("reactive", Replay::Reactive), ("reconstruct", Replay::Reconstruct)];
    let replay = s.or("mode", Replay::Reactive, |f| f.choice(&modes))?;
    let anchors = [("absolute", Anchor::Absolute), ("relative", Anchor::Relative)];
    let anchor = s.or("anchor", Anchor::Absolute, |f| f.choice(&anchors))?;
    let start = s.or("start", Span::ZERO, Field::span)?;
    let await_opening = s.or("await_opening", !is_lobster, Field::boolean)?;
    let format = if is_lobster { lobster_format(&mut s, scope, replay)? } else { dbn_format(&mut s)? };
    let decimals = if is_lobster { lobster::PRICE_DECIMALS } else { mbo::PRICE_DECIMALS };
    let steps = steps(field, terms.units.tick, terms.units.lot, decimals)?;
    s.finish()?;
    let first = scope.accounts(field, u64::from(ACCOUNTS))?;
    let accounts = [first, AccountId(first.0 + 1), AccountId(first.0 + 2)];
    let config = RecordedConfig { instrument, currency, accounts, margin, replay, anchor, start, await_opening };
    let recording = Recording { path, format, steps, config };
    // Opening it now finds a broken header where the scenario is checked, not where it runs.
    recording.tape().map_err(|reason| field.invalid(reason))?;
    let kind = ActorKind::Recorded(Box::new(recording));
    Ok(Actor { name: "feed".to_owned(), latencies: Latencies::default(), accounts: (first, ACCOUNTS), kind })
}

fn lobster_format(s: &mut Section<'_>, scope: &Scope<'_>, replay: Replay) -> Outcome<Format> {
    let book = s.optional("book", |f| scope.files.path(f))?;
    let usual = if replay == Replay::Reconstruct { Rows::All } else { Rows::First };
    let rows = s.or("rows", usual, |f| f.choice(&[("first", Rows::First), ("all", Rows::All)]))?;
    Ok(Format::Lobster { book, rows })
}

fn dbn_format(s: &mut Section<'_>) -> Outcome<Format> {
    let instrument = s.optional("instrument_id", |f| f.integer(0, u64::from(u32::MAX)).map(|n| n as u32))?;
    Ok(Format::Dbn { instrument })
}

/// The instrument's tick and lot in the recording's units: prices × 10^`decimals`, whole sizes.
fn steps(field: &Field<'_>, tick: Decimal, lot: Decimal, decimals: u32) -> Outcome<(i64, u64)> {
    let unit = Decimal::new(1, decimals);
    let ticks = tick.count(unit).ok().and_then(|n| i64::try_from(n).ok());
    let lots = lot.count(Decimal::ONE).ok().and_then(|n| u64::try_from(n).ok());
    let wrong = |what: &str, found: Decimal, expected: String| field.refuse(format!("a {what} of {found}"), expected);
    let tick = ticks.ok_or_else(|| wrong("tick", tick, format!("a multiple of the recording's {unit}")))?;
    let lot = lots.ok_or_else(|| wrong("lot", lot, "a whole number of shares or contracts".to_owned()))?;
    Ok((tick, lot))
}

impl Recording {
    /// The actor.
    pub(super) fn build(&self) -> Result<Recorded, String> {
        let tape = Reopening { recording: self.clone(), tape: self.tape()?, read: 0 };
        Ok(Recorded::new(self.config.clone(), &self.path.display().to_string(), Box::new(tape)))
    }

    fn tape(&self) -> Result<Box<dyn Tape>, String> {
        let steps = Steps::new(self.steps.0, self.steps.1).map_err(|e| e.to_string())?;
        let named = |path: &Path, error: String| format!("{}: {error}", path.display());
        let input = open(&self.path)?;
        Ok(match &self.format {
            Format::Lobster { book: None, .. } => Box::new(MessageReader::new(input, steps)),
            Format::Lobster { book: Some(book), rows: Rows::All } => {
                let levels = LevelReader::new(open(book)?, steps);
                Box::new(PairReader::new(MessageReader::new(input, steps), levels))
            }
            Format::Lobster { book: Some(book), rows: Rows::First } => {
                let mut first_row = LevelRow::default();
                let mut levels = LevelReader::new(open(book)?, steps);
                levels.read_into(&mut first_row).map_err(|e| named(book, e.to_string()))?;
                Box::new(Seeded { messages: MessageReader::new(input, steps), first_row })
            }
            Format::Dbn { instrument } => {
                Box::new(MboReader::new(input, steps, *instrument).map_err(|e| named(&self.path, e.to_string()))?)
            }
        })
    }
}

/// A recording in files: a saved one is opened anew, and read up to the same record.
struct Reopening {
    recording: Recording,
    tape: Box<dyn Tape>,
    read: u64,
}

impl Tape for Reopening {
    fn read(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        let record = self.tape.read(row)?;
        self.read += u64::from(record.is_some());
        Ok(record)
    }

    fn has_rows(&self) -> bool {
        self.tape.has_rows()
    }

    fn save(&self) -> Option<Box<dyn Tape>> {
        let (mut tape, mut row) = (self.recording.tape().ok()?, LevelRow::default());
        for _ in 0..self.read {
            tape.read(&mut row).ok()??;
        }
        Some(Box::new(Self { recording: self.recording.clone(), tape, read: self.read }))
    }
}

fn open(path: &Path) -> Result<Input<File>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Input::new(file).map_err(|error| format!("{}: {error}", path.display()))
}
