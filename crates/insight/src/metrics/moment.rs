//! What is measured at a moment of the grid: each instrument's ladder against its book, and what every currency holds.

use super::look::{self, Held};
use super::slope::{Prediction, Rung, Slope};
use super::statistics::{variance_ratio, volatility};
use super::{BANDS_BPS, Bin, CurrencySample, Meter, Metrics, Profile, Sample, SideSample};
use crate::buckets::Buckets;
use crate::census::Census;
use crate::market::worth;
use downdraft_margin::Margin;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Side, Span, Time};
use downdraft_venue::Venue;
use std::collections::BTreeMap;

/// Steps without a sample that are counted as moves of nothing: more say nothing more.
const MOST_STILL_STEPS: u64 = 10_000;

impl Metrics {
    /// Looks at the venue now, whatever the grid.
    pub fn sample_now(&mut self, venue: &Venue) {
        if self.sampled.is_none_or(|sampled| sampled < self.now) {
            self.sample(self.now, venue);
        }
    }

    pub(super) fn sample(&mut self, time: Time, venue: &Venue) {
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
            let (shock, draw) = draw(margin, (instrument, direction), &slopes[place], part(config.shock));
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
    margin: &Margin,
    (instrument, direction): (InstrumentId, Side),
    slope: &Slope,
    shock: i64,
) -> (Prediction, Money) {
    let terms = margin.instrument(instrument);
    let mark = i128::from(terms.mark().0);
    let sign = if direction == Side::Sell { -1 } else { 1 };
    let mut total = Money::ZERO;
    let mut present: Option<(Rung, u64, Money)> = None;
    let close = |present: &mut Option<(Rung, u64, Money)>, total: &mut Money| {
        if let Some((rung, lots, proceeds)) = present.take() {
            *total += look::shortfall(margin, (instrument, direction), rung, lots, proceeds);
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
