//! Commands for a book as plain data, and the trial that drives the book and its naive twin with them.
//!
//! Prices stay within a few ticks and orders within a few owners, so that queues form, takers meet several
//! makers, and what was partly filled is cancelled inside its level.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use downdraft_book::{
    Book, BookCapacity, Cancelled, Fill, Matcher, NewOrder, Outcome, PostOnly, Proposal, Reject, Replacement, Resting,
    SelfTradePrevention, TimeInForce, Verdict,
};
use downdraft_types::{OrderId, Price, Qty, Side};

use crate::naive_book::{Fault, NaiveBook};

/// A command. Numbers are taken modulo what makes sense, so that any bytes are a command.
#[derive(Clone, Copy, Arbitrary, Debug)]
pub enum BookCommand {
    /// Submits an order.
    Submit {
        /// Bit 0 side; bits 1-3 time in force (mostly GTC); bits 4-5 0: post-only; bits 6-7 0: market.
        shape: u8,
        /// Price, in ticks around the middle; its high bits choose the extremes.
        price: u8,
        /// Quantity; 255 is huge.
        qty: u8,
        /// Bits 0-2 self-trade prevention, bits 3-4 owner.
        owner: u8,
        /// The matcher's verdicts.
        verdicts: Verdicts,
    },
    /// Cancels an order that came to rest at some time.
    Cancel {
        /// Which one, from the latest.
        of: u8,
    },
    /// Replaces an order.
    Replace {
        /// Which one, from the latest.
        of: u8,
        /// The new price as in `Submit`; multiples of four keep the old one.
        price: u8,
        /// The new quantity as in `Submit`.
        qty: u8,
        /// As `owner` in `Submit`; bit 7 post-only.
        owner: u8,
        /// The matcher's verdicts.
        verdicts: Verdicts,
    },
    /// Takes lots off an order.
    Reduce {
        /// Which one, from the latest.
        of: u8,
        /// How many lots.
        by: u8,
    },
    /// Uses an id that the book has never issued.
    CancelForged {
        /// Its slot.
        slot: u8,
        /// Its generation.
        generation: u8,
    },
    /// Goes on with a clone of the book.
    Clone,
}

/// What a matcher says: the first bytes decide one proposal each, then everything trades. Most say "trade".
#[derive(Clone, Copy, Arbitrary, Debug, Default)]
pub struct Verdicts(pub [u8; 3]);

/// One thing a matcher was told or asked, with makers named by when they came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Asked(Proposal),
    Filled(Fill),
    Cancelled(Cancelled),
}

/// A matcher that follows its verdicts and writes down what it hears.
struct Scribe<'a> {
    verdicts: Verdicts,
    asked: usize,
    heard: Vec<Heard>,
    /// The naive id of each id the book issued; `None` for the twin itself.
    names: Option<&'a BTreeMap<OrderId, OrderId>>,
}

impl<'a> Scribe<'a> {
    fn new(verdicts: Verdicts, names: Option<&'a BTreeMap<OrderId, OrderId>>) -> Self {
        Self { verdicts, asked: 0, heard: Vec::new(), names }
    }

    fn name(&self, id: OrderId) -> OrderId {
        self.names.map_or(id, |names| names[&id])
    }
}

impl Matcher for Scribe<'_> {
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        self.heard.push(Heard::Asked(Proposal { maker: self.name(proposal.maker), ..*proposal }));
        let verdict = self.verdicts.0.get(self.asked).copied().unwrap_or(0);
        self.asked += 1;
        match verdict {
            200..=219 => Verdict::TradeAtMost(Qty(u64::from(verdict) - 200)),
            220..=239 => Verdict::CancelMaker,
            240..=255 => Verdict::Stop,
            _ => Verdict::Trade,
        }
    }

    fn filled(&mut self, fill: &Fill) {
        self.heard.push(Heard::Filled(Fill { maker: self.name(fill.maker), ..*fill }));
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        self.heard.push(Heard::Cancelled(Cancelled { maker: self.name(cancelled.maker), ..*cancelled }));
    }
}

/// Drives a book and its twin with the same commands; after each compares what the matcher heard, the answer
/// and every resting order, and walks the book's links.
///
/// # Panics
/// Where the two differ, or an invariant is broken.
pub fn compare_books(capacity: BookCapacity, fault: Fault, commands: impl IntoIterator<Item = BookCommand>) {
    let mut trial = Trial {
        book: Book::with_capacity(capacity),
        naive: NaiveBook::new(capacity, fault),
        names: BTreeMap::new(),
        issued: Vec::new(),
    };
    for command in commands {
        trial.apply(command);
        trial.compare();
    }
}

/// Fuzz body: two bytes choose the capacities, the others become commands for [`compare_books`].
///
/// # Panics
/// As [`compare_books`].
pub fn run_book_differential(bytes: &[u8]) {
    run_book_differential_with(Fault::None, bytes);
}

/// As [`run_book_differential`], with a twin that makes a mistake.
///
/// # Panics
/// As [`compare_books`], so most likely for a fault that is one.
pub fn run_book_differential_with(fault: Fault, bytes: &[u8]) {
    let [orders, levels, bytes @ ..] = bytes else { return };
    let capacity = BookCapacity::new(u32::from(orders % 32), u32::from(levels % 16));
    let mut bytes = Unstructured::new(bytes);
    let commands = std::iter::from_fn(|| {
        // Past the end every field would read as zero, without end.
        if bytes.is_empty() { None } else { BookCommand::arbitrary(&mut bytes).ok() }
    });
    compare_books(capacity, fault, commands);
}

/// The order a `Submit` stands for.
#[must_use]
pub fn order_from(shape: u8, price: u8, qty: u8, owner: u8) -> NewOrder {
    let side = if shape & 1 == 0 { Side::Buy } else { Side::Sell };
    NewOrder {
        limit: if shape >> 6 == 0 { None } else { Some(price_from(price)) },
        tif: match shape >> 1 & 7 {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        },
        post_only: if shape >> 4 & 3 == 0 { PostOnly::Reject } else { PostOnly::Off },
        stp: stp_from(owner),
        ..NewOrder::limit(side, qty_from(qty), Price(0), u32::from(owner >> 3 & 3))
    }
}

fn price_from(byte: u8) -> Price {
    match byte {
        255 => Price(i64::MAX),
        254 => Price(i64::MIN),
        _ => Price(i64::from(byte % 12) - 4),
    }
}

fn qty_from(byte: u8) -> Qty {
    match byte {
        255 => Qty(u64::MAX),
        254 => Qty(u64::MAX / 2),
        _ => Qty(u64::from(byte % 24)),
    }
}

fn stp_from(byte: u8) -> SelfTradePrevention {
    match byte & 7 {
        0 => SelfTradePrevention::CancelNewest,
        1 => SelfTradePrevention::CancelOldest,
        2 => SelfTradePrevention::CancelBoth,
        3 => SelfTradePrevention::Decrement,
        _ => SelfTradePrevention::None,
    }
}

/// A book and its twin.
struct Trial {
    book: Book,
    naive: NaiveBook,
    /// The twin's id of each id the book has issued.
    names: BTreeMap<OrderId, OrderId>,
    /// Ids that came to rest, the book's and the twin's.
    issued: Vec<(OrderId, OrderId)>,
}

impl Trial {
    fn apply(&mut self, command: BookCommand) {
        match command {
            BookCommand::Submit { shape, price, qty, owner, verdicts } => {
                self.submit(&order_from(shape, price, qty, owner), verdicts);
            }
            BookCommand::Cancel { of } => {
                if let Some((id, name)) = self.pick(of) {
                    let cancelled = self.book.cancel(id).map(|resting| named(&self.names, resting));
                    assert_eq!(cancelled, self.naive.cancel(name), "cancel");
                }
            }
            BookCommand::Replace { of, price, qty, owner, verdicts } => {
                if let Some(ids) = self.pick(of) {
                    let old = self.book.order(ids.0).map(|order| order.price);
                    let price = if price % 4 == 0 { old.unwrap_or(Price(0)) } else { price_from(price) };
                    self.replace(ids, price, qty_from(qty), owner, verdicts);
                }
            }
            BookCommand::Reduce { of, by } => {
                if let Some((id, name)) = self.pick(of) {
                    let reduced = self.book.reduce(id, qty_from(by)).map(|resting| named(&self.names, resting));
                    assert_eq!(reduced, self.naive.reduce(name, qty_from(by)), "reduce");
                }
            }
            BookCommand::CancelForged { slot, generation } => {
                let id = OrderId::new(u32::from(slot % 40), u32::from(generation));
                if !self.names.contains_key(&id) {
                    assert_eq!(self.book.cancel(id), Err(Reject::UnknownOrder), "an id never issued");
                }
            }
            BookCommand::Clone => self.book = self.book.clone(),
        }
    }

    fn submit(&mut self, order: &NewOrder, verdicts: Verdicts) {
        assert_eq!(self.book.check(order), self.naive.check(order), "check");
        let (mut here, mut there) = (Scribe::new(verdicts, Some(&self.names)), Scribe::new(verdicts, None));
        let (outcome, expected) = (self.book.submit(order, &mut here), self.naive.submit(order, &mut there));
        assert_eq!(here.heard, there.heard, "what the matcher of {order:?} heard");
        let rested = |outcome: &Result<Outcome, Reject>| outcome.ok().and_then(|outcome| outcome.rested);
        if let (Some(id), Some(name)) = (rested(&outcome), rested(&expected)) {
            assert!(self.names.insert(id, name).is_none(), "an id is issued once");
            self.issued.push((id, name));
        }
        self.compare_outcomes(outcome, expected);
    }

    fn replace(&mut self, (id, name): (OrderId, OrderId), price: Price, qty: Qty, owner: u8, verdicts: Verdicts) {
        let (post_only, stp) = (owner >> 7 == 1, stp_from(owner));
        let post_only = if post_only { PostOnly::Reject } else { PostOnly::Off };
        let change = Replacement { price, qty, post_only, stp };
        let checked = self.book.check_replace(id, &change);
        let (mut here, mut there) = (Scribe::new(verdicts, Some(&self.names)), Scribe::new(verdicts, None));
        let outcome = self.book.replace(id, &change, &mut here);
        let expected = self.naive.replace(name, &change, &mut there);
        assert_eq!(here.heard, there.heard, "what the matcher of a replacement heard");
        assert_eq!(checked.err(), outcome.err(), "what is checked is what is refused");
        self.compare_outcomes(outcome, expected);
    }

    fn compare_outcomes(&self, outcome: Result<Outcome, Reject>, expected: Result<Outcome, Reject>) {
        let rested = |outcome: Outcome| outcome.rested.map(|id| self.names[&id]);
        assert_eq!(outcome.map(|outcome| Outcome { rested: rested(outcome), ..outcome }), expected, "the outcome");
    }

    /// An order that came to rest at some time, mostly a late one.
    fn pick(&self, of: u8) -> Option<(OrderId, OrderId)> {
        self.issued.iter().rev().nth(usize::from(of) % self.issued.len().clamp(1, 48)).copied()
    }

    /// Compares everything that can be seen of both.
    fn compare(&self) {
        self.book.check_invariants();
        let mut count = 0;
        let mut levels = 0;
        for side in Side::BOTH {
            let expected = self.naive.orders(side);
            let mut found = Vec::with_capacity(expected.len());
            for level in self.book.depth(side) {
                let orders: Vec<_> = self.book.orders_at(side, level.price).collect();
                let total: Qty = orders.iter().map(|order| order.qty).sum();
                assert_eq!((level.qty, level.orders as usize), (total, orders.len()), "a level sums its orders");
                assert_eq!(self.book.level(side, level.price), Some(level));
                levels += 1;
                self.compare_places(&orders);
                found.extend(orders.into_iter().map(|order| named(&self.names, order)));
            }
            assert_eq!(found, expected, "the orders of the {side} side");
            assert_eq!(self.book.best(side), expected.first().map(|order| order.price), "best {side}");
            count += expected.len();
        }
        assert_eq!(self.book.order_count() as usize, count, "orders resting");
        assert_eq!(self.book.level_count(), levels, "levels");
        for (side, qty) in [(Side::Buy, 0), (Side::Buy, 30), (Side::Sell, 9), (Side::Sell, u64::MAX)] {
            let limit = (qty % 2 == 1).then_some(Price(2));
            let expected = self.naive.cost_to_take(side, Qty(qty), limit);
            assert_eq!(self.book.cost_to_take(side, Qty(qty), limit), expected, "the cost of taking {qty}");
        }
    }

    fn compare_places(&self, orders: &[Resting]) {
        let mut ahead = Qty::ZERO;
        for order in orders {
            assert_eq!(self.book.quantity_ahead(order.id), Some(ahead), "lots ahead");
            assert_eq!(self.book.order(order.id), Some(*order));
            ahead += order.qty;
        }
    }
}

fn named(names: &BTreeMap<OrderId, OrderId>, resting: Resting) -> Resting {
    Resting { id: names[&resting.id], ..resting }
}
