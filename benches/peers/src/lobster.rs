//! lobster: two sorted maps of vectors of arena slots.

use downdraft_testkit::order_flow::{Engine, Flow, Trade};
use downdraft_types::Side;
use lobster::{FillMetadata, OrderBook, OrderEvent, OrderType};

/// lobster. It has no immediate orders: a limit order is placed, and what is left of it cancelled. It cannot change an
/// order: it is cancelled and placed anew under its number, so a reduction loses its place.
pub struct Lobster {
    book: OrderBook,
    /// Side and price of each order by number, for what is placed anew.
    known: Vec<(Side, i64)>,
}

/// What it lacks.
pub(crate) const LACKS: &str = "no immediate orders (a limit order, then a cancel of the rest); no change of an order \
    (a cancel, then a new order: a reduction loses its place)";

impl Lobster {
    /// An empty book with room for a flow.
    #[must_use]
    pub fn new(flow: &Flow) -> Self {
        Self { book: OrderBook::new(flow.most_live as usize, 10, false), known: Vec::new() }
    }

    /// Whether the order was filled completely.
    fn execute(&mut self, order: OrderType, mut filled: impl FnMut(Trade)) -> bool {
        let (fills, complete): (Vec<FillMetadata>, bool) = match self.book.execute(order) {
            OrderEvent::Filled { fills, .. } => (fills, true),
            OrderEvent::PartiallyFilled { fills, .. } => (fills, false),
            OrderEvent::Unfilled { .. } | OrderEvent::Placed { .. } | OrderEvent::Canceled { .. } => return false,
        };
        for fill in fills {
            filled(Trade { maker: fill.order_2 as u32, price: fill.price as i64, lots: fill.qty as u32 });
        }
        complete
    }

    fn know(&mut self, number: u32, side: Side, price: i64) {
        self.known.resize(self.known.len().max(number as usize + 1), (side, price));
        self.known[number as usize] = (side, price);
    }
}

fn limit(number: u32, side: Side, price: i64, qty: u32) -> OrderType {
    OrderType::Limit { id: u128::from(number), side: side_of(side), qty: u64::from(qty), price: price as u64 }
}

const fn side_of(side: Side) -> lobster::Side {
    match side {
        Side::Buy => lobster::Side::Bid,
        Side::Sell => lobster::Side::Ask,
    }
}

impl Engine for Lobster {
    type Handle = u32;

    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
        self.know(number, side, price);
        (!self.execute(limit(number, side, price, qty), filled)).then_some(number)
    }

    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        if !self.execute(limit(number, side, price, qty), filled) {
            self.cancel(number);
        }
    }

    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        let order = OrderType::Market { id: u128::from(number), side: side_of(side), qty: u64::from(qty) };
        self.execute(order, filled);
    }

    fn cancel(&mut self, order: u32) {
        self.book.execute(OrderType::Cancel { id: u128::from(order) });
    }

    fn reduce(&mut self, order: u32, _: u32, left: u32) {
        let (side, price) = self.known[order as usize];
        self.replace(order, side, price, left, |_| ());
    }

    fn replace(&mut self, order: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.cancel(order);
        self.place(order, side, price, qty, filled);
    }
}
