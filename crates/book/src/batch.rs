//! Commands as data, one by one or many at a time. Whoever knows the next commands, as a replay does, lets the
//! processor fetch what they will touch while it works on the present one.

use downdraft_types::{OrderId, Qty};

use crate::book::Book;
use crate::ladder::{Level, rank};
use crate::matcher::Matcher;
use crate::order::{NewOrder, Outcome, Reject, Replacement, Resting};
use crate::pool::NIL;
use crate::prefetch::prefetch;

/// A command on one order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Command {
    /// [`Book::submit`].
    Submit(NewOrder),
    /// [`Book::cancel`].
    Cancel(OrderId),
    /// [`Book::replace`].
    Replace(OrderId, Replacement),
    /// [`Book::reduce`].
    Reduce(OrderId, Qty),
}

/// What a command came to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Done {
    /// An order was submitted or replaced.
    Matched(Outcome),
    /// An order was cancelled or reduced: what was left of it before, or is now.
    Left(Resting),
}

/// How many commands ahead the first line of each is asked for, and how many ahead what that line names.
const AHEAD: [usize; 2] = [16, 8];

impl Book {
    /// Applies a command.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let bid = NewOrder::limit(Side::Buy, Qty(5), Price(100), 1);
    /// let Done::Matched(outcome) = book.apply(&Command::Submit(bid), &mut TradeAll)? else { unreachable!() };
    /// let id = outcome.rested.expect("nothing to meet");
    /// assert!(matches!(book.apply(&Command::Reduce(id, Qty(2)), &mut TradeAll)?, Done::Left(order) if order.qty == Qty(3)));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// As the method that it stands for.
    #[inline]
    pub fn apply<M: Matcher>(&mut self, command: &Command, matcher: &mut M) -> Result<Done, Reject> {
        match command {
            Command::Submit(order) => self.submit(order, matcher).map(Done::Matched),
            Command::Cancel(id) => self.cancel_with(*id, matcher).map(Done::Left),
            Command::Replace(id, change) => self.replace(*id, change, matcher).map(Done::Matched),
            Command::Reduce(id, by) => self.reduce_with(*id, *by, matcher).map(Done::Left),
        }
    }

    /// Applies commands in their order, looking ahead, and tells what each came to. On a book that is larger than
    /// the processor's caches this is several times as fast as one by one; on a small one slower.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let asks = [103, 101, 102].map(|price| NewOrder::limit(Side::Sell, Qty(5), Price(price), 1));
    /// let commands = asks.map(Command::Submit);
    /// book.apply_all(&commands, &mut TradeAll, |at, done| assert!(done.is_ok(), "command {at}"));
    /// assert_eq!(book.best_ask(), Some(Price(101)));
    /// ```
    #[inline]
    pub fn apply_all<M: Matcher>(
        &mut self,
        commands: &[Command],
        matcher: &mut M,
        mut done: impl FnMut(usize, Result<Done, Reject>),
    ) {
        for (at, command) in commands.iter().enumerate() {
            if let Some(ahead) = commands.get(at + AHEAD[0]) {
                self.prefetch_first(ahead);
            }
            if let Some(ahead) = commands.get(at + AHEAD[1]) {
                self.prefetch_second(ahead);
            }
            done(at, self.apply(command, matcher));
        }
    }

    /// Asks for the memory that a command touches first: for a loop of the caller's, which calls it about sixteen
    /// commands ahead.
    #[inline]
    pub fn prefetch_first(&self, command: &Command) {
        match command {
            Command::Submit(order) => {
                if let Some(level) = self.near_level(order) {
                    prefetch(level);
                }
            }
            Command::Cancel(id) | Command::Replace(id, _) | Command::Reduce(id, _) => {
                if let Some(order) = self.pool.slots().get(id.slot() as usize) {
                    prefetch(order);
                }
            }
        }
    }

    /// Asks for the memory that a command touches next, once what [`Book::prefetch_first`] asked for is there: about
    /// eight commands ahead.
    #[inline]
    pub fn prefetch_second(&self, command: &Command) {
        match command {
            Command::Submit(order) => {
                if let Some(level) = self.near_level(order) {
                    self.prefetch_slot(level.tail);
                }
            }
            Command::Cancel(id) | Command::Replace(id, _) | Command::Reduce(id, _) => {
                if let Some(slot) = self.pool.find(*id) {
                    let order = self.pool.get(slot);
                    let ladder = &self.ladders[order.tag.ladder()];
                    if let Some(at) = ladder.near_at(rank(order.tag.side(), order.price)) {
                        prefetch(ladder.get(at));
                    }
                    self.prefetch_slot(order.prev);
                    self.prefetch_slot(order.next);
                }
            }
        }
    }

    #[inline]
    fn prefetch_slot(&self, slot: u32) {
        if slot != NIL {
            prefetch(self.pool.get(slot));
        }
    }

    /// The level that a limit order would join, if it is in the window.
    #[inline]
    fn near_level(&self, order: &NewOrder) -> Option<&Level> {
        let ladder = &self.ladders[order.side as usize];
        order.limit.and_then(|limit| ladder.near_at(rank(order.side, limit))).map(|at| ladder.get(at))
    }
}
