//! Who was touched by a forced order, which orders were withdrawn after that, and which forced trade came last:
//! what the rule of mediated ancestry looks up.

use downdraft_types::{AccountId, InstrumentId, MarkPrice, OrderId, Price, Side, Span, Time};
use downdraft_venue::CancelReason;
use std::collections::VecDeque;

/// Withdrawn orders kept per venue; of more than that within the window the oldest are forgotten.
const MOST_WITHDRAWN: usize = 1_024;

/// No book of a venue has a slot beyond this.
const MOST_SLOTS: u32 = 1 << 24;

/// When, and by which liquidation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Touched {
    pub time: Time,
    pub episode: u64,
}

/// The accounts that a forced order dealt with, and when it last did. Grows with the largest account number.
#[derive(Clone, Debug, Default)]
pub(super) struct Touches(Vec<Option<Touched>>);

impl Touches {
    /// `most` bounds the account numbers believed.
    pub(super) fn touch(&mut self, account: AccountId, most: u32, touched: Touched) {
        if account.0 < most {
            if self.0.len() <= account.index() {
                self.0.resize(account.index() + 1, None);
            }
            self.0[account.index()] = Some(touched);
        }
    }

    /// The last touch, if it was within `window` before `now`.
    pub(super) fn within(&self, account: AccountId, window: Span, now: Time) -> Option<Touched> {
        self.0.get(account.index()).copied().flatten().filter(|touched| now.since(touched.time) <= window)
    }
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    generation: u32,
    side: Side,
    price: Price,
}

/// Side and price of the orders that rest, by slot: an event that one is gone does not repeat them.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders(Vec<Vec<Option<Resting>>>);

impl Orders {
    /// An order rests. Returns where it rested before, if it moved.
    pub(super) fn rests(
        &mut self,
        instrument: InstrumentId,
        order: OrderId,
        side: Side,
        price: Price,
    ) -> Option<(Side, Price)> {
        if order.slot() >= MOST_SLOTS {
            return None;
        }
        if self.0.len() <= instrument.index() {
            self.0.resize_with(instrument.index() + 1, Vec::new);
        }
        let slots = &mut self.0[instrument.index()];
        if slots.len() <= order.slot() as usize {
            slots.resize(order.slot() as usize + 1, None);
        }
        let new = Resting { generation: order.generation(), side, price };
        let old = slots[order.slot() as usize].replace(new)?;
        (old.generation == order.generation() && old.price != price).then_some((old.side, old.price))
    }

    /// Where an order rests, or rested last.
    pub(super) fn find(&self, instrument: InstrumentId, order: OrderId) -> Option<(Side, Price)> {
        let resting = self.0.get(instrument.index())?.get(order.slot() as usize)?.as_ref()?;
        (resting.generation == order.generation()).then_some((resting.side, resting.price))
    }
}

/// An order withdrawn by someone whom a forced order had touched.
#[derive(Clone, Copy, Debug)]
struct Withdrawn {
    time: Time,
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    episode: u64,
}

/// Orders withdrawn of late, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Withdrawals(VecDeque<Withdrawn>);

impl Withdrawals {
    pub(super) fn add(
        &mut self,
        (instrument, side, price): (InstrumentId, Side, Price),
        account: AccountId,
        time: Time,
        episode: u64,
    ) {
        if self.0.len() == MOST_WITHDRAWN {
            self.0.pop_front();
        }
        self.0.push_back(Withdrawn { time, account, instrument, side, price, episode });
    }

    /// An account's order rests: what it had withdrawn at that price, or at a worse one, is replaced.
    pub(super) fn replaced(&mut self, instrument: InstrumentId, side: Side, price: Price, account: AccountId) {
        let covers = |old: &Withdrawn| match side {
            Side::Buy => old.price <= price,
            Side::Sell => old.price >= price,
        };
        self.0.retain(|old| old.account != account || old.instrument != instrument || old.side != side || !covers(old));
    }

    /// The last order withdrawn within `window` that a mark moving from `before` to `after` would have met.
    pub(super) fn in_gap(
        &mut self,
        instrument: InstrumentId,
        (before, after): (MarkPrice, MarkPrice),
        mark_scale: u32,
        window: Span,
        now: Time,
    ) -> Option<u64> {
        while self.0.front().is_some_and(|old| now.since(old.time) > window) {
            self.0.pop_front();
        }
        let meets = |old: &&Withdrawn| {
            let price = i128::from(old.price.0) * i128::from(mark_scale);
            let (before, after) = (i128::from(before.0), i128::from(after.0));
            old.instrument == instrument
                && match old.side {
                    Side::Buy => after < price && price <= before,
                    Side::Sell => before <= price && price < after,
                }
        };
        self.0.iter().rev().find(meets).map(|old| old.episode)
    }
}

/// Whether its owner took an order away.
pub(super) const fn is_withdrawal(reason: CancelReason) -> bool {
    matches!(reason, CancelReason::Requested | CancelReason::Replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERP: InstrumentId = InstrumentId(0);
    const MAKER: AccountId = AccountId(7);

    #[test]
    fn a_touch_is_forgotten_in_time() {
        let mut touches = Touches::default();
        let touched = Touched { time: Time(100), episode: 3 };
        touches.touch(MAKER, 8, touched);
        touches.touch(AccountId(8), 8, touched);
        assert_eq!(touches.within(MAKER, Span(10), Time(110)), Some(touched));
        assert_eq!(touches.within(MAKER, Span(10), Time(111)), None);
        assert_eq!(touches.within(AccountId(8), Span(10), Time(100)), None, "beyond the accounts there are");
    }

    #[test]
    fn an_order_that_moves_is_noticed() {
        let mut orders = Orders::default();
        let order = OrderId::new(2, 1);
        assert_eq!(orders.rests(PERP, order, Side::Buy, Price(99)), None);
        assert_eq!(orders.rests(PERP, order, Side::Buy, Price(99)), None, "the same price again");
        assert_eq!(orders.rests(PERP, order, Side::Buy, Price(97)), Some((Side::Buy, Price(99))));
        assert_eq!(orders.find(PERP, order), Some((Side::Buy, Price(97))));
        assert_eq!(orders.find(PERP, OrderId::new(2, 0)), None);
        assert_eq!(orders.rests(PERP, OrderId::new(2, 2), Side::Sell, Price(103)), None, "another order in the slot");
        assert_eq!(orders.rests(PERP, OrderId::new(u32::MAX, 0), Side::Buy, Price(1)), None);
    }

    #[test]
    fn a_withdrawn_order_leaves_a_gap_until_it_is_replaced() {
        let gap = |moves: (i64, i64), replaced: Option<i64>| {
            let mut withdrawals = Withdrawals::default();
            withdrawals.add((PERP, Side::Buy, Price(98)), MAKER, Time(5), 4);
            if let Some(price) = replaced {
                withdrawals.replaced(PERP, Side::Buy, Price(price), MAKER);
            }
            let moves = (MarkPrice(moves.0 * 10), MarkPrice(moves.1 * 10));
            withdrawals.in_gap(PERP, moves, 10, Span(10), Time(15))
        };
        assert_eq!(gap((99, 97), None), Some(4));
        assert_eq!(gap((98, 97), None), Some(4));
        assert_eq!(gap((99, 98), None), None, "the mark did not go past it");
        assert_eq!(gap((97, 96), None), None);
        assert_eq!(gap((97, 99), None), None, "a rise meets no bids");
        assert_eq!(gap((99, 97), Some(98)), None);
        assert_eq!(gap((99, 97), Some(97)), Some(4), "a lower bid does not fill the gap");
    }
}
