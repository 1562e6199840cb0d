//! A copy of a book, kept by listening alone: its queues from what happens to orders, its depth from what happens
//! to levels.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use downdraft_book::{Cancelled, Cross, DepthLevel, Fill, LevelChange, Resting};
use downdraft_types::{OrderId, Price, Qty, Side};

/// The copy.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    /// In the order in which they joined their queues, with whether they are hidden.
    orders: Vec<(Resting, bool)>,
    levels: BTreeMap<(Side, Price), (Qty, u32)>,
}

impl Mirror {
    pub fn rested(&mut self, order: &Resting) {
        assert!(self.orders.iter().all(|(other, _)| other.id != order.id), "an order rests once");
        self.orders.push((*order, order.displayed.is_zero()));
    }

    pub fn left(&mut self, order: &Resting) {
        assert_eq!(self.take(order.id).map(|(order, _)| order), Some(*order), "what leaves is as it was");
    }

    pub fn reduced(&mut self, order: &Resting) {
        self.find(order.id).0 = *order;
    }

    pub fn refilled(&mut self, order: &Resting) {
        let (before, hidden) = self.take(order.id).expect("what is refilled rests");
        assert!(before.displayed.is_zero() && before.qty == order.qty && !hidden, "a refill moves lots only");
        self.orders.push((*order, false));
    }

    pub fn filled(&mut self, fill: &Fill) {
        self.lose(fill.maker, fill.qty, fill.maker_remaining);
    }

    pub fn crossed(&mut self, cross: &Cross) {
        self.lose(cross.bid, cross.qty, cross.bid_remaining);
        self.lose(cross.ask, cross.qty, cross.ask_remaining);
    }

    /// What is not known is a stop that has not fired.
    pub fn cancelled(&mut self, cancelled: &Cancelled) {
        if self.orders.iter().any(|(order, _)| order.id == cancelled.maker) {
            self.lose(cancelled.maker, cancelled.qty, cancelled.remaining);
        }
    }

    pub fn level(&mut self, change: &LevelChange) {
        let key = (change.side, change.price);
        assert_eq!(change.qty.is_zero(), change.orders == 0, "a level has lots while it has orders");
        match change.orders {
            0 => _ = self.levels.remove(&key),
            orders => _ = self.levels.insert(key, (change.qty, orders)),
        }
    }

    fn lose(&mut self, id: OrderId, qty: Qty, remaining: Qty) {
        let (order, hidden) = self.find(id);
        assert_eq!(order.qty, remaining + qty, "lots lost and left add up");
        order.qty = remaining;
        if !*hidden {
            order.displayed = if remaining.is_zero() { Qty::ZERO } else { order.displayed - qty };
        }
        if remaining.is_zero() {
            self.take(id);
        }
    }

    pub fn is_hidden(&self, id: OrderId) -> bool {
        self.orders.iter().any(|(order, hidden)| order.id == id && *hidden)
    }

    fn find(&mut self, id: OrderId) -> &mut (Resting, bool) {
        self.orders.iter_mut().find(|(order, _)| order.id == id).expect("an order that rests")
    }

    fn take(&mut self, id: OrderId) -> Option<(Resting, bool)> {
        let at = self.orders.iter().position(|(order, _)| order.id == id)?;
        Some(self.orders.remove(at))
    }

    /// Every order of a side in the order in which it would trade.
    pub fn orders(&self, side: Side) -> Vec<Resting> {
        let mut orders: Vec<_> = self.orders.iter().filter(|(order, _)| order.side == side).collect();
        orders.sort_by_key(|(_, hidden)| *hidden);
        match side {
            Side::Buy => orders.sort_by_key(|(order, _)| Reverse(order.price)),
            Side::Sell => orders.sort_by_key(|(order, _)| order.price),
        }
        orders.into_iter().map(|(order, _)| *order).collect()
    }

    /// The displayed levels of a side, best first.
    pub fn depth(&self, side: Side) -> Vec<DepthLevel> {
        let levels = self.levels.iter().filter(|((at, _), _)| *at == side);
        let mut levels: Vec<_> = levels
            .map(|((_, price), (qty, orders))| DepthLevel { price: *price, qty: *qty, orders: *orders })
            .collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }
}
