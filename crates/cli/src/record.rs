//! A record of a journal as a line: time, place, kind, fields, and what led to it.

use downdraft_insight::fields;
use downdraft_journal::{Body, Entry};
use downdraft_venue::Origin;
use std::io::{self, Write};

/// Writes a record as a line.
pub fn write(out: &mut impl Write, entry: &Entry, kind: &str) -> io::Result<()> {
    let stamp = &entry.stamp;
    let (seconds, nanoseconds) = (stamp.time.0 / 1_000_000_000, stamp.time.0 % 1_000_000_000);
    write!(out, "{seconds}.{nanoseconds:09} ")?;
    match &entry.body {
        Body::Command(command) => {
            write!(out, "{:<12} {kind:<22} {}", stamp.seq.to_string(), fields(command))?;
            match stamp.origin {
                Origin::Outside => write!(out, " by=outside")?,
                Origin::Actor(number) => write!(out, " by=actor-{number}")?,
                Origin::Internal => write!(out, " by=venue")?,
            }
            if let Some(cause) = stamp.cause {
                write!(out, " because={cause}")?;
            }
        }
        Body::Event(id, emitted) => {
            write!(out, "{:<12}   {kind:<20} {}", id.to_string(), fields(&emitted.event))?;
            if let Some(parent) = emitted.parent {
                write!(out, " because={}.{parent}", id.seq)?;
            }
        }
    }
    writeln!(out)
}
