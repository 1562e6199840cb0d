//! What a run was, worked out slowly from a log of all of it.

use crate::drive::Step;
use downdraft_margin::{InstrumentSpec, Payoff, Pool};
use downdraft_types::{EventId, MarkPrice, Side};
use downdraft_venue::{Command, Event, Internal};
use std::collections::{BTreeMap, BTreeSet};

/// A liquidation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    pub pool: Pool,
    pub parent: Option<u64>,
    pub root: u64,
    pub depth: u32,
    pub ended: bool,
}

/// Sums over a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub fills: u64,
    pub orders: u64,
    pub accounts: u64,
    pub liquidation_orders: u64,
    pub slippage: i128,
    pub halts: u64,
}

/// Everything there is, by id.
struct Log<'a> {
    steps: BTreeMap<u64, &'a Step>,
}

impl Log<'_> {
    fn event(&self, id: EventId) -> (&Event, Option<EventId>) {
        let (_, parent, event) = &self.steps[&id.seq.0].events[id.index as usize];
        (event, parent.map(|index| EventId { seq: id.seq, index }))
    }

    /// The command at the root of an event.
    fn command(&self, id: EventId) -> &Step {
        let mut at = id;
        while let (_, Some(parent)) = self.event(at) {
            at = parent;
        }
        self.steps[&at.seq.0]
    }

    /// The trigger of the liquidation whose step a command is: up the causes, to the pool's trigger.
    fn trigger_of(&self, step: &Step, pool: Pool) -> Option<EventId> {
        let mut at = step.stamp.cause?;
        loop {
            let (event, parent) = self.event(at);
            if matches!(event, Event::LiquidationTriggered { pool: found, .. } if *found == pool) {
                return Some(at);
            }
            at = match parent {
                Some(parent) => parent,
                None => self.steps[&at.seq.0].stamp.cause?,
            };
        }
    }
}

/// All liquidations, in order of trigger, by walking up the causes.
pub fn episodes(steps: &[Step]) -> Vec<Episode> {
    let log = Log { steps: steps.iter().map(|step| (step.stamp.seq.0, step)).collect() };
    let mut numbers: BTreeMap<EventId, u64> = BTreeMap::new();
    let mut found: Vec<Episode> = Vec::new();
    for (id, _, event) in steps.iter().flat_map(|step| &step.events) {
        match *event {
            Event::LiquidationTriggered { pool, .. } => {
                let number = found.len() as u64 + 1;
                numbers.insert(*id, number);
                let step = log.command(*id);
                let parent = match step.command {
                    Command::Internal(Internal::Liquidate { pool }) => log.trigger_of(step, pool).map(|t| numbers[&t]),
                    _ => None,
                };
                let of_parent = parent.map(|parent| &found[parent as usize - 1]);
                let (root, depth) = of_parent.map_or((number, 1), |p| (p.root, p.depth + 1));
                found.push(Episode { pool, parent, root, depth, ended: false });
            }
            Event::LiquidationEnded { pool, .. } => {
                let open = found.iter_mut().find(|episode| episode.pool == pool && !episode.ended);
                open.expect("a liquidation that ends has begun").ended = true;
            }
            _ => {}
        }
    }
    found
}

/// What `qty` lots are worth at `mark`: price × point value × lots, or minus lots × point value ÷ price.
fn worth(spec: &InstrumentSpec, qty: i128, mark: i128) -> i128 {
    let face = qty * i128::from(spec.point_value);
    match spec.payoff {
        Payoff::Linear => face * mark,
        Payoff::Inverse => (-face).div_euclid(mark),
    }
}

/// Sums of all of it.
pub fn sums(steps: &[Step]) -> Sums {
    let mut sums = Sums::default();
    let mut accounts = BTreeSet::new();
    let mut terms: BTreeMap<u16, &InstrumentSpec> = BTreeMap::new();
    let mut marks: BTreeMap<u16, MarkPrice> = BTreeMap::new();
    for step in steps {
        if let Command::ListInstrument { instrument, spec, .. } = &step.command
            && !matches!(step.events[0].2, Event::Rejected { .. })
        {
            terms.insert(instrument.0, spec);
        }
        let own = match step.command {
            Command::Internal(Internal::Liquidate { pool }) => Some(pool.account()),
            _ => None,
        };
        let mut sent = MarkPrice::ZERO;
        let mut sold: Option<(u16, Side, i128, i128)> = None;
        for (_, _, event) in &step.events {
            match *event {
                Event::OrderAccepted { .. } => sums.orders += 1,
                Event::Halted { .. } => sums.halts += 1,
                Event::MarkMoved { instrument, mark, .. } => {
                    marks.insert(instrument.0, mark);
                }
                Event::LiquidationTriggered { pool, .. } => {
                    accounts.insert(pool.account());
                }
                Event::LiquidationOrdered { instrument, .. } | Event::ConversionOrdered { instrument, .. }
                    if own.is_some() =>
                {
                    sums.liquidation_orders += 1;
                    sent = marks[&instrument.0];
                }
                Event::Trade { instrument, price, qty, taker_side, forced, taker, .. } => {
                    sums.fills += 1;
                    if forced && own == Some(taker.account) {
                        let spec = terms[&instrument.0];
                        let lots = i128::from(qty.0);
                        let value = worth(spec, lots, i128::from(price.0) * i128::from(spec.mark_scale));
                        let (_, _, filled, fetched) = sold.get_or_insert((instrument.0, taker_side, 0, 0));
                        *filled += lots;
                        *fetched += value;
                    }
                }
                _ => {}
            }
        }
        if let Some((instrument, side, filled, fetched)) = sold {
            let less = worth(terms[&instrument], filled, sent.0.into()) - fetched;
            sums.slippage += if side == Side::Sell { less } else { -less };
        }
    }
    sums.accounts = accounts.len() as u64;
    sums
}
