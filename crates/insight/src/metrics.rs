//! Metrics as series on a grid of simulated time, and as totals: measured from the events and from looks at the
//! venue. Each is defined, with formula, unit and source, in `docs/metrics.md`.
//!
//! ```text
//!   command, events ─► Metrics ◄─ &Venue, after each command ──► Series (at each moment of the grid), Totals
//! ```
//!
//! The venue is looked at closely only at moments of the grid, O(triggers and levels in reach) each, and O(positions) of
//! an inverse contract; after other commands only the best prices of the books that it changed are.

mod cost;
mod deleveraging;
mod digest;
mod look;
mod moment;
mod resilience;
mod series;
pub mod slope;
pub mod statistics;
mod totals;

pub use cost::Costs;
pub use digest::Digest;
pub use moment::slopes;
pub use resilience::Resilience;
pub use series::{BANDS_BPS, Bin, CurrencySample, Profile, Sample, Series, SideSample};
pub use totals::{Contagion, Deleveraged, Foreseen, InstrumentTotals, RATIO_STEPS, Totals};

use crate::census::Census;
use crate::histogram::Histogram;
use cost::CostMeter;
use deleveraging::{Closed, Closing, Waiting};
use downdraft_margin::{Pool, Valuation};
use downdraft_types::{
    AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{Command, Event, Internal, Stamp, Venue};
use look::{Held, Stakes};
use slope::Slope;
use statistics::{Counts, variance_ratio};
use std::collections::{BTreeMap, VecDeque};

/// What is measured, and how finely.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The step of the grid.
    pub every: Span,
    /// The shock whose cascade is predicted, as a part of the mark.
    pub shock: Ppm,
    /// How far from the mark ladder and book are looked at, as a part of the mark.
    pub reach: Ppm,
    /// Steps of the grid over which volatility and variance ratio look back.
    pub window: usize,
    /// Steps of the variance ratio in the series.
    pub ratio_steps: usize,
    /// From a forced order to the middle that its realised cost is measured against.
    pub horizon: Span,
    /// From a deleveraging to the mark that shows, some time later, whether it was too much.
    pub adl_horizon: Span,
    /// Buckets of a profile within the reach, on each side; 0: no profiles.
    pub buckets: u32,
    /// Steps of the grid in a window of counts, for the fitted branching ratio.
    pub hawkes_steps: u32,
}

impl Config {
    /// About five hundred steps over a run of that length; a shock of 5%, a reach of 30%, a window of 60 steps and
    /// ratios over 5, a horizon of a second, one of a tenth of the run for deleveraging, 300 buckets, counts over 10
    /// steps.
    #[must_use]
    pub fn over(duration: Span) -> Self {
        Self {
            every: Span((duration.0 / 500).max(1)),
            shock: Ppm(50_000),
            reach: Ppm(300_000),
            window: 60,
            ratio_steps: 5,
            horizon: Span::from_secs(1),
            adl_horizon: Span(duration.0 / 10),
            buckets: 300,
            hawkes_steps: 10,
        }
    }
}

/// An instrument as it is measured.
#[derive(Clone, Debug, Default)]
struct Meter {
    series: Series,
    /// Since the last sample.
    liquidations: u64,
    volume: u128,
    forced_volume: u128,
    /// Moves of the mark from step to step.
    returns: Vec<i64>,
    last_mark: Option<i64>,
    /// As it is now.
    mark: Option<MarkPrice>,
    /// Twice the last middle there was.
    twice_mid: Option<i128>,
    valuation: Option<Valuation>,
    resilience: [Resilience; 2],
    /// First and last price of the present command's trades, by the maker's side.
    swept: Option<(Side, Price, Price)>,
    peak_velocity: f64,
    foreseen: Option<Foreseen>,
}

/// Measures a run. For every command in order: [`command`](Self::command), its events by [`event`](Self::event), and
/// [`done`](Self::done) with the venue after it.
#[derive(Clone, Debug)]
pub struct Metrics {
    config: Config,
    now: Time,
    /// The next moment of the grid, and, once it has come, the last that has.
    next: Time,
    due: Option<Time>,
    sampled: Option<Time>,
    meters: Vec<Meter>,
    currencies: Vec<Vec<CurrencySample>>,
    costs: CostMeter,
    /// Instruments whose book the present command changed.
    changed: Vec<InstrumentId>,
    /// The mark that moved last in the present command: the event, the instrument, and the mark.
    moved: Option<(u32, InstrumentId, MarkPrice)>,
    /// Whether the present command's orders are forced, and the pool whose liquidation step it is.
    forced: bool,
    step: Option<Pool>,
    /// Whose mark triggered a pool's liquidation, and what it closed.
    triggered: BTreeMap<Pool, (InstrumentId, Vec<InstrumentId>)>,
    contagion: BTreeMap<(InstrumentId, InstrumentId), Carried>,
    between: Histogram,
    /// Triggers after the first: how many, and the sums of spans and of their squares, in seconds.
    spans: (u64, f64, f64),
    last_trigger: Option<Time>,
    counts: Counts,
    /// The present window of counts, and its count.
    window: (u64, u64),
    deleveraged: BTreeMap<(AccountId, InstrumentId), Closed>,
    /// Deleveragings whose horizon has not come, in order of time.
    waiting: VecDeque<Waiting>,
    census: Census,
    held: Vec<Held>,
    stakes: Vec<Stakes>,
    slopes: [Slope; 2],
}

/// What the mark of one instrument forced to be closed of another, or of itself.
#[derive(Clone, Copy, Debug, Default)]
struct Carried {
    liquidations: u64,
    /// What was closed, at the prices at which it was: in the book, by takeover and by deleveraging.
    value: i128,
}

impl Metrics {
    /// Measures a run to come.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config: Config { every: Span(config.every.0.max(1)), ..config },
            now: Time::ZERO,
            next: Time::ZERO,
            due: None,
            sampled: None,
            meters: Vec::new(),
            currencies: Vec::new(),
            costs: CostMeter::new(config.horizon),
            changed: Vec::new(),
            moved: None,
            forced: false,
            step: None,
            triggered: BTreeMap::new(),
            contagion: BTreeMap::new(),
            between: Histogram::default(),
            spans: (0, 0.0, 0.0),
            last_trigger: None,
            counts: Counts::default(),
            window: (0, 0),
            deleveraged: BTreeMap::new(),
            waiting: VecDeque::new(),
            census: Census::default(),
            held: Vec::new(),
            stakes: Vec::new(),
            slopes: [Slope::default(), Slope::default()],
        }
    }

    /// What is measured.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// A command is about to be applied.
    pub fn command(&mut self, stamp: &Stamp, command: &Command) {
        if stamp.time != self.now {
            self.now = stamp.time;
            let meters = &self.meters;
            self.costs.settle(self.now, |instrument| meters.get(instrument.index())?.twice_mid);
            self.settle_deleveraged();
        }
        if self.now >= self.next {
            let every = self.config.every.0;
            let due = Time(self.now.0 / every * every);
            self.due = Some(due);
            self.next = due.saturating_add(self.config.every);
        }
        self.moved = None;
        self.step = match command {
            Command::Internal(Internal::Liquidate { pool }) => Some(*pool),
            _ => None,
        };
        let forced = |internal: &Internal| {
            matches!(internal, Internal::Liquidate { .. } | Internal::Unwind { .. } | Internal::Convert { .. })
        };
        self.forced = matches!(command, Command::Internal(internal) if forced(internal));
    }

    /// An event of that command.
    pub fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.census.note(event);
        match *event {
            Event::Trade { instrument, price, qty, taker_side, forced, .. } => {
                self.traded(instrument, price, qty, taker_side, forced);
            }
            Event::OrderRested { instrument, .. }
            | Event::OrderReduced { instrument, .. }
            | Event::OrderCancelled { instrument, order: Some(_), .. } => self.change(instrument),
            Event::MarkMoved { instrument, mark, .. } => {
                self.moved = Some((id.index, instrument, mark));
                self.meter(instrument).mark = Some(mark);
            }
            Event::LiquidationTriggered { pool, .. } => self.trigger(pool, parent),
            Event::LiquidationOrdered { pool, instrument, side, .. } => self.ordered(pool, instrument, side),
            Event::LiquidationOrderDone { instrument, proceeds, .. } => {
                self.costs.done();
                self.carried(instrument, proceeds);
            }
            Event::TakenOver { instrument, cost, .. } => self.carried(instrument, cost),
            Event::LiquidationEnded { pool, .. } => {
                self.triggered.remove(&pool);
            }
            Event::Deleveraged { instrument, side, counterparty, qty, value, conceded, remainder, .. } => {
                self.carried(instrument, value);
                // Against a long that is closed, the counterparty is short.
                let sign = if side == Side::Buy { -1 } else { 1 };
                let closing = Closing {
                    net: sign * i128::from(qty.0),
                    received: sign * value.0,
                    conceded: conceded.0,
                    overshoot: remainder.0,
                };
                self.deleveraged((counterparty, instrument), closing);
            }
            _ => {}
        }
    }

    /// The present step closed a part of its pool's position, for this value.
    fn carried(&mut self, instrument: InstrumentId, value: Money) {
        let from = self.step.and_then(|pool| self.triggered.get(&pool)).map(|(from, _)| *from);
        if let Some(from) = from {
            let carried = self.contagion.entry((from, instrument)).or_default();
            carried.value = carried.value.saturating_add(value.0);
        }
    }

    fn meter(&mut self, instrument: InstrumentId) -> &mut Meter {
        if self.meters.len() <= instrument.index() {
            self.meters.resize_with(instrument.index() + 1, Meter::default);
        }
        &mut self.meters[instrument.index()]
    }

    fn change(&mut self, instrument: InstrumentId) {
        if !self.changed.contains(&instrument) {
            self.changed.push(instrument);
        }
    }

    fn traded(&mut self, instrument: InstrumentId, price: Price, qty: Qty, taker: Side, forced: bool) {
        self.change(instrument);
        if forced && self.forced {
            self.costs.fill(price.0, qty);
        }
        let meter = self.meter(instrument);
        meter.volume = meter.volume.saturating_add(u128::from(qty.0));
        if forced {
            meter.forced_volume = meter.forced_volume.saturating_add(u128::from(qty.0));
        }
        let first = meter.swept.map_or(price, |(_, first, _)| first);
        meter.swept = Some((taker.opposite(), first, price));
    }

    fn trigger(&mut self, pool: Pool, parent: Option<u32>) {
        if let Some(last) = self.last_trigger.replace(self.now) {
            let span = self.now.since(last);
            self.between.record(span);
            let seconds = span.0 as f64 / 1e9;
            let (count, sum, squares) = self.spans;
            self.spans = (count + 1, sum + seconds, squares + seconds * seconds);
        }
        let window = self.now.0 / self.window_length().0;
        self.close_windows(window);
        self.window.1 += 1;
        let Some((_, instrument, mark)) = self.moved.filter(|(index, ..)| parent == Some(*index)) else { return };
        self.triggered.insert(pool, (instrument, Vec::new()));
        let meter = self.meter(instrument);
        meter.liquidations += 1;
        if meter.foreseen.is_none() {
            meter.foreseen = foresee(meter, mark);
        }
    }

    /// Counts the windows before one.
    fn close_windows(&mut self, window: u64) {
        let (open, count) = self.window;
        if window > open {
            self.counts.add(count);
            self.counts.add_empty(window - open - 1);
            self.window = (window, 0);
        }
    }

    fn window_length(&self) -> Span {
        Span(self.config.every.0.saturating_mul(u64::from(self.config.hawkes_steps.max(1))))
    }

    fn ordered(&mut self, pool: Pool, instrument: InstrumentId, side: Side) {
        let meter = self.meters.get(instrument.index());
        let known = meter.and_then(|meter| meter.valuation.zip(meter.twice_mid));
        self.costs.order(self.now, instrument, side, known);
        if let Some((from, closed)) = self.triggered.get_mut(&pool).filter(|(_, closed)| !closed.contains(&instrument))
        {
            closed.push(instrument);
            self.contagion.entry((*from, instrument)).or_default().liquidations += 1;
        }
    }

    /// The command is done, and this is the venue after it.
    pub fn done(&mut self, venue: &Venue) {
        let mut changed = core::mem::take(&mut self.changed);
        for instrument in changed.drain(..) {
            let now = self.now;
            let Ok(market) = venue.market(instrument) else { continue };
            let meter = self.meter(instrument);
            if let Some((side, first, last)) = meter.swept.take() {
                meter.resilience[side as usize].taken(side, now, first, last);
            }
            for side in Side::BOTH {
                meter.resilience[side as usize].quoted(side, now, market.best(side));
            }
            meter.twice_mid = look::twice_mid(market).or(meter.twice_mid);
            meter.valuation = venue.margin().get_instrument(instrument).map(|terms| terms.valuation());
        }
        self.changed = changed;
        if let Some(due) = self.due.take() {
            self.sample(due, venue);
        }
    }

    /// The series of an instrument.
    #[must_use]
    pub fn series(&self, instrument: InstrumentId) -> Option<&Series> {
        self.meters.get(instrument.index()).map(|meter| &meter.series)
    }

    /// The series of a currency.
    #[must_use]
    pub fn currency(&self, currency: CurrencyId) -> &[CurrencySample] {
        self.currencies.get(currency.index()).map_or(&[], Vec::as_slice)
    }

    /// Everything measured over the run up to now; `venue` is as it is now.
    #[must_use]
    pub fn totals(&self, venue: &Venue) -> Totals {
        let mut counts = self.counts;
        counts.add(self.window.1);
        let end = self.now.0 / self.window_length().0;
        counts.add_empty(end.saturating_sub(self.window.0));
        let margin = venue.margin();
        let instruments = (0..).map(InstrumentId).zip(&self.meters);
        let totals = |(instrument, meter): (InstrumentId, &Meter)| {
            margin.get_instrument(instrument)?;
            Some(InstrumentTotals {
                instrument,
                costs: self.costs.costs(instrument),
                resilience: meter.resilience.clone(),
                variance_ratio: RATIO_STEPS.map(|steps| variance_ratio(&meter.returns, steps)),
                peak_velocity: meter.peak_velocity,
                foreseen: meter.foreseen,
            })
        };
        Totals {
            instruments: instruments.filter_map(totals).collect(),
            between: self.between.clone(),
            between_variation: variation(self.spans),
            hawkes_window: self.window_length(),
            hawkes: counts.hawkes(),
            contagion: self
                .contagion
                .iter()
                .filter_map(|((from, to), carried)| {
                    let terms = margin.get_instrument(*to)?;
                    let value = terms.valuation().payoff.of_notional(Money(carried.value));
                    let (from, to, currency) = (*from, *to, terms.spec().settlement);
                    Some(Contagion { from, to, currency, liquidations: carried.liquidations, value })
                })
                .collect(),
            deleveraged: self.deleveraged.iter().map(|(of, closed)| closed.against(*of, margin)).collect(),
        }
    }
}

/// What the last sample said of the direction in which the mark went since.
fn foresee(meter: &Meter, mark: MarkPrice) -> Option<Foreseen> {
    let sample = meter.series.samples.last()?;
    let direction = usize::from(mark > sample.mark);
    let side = &sample.sides[direction];
    Some(Foreseen { time: sample.time, direction, run: side.run?, branching: side.branching })
}

/// Standard deviation over mean.
fn variation((count, sum, squares): (u64, f64, f64)) -> Option<f64> {
    if count < 2 || sum <= 0.0 {
        return None;
    }
    let count = count as f64;
    let mean = sum / count;
    let variance = (squares / count - mean * mean).max(0.0);
    Some(libm::sqrt(variance) / mean)
}
