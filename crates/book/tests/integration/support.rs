//! Shorthand for the directed tests.

use downdraft_book::{
    Book, BookCapacity, Cancelled, Cross, Fill, Matcher, NewOrder, Outcome, Proposal, SelfTradePrevention, TimeInForce,
    TradeAll, Verdict,
};
use downdraft_types::{OrderId, Price, Qty, Side};

/// A matcher that writes down what it hears, and answers from a list; then everything trades.
#[derive(Default)]
pub struct Tape {
    pub answers: Vec<Verdict>,
    pub asked: Vec<Proposal>,
    pub fills: Vec<Fill>,
    pub cancelled: Vec<Cancelled>,
    pub crosses: Vec<Cross>,
}

impl Tape {
    pub fn answering(answers: &[Verdict]) -> Self {
        Self { answers: answers.to_vec(), ..Self::default() }
    }

    /// Maker's owner, price and lots of each fill.
    pub fn trades(&self) -> Vec<(u32, i64, u64)> {
        self.fills.iter().map(|fill| (fill.maker_owner, fill.price.0, fill.qty.0)).collect()
    }

    /// Maker's owner, lots lost and lots left of each cancellation.
    pub fn losses(&self) -> Vec<(u32, u64, u64)> {
        self.cancelled.iter().map(|c| (c.owner, c.qty.0, c.remaining.0)).collect()
    }
}

impl Matcher for Tape {
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        let verdict = self.answers.get(self.asked.len()).copied().unwrap_or(Verdict::Trade);
        self.asked.push(*proposal);
        verdict
    }

    fn filled(&mut self, fill: &Fill) {
        self.fills.push(*fill);
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        self.cancelled.push(*cancelled);
    }

    fn crossed(&mut self, cross: &Cross) {
        self.crosses.push(*cross);
    }
}

pub fn book() -> Book {
    sized(16, 8)
}

pub fn sized(orders: u32, levels: u32) -> Book {
    Book::with_capacity(BookCapacity::new(orders, levels))
}

/// Rests orders of (owner, price, lots) and returns their ids.
pub fn rest<const N: usize>(book: &mut Book, side: Side, orders: [(u32, i64, u64); N]) -> [OrderId; N] {
    orders.map(|(owner, price, qty)| {
        let order = NewOrder::limit(side, Qty(qty), Price(price), owner);
        book.submit(&order, &mut TradeAll).expect("room").rested.expect("nothing to take")
    })
}

/// An immediate order of owner 9 under a self-trade setting.
pub fn ioc(side: Side, qty: u64, limit: i64, stp: SelfTradePrevention) -> NewOrder {
    NewOrder { tif: TimeInForce::Ioc, stp, ..NewOrder::limit(side, Qty(qty), Price(limit), 9) }
}

/// Submits, proves the book whole, and returns the outcome.
pub fn submit(book: &mut Book, order: &NewOrder, tape: &mut Tape) -> Outcome {
    let outcome = book.submit(order, tape).expect("a valid order");
    book.check_invariants();
    assert_eq!(outcome.filled + outcome.decremented + outcome.remaining, order.qty);
    outcome
}

/// Price and lots of each level, best first.
pub fn depth(book: &Book, side: Side) -> Vec<(i64, u64)> {
    book.depth(side).map(|level| (level.price.0, level.qty.0)).collect()
}

/// Owners in the order in which they would trade.
pub fn owners(book: &Book, side: Side, price: i64) -> Vec<u32> {
    book.orders_at(side, Price(price)).map(|order| order.owner).collect()
}

/// A book with every feature.
pub fn full() -> Book {
    let features = BookCapacity { owners: 10, extras: 16, hidden_levels: 8, stops: 8, ..BookCapacity::new(32, 16) };
    Book::with_capacity(features)
}
