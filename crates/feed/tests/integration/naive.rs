//! Books that a reader's records are checked against: as naive as possible, and sharing nothing with the engine.

use downdraft_feed::Body;
use downdraft_feed::lobster::LevelRow;
use downdraft_types::{Price, Qty, Side};
use std::collections::BTreeMap;

/// Level totals, for a recording that starts with levels and not with orders.
#[derive(Default)]
pub struct Levels {
    sides: [BTreeMap<Price, Qty>; 2],
}

impl Levels {
    pub fn seed(&mut self, row: &LevelRow) {
        self.sides = [row.bids.iter().copied().collect(), row.asks.iter().copied().collect()];
    }

    pub fn apply(&mut self, body: &Body) {
        match *body {
            Body::Add { side, price, qty, .. } => *self.sides[side as usize].entry(price).or_default() += qty,
            Body::Reduce { side, price, by: qty, .. }
            | Body::Delete { side, price, qty, .. }
            | Body::Execute { side, price, qty, .. } => {
                let levels = &mut self.sides[side as usize];
                let left = levels.get(&price).and_then(|held| held.checked_sub(qty));
                match left.unwrap_or_else(|| panic!("{qty} from {side} {price}, which holds less")) {
                    Qty::ZERO => levels.remove(&price),
                    left => levels.insert(price, left),
                };
            }
            _ => {}
        }
    }

    /// Sets the row's levels that were not among the previous row's prices, forgets what is beyond the row, and
    /// counts the levels that had to be set.
    pub fn reveal(&mut self, previous: &LevelRow, row: &LevelRow) -> u64 {
        let mut reveals = 0;
        for (side, before, now) in [(Side::Buy, &previous.bids, &row.bids), (Side::Sell, &previous.asks, &row.asks)] {
            let levels = &mut self.sides[side as usize];
            for &(price, qty) in now {
                let entered = before.iter().all(|&(seen, _)| seen != price);
                if entered && levels.get(&price) != Some(&qty) {
                    levels.insert(price, qty);
                    reveals += 1;
                }
            }
            if let Some(&(worst, _)) = now.last() {
                levels.retain(|&price, _| side.accepts(price, worst) || price == worst);
            }
        }
        reveals
    }

    pub fn row(&self, depth: usize) -> LevelRow {
        let level = |(&price, &qty): (&Price, &Qty)| (price, qty);
        LevelRow {
            bids: self.sides[0].iter().rev().take(depth).map(level).collect(),
            asks: self.sides[1].iter().take(depth).map(level).collect(),
        }
    }
}

/// Every order by its recorded id.
#[derive(Default)]
pub struct Orders {
    pub orders: BTreeMap<u64, (Side, Price, Qty)>,
    levels: [BTreeMap<Price, Qty>; 2],
}

impl Orders {
    /// Applies what changes a market-by-order book; a complaint where the record contradicts the book.
    pub fn apply(&mut self, body: &Body) -> Result<(), String> {
        match *body {
            Body::Add { order, side, price, qty } => {
                if self.orders.contains_key(&order) {
                    return Err(format!("order {order} is added twice"));
                }
                self.insert(order, side, price, qty);
            }
            Body::Modify { order, side, price, qty } => {
                self.remove(order)?;
                self.insert(order, side, price, qty);
            }
            Body::Reduce { order, side, price, by } => {
                let held = self.remove(order)?;
                if (held.0, held.1) != (side, price) {
                    return Err(format!("order {order} is {held:?}, not {side} {price}"));
                }
                match held.2.checked_sub(by) {
                    Some(Qty::ZERO) => {}
                    Some(left) => self.insert(order, side, price, left),
                    None => return Err(format!("order {order} holds {}, not {by}", held.2)),
                }
            }
            Body::Clear => *self = Self::default(),
            _ => {}
        }
        Ok(())
    }

    pub fn best(&self) -> Option<(Price, Price)> {
        Some((*self.levels[0].last_key_value()?.0, *self.levels[1].first_key_value()?.0))
    }

    pub fn is_crossed(&self) -> bool {
        self.best().is_some_and(|(bid, ask)| bid >= ask)
    }

    fn insert(&mut self, order: u64, side: Side, price: Price, qty: Qty) {
        self.orders.insert(order, (side, price, qty));
        *self.levels[side as usize].entry(price).or_default() += qty;
    }

    fn remove(&mut self, order: u64) -> Result<(Side, Price, Qty), String> {
        let held = self.orders.remove(&order).ok_or_else(|| format!("order {order} is not in the book"))?;
        let levels = &mut self.levels[held.0 as usize];
        let left = levels[&held.1] - held.2;
        if left.is_zero() {
            levels.remove(&held.1)
        } else {
            levels.insert(held.1, left)
        };
        Ok(held)
    }
}
