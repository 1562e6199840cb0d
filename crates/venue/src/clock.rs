//! The venue's calendar: premium samples, funding payments, and the expiry of dated contracts. Each tick asks
//! for the next; one that comes at another time than the venue expects is stale.

use crate::command::Internal;
use crate::emit::Emit;
use crate::event::{CancelReason, CauseKind, Event, Rejection, Sink};
use crate::market::Phase;
use crate::policy::FundingPolicy;
use crate::premium::{PremiumAverage, premium_of};
use crate::venue::{Decision, Venue};
use downdraft_margin::InstrumentKind;
use downdraft_margin::funding;
use downdraft_types::{AccountId, InstrumentId, Ppm, Side, Span, Time};

impl Venue {
    pub(crate) fn set_funding<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        policy: Option<FundingPolicy>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.market(instrument)?;
        let perpetual = self.margin.instrument(instrument).spec().kind == InstrumentKind::Perpetual;
        let valid = policy.is_none_or(|p| {
            perpetual
                && p.interval > Span::ZERO
                && p.sample > Span::ZERO
                && p.damper >= Ppm::ZERO
                && p.cap >= Ppm::ZERO
                && p.cap <= Ppm::ONE
                && p.interest.0.unsigned_abs() <= Ppm::ONE.0.unsigned_abs()
                && p.damper <= Ppm::ONE
        });
        if !valid {
            return Err(Rejection::InvalidPolicy);
        }
        let market = self.market_mut(instrument)?;
        market.funding = policy;
        market.premium = PremiumAverage::default();
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
        (rate(&policy, &market.premium), Ppm(i64::try_from(left).unwrap_or(Ppm::ONE.0)))
    }

    pub(crate) fn sample_premium<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let scale =
            i64::from(self.margin.get_instrument(instrument).ok_or(Rejection::UnknownInstrument)?.spec().mark_scale);
        let market = self.market_mut(instrument)?;
        let (Some(policy), true) = (market.funding, market.next_premium_sample == Some(now)) else {
            return Err(Rejection::NothingToDo);
        };
        let due = now.saturating_add(policy.sample);
        market.next_premium_sample = Some(due);
        if let (Some(bid), Some(ask), Some(index)) = (market.best(Side::Buy), market.best(Side::Sell), market.index) {
            let to_mark = |price: downdraft_types::Price| downdraft_types::MarkPrice(price.0 * scale);
            if let Some(premium) = premium_of(to_mark(bid), to_mark(ask), index) {
                market.premium.add(premium);
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
        let rate = rate(&policy, &market.premium);
        market.premium = PremiumAverage::default();
        let residue = self.margin.pay_funding(instrument, rate, |account, amount| {
            emit.event(None, &Event::FundingPaid { instrument, account, amount });
        });
        let settled = emit.event(None, &Event::FundingSettled { instrument, rate, residue });
        emit.request(due, settled, Internal::PayFunding { instrument });
        self.raise(emit, Some(settled), CauseKind::Funding);
        Ok(())
    }

    /// Settles a dated contract at its mark: orders are cancelled, positions closed, and the market ends.
    pub(crate) fn expire<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        if self.market(instrument)?.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        match self.margin.instrument(instrument).spec().kind {
            InstrumentKind::Dated { expiry } if expiry <= emit.time => {}
            _ => return Err(Rejection::NothingToDo),
        }
        for account in 0..self.capacity().accounts {
            self.cancel_all(AccountId(account), instrument, CancelReason::Expired, None, emit);
        }
        self.close_fund_short_of_cash(instrument, emit);
        let market = self.market_mut(instrument)?;
        market.phase = Phase::Expired;
        (market.next_mark_sample, market.fund_unwind, market.vault_unwind) = (None, None, None);
        let mark = self.margin.instrument(instrument).mark();
        let residue = self.margin.settle_all(instrument, |account, realised, moved| {
            let settled = emit.event(None, &Event::Settled { instrument, account, realised });
            if !moved.is_zero() {
                emit.event(Some(settled), &Event::MarginMoved { account, instrument, amount: moved });
            }
        });
        let expired = emit.event(None, &Event::Expired { instrument, mark, residue });
        self.raise(emit, Some(expired), CauseKind::Clock);
        // What waited for this market to reopen has nothing to wait for.
        self.unpark(emit);
        Ok(())
    }
}

fn rate(policy: &FundingPolicy, premium: &PremiumAverage) -> Ppm {
    funding::funding_rate(premium.average(), policy.interest, policy.damper, policy.cap)
}
