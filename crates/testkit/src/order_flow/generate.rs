//! How the mixes are made: the floor itself says what trades, so that only resting orders are cancelled.

use super::{Flow, Mix, Op};
use crate::floor::{Floor, PRICES};
use downdraft_sim::random::{Draw, Streams};
use downdraft_types::Side;

/// Half-way between the two sides' prices at the start; asks begin here.
const MIDDLE: u32 = PRICES / 2;
/// Levels a side that sweeps run over.
const SWEPT: u32 = 1_000;

/// About `count` operations of a mix, after what fills its book.
#[must_use]
pub fn generate(mix: Mix, seed: u64, count: usize) -> Flow {
    let mut market = Market::new(mix, seed);
    let setup = match mix {
        Mix::NearTouch { live } | Mix::Resting { live, .. } => {
            (0..live).for_each(|_| market.place_somewhere());
            market.finish()
        }
        Mix::Sweeps => {
            for side in Side::BOTH {
                market.refill(side, 0, SWEPT);
            }
            market.finish()
        }
    };
    market.fills = 0;
    while market.ops.len() < count {
        match mix {
            Mix::NearTouch { live } | Mix::Resting { live, .. } => market.step(live as usize),
            Mix::Sweeps => market.sweep(),
        }
    }
    Flow { setup, ops: market.finish(), most_live: market.most_live as u32, fills: market.fills }
}

struct Market {
    mix: Mix,
    dice: Draw,
    floor: Floor,
    ops: Vec<Op<u32>>,
    orders: u32,
    /// Number and slot of each resting order.
    live: Vec<(u32, u32)>,
    /// Where each slot's order stands in `live`.
    place_of: Vec<u32>,
    most_live: usize,
    fills: u64,
    /// The lowest price that newcomers ask.
    anchor: u32,
}

impl Market {
    fn new(mix: Mix, seed: u64) -> Self {
        Self {
            mix,
            dice: Streams::new(seed).stream("order-flow", "operations").draw(0),
            floor: Floor::with_capacity(0),
            ops: Vec::new(),
            orders: 0,
            live: Vec::new(),
            place_of: Vec::new(),
            most_live: 0,
            fills: 0,
            anchor: MIDDLE,
        }
    }

    fn finish(&mut self) -> Vec<Op<u32>> {
        std::mem::take(&mut self.ops)
    }

    fn side(&mut self) -> Side {
        Side::BOTH[self.dice.below(2) as usize]
    }

    fn lots(&mut self, most: u32) -> u32 {
        1 + self.dice.below(u64::from(most)) as u32
    }

    /// One operation of a mix that keeps about `target` orders live.
    fn step(&mut self, target: usize) {
        if self.mix == (Mix::NearTouch { live: target as u32 }) && self.dice.below(64) == 0 {
            // Drawn back to the middle, so that the price range is never left.
            let up = self.dice.below(u64::from(PRICES)) as u32 >= self.anchor;
            self.anchor = if up { self.anchor + 1 } else { self.anchor - 1 };
        }
        let place = if self.live.len() < target { 55 } else { 41 };
        match self.dice.below(100) {
            n if n < place || self.live.is_empty() => self.place_somewhere(),
            n if n < place + 4 => {
                let (side, qty) = (self.side(), self.lots(30));
                if let Some(best) = self.floor.best(side.opposite()) {
                    self.take(side, offset(side.opposite(), best, 5), qty);
                }
            }
            n if n < place + 7 => self.reduce_somewhere(),
            _ => self.cancel_somewhere(),
        }
    }

    fn place_somewhere(&mut self) {
        let side = self.side();
        let away = match self.mix {
            Mix::NearTouch { .. } => self.dice.geometric(0.08).min(500) as u32,
            Mix::Resting { levels, .. } => self.dice.below(u64::from(levels / 2)) as u32,
            Mix::Sweeps => self.dice.below(u64::from(SWEPT)) as u32,
        };
        let qty = self.lots(20);
        self.place(side, self.price(side, away), qty);
    }

    /// The price of a side so many ticks from its best newcomer's.
    fn price(&self, side: Side, away: u32) -> u32 {
        match side {
            Side::Buy => self.anchor - 1 - away,
            Side::Sell => self.anchor + away,
        }
    }

    fn place(&mut self, side: Side, price: u32, qty: u32) {
        self.ops.push(Op::Place { side, price, qty });
        let left = self.run(side, price, qty);
        if left > 0 {
            let slot = self.floor.rest(side, price, left);
            self.place_of.resize(self.place_of.len().max(slot as usize + 1), 0);
            self.place_of[slot as usize] = self.live.len() as u32;
            self.live.push((self.orders, slot));
            self.most_live = self.most_live.max(self.live.len());
        }
        self.orders += 1;
    }

    fn take(&mut self, side: Side, price: u32, qty: u32) {
        self.ops.push(Op::Take { side, price, qty });
        self.run(side, price, qty);
        self.orders += 1;
    }

    /// Matches, and forgets the makers that are gone.
    fn run(&mut self, side: Side, price: u32, qty: u32) -> u32 {
        let mut makers = Vec::new();
        let left = self.floor.take(side, price, qty, |slot, _, _| makers.push(slot));
        self.fills += makers.len() as u64;
        for slot in makers {
            if self.floor.left(slot) == 0 {
                self.forget(self.place_of[slot as usize] as usize);
            }
        }
        left
    }

    /// Removes from the list of the living; returns number and slot.
    fn forget(&mut self, place: usize) -> (u32, u32) {
        let gone = self.live.swap_remove(place);
        if let Some((_, moved)) = self.live.get(place) {
            self.place_of[*moved as usize] = place as u32;
        }
        gone
    }

    fn cancel_somewhere(&mut self) {
        let place = self.dice.below(self.live.len() as u64) as usize;
        let (number, slot) = self.forget(place);
        self.floor.cancel(slot);
        self.ops.push(Op::Cancel(number));
    }

    /// Takes off a part; an order of one lot is left alone.
    fn reduce_somewhere(&mut self) {
        let (number, slot) = self.live[self.dice.below(self.live.len() as u64) as usize];
        let left = self.floor.left(slot);
        if left > 1 {
            let by = self.lots(left - 1);
            self.floor.reduce(slot, by);
            self.ops.push(Op::Reduce(number, by));
        }
    }

    /// A taker through 100 to 500 levels, the last of them in part, and new orders on what it emptied.
    fn sweep(&mut self) {
        let (side, count) = (self.side(), 100 + self.dice.below(401) as u32);
        let maker = side.opposite();
        let lots: u64 = (0..count).map(|away| self.floor.total(self.price(maker, away))).sum();
        let last = self.price(maker, count - 1);
        let spared = self.dice.below(self.floor.total(last)) as u32;
        self.take(side, last, u32::try_from(lots).expect("a sweep is small") - spared);
        self.refill(maker, 0, count);
    }

    /// Two orders on each empty level of a side, from the touch outwards.
    fn refill(&mut self, side: Side, from: u32, to: u32) {
        for away in from..to {
            let price = self.price(side, away);
            if self.floor.total(price) == 0 {
                for _ in 0..2 {
                    let qty = self.lots(20);
                    self.place(side, price, qty);
                }
            }
        }
    }
}

/// A price `ticks` behind `best` on a side.
fn offset(side: Side, best: u32, ticks: u32) -> u32 {
    match side {
        Side::Buy => best.saturating_sub(ticks),
        Side::Sell => (best + ticks).min(PRICES - 1),
    }
}
