//! A flow on our book with features that cost something: icebergs and orders good till a time among its orders, and
//! owner lists of few owners. Which order is what follows from its number alone, so that oracle and book agree.

use super::engines::limit;
use super::{Engine, Flow, Op, Trade};
use downdraft_book::{Book, BookCapacity, Display, Fill, Matcher, NewOrder, Replacement, TimeInForce, TradeAll};
use downdraft_types::{OrderId, Price, Qty, Side, Time};

/// Features that a flow's orders make use of; the default is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Features {
    /// Of a hundred orders so many are icebergs, which display a quarter of their lots at a time.
    pub icebergs: u32,
    /// Of a hundred orders so many are good till a time. Those that the flow cancels expire instead.
    pub timed: u32,
    /// Orders are of so many owners, who have lists; zero keeps none.
    pub owners: u32,
}

impl Features {
    /// The lots displayed at a time of an iceberg; `None` of another order.
    #[must_use]
    pub fn peak(self, number: u32, qty: u32) -> Option<u32> {
        (draw(number, 1) < self.icebergs).then(|| qty.div_ceil(4))
    }

    /// Whether an order is good till a time.
    #[must_use]
    pub fn is_timed(self, number: u32) -> bool {
        draw(number, 2) < self.timed
    }
}

/// A number below 100 that looks random.
fn draw(number: u32, salt: u64) -> u32 {
    let mixed = (u64::from(number) | salt << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as u32 % 100
}

/// Our book under a flow with features. Its clock counts operations, and it is told the time at each of them where
/// orders expire.
#[derive(Clone, Debug)]
pub struct Featured {
    /// The book.
    pub book: Book,
    /// Orders that have expired.
    pub expired: u64,
    features: Features,
    /// By number: when an order that is good till a time expires, on the last day where the flow does not cancel it.
    times: Vec<Time>,
    /// By slot: the number of its order, which fills are told by.
    numbers: Vec<u32>,
    clock: u64,
}

impl Featured {
    /// An empty book with room for a flow and its features.
    #[must_use]
    pub fn new(flow: &Flow, features: Features) -> Self {
        let extras = if features.icebergs + features.timed > 0 { flow.most_live } else { 0 };
        let plain = BookCapacity::new(flow.most_live, flow.most_levels);
        let book = Book::with_capacity(BookCapacity { owners: features.owners, extras, ..plain });
        let mut times = Vec::new();
        for (at, op) in flow.setup.iter().chain(&flow.ops).enumerate().filter(|_| features.timed > 0) {
            if op.is_new() {
                times.push(Time::MAX);
            }
            if let Op::Cancel(number) = op {
                times[*number as usize] = Time(at as u64 + 1);
            }
        }
        Self { book, expired: 0, features, times, numbers: vec![0; flow.most_live as usize], clock: 0 }
    }

    /// Time goes on; how many orders expire.
    #[inline]
    fn tick(&mut self) -> u32 {
        if self.features.timed == 0 {
            return 0;
        }
        self.clock += 1;
        let expired = self.book.expire(Time(self.clock), &mut TradeAll);
        self.expired += u64::from(expired);
        expired
    }

    #[inline]
    fn owner(&self, number: u32) -> u32 {
        if self.features.owners == 0 { number } else { number % self.features.owners }
    }

    #[inline]
    fn submit(&mut self, order: &NewOrder, filled: impl FnMut(Trade)) -> Option<OrderId> {
        let mut heard = Heard { numbers: &self.numbers, filled };
        self.book.submit(order, &mut heard).expect("room for the order").rested
    }
}

/// Hears of fills by the makers' numbers.
struct Heard<'a, F> {
    numbers: &'a [u32],
    filled: F,
}

impl<F: FnMut(Trade)> Matcher for Heard<'_, F> {
    #[inline]
    fn filled(&mut self, fill: &Fill) {
        let maker = self.numbers[fill.maker.slot() as usize];
        (self.filled)(Trade { maker, price: fill.price.0, lots: fill.qty.0 as u32 });
    }
}

impl Engine for Featured {
    type Handle = OrderId;

    #[inline]
    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<OrderId> {
        self.tick();
        let mut order = limit(self.owner(number), side, price, qty, TimeInForce::Gtc);
        if let Some(peak) = self.features.peak(number, qty) {
            order.display = Display::Iceberg(Qty(u64::from(peak)));
        }
        if self.features.is_timed(number) {
            order.tif = TimeInForce::Gtd(self.times[number as usize]);
        }
        let id = self.submit(&order, filled)?;
        self.numbers[id.slot() as usize] = number;
        Some(id)
    }

    #[inline]
    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.tick();
        self.submit(&limit(self.owner(number), side, price, qty, TimeInForce::Ioc), filled);
    }

    #[inline]
    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        self.tick();
        self.submit(&NewOrder::market(side, Qty(u64::from(qty)), self.owner(number)), filled);
    }

    #[inline]
    fn cancel(&mut self, order: OrderId) {
        // Where one expires it is the one that the flow cancels.
        if self.tick() == 0 {
            self.book.cancel_with(order, &mut TradeAll).expect("the order rests");
        }
    }

    #[inline]
    fn reduce(&mut self, order: OrderId, by: u32, _: u32) {
        self.tick();
        self.book.reduce_with(order, Qty(u64::from(by)), &mut TradeAll).expect("the order has more");
    }

    #[inline]
    fn replace(&mut self, order: OrderId, _: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.tick();
        let change = Replacement::new(Price(price), Qty(u64::from(qty)));
        let mut heard = Heard { numbers: &self.numbers, filled };
        self.book.replace(order, &change, &mut heard).expect("the order rests");
    }
}
