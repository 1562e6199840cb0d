//! Dynamic margin: rates that follow the market, by the models of `margin::model`, as a policy of the venue.
//!
//! ```text
//!   sample ──► measure (volatility, open interest, depth, unwinding, forecast) ──► target, within bounds
//!   period ──► the rate in force moves toward it, at most by `rise` or `fall` ──► every tier's rates are at least that
//! ```
//!
//! A changed rate acts as a change of tiers does: an event, and every trigger moves. What the model computes in floats
//! ends in a whole number of parts per million, rounded up: the account bears the fraction.

use crate::command::Internal;
use crate::emit::Emit;
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::market::{Market, Phase};
use crate::protect::band_limits;
use crate::venue::{Decision, Venue};
use downdraft_margin::Instrument;
use downdraft_margin::model::ModelError;
use downdraft_margin::model::dynamic::{Bounds, ByDepth, ByVolatility, Ewma, Ramp, Schedule, Stepped};
use downdraft_margin::model::predictive::{ByUnwinding, by_forecast};
use downdraft_types::arith::ceil_div;
use downdraft_types::{InstrumentId, Money, Ppm, Qty, Side, Span, Time};
use serde::{Deserialize, Serialize};

const ONE: i128 = 1_000_000;

/// What a dynamic rate follows. Volatilities are parts per million per square root of a year, and that of the mark, with
/// weights that halve with age.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Measure {
    /// In proportion to realised volatility: `base` at `reference`, which it is taken to be at the start.
    Volatility {
        /// The age at which a return weighs half.
        half_life: Span,
        /// The rate at the reference.
        base: Ppm,
        /// The reference volatility.
        reference: Ppm,
    },
    /// Rises linearly with open interest, as notional at the mark, from the least rate to the most.
    OpenInterest {
        /// Up to here the least.
        from: Money,
        /// From here on the most.
        to: Money,
    },
    /// In inverse proportion to the depth of the book: lots within `width` of the mark on its thinner side.
    Depth {
        /// How far from the mark orders count, as a part of it.
        width: Ppm,
        /// The rate at the reference depth.
        base: Ppm,
        /// The reference depth.
        reference: Qty,
    },
    /// What closing `size` lots into the present book would cost, on its worse side, as a part of their value.
    Unwinding {
        /// The position that is closed in thought.
        size: Qty,
        /// The part of each level that would be there for it.
        part: Ppm,
        /// The cost of what the book does not take, as a part of its value.
        beyond: Ppm,
        /// What the cost is multiplied by.
        factor: Ppm,
    },
    /// The loss that a forecast of volatility, the realised one, makes no more than so likely: `quantile × σ × √horizon`.
    Forecast {
        /// The age at which a return weighs half.
        half_life: Span,
        /// What volatility is taken to be at the start.
        start: Ppm,
        /// How long closing takes.
        horizon: Span,
        /// How many standard deviations are covered: 1,000,000 is one.
        quantile: Ppm,
    },
}

/// Rates that follow the market: the least that tiers ask for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct DynamicMargin {
    /// What they follow.
    pub measure: Measure,
    /// How often it is looked at.
    pub sample: Span,
    /// The rate changes at multiples of this.
    pub period: Span,
    /// The largest rise at a time.
    pub rise: Ppm,
    /// The largest fall at a time.
    pub fall: Ppm,
    /// The least maintenance rate, and the first.
    pub least: Ppm,
    /// The largest.
    pub most: Ppm,
    /// The initial rate ÷ the maintenance rate, at least 1; what comes of it is rounded up, and at most 100%.
    pub initial_over: Ppm,
}

impl DynamicMargin {
    fn bounds(&self) -> Bounds {
        Bounds { least: self.least, most: self.most }
    }

    /// The initial rate that goes with a maintenance rate.
    fn initial(&self, maintenance: Ppm) -> Ppm {
        let rate = ceil_div(i128::from(maintenance.0) * i128::from(self.initial_over.0), ONE).min(ONE);
        Ppm(i64::try_from(rate).unwrap_or(Ppm::ONE.0))
    }

    /// The state it starts in.
    fn start(&self, now: Time) -> Result<Dynamic, ModelError> {
        let schedule = Schedule { period: self.period, rise: self.rise, fall: self.fall };
        let stepped = Stepped::new(schedule, self.least, now)?;
        let (half_life, vol) = match self.measure {
            Measure::Volatility { half_life, reference, .. } => (half_life, reference),
            Measure::Forecast { half_life, start, .. } => (half_life, start),
            _ => (Span(1), Ppm::ZERO),
        };
        let realised = Ewma::new(seconds(half_life), part(vol))?;
        Ok(Dynamic { policy: *self, realised, stepped, next: now.saturating_add(self.sample) })
    }

    fn check(&self) -> Result<(), ModelError> {
        self.bounds().check()?;
        let bounds = self.bounds();
        match self.measure {
            Measure::Volatility { base, reference, .. } => {
                ByVolatility { base, reference: part(reference), bounds }.check()
            }
            Measure::OpenInterest { from, to } => Ramp { from: from.0, to: to.0, bounds }.check(),
            Measure::Depth { base, reference, .. } => ByDepth { base, reference: reference.0.into(), bounds }.check(),
            Measure::Unwinding { part, beyond, factor, .. } => {
                ByUnwinding { part, beyond, factor, least: Ppm::ZERO }.check()
            }
            Measure::Forecast { start, horizon, quantile, .. } => {
                by_forecast(part(start), seconds(horizon), part(quantile)).map(|_| ())
            }
        }
    }

    fn is_valid(&self) -> bool {
        let measured = match self.measure {
            Measure::Depth { width, .. } => width > Ppm::ZERO && width <= Ppm::ONE,
            Measure::Unwinding { size, .. } => (1..=1 << 40).contains(&size.0),
            Measure::Volatility { .. } | Measure::OpenInterest { .. } | Measure::Forecast { .. } => true,
        };
        let ratio = (Ppm::ONE..=Ppm(1_000 * Ppm::ONE.0)).contains(&self.initial_over);
        measured && ratio && self.sample > Span::ZERO && self.check().is_ok()
    }
}

/// A policy in force.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Dynamic {
    policy: DynamicMargin,
    realised: Ewma,
    stepped: Stepped,
    /// When it looks next.
    next: Time,
}

impl core::hash::Hash for Dynamic {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.policy, self.realised.bits(), self.stepped, self.next).hash(state);
    }
}

impl Dynamic {
    /// Where the rate is to go, from what the market is like now. What cannot be measured asks for the most.
    fn target(&self, market: &Market, terms: &Instrument) -> Ppm {
        let bounds = self.policy.bounds();
        let rate = match self.policy.measure {
            Measure::Volatility { base, reference, .. } => {
                ByVolatility { base, reference: part(reference), bounds }.rate(self.realised.vol())
            }
            Measure::OpenInterest { from, to } => {
                let open = terms.value_at(Side::Buy.signed(terms.open_interest()), terms.mark());
                Ramp { from: from.0, to: to.0, bounds }.rate(open.abs().0)
            }
            Measure::Depth { width, base, reference } => {
                let depth = depth_within(market, terms, width);
                ByDepth { base, reference: reference.0.into(), bounds }.rate(depth)
            }
            Measure::Unwinding { size, part, beyond, factor } => {
                let rule = ByUnwinding { part, beyond, factor, least: Ppm::ZERO };
                Side::BOTH
                    .map(|side| unwinding_rate(&rule, market, terms, side, size))
                    .into_iter()
                    .max()
                    .unwrap_or(Ppm::ONE)
            }
            Measure::Forecast { horizon, quantile, .. } => {
                by_forecast(self.realised.vol(), seconds(horizon), part(quantile)).unwrap_or(Ppm::ONE)
            }
        };
        rate.clamp(bounds.least, bounds.most)
    }
}

fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e9
}

fn part(rate: Ppm) -> f64 {
    rate.0 as f64 / 1e6
}

/// Lots within `width` of the mark, on the side that has fewer.
fn depth_within(market: &Market, terms: &Instrument, width: Ppm) -> i128 {
    let (lowest, highest) = band_limits(terms.mark(), width, terms.spec().mark_scale);
    let depth = |side| {
        let within = market.book.depth(side).take_while(move |level| match side {
            Side::Buy => level.price >= lowest,
            Side::Sell => level.price <= highest,
        });
        within.map(|level| i128::from(level.qty.0)).sum::<i128>()
    };
    depth(Side::Buy).min(depth(Side::Sell))
}

/// What closing `size` lots held on `held` would cost, as a part of their value at the mark. In prices, so that an inverse
/// contract's is that of a linear one.
fn unwinding_rate(rule: &ByUnwinding, market: &Market, terms: &Instrument, held: Side, size: Qty) -> Ppm {
    let (mark, tick) = (Money(terms.mark().0.into()), Money(terms.spec().mark_scale.into()));
    let levels = market.book.depth(held).map(|level| (level.price, level.qty));
    let Ok(cost) = rule.margin(held, size, mark, tick, levels) else { return Ppm::ONE };
    let rate = ceil_div(cost.0.saturating_mul(ONE), i128::from(size.0) * mark.0);
    Ppm(i64::try_from(rate).unwrap_or(Ppm::ONE.0))
}

impl Venue {
    pub(crate) fn set_dynamic_margin<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        policy: Option<DynamicMargin>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        if self.market(instrument)?.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        let option = self.margin.instrument(instrument).option().is_some();
        let dynamic = match policy {
            None => None,
            Some(policy) if !option && policy.is_valid() => {
                let legal = |rate| self.margin.check_least_rates(instrument, rate, policy.initial(rate)).is_ok();
                if !legal(policy.least) || !legal(policy.most) {
                    return Err(Rejection::InvalidPolicy);
                }
                Some(policy.start(emit.time).map_err(|_| Rejection::InvalidPolicy)?)
            }
            Some(_) => return Err(Rejection::InvalidPolicy),
        };
        self.market_mut(instrument)?.dynamic = dynamic;
        let set = emit.event(None, &Event::ParameterSet { instrument: Some(instrument) });
        let rates = policy.map_or((Ppm::ZERO, Ppm::ZERO), |policy| (policy.least, policy.initial(policy.least)));
        self.set_rates(instrument, rates, set, emit);
        if let Some(dynamic) = dynamic {
            emit.request(dynamic.next, set, Internal::StepMargin { instrument });
        }
        Ok(())
    }

    /// Looks at the market and, where it is time, moves the rate toward what it asks for.
    pub(crate) fn step_margin<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let market = self.market(instrument)?;
        let stale = |dynamic: &Dynamic| dynamic.next != now;
        if market.phase == Phase::Expired || market.dynamic.as_ref().is_none_or(stale) {
            return Err(Rejection::NothingToDo);
        }
        let terms = self.margin.instrument(instrument);
        let (mark, mut dynamic) = (terms.mark(), market.dynamic.ok_or(Rejection::NothingToDo)?);
        if market.has_mark && mark.is_positive() {
            // A price above zero, at a time after the last: it cannot be refused.
            _ = dynamic.realised.observe(now, mark.0 as f64);
        }
        let target = dynamic.target(market, terms);
        let stepped = dynamic.stepped.step(now, target);
        dynamic.next = now.saturating_add(dynamic.policy.sample);
        let (next, policy) = (dynamic.next, dynamic.policy);
        self.market_mut(instrument)?.dynamic = Some(dynamic);
        let ticked = emit.event(None, &Event::Ticked { instrument });
        emit.request(next, ticked, Internal::StepMargin { instrument });
        if let Some(rate) = stepped {
            self.set_rates(instrument, (rate, policy.initial(rate)), ticked, emit);
        }
        Ok(())
    }

    /// Puts least rates in force, and says so. A form or a closing fee set since may leave no room for them: then those in
    /// force stay.
    fn set_rates<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        (maintenance, initial): (Ppm, Ppm),
        cause: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let same = self.margin.instrument(instrument).least_rates() == (maintenance, initial);
        if same || self.margin.set_least_rates(instrument, maintenance, initial).is_err() {
            return;
        }
        let set = emit.event(Some(cause), &Event::MarginRateSet { instrument, maintenance, initial });
        self.raise(emit, Some(set), CauseKind::Parameter);
    }
}
