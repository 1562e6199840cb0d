//! `inspect`: the records of a journal as text.

use crate::args;
use crate::output::Failure;
use crate::progress::Progress;
use crate::record;
use crate::replay::open;
use downdraft_insight::names::{COMMAND_KINDS, EVENT_KINDS, command_kind, event_kind};
use downdraft_journal::{Body, End};
use downdraft_lab::fork::journal_path;
use downdraft_types::Time;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

/// Prints a journal's records.
pub fn inspect(options: &args::Inspect) -> Result<ExitCode, Failure> {
    if let Some(cascade) = &options.cascade {
        return crate::cascade::cascade(options, cascade);
    }
    if let Some(unknown) = options.kind.iter().find(|kind| !is_known(kind)) {
        return Err(Failure::Usage(format!(
            "--kind: found {unknown:?}, expected a command ({}) or an event ({})",
            COMMAND_KINDS.join(", "),
            EVENT_KINDS.join(", ")
        )));
    }
    let (from, to) = (options.from.unwrap_or(Time::ZERO), options.to.unwrap_or(Time::MAX));
    if from > to {
        return Err(Failure::Usage(format!("--from {from} is after --to {to}, expected the earlier time first")));
    }
    let journal = journal_path(&options.journal);
    let (mut reader, length) = open(&journal)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut left = options.limit.unwrap_or(u64::MAX);
    // On one terminal a bar would stand between the lines.
    let progress = Progress::new(length, options.quiet || io::stdout().is_terminal());
    let (mut entries, mut block) = (reader.entries(from..=to), None);
    while left > 0 {
        let Some(entry) = entries.next() else { break };
        let entry = entry.map_err(|error| Failure::file("read", &journal, &error))?;
        if block.replace(entry.block) != Some(entry.block) {
            progress.at(entries.totals(), entry.stamp.time);
        }
        let kind = match &entry.body {
            Body::Command(command) => command_kind(command),
            Body::Event(_, emitted) => event_kind(&emitted.event),
        };
        if options.kind.is_empty() || options.kind.iter().any(|wanted| wanted == kind) {
            record::write(&mut out, &entry, kind)?;
            left -= 1;
        }
    }
    out.flush()?;
    drop(progress);
    match reader.end() {
        None | Some(End::Complete(_)) => Ok(ExitCode::SUCCESS),
        Some(end) => Err(Failure::Damaged(format!("{}: {end}", journal.display()))),
    }
}

fn is_known(kind: &str) -> bool {
    COMMAND_KINDS.contains(&kind) || EVENT_KINDS.contains(&kind)
}

/// Reads a time: `5`, `0.25`, `250ms`, `2m`.
pub fn parse_time(text: &str) -> Result<Time, String> {
    let expected = || "expected seconds, or a number with one of the units ns, us, ms, s, m, h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let nanoseconds: u64 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" | "" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(expected()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if part.is_empty() || part.len() > 18 {
        return Err(expected());
    }
    let whole: u128 = whole.parse().map_err(|_| expected())?;
    let numerator: u128 = part.parse().map_err(|_| expected())?;
    let denominator = 10_u128.pow(part.len() as u32);
    let total = whole.checked_mul(denominator).and_then(|n| n.checked_add(numerator));
    let total = total.and_then(|n| n.checked_mul(u128::from(nanoseconds))).map(|n| n / denominator);
    total.and_then(|n| u64::try_from(n).ok()).map(Time).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, nanoseconds) in [
            ("5", 5_000_000_000),
            ("0.25", 250_000_000),
            ("250ms", 250_000_000),
            ("1.5us", 1_500),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("7ns", 7),
        ] {
            assert_eq!(parse_time(text), Ok(Time(nanoseconds)), "{text}");
        }
        for text in ["", "s", "-1", "1x", "1.", ".5.5", "1 s", "99999999999h"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
