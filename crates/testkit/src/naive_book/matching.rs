//! The naive match: who is first, again and again.

use downdraft_book::{
    CancelCause, Cancelled, Display, End, Fill, Matcher, NewOrder, Outcome, Proposal, SelfTradePrevention, Verdict,
};
use downdraft_types::{OrderId, Qty, Side};

use super::{Fault, NaiveBook, Queued};

impl NaiveBook {
    /// Matches an order that nothing refuses, and rests what is left.
    pub(super) fn run<M: Matcher>(&mut self, order: &NewOrder, id: OrderId, matcher: &mut M) -> Outcome {
        let none = Qty::ZERO;
        let mut outcome =
            Outcome { filled: none, decremented: none, remaining: order.qty, rested: None, end: End::Filled };
        while !outcome.remaining.is_zero() {
            let Some(maker) = self.first(order).filter(|_| !self.collecting) else {
                outcome.end = End::Unfilled;
                if order.tif.rests() {
                    self.join(order, id, outcome.remaining);
                    (outcome.rested, outcome.end) = (Some(id), End::Rested);
                }
                return outcome;
            };
            let own = order.stp != SelfTradePrevention::None && self.group(maker.owner) == self.group(order.owner);
            let end = match own {
                true => self.prevent(order.stp, &maker, &mut outcome, matcher),
                false => self.meet(&maker, &mut outcome, matcher),
            };
            if let Some(end) = end {
                outcome.end = end;
                return outcome;
            }
        }
        outcome
    }

    pub(super) fn group(&self, owner: u32) -> u32 {
        let group = self.groups.get(owner as usize).copied().unwrap_or(owner);
        if self.fault == Fault::IgnoresGroups { owner } else { group }
    }

    fn meet<M: Matcher>(&mut self, maker: &Queued, outcome: &mut Outcome, matcher: &mut M) -> Option<End> {
        let qty = maker.qty.min(outcome.remaining);
        let proposal = Proposal { maker: maker.id, owner: maker.owner, price: maker.price, qty };
        let qty = match matcher.before(&proposal) {
            Verdict::Stop | Verdict::TradeAtMost(Qty(0)) => return Some(End::Stopped),
            Verdict::CancelMaker => {
                self.lose(maker, maker.lots(), CancelCause::Verdict, matcher);
                return None;
            }
            Verdict::TradeAtMost(most) => qty.min(most),
            Verdict::Trade => qty,
        };
        outcome.filled += qty;
        outcome.remaining -= qty;
        let (maker_remaining, price) = (maker.lots() - qty, maker.price);
        matcher.filled(&Fill { maker: maker.id, maker_owner: maker.owner, price, qty, maker_remaining });
        self.take_off(maker.id, qty);
        self.leaked += usize::from(self.fault == Fault::LeaksSlots && maker_remaining.is_zero());
        if self.fault == Fault::PartialFillLosesItsPlace {
            self.send_back(maker.id);
        }
        self.last = Some(price);
        self.refer(downdraft_book::TriggerBy::Last, price);
        None
    }

    fn prevent<M: Matcher>(
        &mut self,
        stp: SelfTradePrevention,
        maker: &Queued,
        outcome: &mut Outcome,
        matcher: &mut M,
    ) -> Option<End> {
        match stp {
            SelfTradePrevention::None => unreachable!("they trade"),
            SelfTradePrevention::CancelNewest => Some(End::SelfTrade),
            SelfTradePrevention::CancelOldest => {
                self.lose(maker, maker.lots(), CancelCause::SelfTrade, matcher);
                None
            }
            SelfTradePrevention::CancelBoth => {
                self.lose(maker, maker.lots(), CancelCause::SelfTrade, matcher);
                Some(End::SelfTrade)
            }
            SelfTradePrevention::Decrement => {
                let both = maker.qty.min(outcome.remaining);
                self.lose(maker, both, CancelCause::SelfTrade, matcher);
                outcome.decremented += both;
                outcome.remaining -= both;
                outcome.remaining.is_zero().then_some(End::SelfTrade)
            }
        }
    }

    fn lose<M: Matcher>(&mut self, maker: &Queued, qty: Qty, cause: CancelCause, matcher: &mut M) {
        let (owner, price, remaining) = (maker.owner, maker.price, maker.lots() - qty);
        matcher.cancelled(&Cancelled { maker: maker.id, owner, price, qty, remaining, cause });
        self.take_off(maker.id, qty);
    }

    /// Takes lots off an order: those in the queue first; then an iceberg shows its next ones at the back.
    pub(super) fn take_off(&mut self, id: OrderId, qty: Qty) {
        let keeps_place = self.fault == Fault::RefillKeepsItsPlace;
        let order = self.queued_mut(id);
        if qty == order.lots() {
            self.orders.retain(|order| order.id != id);
            return;
        }
        order.qty -= qty;
        if order.qty.is_zero() {
            let Display::Iceberg(peak) = order.display else { unreachable!("only icebergs have a reserve") };
            order.qty = order.reserve.min(peak);
            order.reserve -= order.qty;
            if !keeps_place {
                self.send_back(id);
            }
        }
    }

    fn send_back(&mut self, id: OrderId) {
        if let Some(at) = self.orders.iter().position(|order| order.id == id) {
            let order = self.orders.remove(at);
            self.orders.push(order);
        }
    }

    /// The order that a taker would meet now.
    pub(super) fn first(&self, taker: &NewOrder) -> Option<Queued> {
        let slack = i64::from(self.fault == Fault::TradesThroughItsLimit);
        let maker = self.queue(taker.side.opposite()).first().copied()?;
        let within = match (taker.limit, taker.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => maker.price.0 <= limit.0.saturating_add(slack),
            (Some(limit), Side::Sell) => maker.price.0 >= limit.0.saturating_sub(slack),
        };
        within.then_some(maker)
    }
}
