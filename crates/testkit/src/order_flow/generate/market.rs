//! The market that a flow is made in: places, cancels and changes orders as its mix says, and takes.

use super::living::Living;
use crate::floor::PRICES;
use crate::order_flow::replay::apply;
use crate::order_flow::{Digest, Features, Flow, Mix, Op, Oracle};
use downdraft_sim::random::Draw;
use downdraft_types::Side;

/// The price half-way between the sides at the start, in ticks.
pub const MIDDLE: i64 = (PRICES / 2) as i64;
/// The most levels that a taker takes from, but for sweeps.
const TAKEN_LEVELS: usize = 5;
/// The most makers that a taker meets, but for sweeps.
const TAKEN_MAKERS: f64 = 300.0;
/// Places between which the touch jumps.
const PLACES: u64 = 16;
/// How far apart the outermost of them are, in ticks.
const SPAN: i64 = 1_000_000_000;

pub struct Market {
    mix: Mix,
    pub dice: Draw,
    pub oracle: Oracle,
    /// Orders that may be cancelled or changed.
    pub living: Living,
    /// Where newcomers are placed around, in ticks.
    middle: f64,
    /// Orders near the touch that are to be placed again, where the mix says so.
    owed: u32,
    /// Operations before the touch jumps.
    stay: u64,
    ops: Vec<Op<u32>>,
    numbers: u32,
    digest: Digest,
    fills: u64,
    most_live: u32,
    most_levels: usize,
}

/// Near or far from the touch, where a mix knows both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Near,
    Usual,
}

impl Market {
    pub fn new(mix: Mix, features: Features, dice: Draw) -> Self {
        Self {
            mix,
            dice,
            oracle: Oracle::with(features),
            living: Living::default(),
            middle: MIDDLE as f64,
            owed: 0,
            stay: 0,
            ops: Vec::new(),
            numbers: 0,
            digest: Digest::default(),
            fills: 0,
            most_live: 0,
            most_levels: 0,
        }
    }

    /// Places as many orders as are to be live.
    pub fn fill(&mut self) {
        let near = if let Mix::Far { live } = self.mix { live / 2 } else { 0 };
        (0..near).for_each(|_| self.place(Reach::Near));
        (near..self.target()).for_each(|_| self.place(Reach::Usual));
    }

    /// Returns what was done so far; what follows is measured.
    pub fn start_measuring(&mut self) -> Vec<Op<u32>> {
        (self.digest, self.fills) = (Digest::default(), 0);
        std::mem::take(&mut self.ops)
    }

    pub fn measured(&self) -> usize {
        self.ops.len()
    }

    pub fn finish(self, setup: Vec<Op<u32>>) -> Flow {
        let Self { ops, most_live, most_levels, fills, digest, .. } = self;
        Flow { setup, ops, most_live, most_levels: most_levels as u32, fills, digest: digest.0 }
    }

    fn target(&self) -> u32 {
        match self.mix {
            Mix::NearTouch { live }
            | Mix::Leftovers { live }
            | Mix::Resting { live, .. }
            | Mix::Far { live }
            | Mix::Teleport { live } => live,
            Mix::Sweeps => 0,
        }
    }

    /// One operation that keeps about as many orders live as are to be.
    pub fn step(&mut self) {
        if !matches!(self.mix, Mix::Resting { .. }) {
            self.middle += 0.08 * self.dice.standard_normal();
        }
        let (target, excess) = (f64::from(self.target()), f64::from(self.oracle.live()) - f64::from(self.target()));
        let lean = match self.mix {
            Mix::Resting { .. } => (excess / (target / 50.0)).clamp(-0.3, 0.3),
            _ => (excess / (target * 2.0)).clamp(-0.2, 0.2),
        };
        let chance = self.dice.unit();
        if chance < 0.05 {
            self.aggress();
        } else if chance < 0.1 {
            self.change();
        } else if chance < 0.55 - lean {
            let reach = if self.owed > 0 { Reach::Near } else { Reach::Usual };
            self.owed = self.owed.saturating_sub(1);
            self.place(reach);
        } else if let Some(order) = self.living.any(&mut self.dice) {
            self.apply(Op::Cancel(order));
        }
    }

    /// As [`Market::step`], or every few hundred operations a taker of all that is between the touch and another
    /// place, to which the touch moves.
    pub fn step_or_jump(&mut self) {
        if self.stay > 0 {
            self.stay -= 1;
            return self.step();
        }
        self.stay = 200 + self.dice.below(401);
        let to = MIDDLE + SPAN / PLACES as i64 * self.dice.below(PLACES) as i64;
        let side = if (to as f64) < self.middle { Side::Sell } else { Side::Buy };
        self.middle = to as f64;
        let between = |price: i64| if side == Side::Buy { price <= to } else { price >= to };
        let depth = self.oracle.depth(side.opposite()).take_while(|(price, _)| between(*price));
        let lots: u64 = depth.map(|(_, queue)| self.oracle.lots(queue)).sum();
        if lots > 0 {
            self.apply(Op::Take { side, price: to, qty: lots as u32 });
        }
    }

    fn place(&mut self, reach: Reach) {
        let side = self.side();
        let (price, qty) = (self.passive_price(side, reach), self.lots());
        self.apply(Op::Place { side, price, qty });
    }

    /// Half the time a reduction, which keeps the place, else a new price and quantity.
    fn change(&mut self) {
        let Some(order) = self.living.any(&mut self.dice) else { return };
        let known = self.oracle.order(order);
        if self.dice.below(2) == 0 && known.left > 1 {
            let by = 1 + self.dice.below(u64::from(known.left - 1)) as u32;
            return self.apply(Op::Reduce { order, by, left: known.left - by });
        }
        let side = known.side;
        let crosses = matches!(self.mix, Mix::Leftovers { .. }) && self.dice.below(4) == 0;
        let mut price = match self.oracle.best(side.opposite()) {
            Some(best) if crosses => best,
            _ => self.passive_price(side, Reach::Usual),
        };
        if price == known.price {
            price = behind(side, price, 1);
        }
        let qty = self.lots();
        self.apply(Op::Replace { order, side, price, qty });
    }

    /// Takes from a heavy-tailed number of makers, the last of them in part.
    fn aggress(&mut self) {
        let side = self.side();
        let makers = self.dice.pareto(1.0, 1.3).min(TAKEN_MAKERS) as usize;
        let part = self.dice.unit();
        let (mut qty, mut met, mut last) = (0, 0, None);
        'levels: for (price, queue) in self.oracle.depth(side.opposite()).take(TAKEN_LEVELS) {
            last = Some((price, self.oracle.lots(queue)));
            for left in queue.iter().map(|number| self.oracle.order(*number).left) {
                met += 1;
                if met == makers {
                    qty += ((f64::from(left) * part) as u32).max(1);
                    break 'levels;
                }
                qty += left;
            }
        }
        let Some((price, total)) = last else { return self.place(Reach::Near) };
        if matches!(self.mix, Mix::Leftovers { .. }) && self.dice.below(2) == 0 {
            let qty = qty + total as u32 + self.lots();
            let rests = self.dice.below(2) == 0;
            return self.apply(if rests { Op::Place { side, price, qty } } else { Op::Take { side, price, qty } });
        }
        let op = match self.dice.below(10) {
            0..=5 => Op::Take { side, price, qty },
            6 | 7 => Op::Market { side, qty },
            _ => Op::Place { side, price, qty },
        };
        self.apply(op);
    }

    pub fn side(&mut self) -> Side {
        Side::BOTH[self.dice.below(2) as usize]
    }

    /// Round lots, odd ones, and now and then many.
    pub fn lots(&mut self) -> u32 {
        let lots = match self.dice.below(10) {
            0..=4 => 10 * (1 + self.dice.below(10)),
            5..=8 => 1 + self.dice.below(100),
            _ => 100 + self.dice.below(901),
        };
        lots as u32
    }

    /// A price on a side that does not cross.
    fn passive_price(&mut self, side: Side, reach: Reach) -> i64 {
        let ticks = self.distance(reach);
        let middle = self.middle as i64;
        let best = self.oracle.best(side.opposite());
        match side {
            Side::Buy => best.map_or(middle, |ask| middle.min(ask - 1)) - ticks,
            Side::Sell => best.map_or(middle + 1, |bid| (middle + 1).max(bid + 1)) + ticks,
        }
    }

    /// How far from the touch a newcomer is placed, in ticks.
    fn distance(&mut self, reach: Reach) -> i64 {
        match self.mix {
            Mix::Resting { levels, .. } => {
                let most = i64::from(levels / 2);
                // A book that is being filled is filled evenly.
                let near = self.numbers >= self.target() && self.dice.below(2) == 0;
                if near { self.power_law(8.0, 0.8, most) } else { self.dice.below(most as u64) as i64 }
            }
            Mix::Far { .. } if reach == Reach::Usual => {
                let scale = 10_i64.pow(6 + self.dice.below(6) as u32);
                scale + self.dice.below(9 * scale as u64) as i64
            }
            _ => self.power_law(40.0, 1.0, 4_000),
        }
    }

    /// Density falls as a power of `1 + ticks ÷ scale`; what would be beyond `most` is anywhere below it.
    fn power_law(&mut self, scale: f64, tail: f64, most: i64) -> i64 {
        let ticks = self.dice.pareto(scale, tail) - scale;
        if ticks >= most as f64 { self.dice.below(most as u64) as i64 } else { ticks as i64 }
    }

    /// Does an operation, and keeps the books.
    pub fn apply(&mut self, op: Op<u32>) {
        let Self { oracle, living, digest, fills, numbers, .. } = self;
        let (at, number) = (self.ops.len(), op.order().unwrap_or(*numbers));
        let mut makers = Vec::new();
        apply(oracle, number, &op, |trade| {
            digest.trade(at, trade);
            makers.push(trade.maker);
        });
        *fills += makers.len() as u64;
        for maker in makers {
            if oracle.order(maker).left == 0 && !living.remove(maker) {
                self.owed += 1;
            }
        }
        living.remove(number);
        let near = matches!(self.mix, Mix::Far { .. }) && self.is_near(number);
        if self.oracle.order(number).left > 0 && !near {
            self.living.insert(number);
        }
        self.numbers += u32::from(op.is_new());
        self.most_live = self.most_live.max(self.oracle.live());
        self.most_levels = self.most_levels.max(self.oracle.levels());
        self.ops.push(op);
    }

    fn is_near(&self, number: u32) -> bool {
        self.oracle.order(number).price.abs_diff(MIDDLE) < 500_000
    }
}

/// A price so many ticks behind another.
fn behind(side: Side, price: i64, ticks: i64) -> i64 {
    match side {
        Side::Buy => price - ticks,
        Side::Sell => price + ticks,
    }
}
