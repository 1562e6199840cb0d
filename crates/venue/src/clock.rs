//! The venue's calendar of funding: premium samples and payments. Each tick asks for the next; one that comes at another
//! time than the venue expects is stale.

use crate::command::Internal;
use crate::emit::Emit;
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::market::Market;
use crate::policy::{FundingPolicy, FundingRule, PremiumWeights};
use crate::premium::{PremiumAverage, premium_of_book};
use crate::venue::{Decision, Venue};
use downdraft_margin::{InstrumentKind, Payoff, funding};
use downdraft_types::{InstrumentId, Money, Ppm, Span, Time};

impl Venue {
    pub(crate) fn set_funding<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        policy: Option<FundingPolicy>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.market(instrument)?;
        let spec = self.margin.instrument(instrument).spec();
        let perpetual = spec.kind == InstrumentKind::Perpetual;
        if !policy.is_none_or(|policy| perpetual && is_valid(&policy, spec.payoff)) {
            return Err(Rejection::InvalidPolicy);
        }
        let market = self.market_mut(instrument)?;
        market.funding = policy;
        market.premium = PremiumAverage::default();
        market.announced_rate = Ppm::ZERO;
        market.next_premium_sample = policy.map(|p| emit.time.saturating_add(p.sample));
        market.next_funding = policy.map(|p| emit.time.saturating_add(p.interval));
        let (sample, funding) = (market.next_premium_sample, market.next_funding);
        let set = emit.event(None, &Event::ParameterSet { instrument: Some(instrument) });
        if let (Some(sample), Some(funding)) = (sample, funding) {
            emit.request(sample, set, Internal::SamplePremium { instrument });
            emit.request(funding, set, Internal::PayFunding { instrument });
        }
        Ok(())
    }

    /// The rate that would be paid now, and the part of the interval that is left until it is.
    pub(crate) fn funding_outlook(&self, instrument: InstrumentId, now: Time) -> (Ppm, Ppm) {
        let Ok(market) = self.market(instrument) else { return (Ppm::ZERO, Ppm::ZERO) };
        let (Some(policy), Some(next)) = (market.funding, market.next_funding) else { return (Ppm::ZERO, Ppm::ZERO) };
        let left = i128::from(next.since(now).0) * i128::from(Ppm::ONE.0) / i128::from(policy.interval.0);
        (market.funding_rate(&policy), Ppm(i64::try_from(left).unwrap_or(Ppm::ONE.0)))
    }

    pub(crate) fn sample_premium<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let spec = self.margin.get_instrument(instrument).ok_or(Rejection::UnknownInstrument)?.spec();
        let scale = spec.mark_scale;
        let tick_value = Money(i128::from(spec.point_value) * i128::from(scale));
        let market = self.market_mut(instrument)?;
        let (Some(policy), true) = (market.funding, market.next_premium_sample == Some(now)) else {
            return Err(Rejection::NothingToDo);
        };
        let due = now.saturating_add(policy.sample);
        market.next_premium_sample = Some(due);
        if let Some(sample) = premium_of_book(&market.book, policy.premium.impact, tick_value, market.index, scale) {
            match policy.premium.weights {
                PremiumWeights::Equal => market.premium.add(sample),
                PremiumWeights::Rising => market.premium.add_rising(sample),
            }
        }
        let ticked = emit.event(None, &Event::Ticked { instrument });
        emit.request(due, ticked, Internal::SamplePremium { instrument });
        Ok(())
    }

    pub(crate) fn pay_funding<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let market = self.market_mut(instrument)?;
        let (Some(policy), true) = (market.funding, market.next_funding == Some(now)) else {
            return Err(Rejection::NothingToDo);
        };
        let due = now.saturating_add(policy.interval);
        market.next_funding = Some(due);
        let rate = market.funding_rate(&policy);
        market.announced_rate = measured_rate(&policy, &market.premium);
        market.premium = PremiumAverage::default();
        let residue = self.margin.pay_funding(instrument, rate, |account, amount| {
            emit.event(None, &Event::FundingPaid { instrument, account, amount });
        });
        let settled = emit.event(None, &Event::FundingSettled { instrument, rate, residue });
        emit.request(due, settled, Internal::PayFunding { instrument });
        self.raise(emit, Some(settled), CauseKind::Funding);
        Ok(())
    }
}

impl Market {
    /// What would be paid now, for the interval.
    fn funding_rate(&self, policy: &FundingPolicy) -> Ppm {
        if policy.lagged { self.announced_rate } else { measured_rate(policy, &self.premium) }
    }
}

/// What the premiums of an interval come to, for the interval.
fn measured_rate(policy: &FundingPolicy, premium: &PremiumAverage) -> Ppm {
    let (premium, interest, cap) = (premium.average(), policy.interest, policy.cap);
    let rate = match policy.rule {
        FundingRule::Damped { damper } => funding::funding_rate(premium, interest, damper, cap),
        FundingRule::Added => funding::added_rate(premium, interest, cap),
    };
    funding::for_interval(rate, policy.interval, policy.period)
}

fn is_valid(policy: &FundingPolicy, payoff: Payoff) -> bool {
    let part = |rate: Ppm| (Ppm::ZERO..=Ppm::ONE).contains(&rate);
    let damped = match policy.rule {
        FundingRule::Damped { damper } => part(damper),
        FundingRule::Added => true,
    };
    // An impact price is an amount of money over an amount of size: of an inverse contract it is not defined here.
    let impact = policy.premium.impact;
    let measured = impact.is_zero() || (payoff == Payoff::Linear && impact.is_positive() && impact < Money(1 << 100));
    policy.interval > Span::ZERO
        && policy.sample > Span::ZERO
        && policy.period >= policy.interval
        && damped
        && measured
        && part(policy.cap)
        && policy.interest.0.unsigned_abs() <= Ppm::ONE.0.unsigned_abs()
}
