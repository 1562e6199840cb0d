//! A recording as commands for a book: each record becomes what it did to its order.
//!
//! The recording's own ids become the book's, which are the same in every replay. Orders of before the file's
//! beginning are unknown; where a level of theirs is told, one order stands for all of them.

use downdraft_book::{Book, BookCapacity, Command, Done, NewOrder, Replacement, TradeAll};
use downdraft_feed::lobster::LevelRow;
use downdraft_feed::{Body, Record};
use downdraft_types::{OrderId, Price, Qty, Side};
use std::collections::BTreeMap;

/// A recording's commands so far, and the book they lead to.
#[derive(Debug)]
pub struct RecordedFlow {
    /// The commands, with the ids that a book of the same capacities issues.
    pub commands: Vec<Command>,
    /// The book after them.
    pub book: Book,
    /// Records that name an order nobody knows, at a price where nobody stands for it.
    pub unknown: u64,
    /// Levels that came into sight other than they were known, and were set from their row.
    pub reveals: u64,
    /// Lots that traded here. A recording tells its executions, so these are of orders that it shows for a moment
    /// at a price where they crossed.
    pub traded: Qty,
    known: BTreeMap<u64, OrderId>,
    /// Who stands for the unknown orders of a level.
    strangers: BTreeMap<(Side, Price), Vec<OrderId>>,
}

impl RecordedFlow {
    /// Nothing yet.
    #[must_use]
    pub fn new(capacity: BookCapacity) -> Self {
        Self {
            commands: Vec::new(),
            book: Book::with_capacity(capacity),
            unknown: 0,
            reveals: 0,
            traded: Qty::ZERO,
            known: BTreeMap::new(),
            strangers: BTreeMap::new(),
        }
    }

    /// Sets the levels of a row, each with an order that stands for those nobody knows.
    pub fn seed(&mut self, row: &LevelRow) {
        for (side, levels) in [(Side::Buy, &row.bids), (Side::Sell, &row.asks)] {
            levels.iter().for_each(|(price, qty)| self.add_stranger(side, *price, *qty));
        }
    }

    /// Applies a record.
    pub fn apply(&mut self, record: &Record) {
        match record.body {
            Body::Add { order, side, price, qty } => {
                if let Some(id) = self.add(side, price, qty) {
                    self.known.insert(order, id);
                }
            }
            Body::Reduce { order, side, price, by } => self.take(order, side, price, by),
            Body::Delete { order, side, price, qty } | Body::Execute { order, side, price, qty } => {
                self.take(order, side, price, qty);
            }
            Body::Modify { order, price, qty, .. } => match self.find(order) {
                Some(id) => _ = self.run(Command::Replace(id, Replacement::new(price, qty))),
                None => self.unknown += 1,
            },
            Body::Clear => {
                let orders: Vec<_> = Side::BOTH.iter().flat_map(|side| self.book.orders(*side)).collect();
                orders.iter().for_each(|order| _ = self.run(Command::Cancel(order.id)));
                self.known.clear();
                self.strangers.clear();
            }
            _ => {}
        }
    }

    /// Sets the levels that are in a row, but were out of sight before it, and drops those that would be in sight and
    /// are not.
    pub fn reveal(&mut self, before: &LevelRow, row: &LevelRow) {
        for (side, seen, levels) in [(Side::Buy, &before.bids, &row.bids), (Side::Sell, &before.asks, &row.asks)] {
            let is_in = |levels: &[(Price, Qty)], price| levels.iter().any(|(other, _)| *other == price);
            let last = levels.last().map(|(price, _)| *price);
            let in_sight = self.book.depth(side).map(|level| level.price);
            let in_sight = in_sight.take_while(|price| last.is_some_and(|last| side.opposite().accepts(last, *price)));
            let gone: Vec<_> = in_sight.filter(|price| !is_in(levels, *price) && !is_in(seen, *price)).collect();
            gone.into_iter().for_each(|price| self.set(side, price, Qty::ZERO));
            for (price, qty) in levels.iter().filter(|(price, _)| !is_in(seen, *price)) {
                self.set(side, *price, *qty);
            }
        }
    }

    /// Brings a level to so many lots: from the back of its queue, or with an order that stands for unknown ones.
    fn set(&mut self, side: Side, price: Price, qty: Qty) {
        let mut here = self.book.level(side, price).map_or(Qty::ZERO, |level| level.qty);
        self.reveals += u64::from(here != qty);
        while here > qty {
            let last = self.book.orders_at(side, price).last().expect("a level has an order");
            let by = last.qty.min(here - qty);
            self.run(if by == last.qty { Command::Cancel(last.id) } else { Command::Reduce(last.id, by) });
            here -= by;
        }
        if here < qty {
            self.add_stranger(side, price, qty - here);
        }
    }

    /// The book's id of an order that is still there.
    fn find(&self, order: u64) -> Option<OrderId> {
        self.known.get(&order).copied().filter(|id| self.book.order(*id).is_some())
    }

    fn add_stranger(&mut self, side: Side, price: Price, qty: Qty) {
        if let Some(id) = self.add(side, price, qty) {
            self.strangers.entry((side, price)).or_default().push(id);
        }
    }

    fn add(&mut self, side: Side, price: Price, qty: Qty) -> Option<OrderId> {
        match self.run(Command::Submit(NewOrder::limit(side, qty, price, 0))) {
            Done::Matched(outcome) => {
                self.traded += outcome.filled;
                outcome.rested
            }
            Done::Left(_) => None,
        }
    }

    /// Takes lots off an order, or off who stands for it.
    fn take(&mut self, order: u64, side: Side, price: Price, qty: Qty) {
        let Some(id) = self.find(order).or_else(|| self.stranger(side, price)) else {
            self.unknown += 1;
            return;
        };
        let left = self.book.order(id).map_or(Qty::ZERO, |resting| resting.qty);
        self.run(if qty < left { Command::Reduce(id, qty) } else { Command::Cancel(id) });
    }

    /// Who stands for the unknown orders of a level.
    fn stranger(&mut self, side: Side, price: Price) -> Option<OrderId> {
        let ids = self.strangers.get_mut(&(side, price))?;
        let book = &self.book;
        ids.retain(|id| book.order(*id).is_some());
        ids.first().copied()
    }

    fn run(&mut self, command: Command) -> Done {
        self.commands.push(command);
        self.book.apply(&command, &mut TradeAll).expect("what a recording did can be done")
    }
}
