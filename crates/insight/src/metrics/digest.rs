//! The metrics of a run in short: what `summary.json` says of them. `docs/summary.md` describes each field.

use super::{BANDS_BPS, CurrencySample, InstrumentTotals, Metrics, RATIO_STEPS, Resilience, Sample, Series, Totals};
use crate::exact::Exact;
use crate::summary::{Each, Named};
use crate::units::Units;
use downdraft_types::{CurrencyId, InstrumentId, Money, Span};
use downdraft_venue::Venue;
use serde::Serialize;

/// The metrics of a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Digest {
    pub grid_s: Exact,
    pub instruments: Each<OfInstrument>,
    pub currencies: Each<OfCurrency>,
    pub between_liquidations: Between,
    pub hawkes_branching: Option<f64>,
    pub contagion: Option<f64>,
}

/// Of an instrument.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct OfInstrument {
    pub spread_mean: Option<f64>,
    pub open_interest_max: Exact,
    pub peak_velocity_per_s: f64,
    pub falling: OfSide,
    pub rising: OfSide,
    pub variance_ratio: Named<Option<f64>>,
    pub forced_costs: OfCosts,
    pub adl_overshoot: Exact,
    pub adl_overshoot_end: Exact,
    pub adl_overshoot_later: Exact,
    pub foreseen: Option<OfForeseen>,
}

/// Of a direction: extremes over the samples, and how the side of the book that is hit refilled.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct OfSide {
    pub depth_ratio_min: Named<Option<f64>>,
    pub recursion_max: Option<f64>,
    pub branching_max: Option<f64>,
    pub gamma_max: Option<f64>,
    pub shock_liquidations_max: u64,
    pub sweeps: u64,
    pub refilled: Option<f64>,
    pub half_refill_s: Option<Exact>,
    pub refill_s: Option<Exact>,
}

/// What forced orders cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct OfCosts {
    pub orders: u64,
    pub value: Exact,
    pub effective: Exact,
    pub realised: Exact,
    pub impact: Exact,
}

/// What was predicted before the first liquidation.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct OfForeseen {
    pub time: Exact,
    pub direction: &'static str,
    pub liquidations: u64,
    pub quantity: Exact,
    pub distance: Exact,
    pub branching: Option<f64>,
}

/// Of a currency.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct OfCurrency {
    pub leverage_max: Option<f64>,
    pub fund_min: Option<Exact>,
    pub shock_draw_max: Option<Exact>,
    pub coverage_min: Option<f64>,
    pub contagion_by_value: Option<f64>,
}

/// Times between triggers.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Between {
    pub p50: Option<Exact>,
    pub p99: Option<Exact>,
    pub variation: Option<f64>,
}

impl Metrics {
    /// The metrics in short; `venue` is as it is now.
    #[must_use]
    pub fn digest(&self, units: &Units, venue: &Venue) -> Digest {
        let totals = self.totals(venue);
        let of = |of: &InstrumentTotals| {
            let series = self.series(of.instrument)?;
            Some((units.instrument_name(of.instrument), of_instrument(of, series, &totals, units, venue)))
        };
        let instruments = totals.instruments.iter().filter_map(of).collect();
        let currencies = (0..venue.capacity().currencies).map(CurrencyId);
        let seconds = |span: Option<Span>| span.map(seconds);
        Digest {
            grid_s: super::digest::seconds(self.config().every),
            instruments: Each(instruments),
            currencies: Each(
                currencies
                    .map(|c| (units.currency_name(c), of_currency(c, self.currency(c), &totals, units)))
                    .collect(),
            ),
            between_liquidations: Between {
                p50: seconds(totals.between.percentile(50)),
                p99: seconds(totals.between.percentile(99)),
                variation: totals.between_variation,
            },
            hawkes_branching: totals.hawkes,
            contagion: totals.contagion_coefficient(),
        }
    }
}

fn of_instrument(
    of: &InstrumentTotals,
    series: &Series,
    totals: &Totals,
    units: &Units,
    venue: &Venue,
) -> OfInstrument {
    let (id, samples) = (of.instrument, series.samples.as_slice());
    let currency = venue.margin().get_instrument(id).map(|terms| terms.spec().settlement).unwrap_or_default();
    let money = |amount: Money| units.money(currency, amount);
    let spreads: Vec<f64> = samples.iter().filter_map(|sample| sample.spread().map(|spread| spread as f64)).collect();
    let mean = (!spreads.is_empty()).then(|| spreads.iter().sum::<f64>() / spreads.len() as f64);
    let side = |direction: usize| of_side(samples, direction, &of.resilience[direction]);
    OfInstrument {
        spread_mean: mean,
        open_interest_max: quantity(units, id, samples.iter().map(|sample| sample.open_interest).max().unwrap_or(0)),
        peak_velocity_per_s: of.peak_velocity,
        falling: side(0),
        rising: side(1),
        variance_ratio: Named(RATIO_STEPS.iter().map(ToString::to_string).zip(of.variance_ratio).collect()),
        forced_costs: OfCosts {
            orders: of.costs.orders,
            value: money(of.costs.value),
            effective: money(of.costs.effective),
            realised: money(of.costs.realised),
            impact: money(of.costs.impact),
        },
        adl_overshoot: money(totals.overshoot(id)),
        adl_overshoot_end: money(totals.overshoot_end(id)),
        adl_overshoot_later: money(totals.overshoot_later(id)),
        foreseen: of.foreseen.map(|foreseen| OfForeseen {
            time: Units::seconds(foreseen.time),
            direction: if foreseen.direction == 0 { "falling" } else { "rising" },
            liquidations: foreseen.run.liquidations,
            quantity: quantity(units, id, foreseen.run.lots),
            distance: units.mark(id, downdraft_types::MarkPrice(foreseen.run.distance)),
            branching: foreseen.branching,
        }),
    }
}

fn of_side(samples: &[Sample], direction: usize, resilience: &Resilience) -> OfSide {
    let sides = || samples.iter().map(|sample| &sample.sides[direction]);
    let ratio = |band: usize| least(sides().filter_map(|side| side.depth_ratio(band)));
    OfSide {
        depth_ratio_min: Named(
            BANDS_BPS.iter().enumerate().map(|(band, bps)| (format!("{bps}bps"), ratio(band))).collect(),
        ),
        recursion_max: most(sides().filter_map(|side| side.recursion)),
        branching_max: most(sides().filter_map(|side| side.branching)),
        gamma_max: most(sides().filter_map(|side| side.gamma)),
        shock_liquidations_max: sides().map(|side| side.shock.liquidations).max().unwrap_or(0),
        sweeps: resilience.sweeps,
        refilled: resilience.refilled(),
        half_refill_s: resilience.half.percentile(50).map(seconds),
        refill_s: resilience.full.percentile(50).map(seconds),
    }
}

fn of_currency(currency: CurrencyId, samples: &[CurrencySample], totals: &Totals, units: &Units) -> OfCurrency {
    OfCurrency {
        leverage_max: most(samples.iter().filter_map(CurrencySample::leverage)),
        fund_min: samples.iter().map(|sample| sample.fund).min().map(|amount| units.money(currency, amount)),
        shock_draw_max: samples.iter().map(|sample| sample.draw).max().map(|amount| units.money(currency, amount)),
        coverage_min: least(samples.iter().filter_map(|sample| sample.coverage)),
        contagion_by_value: totals.contagion_by_value(currency),
    }
}

fn most(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}

fn least(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::min)
}

fn seconds(span: Span) -> Exact {
    Exact::new(i128::from(span.0), 9)
}

/// Lots in print, of a sum that may exceed 64 bits: then as many as fit.
fn quantity(units: &Units, instrument: InstrumentId, lots: u128) -> Exact {
    units.quantity(instrument, downdraft_types::Qty(u64::try_from(lots).unwrap_or(u64::MAX)))
}
