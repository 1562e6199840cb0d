//! The recorded book as the recording tells it: what each of its orders is now, whatever became of it in our
//! market.

use downdraft_feed::lobster::LevelRow;
use downdraft_types::{Price, Qty, Side};
use std::collections::BTreeMap;

/// Client numbers of orders that the recording never named: what rested before it began, by level.
const ANONYMOUS: u64 = 1 << 63;

/// A recorded order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) qty: Qty,
    /// When it got its place, among all.
    pub(super) rank: u64,
}

/// The recorded book.
#[derive(Clone, Default)]
pub(super) struct Shadow {
    orders: BTreeMap<u64, Known>,
    /// Total by level: bids, asks.
    levels: [BTreeMap<Price, Qty>; 2],
    /// The anonymous order of each level: its client number.
    anonymous: [BTreeMap<Price, u64>; 2],
    ranks: u64,
    named: u64,
}

impl Shadow {
    pub(super) fn add(&mut self, order: u64, side: Side, price: Price, qty: Qty) {
        self.ranks += 1;
        self.orders.insert(order, Known { side, price, qty, rank: self.ranks });
        *self.levels[side as usize].entry(price).or_default() += qty;
    }

    pub(super) fn get(&self, order: u64) -> Option<Known> {
        self.orders.get(&order).copied()
    }

    /// The order that a message means: the one of that number or, where the recording never named it, the
    /// anonymous one of its level.
    pub(super) fn resolve(&self, order: u64, side: Side, price: Price) -> Option<u64> {
        match self.orders.contains_key(&order) {
            true => Some(order),
            false => self.anonymous[side as usize].get(&price).copied(),
        }
    }

    /// Takes up to `by` off an order; returns how much that was.
    pub(super) fn reduce(&mut self, order: u64, by: Qty) -> Qty {
        let Some(known) = self.orders.get_mut(&order) else { return Qty::ZERO };
        let by = by.min(known.qty);
        known.qty -= by;
        let (side, price, left) = (known.side, known.price, known.qty);
        if left.is_zero() {
            self.orders.remove(&order);
            if self.anonymous[side as usize].get(&price) == Some(&order) {
                self.anonymous[side as usize].remove(&price);
            }
        }
        let level = self.levels[side as usize].get_mut(&price).expect("an order's level");
        *level -= by;
        if level.is_zero() {
            self.levels[side as usize].remove(&price);
        }
        by
    }

    pub(super) fn level(&self, side: Side, price: Price) -> Qty {
        self.levels[side as usize].get(&price).copied().unwrap_or_default()
    }

    /// Adds to a level what the recording shows but never sent. Returns the client number of a new anonymous
    /// order, or of the level's present one, with its whole size.
    pub(super) fn reveal(&mut self, side: Side, price: Price, qty: Qty) -> (u64, Qty) {
        let client = self.anonymous[side as usize].get(&price).copied().unwrap_or_else(|| {
            self.named += 1;
            ANONYMOUS | self.named
        });
        let held = self.get(client).map_or(Qty::ZERO, |known| known.qty);
        self.reduce(client, held);
        self.add(client, side, price, held + qty);
        self.anonymous[side as usize].insert(price, client);
        (client, held + qty)
    }

    pub(super) fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.levels[0].last_key_value().map(|(price, _)| *price),
            Side::Sell => self.levels[1].first_key_value().map(|(price, _)| *price),
        }
    }

    pub(super) fn is_crossed(&self) -> bool {
        matches!((self.best(Side::Buy), self.best(Side::Sell)), (Some(bid), Some(ask)) if bid >= ask)
    }

    /// All orders in the order of their places.
    pub(super) fn in_order(&self) -> Vec<(u64, Known)> {
        let mut orders: Vec<_> = self.orders.iter().map(|(order, known)| (*order, *known)).collect();
        orders.sort_unstable_by_key(|(_, known)| known.rank);
        orders
    }

    /// Orders of a side at prices worse than `worst`, in the order of their places.
    pub(super) fn beyond(&self, side: Side, worst: Price) -> Vec<(u64, Known)> {
        let is_beyond = |price: Price| !side.opposite().accepts(worst, price);
        if !self.levels[side as usize].keys().any(|price| is_beyond(*price)) {
            return Vec::new();
        }
        let mut orders = self.in_order();
        orders.retain(|(_, known)| known.side == side && is_beyond(known.price));
        orders
    }

    pub(super) fn clear(&mut self) {
        self.orders.clear();
        self.levels.iter_mut().for_each(BTreeMap::clear);
        self.anonymous.iter_mut().for_each(BTreeMap::clear);
    }
}

/// The levels of a row on one side.
pub(super) fn side_of(row: &LevelRow, side: Side) -> &[(Price, Qty)] {
    match side {
        Side::Buy => &row.bids,
        Side::Sell => &row.asks,
    }
}
