//! `inspect --cascade`: a cascade of a journal as a tree.

use crate::args;
use crate::output::{Failure, print};
use crate::progress::Progress;
use crate::replay::open;
use downdraft_insight::genealogy::{Ancestry, DEFAULT_REACTION, Forest, draw};
use downdraft_insight::{Analyzer, Units};
use downdraft_journal::{End, Header, codec};
use downdraft_lab::fork::journal_path;
use downdraft_lab::{analysis::units, read_text};
use downdraft_types::Span;
use downdraft_venue::Capacity;
use std::process::ExitCode;

/// Prints the cascade of that number, or the largest.
pub fn cascade(options: &args::Inspect, wanted: &str) -> Result<ExitCode, Failure> {
    let number = match wanted {
        "largest" => None,
        number => Some(number.parse::<u64>().map_err(|_| {
            Failure::Usage(format!("--cascade: found {wanted:?}, expected the number of a liquidation, or largest"))
        })?),
    };
    let ancestry = if options.mediated { Ancestry::Any } else { Ancestry::Direct };
    let journal = journal_path(&options.journal);
    let (mut reader, length) = open(&journal)?;
    let capacity = capacity(reader.header())
        .ok_or_else(|| Failure::Damaged(format!("{}: no venue in the header", journal.display())))?;
    // A journal outlives the recordings its scenario reads, and its units are only for the eye.
    let units =
        read_text("journal", &reader.header().scenario).map_or_else(|_| bare(&capacity), |scenario| units(&scenario));
    let reaction = options.reaction.map_or(DEFAULT_REACTION, |time| Span(time.0));
    let mut analyzer = Analyzer::new(units.clone(), capacity.accounts, ()).with_reaction(reaction);
    let progress = Progress::new(length, options.quiet);
    let end = analyzer.read_journal(&mut reader, |totals, time| progress.at(totals, time));
    drop(progress);
    let end = end.map_err(|error| Failure::file("read", &journal, &error))?;
    print(&tree(&analyzer.forest(), number, ancestry, &units)?)?;
    match end {
        End::Complete(_) => Ok(ExitCode::SUCCESS),
        end => Err(Failure::Damaged(format!("{}: {end}", journal.display()))),
    }
}

/// The text of the tree that a liquidation is in.
fn tree(forest: &Forest, number: Option<u64>, ancestry: Ancestry, units: &Units) -> Result<String, Failure> {
    if forest.is_empty() {
        return Ok("nobody was liquidated\n".to_owned());
    }
    let root = match number {
        None => forest.largest(ancestry),
        Some(number) => forest.root_of(number, ancestry),
    };
    let found = || format!("--cascade: found {}, expected 1 to {}", number.unwrap_or_default(), forest.len());
    let root = root.ok_or_else(|| Failure::Usage(found()))?;
    let mut text = String::new();
    draw(&mut text, forest, root, ancestry, units).map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(text)
}

/// The capacities of the venue that a journal is of.
fn capacity(header: &Header) -> Option<Capacity> {
    header.machines.first().and_then(|machine| codec::decode_owned(&machine.genesis).ok())
}

fn bare(capacity: &Capacity) -> Units {
    Units::bare(capacity.currencies, &vec![1; usize::from(capacity.instruments)])
}
