//! Collateral of unified accounts at work: its policy, interest on loans, and the sale of one currency for another that
//! an account owes. A sale is an order in the currency's own market, so that it moves the price of everyone's
//! collateral; nothing is converted without one.

use crate::command::Internal;
use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::market::Phase;
use crate::protect;
use crate::venue::{Decision, Venue};
use downdraft_book::NewOrder;
use downdraft_margin::{CollateralPolicy, Conversion, Pool};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Price, Side};

impl Venue {
    pub(crate) fn set_collateral<S: Sink>(&mut self, policy: &CollateralPolicy, emit: &mut Emit<'_, S>) -> Decision {
        self.margin.set_collateral(policy)?;
        let set = emit.event(None, &Event::ParameterSet { instrument: None });
        self.next_interest = policy.interest_every.map(|every| emit.time.saturating_add(every));
        if let Some(due) = self.next_interest {
            emit.request(due, set, Internal::ChargeInterest);
        }
        self.raise(emit, Some(set), CauseKind::Parameter);
        Ok(())
    }

    pub(crate) fn set_unified<S: Sink>(
        &mut self,
        account: AccountId,
        unified: bool,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        if unified && self.policy.vault == Some(account) {
            return Err(Rejection::InvalidPolicy);
        }
        self.margin.set_unified(account, unified)?;
        let set = emit.event(None, &Event::UnifiedSet { account, unified });
        self.raise(emit, Some(set), CauseKind::OwnAccount);
        Ok(())
    }

    pub(crate) fn charge_interest<S: Sink>(&mut self, emit: &mut Emit<'_, S>) -> Decision {
        let every = self.margin.collateral().and_then(|policy| policy.interest_every);
        let (Some(every), true) = (every, self.next_interest == Some(emit.time)) else {
            return Err(Rejection::NothingToDo);
        };
        let due = emit.time.saturating_add(every);
        self.next_interest = Some(due);
        let mut last = None;
        self.margin.charge_interest(|account, currency, amount| {
            last = Some(emit.event(None, &Event::InterestPaid { account, currency, amount }));
        });
        let charged = emit.event(None, &Event::InterestCharged);
        emit.request(due, charged, Internal::ChargeInterest);
        self.raise(emit, Some(last.unwrap_or(charged)), CauseKind::Interest);
        Ok(())
    }

    /// Sells collateral for what an account owes, one order, and asks for the next.
    pub(crate) fn convert<S: Sink>(&mut self, account: AccountId, emit: &mut Emit<'_, S>) -> Decision {
        let pool = Pool::Unified { account };
        if !self.margin.is_known(pool) || !self.margin.is_converting(account) {
            return Err(Rejection::NothingToDo);
        }
        let mut cause = None;
        let mut again = false;
        let next = self.margin.conversion(account, false).filter(|_| !self.margin.is_liquidating(pool));
        if let Some(conversion) = next {
            if self.waits_for_reopening(conversion.instrument) {
                let postponed = emit.event(None, &Event::ConversionPostponed { account });
                self.desk.parked.push((Internal::Convert { account }, emit.id(postponed)));
                return Ok(());
            }
            let (done, progress) = self.send_conversion(account, &conversion, emit);
            cause = Some(done);
            again = progress && !self.margin.is_liquidating(pool) && self.margin.conversion(account, false).is_some();
        }
        if again && let Some(cause) = cause {
            let due = self.desk.slot(emit.time, self.policy.latency, &self.policy);
            emit.request(due, cause, Internal::Convert { account });
        } else if self.margin.is_converting(account) {
            self.margin.end_conversion(account);
            emit.event(cause, &Event::ConversionEnded { account });
        }
        Ok(())
    }

    /// The next sale for a flat pool under liquidation. `None`: nothing is owed, or nothing can be sold.
    pub(crate) fn convert_step<S: Sink>(&mut self, pool: Pool, emit: &mut Emit<'_, S>) -> Option<u32> {
        let Pool::Unified { account } = pool else { return None };
        let conversion = self.margin.conversion(account, true)?;
        if self.waits_for_reopening(conversion.instrument) {
            return None;
        }
        let (done, progress) = self.send_conversion(account, &conversion, emit);
        progress.then_some(done)
    }

    /// Whether a flat pool under liquidation has collateral to sell whose market is halted.
    pub(crate) fn conversion_waits(&self, pool: Pool) -> bool {
        let Pool::Unified { account } = pool else { return false };
        let next = self.margin.conversion(account, true);
        next.is_some_and(|conversion| self.waits_for_reopening(conversion.instrument))
    }

    pub(crate) fn waits_for_reopening(&self, instrument: InstrumentId) -> bool {
        let phase = self.market(instrument).map(|market| market.phase);
        matches!(phase, Ok(Phase::Halted(_))) && self.policy.bound_by_halts
    }

    /// Sends a conversion's order into the book, and moves the mark by what it did. Returns the last event, and
    /// whether anything was traded.
    fn send_conversion<S: Sink>(
        &mut self,
        account: AccountId,
        conversion: &Conversion,
        emit: &mut Emit<'_, S>,
    ) -> (u32, bool) {
        let Conversion { instrument, side, currency, .. } = *conversion;
        let qty = conversion.qty.min(self.margin.instrument(instrument).spec().max_order);
        let limit = self.band_limit(instrument, side);
        let ordered = Event::ConversionOrdered { account, instrument, side, qty, limit, currency };
        let ordered = emit.event(None, &ordered);
        let (book, mut floor) = self.floor(instrument, (account, side), true, Some(ordered), emit);
        let order = NewOrder { limit, ..NewOrder::market(side, qty, account.0) };
        let outcome = book.submit(&order, &mut floor).expect("an immediate order of a positive quantity");
        let tally = floor.tally;
        let (filled, left, value) = (tally.filled, qty - outcome.filled, tally.value);
        let done = Event::ConversionDone { account, instrument, filled, left, value };
        let done = emit.event(Some(tally.last_trade.unwrap_or(ordered)), &done);
        self.margin.reindex_party(account, instrument);
        self.raise(emit, Some(done), CauseKind::OwnAccount);
        self.book_changed(instrument, &tally, done, emit);
        (done, !filled.is_zero())
    }

    /// The limit that the price band sets to a forced order.
    pub(crate) fn band_limit(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        let band = self.market(instrument).ok()?.protections.band.filter(|_| self.policy.bound_by_bands)?;
        let terms = self.margin.instrument(instrument);
        let (low, high) = protect::band_limits(terms.mark(), band, terms.spec().mark_scale);
        Some(if side == Side::Buy { high } else { low })
    }

    /// A fund takes a flat account's unsold assets for what it paid, at the mark.
    pub(crate) fn seize<S: Sink>(
        &mut self,
        fund: AccountId,
        pool: Pool,
        (currency, paid): (CurrencyId, Money),
        parent: Parent,
        emit: &mut Emit<'_, S>,
    ) {
        let Pool::Unified { account } = pool else { return };
        let mut worth = self.margin.in_reference(currency, paid);
        while worth.is_positive()
            && let Some((currency, amount, taken)) = self.margin.seize(fund, account, worth)
        {
            emit.event(parent, &Event::CollateralSeized { fund, account, currency, amount });
            worth -= taken;
        }
    }
}
