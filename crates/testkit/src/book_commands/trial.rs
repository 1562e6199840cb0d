//! The trial: a book, its naive twin and a listener's copy, compared after every command.

use std::collections::BTreeMap;

use downdraft_book::{
    Book, BookCapacity, CancelCause, Cancelled, Cross, DepthLevel, End, Fill, Fired, LevelChange, Matcher, NewOrder,
    Outcome, PendingStop, Position, Proposal, Reject, Replacement, Resting, StopOrder, Verdict, Within,
};
use downdraft_types::{OrderId, Price, Qty, Side, Time};

use super::mirror::Mirror;
use super::{BookCommand, Verdicts};
use crate::naive_book::{Fault, NaiveBook};

/// How often what happened: a trial that never met an iceberg proves nothing about them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Commands compared.
    pub commands: u64,
    /// Fills.
    pub fills: u64,
    /// Lots lost to self-trade prevention.
    pub self_trades: u64,
    /// Icebergs that showed their next lots.
    pub refills: u64,
    /// Fills of hidden orders.
    pub hidden_fills: u64,
    /// Orders that came to rest after they slid.
    pub slides: u64,
    /// Stops that fired and were accepted.
    pub fired: u64,
    /// Stops that fired and were refused.
    pub fired_refused: u64,
    /// Trades in auctions.
    pub crosses: u64,
    /// Orders cancelled by a mass cancel.
    pub mass_cancelled: u64,
    /// Orders that expired.
    pub expired: u64,
    /// Orders cancelled that had been filled in part.
    pub partly_filled_cancels: u64,
    /// Orders refused for want of capacity.
    pub capacity_reached: u64,
    /// Orders refused since they could not fill at once what must be.
    pub cannot_fill: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.commands += other.commands;
        self.fills += other.fills;
        self.self_trades += other.self_trades;
        self.refills += other.refills;
        self.hidden_fills += other.hidden_fills;
        self.slides += other.slides;
        self.fired += other.fired;
        self.fired_refused += other.fired_refused;
        self.crosses += other.crosses;
        self.mass_cancelled += other.mass_cancelled;
        self.expired += other.expired;
        self.partly_filled_cancels += other.partly_filled_cancels;
        self.capacity_reached += other.capacity_reached;
        self.cannot_fill += other.cannot_fill;
    }
}

/// One thing a matcher was told or asked, with orders named by the twin's ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Asked(Proposal),
    Filled(Fill),
    Cancelled(Cancelled),
    Crossed(Cross),
}

/// A matcher that follows its verdicts and writes down what it hears.
struct Scribe<'a> {
    verdicts: Verdicts,
    asked: usize,
    heard: Vec<Heard>,
    /// The twin's id of each id the book issued, and the listener's copy; `None` for the twin itself.
    book: Option<(&'a BTreeMap<OrderId, OrderId>, &'a mut Mirror, &'a mut Tally)>,
}

impl Scribe<'_> {
    fn twin(verdicts: Verdicts) -> Self {
        Self { verdicts, asked: 0, heard: Vec::new(), book: None }
    }

    fn name(&self, id: OrderId) -> OrderId {
        // An order that fires, or is replaced, can be met by nobody before it has a name.
        self.book.as_ref().map_or(id, |(names, ..)| names.get(&id).copied().unwrap_or(OrderId(u64::MAX)))
    }

    fn mirror(&mut self, tell: impl FnOnce(&mut Mirror, &mut Tally)) {
        if let Some((_, mirror, tally)) = &mut self.book {
            tell(mirror, tally);
        }
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
        self.mirror(|mirror, tally| {
            tally.fills += 1;
            tally.hidden_fills += u64::from(mirror.is_hidden(fill.maker));
            mirror.filled(fill);
        });
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        self.heard.push(Heard::Cancelled(Cancelled { maker: self.name(cancelled.maker), ..*cancelled }));
        self.mirror(|mirror, tally| {
            match cancelled.cause {
                CancelCause::SelfTrade => tally.self_trades += 1,
                CancelCause::Mass => tally.mass_cancelled += 1,
                CancelCause::Expired => tally.expired += 1,
                CancelCause::Verdict | CancelCause::Requested => {}
            }
            mirror.cancelled(cancelled);
        });
    }

    fn crossed(&mut self, cross: &Cross) {
        let (bid, ask) = (self.name(cross.bid), self.name(cross.ask));
        self.heard.push(Heard::Crossed(Cross { bid, ask, ..*cross }));
        self.mirror(|mirror, tally| {
            tally.crosses += 1;
            mirror.crossed(cross);
        });
    }

    fn rested(&mut self, order: &Resting) {
        self.mirror(|mirror, _| mirror.rested(order));
    }

    fn left(&mut self, order: &Resting) {
        self.mirror(|mirror, _| mirror.left(order));
    }

    fn reduced(&mut self, order: &Resting) {
        self.mirror(|mirror, _| mirror.reduced(order));
    }

    fn refilled(&mut self, order: &Resting) {
        self.mirror(|mirror, tally| {
            tally.refills += 1;
            mirror.refilled(order);
        });
    }

    fn level(&mut self, change: &LevelChange) {
        self.mirror(|mirror, _| mirror.level(change));
    }
}

/// Drives a book and its twin with the same commands; after each compares what the matcher heard, the answer
/// and everything that can be seen of both, and walks the book's links. Returns how often what happened.
///
/// # Panics
/// Where the two differ, or an invariant is broken.
pub fn compare_books(capacity: BookCapacity, fault: Fault, commands: impl IntoIterator<Item = BookCommand>) -> Tally {
    let mut trial = Trial::new(capacity, fault);
    for command in commands {
        trial.apply(command);
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

/// A book, its twin and a listener's copy.
struct Trial {
    book: Book,
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
            naive: NaiveBook::new(capacity, fault),
            mirror: Mirror::default(),
            names: BTreeMap::new(),
            issued: Vec::new(),
            tally: Tally::default(),
            now: 0,
        }
    }

    /// Does the same to both, each with a matcher of its own, and compares what those heard.
    fn both<A, B>(
        &mut self,
        verdicts: Verdicts,
        here: impl FnOnce(&mut Book, &mut Scribe<'_>) -> A,
        there: impl FnOnce(&mut NaiveBook, &mut Scribe<'_>) -> B,
    ) -> (A, B) {
        let mut book = Scribe {
            verdicts,
            asked: 0,
            heard: Vec::new(),
            book: Some((&self.names, &mut self.mirror, &mut self.tally)),
        };
        let mut twin = Scribe::twin(verdicts);
        let answers = (here(&mut self.book, &mut book), there(&mut self.naive, &mut twin));
        assert_eq!(book.heard, twin.heard, "what the matcher heard");
        answers
    }

    fn apply(&mut self, command: BookCommand) {
        let quiet = Verdicts::default();
        match command {
            BookCommand::Submit(order, verdicts) => self.submit(&order, verdicts),
            BookCommand::SubmitStop(stop) => self.submit_stop(&stop),
            BookCommand::Cancel(of) => {
                if let Some((id, name)) = self.pick(of) {
                    let before = self.book.order(id);
                    let partly = before.is_some_and(|order| self.naive.is_partly_filled(name) && !order.qty.is_zero());
                    let (found, expected) =
                        self.both(quiet, |book, to| book.cancel_with(id, to), |twin, to| twin.cancel(name, to));
                    assert_eq!(found.ok(), before, "what is cancelled is as it was");
                    self.tally.partly_filled_cancels += u64::from(partly);
                    assert_eq!(found.map(|order| self.named(order)), expected, "cancel");
                }
            }
            BookCommand::CancelStop(of) => {
                if let Some((id, name)) = self.pick(of) {
                    let found = self.book.cancel_stop(id).map(|stop| self.named_stop(stop));
                    assert_eq!(found, self.naive.cancel_stop(name), "cancel a stop");
                }
            }
            BookCommand::Replace(of, price, change, verdicts) => {
                if let Some(ids) = self.pick(of) {
                    let old = self.book.order(ids.0).map_or(Price(0), |order| order.price);
                    self.replace(ids, &Replacement { price: price.unwrap_or(old), ..change }, verdicts);
                }
            }
            BookCommand::Reduce(of, by) => {
                if let Some((id, name)) = self.pick(of) {
                    let (found, expected) =
                        self.both(quiet, |book, to| book.reduce_with(id, by, to), |twin, to| twin.reduce(name, by, to));
                    assert_eq!(found.map(|order| self.named(order)), expected, "reduce");
                }
            }
            BookCommand::Forged { slot, generation } => self.forge(slot, generation),
            BookCommand::SetMark(mark) => {
                self.book.set_mark(mark);
                self.naive.set_mark(mark);
            }
            BookCommand::Fire(most, verdicts) => (0..most).for_each(|_| self.fire(verdicts)),
            BookCommand::Expire(by) => {
                let now = Time(self.now.saturating_add_signed(i64::from(by)));
                self.now = self.now.max(now.0);
                let (found, expected) =
                    self.both(quiet, |book, to| book.expire(now, to), |twin, to| twin.expire(now, to));
                assert_eq!((found, self.book.now()), (expected, Time(self.now)), "expire");
            }
            BookCommand::CancelAll(which) => {
                let (found, expected) =
                    self.both(quiet, |book, to| book.cancel_all(which, to), |twin, to| twin.cancel_all(which, to));
                assert_eq!(found, expected, "mass cancel");
            }
            BookCommand::SetGroup(owner, group) => {
                assert_eq!(self.book.set_group(owner, group), self.naive.set_group(owner, group), "set a group");
            }
            BookCommand::OpenAuction => assert_eq!(self.book.open_auction(), self.naive.open_auction(), "open"),
            BookCommand::Uncross(reference) => {
                let (found, expected) =
                    self.both(quiet, |book, to| book.uncross(reference, to), |twin, to| twin.uncross(reference, to));
                assert_eq!(found, expected, "uncross");
            }
            BookCommand::Clone => self.book = self.book.clone(),
            BookCommand::Restore => {
                let bytes = self.book.save();
                self.book = Book::restore(&bytes).expect("a snapshot just taken");
                assert_eq!(self.book.save(), bytes, "a restored book's snapshot");
            }
        }
    }

    fn submit(&mut self, order: &NewOrder, verdicts: Verdicts) {
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
    }

    fn tally_rest(&mut self, order: &NewOrder, outcome: &Outcome) {
        let rested = outcome.rested.and_then(|id| self.book.order(id));
        self.tally.slides +=
            u64::from(rested.is_some_and(|rested| Some(rested.price) != order.limit) && !order.to_limit);
    }

    fn submit_stop(&mut self, stop: &StopOrder) {
        let (found, expected) = (self.book.submit_stop(stop), self.naive.submit_stop(stop));
        assert_eq!(found.err(), expected.err(), "submit {stop:?}");
        if let (Ok(id), Ok(name)) = (found, expected) {
            self.issue(id, name);
        }
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

    fn replace(&mut self, (id, name): (OrderId, OrderId), change: &Replacement, verdicts: Verdicts) {
        let checked = self.book.check_replace(id, change);
        assert_eq!(checked, self.naive.check_replace(name, change), "check {change:?}");
        let (outcome, expected) =
            self.both(verdicts, |book, to| book.replace(id, change, to), |twin, to| twin.replace(name, change, to));
        assert_eq!(checked.err(), outcome.err(), "what is checked is what is refused");
        self.compare_outcomes(outcome, expected);
    }

    fn forge(&mut self, slot: u8, generation: u8) {
        let id = OrderId::new(u32::from(slot % 40), u32::from(generation));
        if !self.names.contains_key(&id) {
            assert_eq!(self.book.cancel(id), Err(Reject::UnknownOrder), "an id never issued");
            assert_eq!(self.book.cancel_stop(id), Err(Reject::UnknownOrder), "an id never issued");
        }
    }

    fn issue(&mut self, id: OrderId, name: OrderId) {
        assert!(self.names.insert(id, name).is_none(), "an id is issued once");
        self.issued.push((id, name));
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
            self.compare_ranges(side, &depth);
        }
        assert_eq!(self.book.level_count() as usize, levels, "levels");
        assert_eq!(self.book.order_count() as usize, self.naive.order_count(), "orders");
        assert_eq!(self.book.last(), self.naive.last(), "the last trade");
        let stops: Vec<_> = self.book.stops().map(|stop| self.named_stop(stop)).collect();
        assert_eq!(stops, self.naive.stops(), "stops");
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
