//! The trial: a book, its naive twin, a listener's copy and a restored copy, compared after every command.

use std::collections::BTreeMap;
use std::fmt::Debug;

use downdraft_book::{
    Book, BookCapacity, Command, DepthLevel, Done, End, Fired, NewOrder, Outcome, PendingStop, Position, Reject,
    Replacement, Resting, StopOrder, Within,
};
use downdraft_types::{OrderId, Price, Qty, Side, Time};

use super::mirror::Mirror;
use super::scribe::Scribe;
use super::{BookCommand, Tally, Verdicts};
use crate::naive_book::{Fault, NaiveBook};

/// Drives a book and its twin with the same commands; after each compares what the matcher heard, the answer
/// and everything that can be seen of both, and walks the book's links. A command that is refused must leave the
/// book's bytes as they were; a book restored from a snapshot is driven beside its original from then on, and must
/// have the same bytes; and batches of the commands to come are tried on copies. Returns how often what happened.
///
/// # Panics
/// Where the two differ, or an invariant is broken.
pub fn compare_books(capacity: BookCapacity, fault: Fault, commands: impl IntoIterator<Item = BookCommand>) -> Tally {
    let mut trial = Trial::new(capacity, fault);
    let commands: Vec<BookCommand> = commands.into_iter().collect();
    for (at, command) in commands.iter().enumerate() {
        if let BookCommand::Batch(count, verdicts) = *command {
            trial.batch(verdicts, commands[at + 1..].iter().take(usize::from(count)));
        }
        trial.apply(*command);
        trial.compare();
        trial.tally.commands += 1;
    }
    trial.tally
}

/// Drives a book alone with commands, for the snapshot it comes to.
#[must_use]
pub fn book_after(capacity: BookCapacity, commands: impl IntoIterator<Item = BookCommand>) -> Book {
    let mut trial = Trial::new(capacity, Fault::None);
    commands.into_iter().for_each(|command| trial.apply(command));
    trial.book
}

/// A book, its twin, a listener's copy and a restored one.
struct Trial {
    book: Book,
    /// Restored from a snapshot of the book at some time; it gets the same commands since.
    beside: Option<Book>,
    naive: NaiveBook,
    mirror: Mirror,
    /// The twin's id of each id the book has issued.
    names: BTreeMap<OrderId, OrderId>,
    /// Ids that were given a place, the book's and the twin's.
    issued: Vec<(OrderId, OrderId)>,
    tally: Tally,
    now: u64,
}

impl Trial {
    fn new(capacity: BookCapacity, fault: Fault) -> Self {
        Self {
            book: Book::with_capacity(capacity),
            beside: None,
            naive: NaiveBook::new(capacity, fault),
            mirror: Mirror::default(),
            names: BTreeMap::new(),
            issued: Vec::new(),
            tally: Tally::default(),
            now: 0,
        }
    }

    /// Does the same to both, each with a matcher of its own, and compares what those heard.
    fn both<A: PartialEq + Debug, B>(
        &mut self,
        verdicts: Verdicts,
        here: impl Fn(&mut Book, &mut Scribe<'_>) -> A,
        there: impl FnOnce(&mut NaiveBook, &mut Scribe<'_>) -> B,
    ) -> (A, B) {
        let Self { book, beside, naive, mirror, names, tally, .. } = self;
        let mut scribe = Scribe::new(verdicts).naming(names).watching(mirror, tally);
        let mut twin = Scribe::new(verdicts);
        let answers = (here(book, &mut scribe), there(naive, &mut twin));
        assert_eq!(scribe.heard, twin.heard, "what the matcher heard");
        if let Some(beside) = beside {
            let mut other = Scribe::new(verdicts).naming(names);
            assert_eq!(here(beside, &mut other), answers.0, "a restored book's answer");
            assert_eq!(other.heard, scribe.heard, "what a restored book's matcher heard");
            assert_eq!(other.told, scribe.told, "what a restored book's matcher was told");
        }
        answers
    }

    /// Does something to the book that no matcher hears of.
    fn here<A: PartialEq + Debug>(&mut self, act: impl Fn(&mut Book) -> A) -> A {
        let answer = act(&mut self.book);
        if let Some(beside) = &mut self.beside {
            assert_eq!(act(beside), answer, "a restored book's answer");
        }
        answer
    }

    /// Does a command; a refused one must have changed nothing.
    fn apply(&mut self, command: BookCommand) {
        let before = self.book.save();
        if self.obey(command) {
            assert!(self.book.save() == before, "{command:?} was refused and has changed the book");
            self.tally.refused += 1;
        }
        if let Some(beside) = &self.beside {
            assert!(beside.save() == self.book.save(), "a restored book goes on as its original");
            beside.check_invariants();
            self.tally.beside += 1;
        }
    }

    /// Does a command; whether it was refused.
    fn obey(&mut self, command: BookCommand) -> bool {
        let quiet = Verdicts::default();
        match command {
            BookCommand::Submit(order, verdicts) => self.submit(&order, verdicts),
            BookCommand::SubmitStop(stop) => self.submit_stop(&stop),
            BookCommand::Cancel(of) => self.pick(of).is_some_and(|ids| self.cancel(ids)),
            BookCommand::CancelStop(of) => self.pick(of).is_some_and(|(id, name)| {
                let found = self.here(|book| book.cancel_stop(id));
                assert_eq!(found.map(|stop| self.named_stop(stop)), self.naive.cancel_stop(name), "cancel a stop");
                found.is_err()
            }),
            BookCommand::Replace(of, price, change, verdicts) => self.pick(of).is_some_and(|ids| {
                let old = self.book.order(ids.0).map_or(Price(0), |order| order.price);
                self.replace(ids, &Replacement { price: price.unwrap_or(old), ..change }, verdicts)
            }),
            BookCommand::Reduce(of, by) => self.pick(of).is_some_and(|(id, name)| {
                let (found, expected) =
                    self.both(quiet, |book, to| book.reduce_with(id, by, to), |twin, to| twin.reduce(name, by, to));
                assert_eq!(found.map(|order| self.named(order)), expected, "reduce");
                found.is_err()
            }),
            BookCommand::Forged { slot, generation } => self.forge(slot, generation),
            BookCommand::SetMark(mark) => {
                self.here(|book| book.set_mark(mark));
                self.naive.set_mark(mark);
                false
            }
            BookCommand::Fire(most, verdicts) => {
                (0..most).for_each(|_| self.fire(verdicts));
                false
            }
            BookCommand::Expire(by) => {
                self.expire(by);
                false
            }
            BookCommand::CancelAll(which) => {
                let (found, expected) =
                    self.both(quiet, |book, to| book.cancel_all(which, to), |twin, to| twin.cancel_all(which, to));
                assert_eq!(found, expected, "mass cancel");
                found.is_err()
            }
            BookCommand::SetGroup(owner, group) => {
                let found = self.here(|book| book.set_group(owner, group));
                assert_eq!(found, self.naive.set_group(owner, group), "set a group");
                found.is_err()
            }
            BookCommand::OpenAuction => {
                let found = self.here(Book::open_auction);
                assert_eq!(found, self.naive.open_auction(), "open");
                found.is_err()
            }
            BookCommand::Uncross(reference) => {
                let (found, expected) =
                    self.both(quiet, |book, to| book.uncross(reference, to), |twin, to| twin.uncross(reference, to));
                assert_eq!(found, expected, "uncross");
                found.is_err()
            }
            BookCommand::Clone => {
                self.book = self.book.clone();
                false
            }
            BookCommand::Restore => {
                self.restore();
                false
            }
            // It was tried on copies; its commands come one by one.
            BookCommand::Batch(..) => false,
        }
    }

    fn cancel(&mut self, (id, name): (OrderId, OrderId)) -> bool {
        let before = self.book.order(id);
        let partly = before.is_some_and(|order| self.naive.is_partly_filled(name) && !order.qty.is_zero());
        let quiet = Verdicts::default();
        let (found, expected) = self.both(quiet, |book, to| book.cancel_with(id, to), |twin, to| twin.cancel(name, to));
        assert_eq!(found.ok(), before, "what is cancelled is as it was");
        self.tally.partly_filled_cancels += u64::from(partly);
        assert_eq!(found.map(|order| self.named(order)), expected, "cancel");
        found.is_err()
    }

    fn expire(&mut self, by: i8) {
        let now = Time(self.now.saturating_add_signed(i64::from(by)));
        self.now = self.now.max(now.0);
        let quiet = Verdicts::default();
        let (found, expected) = self.both(quiet, |book, to| book.expire(now, to), |twin, to| twin.expire(now, to));
        assert_eq!((found, self.book.now()), (expected, Time(self.now)), "expire");
    }

    /// The first restored book is driven beside its original; later ones take the place of the book itself.
    fn restore(&mut self) {
        let bytes = self.book.save();
        let restored = Book::restore(&bytes).expect("a snapshot just taken");
        assert!(restored.save() == bytes, "a restored book's snapshot");
        match self.beside {
            None => self.beside = Some(restored),
            Some(_) => self.book = restored,
        }
    }

    /// Gives commands to two copies of the book, to one as a batch and to the other by the methods they stand for.
    fn batch<'c>(&mut self, verdicts: Verdicts, commands: impl Iterator<Item = &'c BookCommand>) {
        let commands: Vec<Command> = commands.filter_map(|command| self.plain(command)).collect();
        let (mut together, mut single) = (self.book.clone(), self.book.clone());
        let (mut scribe, mut other) = (Scribe::new(verdicts), Scribe::new(verdicts));
        let mut answers = Vec::new();
        together.apply_all(&commands, &mut scribe, |at, done| {
            assert_eq!(at, answers.len(), "answers come in the order of the commands");
            answers.push(done);
        });
        let expected = commands.iter().map(|command| match command {
            Command::Submit(order) => single.submit(order, &mut other).map(Done::Matched),
            Command::Cancel(id) => single.cancel_with(*id, &mut other).map(Done::Left),
            Command::Replace(id, change) => single.replace(*id, change, &mut other).map(Done::Matched),
            Command::Reduce(id, by) => single.reduce_with(*id, *by, &mut other).map(Done::Left),
        });
        assert_eq!(answers, expected.collect::<Vec<_>>(), "the answers to a batch");
        assert_eq!(scribe.heard, other.heard, "what the matcher of a batch heard");
        assert_eq!(scribe.told, other.told, "what the matcher of a batch was told");
        assert!(together.save() == single.save(), "a batch comes to what its commands come to");
        together.check_invariants();
        self.tally.batched += commands.len() as u64;
    }

    /// A command that may be in a batch, its order named as it would be now.
    fn plain(&self, command: &BookCommand) -> Option<Command> {
        let id = |of: u8| self.pick(of).map(|(id, _)| id);
        match *command {
            BookCommand::Submit(order, _) => Some(Command::Submit(order)),
            BookCommand::Cancel(of) => id(of).map(Command::Cancel),
            BookCommand::Replace(of, price, change, _) => id(of).map(|id| {
                let price = price.or_else(|| self.book.order(id).map(|order| order.price));
                Command::Replace(id, Replacement { price: price.unwrap_or(change.price), ..change })
            }),
            BookCommand::Reduce(of, by) => id(of).map(|id| Command::Reduce(id, by)),
            _ => None,
        }
    }

    fn submit(&mut self, order: &NewOrder, verdicts: Verdicts) -> bool {
        assert_eq!(self.book.check(order), self.naive.check(order), "check {order:?}");
        let (outcome, expected) =
            self.both(verdicts, |book, to| book.submit(order, to), |twin, to| twin.submit(order, to));
        match outcome {
            Err(Reject::CapacityReached) => self.tally.capacity_reached += 1,
            Err(Reject::CannotFill) => self.tally.cannot_fill += 1,
            Ok(outcome) => self.tally_rest(order, &outcome),
            Err(_) => {}
        }
        let rested = |outcome: &Result<Outcome, Reject>| outcome.ok().and_then(|outcome| outcome.rested);
        if let (Some(id), Some(name)) = (rested(&outcome), rested(&expected)) {
            self.issue(id, name);
        }
        self.compare_outcomes(outcome, expected);
        outcome.is_err()
    }

    fn tally_rest(&mut self, order: &NewOrder, outcome: &Outcome) {
        let rested = outcome.rested.and_then(|id| self.book.order(id));
        self.tally.slides +=
            u64::from(rested.is_some_and(|rested| Some(rested.price) != order.limit) && !order.to_limit);
    }

    fn submit_stop(&mut self, stop: &StopOrder) -> bool {
        let (found, expected) = (self.here(|book| book.submit_stop(stop)), self.naive.submit_stop(stop));
        assert_eq!(found.err(), expected.err(), "submit {stop:?}");
        if let (Ok(id), Ok(name)) = (found, expected) {
            self.issue(id, name);
        }
        found.is_err()
    }

    fn fire(&mut self, verdicts: Verdicts) {
        let (fired, expected) = self.both(verdicts, |book, to| book.fire(to), |twin, to| twin.fire(to));
        let named = fired.map(|fired| Fired {
            id: self.names[&fired.id],
            result: fired.result.map(|outcome| self.named_outcome(outcome)),
            ..fired
        });
        assert_eq!(named, expected, "fire");
        match fired.map(|fired| fired.result) {
            Some(Ok(_)) => self.tally.fired += 1,
            Some(Err(_)) => self.tally.fired_refused += 1,
            None => {}
        }
    }

    fn replace(&mut self, (id, name): (OrderId, OrderId), change: &Replacement, verdicts: Verdicts) -> bool {
        let checked = self.book.check_replace(id, change);
        assert_eq!(checked, self.naive.check_replace(name, change), "check {change:?}");
        let (outcome, expected) =
            self.both(verdicts, |book, to| book.replace(id, change, to), |twin, to| twin.replace(name, change, to));
        assert_eq!(checked.err(), outcome.err(), "what is checked is what is refused");
        self.compare_outcomes(outcome, expected);
        outcome.is_err()
    }

    fn forge(&mut self, slot: u8, generation: u8) -> bool {
        let id = OrderId::new(u32::from(slot % 40), u32::from(generation));
        let is_forged = !self.names.contains_key(&id);
        if is_forged {
            assert_eq!(self.here(|book| book.cancel(id)), Err(Reject::UnknownOrder), "an id never issued");
            assert_eq!(self.here(|book| book.cancel_stop(id)), Err(Reject::UnknownOrder), "an id never issued");
            assert_eq!((self.book.order(id), self.book.stop(id)), (None, None), "an id never issued");
        }
        is_forged
    }

    fn issue(&mut self, id: OrderId, name: OrderId) {
        assert!(self.names.insert(id, name).is_none(), "an id is issued once");
        self.issued.push((id, name));
        self.tally.placed += 1;
    }

    fn compare_outcomes(&self, outcome: Result<Outcome, Reject>, expected: Result<Outcome, Reject>) {
        assert_eq!(outcome.map(|outcome| self.named_outcome(outcome)), expected, "the outcome");
        if let Ok(Outcome { end: End::Rested, rested, .. }) = outcome {
            assert!(rested.is_some(), "what rests has an id");
        }
    }

    fn named_outcome(&self, outcome: Outcome) -> Outcome {
        Outcome { rested: outcome.rested.map(|id| self.names[&id]), ..outcome }
    }

    fn named(&self, resting: Resting) -> Resting {
        Resting { id: self.names[&resting.id], ..resting }
    }

    fn named_stop(&self, stop: PendingStop) -> PendingStop {
        PendingStop { id: self.names[&stop.id], ..stop }
    }

    /// An order that was given a place at some time, mostly a late one.
    fn pick(&self, of: u8) -> Option<(OrderId, OrderId)> {
        self.issued.iter().rev().nth(usize::from(of) % self.issued.len().clamp(1, 48)).copied()
    }

    /// Compares everything that can be seen of both.
    fn compare(&self) {
        self.book.check_invariants();
        let mut levels = 0;
        for side in Side::BOTH {
            let found: Vec<_> = self.book.orders(side).collect();
            assert_eq!(self.mirror.orders(side), found, "a listener's orders of the {side} side");
            let named: Vec<_> = found.iter().map(|order| self.named(*order)).collect();
            assert_eq!(named, self.naive.orders(side), "the orders of the {side} side");
            let depth: Vec<_> = self.book.depth(side).collect();
            assert_eq!(depth, self.naive.depth(side), "the depth of the {side} side");
            assert_eq!(self.mirror.depth(side), depth, "a listener's depth of the {side} side");
            assert_eq!(self.book.best(side), depth.first().map(|level| level.price), "best {side}");
            levels += depth.len();
            self.compare_levels(side, &depth);
            self.compare_places(&found);
            self.compare_hidden(side, &found);
            self.compare_ranges(side, &depth);
        }
        assert_eq!(self.book.level_count() as usize, levels, "levels");
        assert_eq!(self.book.order_count() as usize, self.naive.order_count(), "orders");
        assert_eq!(self.book.last(), self.naive.last(), "the last trade");
        let stops: Vec<_> = self.book.stops().map(|stop| self.named_stop(stop)).collect();
        assert_eq!(stops, self.naive.stops(), "stops");
        for (id, name) in self.issued.iter().rev().take(48) {
            let expected = stops.iter().find(|stop| stop.id == *name).copied();
            assert_eq!(self.book.stop(*id).map(|stop| self.named_stop(stop)), expected, "a stop by its id");
        }
        assert_eq!(self.book.due_stops() as usize, stops.iter().filter(|stop| stop.due).count(), "stops due");
        if self.book.is_collecting() {
            for reference in [None, Some(Price(1))] {
                assert_eq!(self.book.indicative(reference), self.naive.indicative(reference), "indicative");
            }
        }
        for (side, qty) in [(Side::Buy, 0), (Side::Buy, 30), (Side::Sell, 9), (Side::Sell, u64::MAX)] {
            let limit = (qty % 2 == 1).then_some(Price(2));
            if !self.book.is_collecting() {
                let expected = self.naive.cost_to_take(side, Qty(qty), limit);
                assert_eq!(self.book.cost_to_take(side, Qty(qty), limit), expected, "the cost of taking {qty}");
            }
        }
    }

    fn compare_levels(&self, side: Side, depth: &[DepthLevel]) {
        for level in depth {
            assert_eq!(self.book.level(side, level.price), Some(*level));
            let orders = self.book.orders_at(side, level.price);
            assert_eq!(orders.map(|order| order.displayed).sum::<Qty>(), level.qty, "a level sums its orders");
        }
    }

    /// At each price with an order, and at one more.
    fn compare_hidden(&self, side: Side, orders: &[Resting]) {
        for price in orders.iter().map(|order| order.price).chain([Price(7)]) {
            let found: Vec<_> = self.book.hidden_at(side, price).map(|order| self.named(order)).collect();
            assert_eq!(found, self.naive.hidden_at(side, price), "hidden orders of the {side} side at {price}");
            let found: Vec<_> = self.book.orders_at(side, price).map(|order| self.named(order)).collect();
            assert_eq!(found, self.naive.orders_at(side, price), "orders of the {side} side at {price}");
        }
    }

    fn compare_places(&self, orders: &[Resting]) {
        for order in orders {
            let expected = self.naive.ahead(self.names[&order.id]);
            let expected = expected.map(|(orders, qty)| Position { orders, qty: Qty(qty) });
            assert_eq!(self.book.position(order.id), expected, "orders ahead");
            assert_eq!(self.book.order(order.id), Some(*order));
        }
    }

    fn compare_ranges(&self, side: Side, depth: &[DepthLevel]) {
        let sum = |within: &dyn Fn(Price) -> bool| {
            let levels = depth.iter().filter(|level| within(level.price));
            levels.fold(Within::default(), |sum, level| Within {
                qty: sum.qty + u128::from(level.qty.0),
                orders: sum.orders + level.orders,
                levels: sum.levels + 1,
            })
        };
        let distance = |a: Price, b: Price| (i128::from(a.0) - i128::from(b.0)).unsigned_abs();
        let best = self.book.best(side);
        for ticks in [0, 3, 2_000, u64::MAX] {
            let expected = sum(&|price| best.is_some_and(|best| distance(best, price) <= u128::from(ticks)));
            assert_eq!(self.book.within_ticks(side, ticks), expected, "within {ticks} ticks of the best {side}");
        }
        let touch = [self.book.best_bid(), self.book.best_ask()];
        for bps in [0, 5_000, 40_000] {
            let expected = sum(&|price| {
                let [Some(bid), Some(ask)] = touch else { return false };
                let twice = i128::from(bid.0) + i128::from(ask.0);
                let (price, reach) = (i128::from(price.0) * 20_000, twice.abs() * i128::from(bps));
                match side {
                    Side::Buy => price >= twice * 10_000 - reach,
                    Side::Sell => price <= twice * 10_000 + reach,
                }
            });
            assert_eq!(self.book.within_bps(side, bps), expected, "within {bps} bps of the middle, {side}");
        }
    }
}
