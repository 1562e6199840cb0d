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
mod digest;
mod look;
mod resilience;
mod series;
pub mod slope;
pub mod statistics;
mod totals;

pub use cost::Costs;
pub use digest::Digest;
pub use resilience::Resilience;
pub use series::{BANDS_BPS, Bin, CurrencySample, Profile, Sample, Series, SideSample};
pub use totals::{Contagion, Deleveraged, Foreseen, InstrumentTotals, RATIO_STEPS, Totals};

use crate::buckets::Buckets;
use crate::census::Census;
use crate::histogram::Histogram;
use crate::market::worth;
use cost::CostMeter;
use downdraft_margin::{Margin, Pool, Valuation};
use downdraft_types::{
    AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{Command, Event, Internal, Stamp, Venue};
use look::{Held, Stakes};
use slope::{Prediction, Rung, Slope};
use statistics::{Counts, variance_ratio, volatility};
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

/// Steps without a sample that are counted as moves of nothing: more say nothing more.
const MOST_STILL_STEPS: u64 = 10_000;

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

/// What deleveraging closed of a position, signed as that.
#[derive(Clone, Copy, Debug, Default)]
struct Closing {
    /// Lots of longs closed less lots of shorts closed.
    net: i128,
    /// Value received for longs less value paid for shorts.
    received: i128,
    conceded: i128,
    /// What of that no deficit at the mark asked for.
    overshoot: i128,
}

impl Closing {
    /// What deficits asked for; where the counterparty gained, nothing.
    const fn borne(&self) -> i128 {
        let conceded = if self.conceded > 0 { self.conceded } else { 0 };
        conceded.saturating_sub(self.overshoot)
    }
}

/// A deleveraging that waits for its horizon.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    due: Time,
    of: (AccountId, InstrumentId),
    closing: Closing,
}

/// What deleveraging closed of an account's position.
#[derive(Clone, Copy, Debug, Default)]
struct Closed {
    lots: u64,
    all: Closing,
    /// What of the concessions deficits asked for.
    borne: i128,
    /// What keeping it to the horizon would have been worth beyond what was received and borne.
    later: i128,
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

    fn deleveraged(&mut self, of: (AccountId, InstrumentId), closing: Closing) {
        let closed = self.deleveraged.entry(of).or_default();
        closed.lots = closed.lots.saturating_add(u64::try_from(closing.net.unsigned_abs()).unwrap_or(u64::MAX));
        closed.all.net = closed.all.net.saturating_add(closing.net);
        closed.all.received = closed.all.received.saturating_add(closing.received);
        closed.all.conceded = closed.all.conceded.saturating_add(closing.conceded);
        closed.all.overshoot = closed.all.overshoot.saturating_add(closing.overshoot);
        closed.borne = closed.borne.saturating_add(closing.borne());
        self.waiting.push_back(Waiting { due: self.now.saturating_add(self.config.adl_horizon), of, closing });
    }

    /// A moment has come: deleveragings due by now are compared with the marks as they were up to it.
    fn settle_deleveraged(&mut self) {
        while let Some(waiting) = self.waiting.front().copied().filter(|waiting| waiting.due <= self.now) {
            self.waiting.pop_front();
            let meter = self.meters.get(waiting.of.1.index());
            let Some((valuation, mark)) = meter.and_then(|meter| meter.valuation.zip(meter.mark)) else { continue };
            let kept = worth(valuation, waiting.closing.net, mark.0.into()).0;
            let closed = self.deleveraged.entry(waiting.of).or_default();
            let over = kept.saturating_sub(waiting.closing.received).saturating_sub(waiting.closing.borne());
            closed.later = closed.later.saturating_add(over);
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

    /// Looks at the venue now, whatever the grid.
    pub fn sample_now(&mut self, venue: &Venue) {
        if self.sampled.is_none_or(|sampled| sampled < self.now) {
            self.sample(self.now, venue);
        }
    }

    fn sample(&mut self, time: Time, venue: &Venue) {
        let margin = venue.margin();
        let (mut held, mut stakes) = (core::mem::take(&mut self.held), core::mem::take(&mut self.stakes));
        self.census.refresh(margin);
        debug_assert!(self.census == Census::of(margin), "an event does not name an account whose holdings it changed");
        look::holdings(&self.census, venue, &mut held, &mut stakes);
        debug_assert!(
            (held.clone(), stakes.clone()) == look::holdings_by_definition(venue),
            "sums of holdings differ from a pass over all positions"
        );
        let capacity = venue.capacity();
        let mut draws: BTreeMap<(CurrencyId, AccountId), Money> = BTreeMap::new();
        for instrument in (0..capacity.instruments).map(InstrumentId) {
            let Some(terms) = margin.get_instrument(instrument) else { continue };
            let held = held.get(instrument.index()).copied().unwrap_or_default();
            let draw = self.sample_instrument(time, venue, instrument, held);
            *draws.entry((terms.spec().settlement, margin.fund_of(instrument))).or_default() += draw;
        }
        for currency in (0..capacity.currencies).map(CurrencyId) {
            let stakes = stakes.get(currency.index()).copied().unwrap_or_default();
            if self.currencies.len() <= currency.index() {
                self.currencies.resize_with(currency.index() + 1, Vec::new);
            }
            let draws = || draws.iter().filter(|((of, _), draw)| *of == currency && draw.is_positive());
            let coverage =
                |((_, fund), draw): (&(_, AccountId), &Money)| margin.cash(*fund, currency).0 as f64 / draw.0 as f64;
            self.currencies[currency.index()].push(CurrencySample {
                time,
                fund: self.census.insured(margin, currency),
                gross: Money(stakes.gross),
                equity: Money(stakes.equity),
                draw: draws().map(|(_, draw)| *draw).sum(),
                coverage: draws().map(coverage).reduce(f64::min),
            });
        }
        (self.held, self.stakes, self.sampled) = (held, stakes, Some(time));
    }

    /// Returns what the fund would pay in a shock, in the worse direction.
    fn sample_instrument(&mut self, time: Time, venue: &Venue, instrument: InstrumentId, held: Held) -> Money {
        let (config, last) = (self.config, self.sampled);
        let margin = venue.margin();
        let terms = margin.instrument(instrument);
        let mark = terms.mark();
        let part = |rate: Ppm| {
            let part = i128::from(mark.0).abs() * i128::from(rate.0) / i128::from(Ppm::ONE.0);
            i64::try_from(part).unwrap_or(i64::MAX)
        };
        let mut slopes = core::mem::take(&mut self.slopes);
        let mut sides = [SideSample::default(); 2];
        for (place, direction) in [Side::Sell, Side::Buy].into_iter().enumerate() {
            look::slope((venue, &self.census), instrument, direction, part(config.reach), &mut slopes[place]);
            slopes[place].under_way = held.under_way[place];
            let (shock, draw) = draw((margin, &self.census), instrument, direction, &slopes[place], part(config.shock));
            sides[place] = measure(&slopes[place], (shock, draw), |bps| part(Ppm(i64::from(bps) * 100)));
        }
        let market = venue.market(instrument).ok();
        let best = |side| market.and_then(|market| market.best(side));
        let every = config.every;
        let meter = self.meter(instrument);
        meter.step(mark.0, last, time, every);
        let elapsed = last.map_or(every, |last| Span(time.since(last).0.max(1))).0 as f64 / 1e9;
        let recent = &meter.returns[meter.returns.len().saturating_sub(config.window)..];
        let sample = Sample {
            time,
            mark,
            bid: best(Side::Buy),
            ask: best(Side::Sell),
            sides,
            open_interest: held.open_interest,
            liquidations: meter.liquidations,
            velocity: meter.liquidations as f64 / elapsed,
            volume: meter.volume,
            forced_volume: meter.forced_volume,
            forced_velocity: meter.forced_volume as f64 / elapsed,
            sigma: volatility(recent),
            variance_ratio: variance_ratio(recent, config.ratio_steps),
        };
        meter.peak_velocity = meter.peak_velocity.max(sample.velocity);
        (meter.liquidations, meter.volume, meter.forced_volume) = (0, 0, 0);
        meter.series.samples.push(sample);
        if config.buckets > 0 {
            meter.profile(time, mark.0, part(config.reach), config.buckets, &slopes);
        }
        self.slopes = slopes;
        sides[0].draw.max(sides[1].draw)
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

impl Closed {
    fn against(&self, (account, instrument): (AccountId, InstrumentId), margin: &Margin) -> Deleveraged {
        let terms = margin.get_instrument(instrument);
        let kept = terms.map_or(0, |terms| worth(terms.valuation(), self.all.net, terms.mark().0.into()).0);
        Deleveraged {
            account,
            instrument,
            quantity: Qty(self.lots),
            conceded: Money(self.all.conceded),
            overshoot: Money(self.all.overshoot),
            forgone: Money(kept.saturating_sub(self.all.received).saturating_sub(self.borne)),
            later: Money(self.later),
        }
    }
}

impl Meter {
    /// The mark after another step, or several of which only the last moved it.
    fn step(&mut self, mark: i64, last: Option<Time>, now: Time, every: Span) {
        if let (Some(before), Some(last)) = (self.last_mark, last) {
            let steps = now.since(last).0 / every.0;
            let still = steps.saturating_sub(1).min(MOST_STILL_STEPS);
            self.returns.extend(std::iter::repeat_n(0, still as usize));
            self.returns.push(mark.saturating_sub(before));
        }
        self.last_mark = Some(mark);
    }

    fn profile(&mut self, time: Time, mark: i64, reach: i64, buckets: u32, slopes: &[Slope; 2]) {
        let [falling, rising] = slopes;
        if self.series.bucket_width == 0 && reach > 0 {
            // Whole ticks, and wide enough for the buckets to cover the reach; rounded up.
            let tick = i64::from(falling.mark_scale.max(1));
            let width = reach.div_euclid(i64::from(buckets)).div_euclid(tick) + 1;
            self.series.bucket_width = width.saturating_mul(tick);
        }
        // Before there is a mark nothing is within reach of it.
        let width = self.series.bucket_width.max(1);
        let rungs = |slope: &Slope, at: fn(i64, i64) -> i64| {
            bins(slope.ladder.iter().map(|rung| (at(mark, rung.distance), rung.lots)), width)
        };
        let levels = |slope: &Slope, at: fn(i64, i64) -> i64| {
            bins(slope.book.iter().map(|level| (at(mark, level.distance), level.lots)), width)
        };
        self.series.profiles.push(Profile {
            time,
            ladder: [rungs(falling, i64::saturating_sub), rungs(rising, i64::saturating_add)],
            book: [levels(falling, i64::saturating_sub), levels(rising, i64::saturating_add)],
        });
    }
}

/// Sums by bucket of lots at marks that rise or fall.
fn bins(values: impl Iterator<Item = (i64, u64)>, width: i64) -> Vec<Bin> {
    let (mut bins, mut buckets) = (Vec::<Bin>::new(), Buckets::of_width(width));
    for (at, lots) in values {
        let bucket = buckets.of(at);
        match bins.last_mut().filter(|bin| bin.bucket == bucket) {
            Some(bin) => {
                bin.lots += u128::from(lots);
                bin.count += 1;
            }
            None => bins.push(Bin { bucket, lots: u128::from(lots), count: 1 }),
        }
    }
    bins.sort_unstable_by_key(|bin| bin.bucket);
    bins
}

fn measure(slope: &Slope, (shock, draw): (Prediction, Money), band: impl Fn(u32) -> i64) -> SideSample {
    let bands = BANDS_BPS.map(band);
    let widest = bands[bands.len() - 1];
    SideSample {
        depth: bands.map(|band| slope.depth_within(band)),
        forced: bands.map(|band| slope.forced_within(band)),
        under_way: slope.under_way,
        proximity: slope.nearest(),
        recursion: slope.recursion(),
        branching: slope.branching(widest),
        gamma: slope.gamma(widest),
        run: slope.run(),
        shock,
        draw,
    }
}

/// How far a shock would run, and what the fund would pay in it: for each position that would be liquidated, what its
/// fills fetch below its bankruptcy value at the present marks. What the book does not take is deleveraged, and costs the
/// fund nothing.
fn draw(
    holdings: (&Margin, &Census),
    instrument: InstrumentId,
    direction: Side,
    slope: &Slope,
    shock: i64,
) -> (Prediction, Money) {
    let terms = holdings.0.instrument(instrument);
    let mark = i128::from(terms.mark().0);
    let sign = if direction == Side::Sell { -1 } else { 1 };
    let mut total = Money::ZERO;
    let mut present: Option<(Rung, u64, Money)> = None;
    let close = |present: &mut Option<(Rung, u64, Money)>, total: &mut Money| {
        if let Some((rung, lots, proceeds)) = present.take() {
            *total += look::shortfall(holdings, instrument, rung, lots, proceeds);
        }
    };
    let prediction = slope.predict(shock, |take| {
        let Some(rung) = take.of else { return };
        if present.is_some_and(|(of, ..)| of.slot != rung.slot) {
            close(&mut present, &mut total);
        }
        let (_, lots, proceeds) = present.get_or_insert((rung, 0, Money::ZERO));
        *lots += take.lots;
        let at = mark + sign * i128::from(take.distance);
        *proceeds += worth(terms.valuation(), take.lots.into(), at);
    });
    close(&mut present, &mut total);
    (prediction, total)
}

/// What the last sample said of the direction in which the mark went since.
fn foresee(meter: &Meter, mark: MarkPrice) -> Option<Foreseen> {
    let sample = meter.series.samples.last()?;
    let direction = usize::from(mark > sample.mark);
    let side = &sample.sides[direction];
    Some(Foreseen { time: sample.time, direction, run: side.run?, branching: side.branching })
}

/// Ladder and book of an instrument as they are, as the mark falls and as it rises, as far as `limit` mark increments.
/// Empty where it is not listed.
#[must_use]
pub fn slopes(venue: &Venue, instrument: InstrumentId, limit: i64) -> [Slope; 2] {
    let mut slopes = [Slope::default(), Slope::default()];
    if venue.margin().get_instrument(instrument).is_none() {
        return slopes;
    }
    let (census, mut held) = (Census::of(venue.margin()), Vec::new());
    look::holdings(&census, venue, &mut held, &mut Vec::new());
    let held = held.get(instrument.index()).copied().unwrap_or_default();
    for (place, direction) in [Side::Sell, Side::Buy].into_iter().enumerate() {
        look::slope((venue, &census), instrument, direction, limit, &mut slopes[place]);
        slopes[place].under_way = held.under_way[place];
    }
    slopes
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
