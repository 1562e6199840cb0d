//! The books that can be measured, ours among them.

use super::{Engine, Flow, Op, Trade};
use crate::floor::{Floor, PRICES};
use crate::naive_book::{Fault, NaiveBook};
use downdraft_book::{Book, BookCapacity, Command, Fill, Matcher, NewOrder, Replacement, TimeInForce, TradeAll};
use downdraft_types::{OrderId, Price, Qty, Side};
use std::hint::black_box;

const fn capacity(orders: u32, levels: u32) -> BookCapacity {
    BookCapacity::new(orders, levels)
}

/// Our book, with room for so many orders on so many levels.
#[must_use]
pub fn book_with(orders: u32, levels: u32) -> Book {
    Book::with_capacity(capacity(orders, levels))
}

/// Our book, with room for a flow.
#[must_use]
pub fn book(flow: &Flow) -> Book {
    book_with(flow.most_live, flow.most_levels)
}

/// Our book, with room for a flow and for all that needs memory of its own; each order is of another owner, so that
/// lists of owners cost the most.
#[must_use]
pub fn book_with_everything(flow: &Flow) -> Book {
    let numbers = flow.setup.iter().chain(&flow.ops).filter(|op| op.is_new()).count() as u32;
    let (owners, extras) = (numbers, flow.most_live);
    let plain = capacity(flow.most_live, flow.most_levels);
    Book::with_capacity(BookCapacity { owners, extras, hidden_levels: 1_000, stops: 1_000, ..plain })
}

/// Its naive twin.
#[must_use]
pub fn naive_book(flow: &Flow) -> NaiveBook {
    NaiveBook::new(capacity(flow.most_live, flow.most_levels), Fault::None)
}

/// The floor, with room for a flow.
#[must_use]
pub fn floor(flow: &Flow) -> Floor {
    Floor::with_capacity(flow.most_live as usize)
}

/// Reads each operation and does nothing: what measuring costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null(u64);

impl Engine for Null {
    type Handle = u32;

    #[inline(never)]
    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, _: impl FnMut(Trade)) -> Option<u32> {
        self.0 = black_box(self.0 ^ price as u64 ^ u64::from(qty) ^ side as u64);
        Some(number)
    }

    #[inline(never)]
    fn take(&mut self, _: u32, side: Side, price: i64, qty: u32, _: impl FnMut(Trade)) {
        self.0 = black_box(self.0 ^ price as u64 ^ u64::from(qty) ^ side as u64);
    }

    #[inline(never)]
    fn market(&mut self, _: u32, side: Side, qty: u32, _: impl FnMut(Trade)) {
        self.0 = black_box(self.0 ^ u64::from(qty) ^ side as u64);
    }

    #[inline(never)]
    fn cancel(&mut self, order: u32) {
        self.0 = black_box(self.0 ^ u64::from(order));
    }

    #[inline(never)]
    fn reduce(&mut self, order: u32, by: u32, left: u32) {
        self.0 = black_box(self.0 ^ u64::from(order) ^ u64::from(by) ^ u64::from(left));
    }

    #[inline(never)]
    fn replace(&mut self, order: u32, _: Side, price: i64, qty: u32, _: impl FnMut(Trade)) {
        self.0 = black_box(self.0 ^ u64::from(order) ^ price as u64 ^ u64::from(qty));
    }
}

/// An engine whose orders are named by number: it keeps a table of handles, as a caller of his own ids would.
#[derive(Clone, Debug)]
pub struct ByNumber<E: Engine> {
    /// The engine.
    pub engine: E,
    /// By number; that of an order which never rested is another's.
    handles: Vec<E::Handle>,
}

impl<E: Engine> ByNumber<E> {
    /// An empty engine and a table for a flow.
    #[must_use]
    pub fn new(engine: E, flow: &Flow) -> Self {
        let numbers = flow.setup.iter().chain(&flow.ops).filter(|op| op.is_new()).count();
        Self { engine, handles: Vec::with_capacity(numbers) }
    }

    #[inline]
    fn handle(&self, number: u32) -> E::Handle {
        self.handles[number as usize]
    }
}

impl<E: Engine> Engine for ByNumber<E> {
    type Handle = u32;

    #[inline]
    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
        let handle = self.engine.place(number, side, price, qty, filled)?;
        self.handles.resize(number as usize + 1, handle);
        Some(number)
    }

    #[inline]
    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.engine.take(number, side, price, qty, filled);
    }

    #[inline]
    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        self.engine.market(number, side, qty, filled);
    }

    #[inline]
    fn cancel(&mut self, order: u32) {
        self.engine.cancel(self.handle(order));
    }

    #[inline]
    fn reduce(&mut self, order: u32, by: u32, left: u32) {
        self.engine.reduce(self.handle(order), by, left);
    }

    #[inline]
    fn replace(&mut self, order: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.engine.replace(self.handle(order), side, price, qty, filled);
    }

    #[inline]
    fn hint(&self, op: &Op<u32>) {
        // An order still to come has no handle yet.
        if op.order().is_none_or(|number| (number as usize) < self.handles.len()) {
            self.engine.hint(&op.rename(|number| self.handle(number)));
        }
    }
}

impl Engine for Floor {
    type Handle = u32;

    #[inline]
    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
        let left = Self::take(self, side, price as u32, qty, reported(filled));
        (left > 0).then(|| self.rest(number, side, price as u32, left))
    }

    #[inline]
    fn take(&mut self, _: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        Self::take(self, side, price as u32, qty, reported(filled));
    }

    #[inline]
    fn market(&mut self, _: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        let limit = match side {
            Side::Buy => PRICES - 1,
            Side::Sell => 0,
        };
        Self::take(self, side, limit, qty, reported(filled));
    }

    #[inline]
    fn cancel(&mut self, order: u32) {
        Self::cancel(self, order);
    }

    #[inline]
    fn reduce(&mut self, order: u32, by: u32, _: u32) {
        Self::reduce(self, order, by);
    }

    #[inline]
    fn replace(&mut self, order: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        Self::replace(self, order, side, price as u32, qty, reported(filled));
    }
}

/// The floor's report as a trade.
fn reported(mut filled: impl FnMut(Trade)) -> impl FnMut(u32, u32, u32) {
    move |maker, price, lots| filled(Trade { maker, price: i64::from(price), lots })
}

/// Hears of a book's fills as plain numbers.
struct Heard<F>(F);

impl<F: FnMut(Trade)> Matcher for Heard<F> {
    #[inline]
    fn filled(&mut self, fill: &Fill) {
        (self.0)(Trade { maker: fill.maker_owner, price: fill.price.0, lots: fill.qty.0 as u32 });
    }
}

/// A limit order of an owner.
#[inline]
pub(super) fn limit(owner: u32, side: Side, price: i64, qty: u32, tif: TimeInForce) -> NewOrder {
    NewOrder { tif, ..NewOrder::limit(side, Qty(u64::from(qty)), Price(price), owner) }
}

/// The book and its naive twin are driven alike.
macro_rules! impl_engine {
    ($book:ty, $cancel:ident, $reduce:ident, { $($hints:tt)* }) => {
        impl Engine for $book {
            type Handle = OrderId;

            #[inline]
            fn place(
                &mut self,
                number: u32,
                side: Side,
                price: i64,
                qty: u32,
                filled: impl FnMut(Trade),
            ) -> Option<OrderId> {
                let order = limit(number, side, price, qty, TimeInForce::Gtc);
                self.submit(&order, &mut Heard(filled)).expect("room for the order").rested
            }

            #[inline]
            fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
                let order = limit(number, side, price, qty, TimeInForce::Ioc);
                self.submit(&order, &mut Heard(filled)).expect("an immediate order needs no room");
            }

            #[inline]
            fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
                let order = NewOrder::market(side, Qty(u64::from(qty)), number);
                self.submit(&order, &mut Heard(filled)).expect("a market order needs no room");
            }

            #[inline]
            fn cancel(&mut self, order: OrderId) {
                self.$cancel(order, &mut TradeAll).expect("the order rests");
            }

            #[inline]
            fn reduce(&mut self, order: OrderId, by: u32, _: u32) {
                self.$reduce(order, Qty(u64::from(by)), &mut TradeAll).expect("the order has more");
            }

            #[inline]
            fn replace(&mut self, order: OrderId, _: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
                let change = Replacement::new(Price(price), Qty(u64::from(qty)));
                Self::replace(self, order, &change, &mut Heard(filled)).expect("the order rests");
            }

            $($hints)*
        }
    };
}

impl_engine!(Book, cancel_with, reduce_with, {
    #[inline]
    fn hint(&self, op: &Op<OrderId>) {
        if let Some(command) = command(op) {
            self.prefetch_first(&command);
        }
    }

    #[inline]
    fn hint_again(&self, op: &Op<OrderId>) {
        if let Some(command) = command(op) {
            self.prefetch_second(&command);
        }
    }
});
impl_engine!(NaiveBook, cancel, reduce, {});

/// An operation as a command, for what it touches.
#[inline]
fn command(op: &Op<OrderId>) -> Option<Command> {
    Some(match *op {
        Op::Place { side, price, .. } => Command::Submit(limit(0, side, price, 1, TimeInForce::Gtc)),
        Op::Cancel(order) | Op::Reduce { order, .. } | Op::Replace { order, .. } => Command::Cancel(order),
        Op::Take { .. } | Op::Market { .. } => return None,
    })
}
