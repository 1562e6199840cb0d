//! The index: a reference price, blended with our own mid, seen through an oracle.

use super::set_up::check_number;
use crate::actor::{Actor, Context, Notice, Subscription};
use crate::index_path::{IndexPath, Oracle, OracleRules, PathSpec, blend, to_mark_price};
use downdraft_types::{EventId, InstrumentId, MarkPrice};
use downdraft_venue::Command;
use std::collections::VecDeque;

/// Parameters of an [`OracleActor`].
#[derive(Clone, PartialEq, Debug)]
pub struct OracleConfig {
    /// Whose index it is.
    pub instrument: InstrumentId,
    /// The reference price, in its own unit of price.
    pub path: PathSpec,
    /// Mark increments per unit of the path's price: `mark_scale ÷ tick size`.
    pub marks_per_unit: f64,
    /// Mark increments per tick, as the instrument's.
    pub mark_scale: u32,
    /// Weight of our own mid in the index: 0 is exogenous, 1 is nothing but our own book.
    pub coupling: f64,
    /// Heartbeat, threshold and latency. The latency is the oracle's own: give the actor none beside it.
    pub rules: OracleRules,
}

const POINT: u64 = 0;
const HEARTBEAT: u64 = 1;
const ARRIVAL: u64 = 2;

/// An oracle that reports the index.
///
/// It looks at each point of the path, at each heartbeat, and, when coupled, at each change of our best prices;
/// while a side of our book is empty our mid is the last there was. A price is rounded to the nearest mark
/// increment, ties to even. A report names as its cause the trade that it was made for, if a trade of ours it
/// was; so a loop through the index is a loop in the record.
#[derive(Clone, Debug)]
pub struct OracleActor {
    config: OracleConfig,
    feed: Option<(IndexPath, Oracle)>,
    exogenous: f64,
    /// The path's next point.
    next: Option<f64>,
    /// Our own mid, in ticks.
    mid: Option<f64>,
    /// Reports on their way, in order of arrival.
    under_way: VecDeque<(MarkPrice, Option<EventId>)>,
    reports: u64,
}

impl OracleActor {
    /// An oracle that has not looked yet.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn new(config: OracleConfig) -> Result<Self, String> {
        config.path.validate().map_err(|error| format!("path.{error}"))?;
        config.rules.validate().map_err(|error| format!("rules.{error}"))?;
        check_number("marks_per_unit", config.marks_per_unit, config.marks_per_unit > 0.0, "above 0")?;
        check_number("coupling", config.coupling, (0.0..=1.0).contains(&config.coupling), "from 0 to 1")?;
        if config.mark_scale == 0 {
            return Err("mark_scale: found 0, expected at least 1".to_owned());
        }
        let under_way = VecDeque::new();
        Ok(Self { config, feed: None, exogenous: 0.0, next: None, mid: None, under_way, reports: 0 })
    }

    /// The price that is to be observed now, in mark increments; not yet rounded.
    fn price(&self) -> f64 {
        let mid = self.mid.map(|mid| mid * f64::from(self.config.mark_scale));
        blend(self.config.coupling, self.exogenous * self.config.marks_per_unit, mid)
    }

    fn observe(&mut self, context: &mut Context<'_>, cause: Option<EventId>) {
        let marks = self.price();
        let Some(price) = to_mark_price(marks, 1.0) else {
            return context.fail(format!("index: found {marks} mark increments, expected a number of 64 bits"));
        };
        let Some((_, oracle)) = &mut self.feed else { return };
        if let Some(report) = oracle.observe(context.now(), price) {
            self.under_way.push_back((report.price, cause));
            context.wake_at(report.arrives, ARRIVAL);
        }
    }

    /// Sets the timer for the path's next point, if it has one.
    fn follow(&mut self, context: &mut Context<'_>) {
        let Some((path, _)) = &mut self.feed else { return };
        let next = path.next_after(context.now());
        self.next = next.map(|(_, price)| price);
        if let Some((time, _)) = next {
            context.wake_at(time, POINT);
        }
    }

    /// One timer follows the heartbeat, wherever reports have moved it.
    fn beat(&mut self, context: &mut Context<'_>) {
        let due = |feed: &Option<(IndexPath, Oracle)>| feed.as_ref().and_then(|(_, oracle)| oracle.next_heartbeat());
        if due(&self.feed).is_some_and(|time| time <= context.now()) {
            self.observe(context, None);
        }
        if let Some(time) = due(&self.feed) {
            context.wake_at(time, HEARTBEAT);
        }
    }

    fn report(&mut self, context: &mut Context<'_>) {
        let Some((index, cause)) = self.under_way.pop_front() else { return };
        self.reports += 1;
        let command = Command::ReportIndex { instrument: self.config.instrument, index };
        match cause {
            Some(cause) => context.submit_because(command, cause),
            None => context.submit(command),
        };
    }
}

impl Actor for OracleActor {
    fn start(&mut self, context: &mut Context<'_>) {
        let path = IndexPath::new(self.config.path.clone(), context.stream("path"));
        let oracle = Oracle::new(self.config.rules, context.stream("latency"));
        let (path, oracle) = match (path, oracle) {
            (Ok(path), Ok(oracle)) => (path, oracle),
            (Err(error), _) | (_, Err(error)) => return context.fail(error),
        };
        self.exogenous = path.first().1;
        self.feed = Some((path, oracle));
        if self.config.coupling > 0.0 {
            let instruments = vec![self.config.instrument];
            context.subscribe(Subscription { depth: 1, trades: true, instruments, ..Subscription::default() });
        }
        self.observe(context, None);
        self.follow(context);
        self.beat(context);
    }

    fn wake(&mut self, context: &mut Context<'_>, token: u64) {
        match token {
            POINT => {
                self.exogenous = self.next.unwrap_or(self.exogenous);
                self.observe(context, None);
                self.follow(context);
            }
            HEARTBEAT => self.beat(context),
            _ => self.report(context),
        }
    }

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        for view in &notice.books {
            self.mid = view.mid().or(self.mid);
            self.observe(context, notice.trades.last().map(|trade| trade.id));
        }
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("reports", self.reports)]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}
