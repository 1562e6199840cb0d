//! The book that says what a flow's fills are: sorted maps of queues of order numbers, searched from end to end.
//! It shares no code with our book, nor with the floor.

use super::{Engine, Features, Trade};
use downdraft_types::Side;
use std::collections::{BTreeMap, VecDeque};

/// A slow book.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    /// Queues by rank, bids first: the best price has the lowest rank.
    sides: [BTreeMap<i64, VecDeque<u32>>; 2],
    /// Every order by its number.
    orders: Vec<Known>,
    live: u32,
    /// Which orders are icebergs.
    features: Features,
}

/// An order, resting or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Buy or sell.
    pub side: Side,
    /// In ticks.
    pub price: i64,
    /// Lots that rest; none where it does not.
    pub left: u32,
    /// Those of them that are displayed.
    shown: u32,
    /// Lots displayed at a time; of an order that is no iceberg all.
    peak: u32,
}

/// Where a price stands on a side. It is its own inverse.
const fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => !price,
        Side::Sell => price,
    }
}

impl Oracle {
    /// An empty book for orders with these features.
    #[must_use]
    pub fn with(features: Features) -> Self {
        Self { features, ..Self::default() }
    }

    /// An order by its number.
    #[must_use]
    pub fn order(&self, number: u32) -> Known {
        self.orders[number as usize]
    }

    /// The best price of a side, in ticks.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<i64> {
        self.sides[side as usize].first_key_value().map(|(at, _)| rank(side, *at))
    }

    /// Price and queue of each level of a side, best first.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = (i64, &VecDeque<u32>)> {
        self.sides[side as usize].iter().map(move |(at, queue)| (rank(side, *at), queue))
    }

    /// Lots in a queue.
    #[must_use]
    pub fn lots(&self, queue: &VecDeque<u32>) -> u64 {
        queue.iter().map(|number| u64::from(self.order(*number).left)).sum()
    }

    /// Orders resting.
    #[must_use]
    pub const fn live(&self) -> u32 {
        self.live
    }

    /// Levels with an order, both sides together.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.sides.iter().map(BTreeMap::len).sum()
    }

    fn run(&mut self, side: Side, worst: i64, qty: u32, mut filled: impl FnMut(Trade)) -> u32 {
        let (maker_side, mut left) = (side.opposite(), qty);
        while left > 0 {
            let Some(mut level) = self.sides[maker_side as usize].first_entry() else { break };
            if *level.key() > rank(maker_side, worst) {
                break;
            }
            let price = rank(maker_side, *level.key());
            let queue = level.get_mut();
            let number = *queue.front().expect("a level has an order");
            let maker = &mut self.orders[number as usize];
            let lots = maker.shown.min(left);
            maker.left -= lots;
            maker.shown -= lots;
            left -= lots;
            if maker.shown == 0 && maker.left > 0 {
                maker.shown = maker.left.min(maker.peak);
                queue.rotate_left(1);
            } else if maker.left == 0 {
                queue.pop_front();
                if queue.is_empty() {
                    level.remove();
                }
                self.live -= 1;
            }
            filled(Trade { maker: number, price, lots });
        }
        left
    }

    fn know(&mut self, number: u32, side: Side, price: i64, peak: u32) {
        let unknown = Known { side, price, left: 0, shown: 0, peak };
        self.orders.resize(self.orders.len().max(number as usize + 1), unknown);
        self.orders[number as usize] = unknown;
    }

    fn join(&mut self, number: u32, side: Side, price: i64, lots: u32) {
        let Known { peak, .. } = self.order(number);
        self.orders[number as usize] = Known { side, price, left: lots, shown: lots.min(peak), peak };
        self.sides[side as usize].entry(rank(side, price)).or_default().push_back(number);
        self.live += 1;
    }

    fn run_and_rest(
        &mut self,
        number: u32,
        side: Side,
        price: i64,
        qty: u32,
        filled: impl FnMut(Trade),
    ) -> Option<u32> {
        let left = self.run(side, price, qty, filled);
        (left > 0).then(|| {
            self.join(number, side, price, left);
            number
        })
    }

    fn leave(&mut self, number: u32) {
        let Known { side, price, .. } = self.order(number);
        let at = rank(side, price);
        let queue = self.sides[side as usize].get_mut(&at).expect("its level");
        let place = queue.iter().position(|other| *other == number).expect("its place");
        queue.remove(place);
        if queue.is_empty() {
            self.sides[side as usize].remove(&at);
        }
        let known = &mut self.orders[number as usize];
        (known.left, known.shown) = (0, 0);
        self.live -= 1;
    }
}

/// The worst price there is for a taker.
const fn any_price(side: Side) -> i64 {
    match side {
        Side::Buy => i64::MAX,
        Side::Sell => i64::MIN,
    }
}

impl Engine for Oracle {
    type Handle = u32;

    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
        self.know(number, side, price, self.features.peak(number, qty).unwrap_or(u32::MAX));
        self.run_and_rest(number, side, price, qty, filled)
    }

    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.know(number, side, price, u32::MAX);
        self.run(side, price, qty, filled);
    }

    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        self.take(number, side, any_price(side), qty, filled);
    }

    fn cancel(&mut self, number: u32) {
        self.leave(number);
    }

    fn reduce(&mut self, number: u32, by: u32, left: u32) {
        let known = &mut self.orders[number as usize];
        let lots = known.left;
        assert!(left > 0 && lots == by + left, "order {number}: found {lots} lots, expected {by} more than {left}");
        // What is not displayed goes first.
        (known.left, known.shown) = (left, known.shown.min(left));
    }

    fn replace(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.leave(number);
        self.run_and_rest(number, side, price, qty, filled);
    }
}
