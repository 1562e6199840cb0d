//! Prints how the branching ratio of `thin-book` falls as its book gets deeper, and the depth at which no liquidation
//! has a liquidation parent any more: the depth of `deep-book`.
//!
//! `cargo run --release -p downdraft-lab --example depth_curve`

use core::ops::ControlFlow;
use downdraft_lab::{Prepared, load, run};
use downdraft_sim::world::Observer;
use downdraft_types::EventId;
use downdraft_venue::{Command, Event, Internal, Stamp, Venue};

/// Counts liquidations. `thin-book` closes whole positions and its mark moves with trades alone, so one has a
/// liquidation parent exactly when it is triggered while a liquidation order is being matched.
#[derive(Default)]
struct Count {
    forced: bool,
    liquidations: u32,
    with_parent: u32,
    low: Option<i64>,
}

impl Observer for Count {
    fn command(&mut self, _: &Stamp, command: &Command) {
        self.forced = matches!(command, Command::Internal(Internal::Liquidate { .. }));
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        match event {
            Event::LiquidationTriggered { .. } => {
                self.liquidations += 1;
                self.with_parent += u32::from(self.forced);
            }
            Event::MarkMoved { mark, .. } => self.low = Some(self.low.map_or(mark.0, |low| low.min(mark.0))),
            _ => {}
        }
    }

    fn done(&mut self, _: &Venue) {}
}

/// Depths tried, in twentieths: 1 to 6.
const TWENTIETHS: core::ops::RangeInclusive<u32> = 20..=120;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("depth  liquidations  with parent  branching ratio  lowest mark");
    let mut cut = None;
    for step in TWENTIETHS {
        let depth = format!("{}.{:02}", step / 20, step % 20 * 5);
        let prepared = Prepared::new(load("thin-book", &[format!("depth={depth}")])?, None);
        let mut count = Count::default();
        run(&prepared, &mut count, |_, _| ControlFlow::Continue(()))?;
        // The smallest depth from which on there is none.
        cut = if count.with_parent > 0 { None } else { cut.or(Some(depth.clone())) };
        if step % 5 == 0 || (60..=72).contains(&step) {
            let ratio = f64::from(count.with_parent) / f64::from(count.liquidations.max(1));
            let units = prepared.scenario.instruments[0].units;
            let low = units.mark_price(downdraft_types::MarkPrice(count.low.unwrap_or(0)));
            println!("{depth:>5}  {:>12}  {:>11}  {ratio:>15.3}  {low:>11.1}", count.liquidations, count.with_parent);
        }
    }
    match cut {
        Some(depth) => println!("smallest depth from which on no liquidation has a liquidation parent: {depth}"),
        None => println!("no depth tried is enough"),
    }
    Ok(())
}
