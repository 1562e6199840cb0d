//! Expiry: the price at which a dated contract is settled, and its settlement.
//!
//! ```text
//!             window
//!         ┌──────┴──────┐
//!   ──────┼──•──•──•──•─•│ expiry: settled at the mean of the readings of the index
//!         └──┘ sample
//! ```
//!
//! The mean is rounded to the nearest mark increment, a half upward: neither side gains more than half of one.

use crate::command::Internal;
use crate::emit::Emit;
use crate::event::{CancelReason, CauseKind, Event, Rejection, Sink};
use crate::market::Phase;
use crate::venue::{Decision, Venue};
use downdraft_margin::DeliveryFee;
use downdraft_types::arith::floor_div;
use downdraft_types::{AccountId, InstrumentId, MarkPrice, Span, Time};
use serde::{Deserialize, Serialize};

/// How a dated contract is settled. Without a policy it is settled at its mark, and free of charge.
///
/// Sources: Deribit, *Settlement* (30 minutes, every 6 seconds); Binance, *Delivery* (an hour, every second).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SettlementPolicy {
    /// How long before expiry the index is averaged; zero: it is read once, at expiry.
    pub window: Span,
    /// Time between readings: at the end of each such part of the window, which is a whole number of them.
    pub sample: Span,
    /// What delivery costs.
    pub fee: DeliveryFee,
}

impl SettlementPolicy {
    /// The most readings of a window.
    const MOST: u64 = 1 << 20;

    /// Whether the window divides into whole samples, not too many, and the fee is legal.
    fn is_valid(&self) -> bool {
        let (window, sample) = (self.window.0, self.sample.0);
        let whole = window == 0 || (sample > 0 && window.is_multiple_of(sample) && window / sample <= Self::MOST);
        whole && self.fee.is_legal()
    }

    /// The first reading before a contract's expiry; at expiry where there is only that one.
    fn first(&self, expiry: Time) -> Time {
        let after = self.window.0 - if self.window.0 == 0 { 0 } else { self.sample.0 };
        Time(expiry.0.saturating_sub(after))
    }
}

/// The readings of an index within a window.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct IndexMean {
    /// Below 2^20 readings of 64 bits.
    sum: i128,
    count: u32,
}

impl IndexMean {
    fn add(&mut self, index: MarkPrice) {
        self.sum += i128::from(index.0);
        self.count += 1;
    }

    /// The mean, to the nearest mark increment, a half upward. `None` without a reading.
    fn mean(&self) -> Option<MarkPrice> {
        let count = i128::from(self.count);
        let mean = (count > 0).then(|| floor_div(2 * self.sum + count, 2 * count));
        mean.and_then(|mean| i64::try_from(mean).ok()).map(MarkPrice)
    }
}

impl Venue {
    pub(crate) fn set_settlement<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        policy: Option<SettlementPolicy>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        if self.market(instrument)?.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        let expiry = self.margin.instrument(instrument).spec().kind.expiry();
        let due = match (policy, expiry) {
            (None, _) => None,
            // A window that has begun would be averaged in part.
            (Some(policy), Some(expiry)) if policy.is_valid() && policy.first(expiry) > emit.time => {
                Some(policy.first(expiry)).filter(|first| *first < expiry)
            }
            (Some(_), _) => return Err(Rejection::InvalidPolicy),
        };
        let market = self.market_mut(instrument)?;
        market.settlement = policy;
        market.index_mean = IndexMean::default();
        market.next_settlement_sample = due;
        let set = emit.event(None, &Event::ParameterSet { instrument: Some(instrument) });
        if let Some(due) = due {
            emit.request(due, set, Internal::SampleSettlement { instrument });
        }
        Ok(())
    }

    pub(crate) fn sample_settlement<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let market = self.market(instrument)?;
        let (Some(policy), true) = (market.settlement, market.next_settlement_sample == Some(now)) else {
            return Err(Rejection::NothingToDo);
        };
        let index = self.market(self.index_source(instrument))?.index;
        let expiry = self.margin.instrument(instrument).spec().kind.expiry();
        // The last reading is made at expiry itself.
        let due = Some(now.saturating_add(policy.sample)).filter(|due| expiry.is_some_and(|expiry| *due < expiry));
        let market = self.market_mut(instrument)?;
        market.next_settlement_sample = due;
        if let Some(index) = index {
            market.index_mean.add(index);
        }
        let ticked = emit.event(None, &Event::Ticked { instrument });
        if let Some(due) = due {
            emit.request(due, ticked, Internal::SampleSettlement { instrument });
        }
        Ok(())
    }

    /// Settles a dated contract: orders are cancelled, positions closed at the settlement price, and the market ends.
    pub(crate) fn expire<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        if self.market(instrument)?.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        match self.margin.instrument(instrument).spec().kind.expiry() {
            Some(expiry) if expiry <= emit.time => {}
            _ => return Err(Rejection::NothingToDo),
        }
        for account in 0..self.capacity().accounts {
            self.cancel_all(AccountId(account), instrument, CancelReason::Expired, None, emit);
        }
        self.move_to_settlement(instrument, emit);
        self.close_fund_short_of_cash(instrument, emit);
        let market = self.market_mut(instrument)?;
        market.phase = Phase::Expired;
        (market.next_mark_sample, market.next_settlement_sample) = (None, None);
        (market.fund_unwind, market.vault_unwind) = (None, None);
        let fee = market.settlement.map(|policy| policy.fee).unwrap_or_default();
        let mark = self.margin.instrument(instrument).mark();
        let residue = self.margin.settle_all(instrument, fee, |delivered| {
            let (account, realised, fee) = (delivered.account, delivered.realised, delivered.fee);
            let settled = emit.event(None, &Event::Settled { instrument, account, realised, fee });
            if !delivered.margin_moved.is_zero() {
                let amount = delivered.margin_moved;
                emit.event(Some(settled), &Event::MarginMoved { account, instrument, amount });
            }
        });
        let expired = emit.event(None, &Event::Expired { instrument, mark, residue });
        self.raise(emit, Some(expired), CauseKind::Clock);
        // What waited for this market to reopen has nothing to wait for.
        self.unpark(emit);
        Ok(())
    }

    /// Moves the mark to the settlement price, the mean of the index's readings, the one at expiry included, or what it
    /// makes an option worth. Without a policy a dated contract's mark stands, and an option's index is read once;
    /// without any index the mark stands.
    fn move_to_settlement<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) {
        let index = self.market(self.index_source(instrument)).ok().and_then(|market| market.index);
        let terms = self.margin.instrument(instrument);
        let option = terms.option().copied();
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        if market.settlement.is_none() && option.is_none() {
            return;
        }
        if let Some(index) = index {
            market.index_mean.add(index);
        }
        let Some(mean) = market.index_mean.mean() else { return };
        let (lowest, highest) = terms.legal_marks();
        let mark = option.map_or(mean, |option| option.payoff(mean)).clamp(lowest, highest);
        if !market.has_mark || terms.mark() != mark {
            market.has_mark = true;
            emit.event(None, &Event::MarkMoved { instrument, mark, kind: CauseKind::Clock });
        }
        match option {
            Some(_) => self.margin.place_settlement(instrument, mark, mean),
            None => self.margin.set_settlement_mark(instrument, mark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_rounds_half_up() {
        let mean = |readings: &[i64]| {
            let mut mean = IndexMean::default();
            readings.iter().for_each(|index| mean.add(MarkPrice(*index)));
            mean.mean().map(|mark| mark.0)
        };
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[7]), Some(7));
        assert_eq!(mean(&[1, 2]), Some(2));
        assert_eq!(mean(&[-1, -2]), Some(-1));
        assert_eq!(mean(&[1, 1, 2]), Some(1));
        assert_eq!(mean(&[i64::MAX; 5]), Some(i64::MAX));
    }

    #[test]
    fn windows_are_whole() {
        let valid = |window, sample| {
            let fee = DeliveryFee::default();
            SettlementPolicy { window: Span(window), sample: Span(sample), fee }.is_valid()
        };
        assert!(valid(0, 0) && valid(30, 6) && valid(6, 6));
        assert!(!valid(31, 6) && !valid(5, 6) && !valid(5, 0) && !valid(u64::MAX, 1));
    }
}
