//! Runs scenarios and prints how each came out, a line each: for tuning the library.
//!
//! `cargo run --release -p downdraft-lab --example outcome -- flash-crash [--set path=value]...`

use core::ops::ControlFlow;
use downdraft_lab::{Prepared, load, run};
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, InstrumentId};
use downdraft_venue::{Command, Event, Internal, Stamp, Venue};
use std::collections::BTreeMap;

#[derive(Default)]
struct Tally {
    forced: bool,
    counts: BTreeMap<&'static str, u64>,
    money: BTreeMap<&'static str, i128>,
    prices: Option<(i64, i64, i64)>,
    refusals: BTreeMap<String, u64>,
}

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn add(&mut self, what: &'static str, amount: i128) {
        *self.money.entry(what).or_default() += amount;
    }
}

impl Observer for Tally {
    fn command(&mut self, _: &Stamp, command: &Command) {
        self.count("commands");
        self.forced = matches!(command, Command::Internal(Internal::Liquidate { .. } | Internal::UnwindFund { .. }));
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.count("events");
        match *event {
            Event::Trade { forced, .. } => self.count(if forced { "forced fills" } else { "fills" }),
            Event::LiquidationTriggered { .. } => {
                self.count("liquidations");
                if self.forced {
                    self.count("with a liquidation parent");
                }
            }
            Event::MarkMoved { instrument: InstrumentId(0), mark, .. } => {
                let (low, high, _) = self.prices.unwrap_or((mark.0, mark.0, mark.0));
                self.prices = Some((low.min(mark.0), high.max(mark.0), mark.0));
            }
            Event::Deleveraged { conceded, .. } => {
                self.count("deleveraged");
                self.add("conceded", conceded.0);
            }
            Event::FundSettled { amount, .. } if amount.is_negative() => self.add("drawn", -amount.0),
            Event::FundSettled { amount, .. } => self.add("contributed", amount.0),
            Event::Deficit { amount, .. } => self.add("deficit", amount.0),
            Event::Socialised { amount, .. } => self.add("socialised", amount.0),
            Event::Uncovered { amount, .. } => self.add("uncovered", amount.0),
            Event::Halted { .. } => self.count("halts"),
            Event::Rejected { reason } => {
                self.count("rejected");
                *self.refusals.entry(format!("{reason:?}")).or_default() += 1;
            }
            _ => {}
        }
    }

    fn done(&mut self, _: &Venue) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut names, mut sets) = (Vec::new(), Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--set" => sets.extend(arguments.next()),
            _ => names.push(argument),
        }
    }
    for name in names {
        let prepared = Prepared::new(load(&name, &sets)?, None);
        let mut tally = Tally::default();
        let finished = run(&prepared, &mut tally, |_, _| ControlFlow::Continue(()))?;
        println!("{name} {:016x}", finished.state_hash);
        println!("  {:?}\n  {:?}\n  {:?} marks {:?}", tally.counts, tally.money, tally.refusals, tally.prices);
        for (actor, counters) in finished.world.counters() {
            println!("  {actor}: {counters:?}");
        }
    }
    Ok(())
}
