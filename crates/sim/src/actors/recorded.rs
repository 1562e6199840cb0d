//! Recorded order flow as an actor: the orders, cancels and executions of a recording, at their recorded times.
//!
//! Two modes:
//!
//! * `Reconstruct` applies an execution to the order it names, so the book is the recording's book.
//! * `Reactive` turns executions into immediate-or-cancel orders of the taker at the printed price
//!   (simultaneous prints of one side become one order), so that recorded takers meet the book as it now is.
//!   A message on an order that someone else's trade consumed is counted as `consumed_by_simulation`.
//!
//! With `Anchor::Absolute` recorded prices stay as they were: after our liquidations have displaced the market
//! they pull it back, and so damp a cascade. With `Anchor::Relative` new recorded orders are moved by the distance
//! between our mid and the recorded mid, so that recorded flow follows the market.
//!
//! What cannot be applied is counted by reason, never guessed; `read = applied + Σ reasons`. A market-by-order
//! recording that begins before its opening auction is only watched until continuous trading, because a venue
//! without an auction would match its crossed orders; then all its resting orders are placed in their order.

mod shadow;
mod tape;

pub use tape::{Seeded, Tape};

use crate::actor::{Actor, Context, Notice, Subscription};
use downdraft_feed::lobster::LevelRow;
use downdraft_feed::{Body, Record};
use downdraft_types::{
    AccountId, ClientOrderId, CurrencyId, InstrumentId, Money, OrderId, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{Command, Event, OrderRef, OrderRequest, Rejection, SelfTradePrevention, TimeInForce};
use shadow::{Shadow, side_of};
use std::collections::BTreeMap;

/// What an execution does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replay {
    /// It is applied to the order it names.
    Reconstruct,
    /// It becomes an order of the taker at the printed price.
    Reactive,
}

/// Whether recorded prices follow a displaced market.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// They stay as recorded.
    Absolute,
    /// New orders move with our mid.
    Relative,
}

/// Parameters of recorded flow.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedConfig {
    /// What is traded.
    pub instrument: InstrumentId,
    /// The currency of the accounts' margin.
    pub currency: CurrencyId,
    /// Three accounts to open: of recorded bids, of recorded asks, and of recorded takers.
    pub accounts: [AccountId; 3],
    /// Margin of each account.
    pub margin: Money,
    /// What an execution does.
    pub replay: Replay,
    /// Whether prices follow.
    pub anchor: Anchor,
    /// The simulated time of the recording's first message.
    pub start: Span,
    /// Whether to watch until continuous trading, as market-by-order files of a whole day need.
    pub await_opening: bool,
}

/// A print of the recording on its way into the book.
#[derive(Clone, Copy, Debug)]
struct Take {
    time: Time,
    side: Side,
    qty: Qty,
    limit: Price,
}

/// A record, and the row of the book after it; empty where the recording has none.
#[derive(Clone)]
struct Message {
    record: Record,
    row: LevelRow,
}

/// Tallies, by reason.
#[derive(Clone)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn add(&mut self, what: &'static str, n: u64) {
        *self.0.entry(what).or_default() += n;
    }

    /// An applied record turned out to have had no effect, for this reason.
    fn revoke(&mut self, reason: &'static str) {
        if let Some(applied) = self.0.get_mut("applied") {
            *applied -= 1;
        }
        self.add(reason, 1);
    }
}

/// Recorded flow.
pub struct Recorded {
    config: RecordedConfig,
    /// What errors call the recording.
    source: String,
    tape: Box<dyn Tape>,
    shadow: Shadow,
    /// The last row, to see which levels are new in the next.
    seen: LevelRow,
    next: Option<Message>,
    origin: Option<Time>,
    /// Watching only.
    held: bool,
    seeded: bool,
    take: Option<Take>,
    /// Lots of each order that this event's fills have explained already.
    explained: BTreeMap<u64, Qty>,
    /// Our market's best prices.
    ours: Option<(Price, Price)>,
    /// What is added to recorded prices at this instant.
    offset: i64,
    /// Submissions of this instant that change an order, by the order's client number.
    changes: BTreeMap<u64, u64>,
    last_wake: Time,
    resting: BTreeMap<OrderId, u64>,
    /// Recorded orders that were traded away, and whether by someone else's order.
    gone: BTreeMap<u64, bool>,
    tally: Tally,
}

impl Recorded {
    /// A recording to replay; `source` is what errors call it, such as its path.
    #[must_use]
    pub fn new(config: RecordedConfig, source: &str, tape: Box<dyn Tape>) -> Self {
        Self {
            held: config.await_opening,
            config,
            source: source.to_owned(),
            tape,
            shadow: Shadow::default(),
            seen: LevelRow::default(),
            next: None,
            origin: None,
            seeded: false,
            take: None,
            explained: BTreeMap::new(),
            ours: None,
            offset: 0,
            changes: BTreeMap::new(),
            last_wake: Time::ZERO,
            resting: BTreeMap::new(),
            gone: BTreeMap::new(),
            tally: Tally(BTreeMap::from([("applied", 0), ("read", 0)])),
        }
    }

    /// Reads the next record and sets the timer for it.
    fn advance(&mut self, context: &mut Context<'_>) {
        let mut row = LevelRow::default();
        self.next = match self.tape.read(&mut row) {
            Ok(record) => record.map(|record| Message { record, row }),
            Err(error) => {
                context.fail(format!("{}: {error}", self.source));
                None
            }
        };
    }

    fn due(&mut self, record: &Record) -> Time {
        let origin = *self.origin.get_or_insert(record.time);
        Time::ZERO.saturating_add(self.config.start).saturating_add(record.time.since(origin))
    }

    fn owner(&self, side: Side) -> AccountId {
        self.config.accounts[side as usize]
    }

    fn taker(&self) -> AccountId {
        self.config.accounts[2]
    }

    /// How far our market is from the recorded one, in ticks. Both are looked at between two instants, when each has
    /// taken in the last one. A distance that the two spreads explain is no displacement: the offset stays.
    fn displacement(&self) -> i64 {
        let recorded = self.shadow.best(Side::Buy).zip(self.shadow.best(Side::Sell));
        let (Anchor::Relative, Some(ours), Some(recorded)) = (self.config.anchor, self.ours, recorded) else {
            return self.offset;
        };
        let twice_mid = |(bid, ask): (Price, Price)| i128::from(bid.0) + i128::from(ask.0);
        let spread = |(bid, ask): (Price, Price)| i128::from(ask.0) - i128::from(bid.0);
        let twice = twice_mid(ours) - twice_mid(recorded);
        // A spread that a sweep has torn open explains no more than a few ordinary ones.
        let ordinary = spread(recorded).max(1);
        let explained = 2 * (ordinary + spread(ours).min(4 * ordinary));
        if (twice - 2 * i128::from(self.offset)).abs() <= explained {
            return self.offset;
        }
        i64::try_from(twice / 2).unwrap_or(self.offset)
    }

    /// A recorded price where our market is now.
    fn anchored(&self, price: Price) -> Price {
        Price(price.0.saturating_add(self.offset))
    }

    fn place(&mut self, client: u64, side: Side, price: Price, qty: Qty, context: &mut Context<'_>) {
        if self.held {
            return;
        }
        let price = self.anchored(price);
        let submission = context.submit_now(Command::PlaceOrder(OrderRequest {
            account: self.owner(side),
            client: Some(ClientOrderId(client)),
            instrument: self.config.instrument,
            side,
            qty,
            limit: Some(price),
            tif: TimeInForce::Gtc,
            post_only: false,
            reduce_only: false,
            stp: SelfTradePrevention::None,
        }));
        self.changes.insert(submission, client);
    }

    /// Sends a command on a recorded order.
    fn change(&mut self, client: u64, context: &mut Context<'_>, command: impl FnOnce(OrderRef) -> Command) {
        if !self.held {
            let submission = context.submit_now(command(OrderRef::Client(ClientOrderId(client))));
            self.changes.insert(submission, client);
        }
    }

    fn reduce(&mut self, order: u64, side: Side, price: Price, by: Qty, context: &mut Context<'_>) {
        let explained = self.explained.get_mut(&order).map_or(Qty::ZERO, |left| {
            let part = by.min(*left);
            *left -= part;
            part
        });
        let by = by - explained;
        if by.is_zero() {
            return self.tally.add("applied", 1);
        }
        let Some(client) = self.shadow.resolve(order, side, price) else {
            return self.tally.add("unknown_order", 1);
        };
        let by = self.shadow.reduce(client, by);
        let account = self.owner(side);
        self.tally.add("applied", 1);
        self.change(client, context, |order| Command::ReduceOrder { account, order, by });
    }

    /// A new price, a larger size, or both replace the order; a smaller size at its price takes a part off.
    fn modify(&mut self, order: u64, side: Side, price: Price, qty: Qty, context: &mut Context<'_>) {
        let Some(known) = self.shadow.get(order).filter(|known| known.side == side) else {
            // An iceberg whose displayed part this event's fills used up shows its next part.
            if self.explained.remove(&order).is_none() {
                return self.tally.add("unknown_order", 1);
            }
            self.tally.add("applied", 1);
            self.shadow.add(order, side, price, qty);
            return self.place(order, side, price, qty, context);
        };
        if known.price == price && qty <= known.qty {
            let by = known.qty - qty;
            self.explained.remove(&order);
            return if by.is_zero() {
                self.tally.add("applied", 1)
            } else {
                self.reduce(order, side, price, by, context)
            };
        }
        self.shadow.reduce(order, known.qty);
        self.shadow.add(order, side, price, qty);
        let account = self.owner(side);
        let price = self.anchored(price);
        self.tally.add("applied", 1);
        self.change(order, context, |order| Command::ReplaceOrder { account, order, price, qty });
    }

    /// An execution of a resting order.
    fn execute(
        &mut self,
        record: &Record,
        (order, side, price, qty): (u64, Side, Price, Qty),
        context: &mut Context<'_>,
    ) {
        let client = self.shadow.resolve(order, side, price);
        // A fill may exceed what its iceberg shows: that much of it is visible.
        let shown = client.map_or(Qty::ZERO, |client| self.shadow.reduce(client, qty));
        match (self.config.replay, client) {
            (Replay::Reactive, _) => self.take(record, side.opposite(), price, qty),
            (Replay::Reconstruct, None) => self.tally.add("unknown_order", 1),
            (Replay::Reconstruct, Some(client)) => {
                let (account, taker) = (self.owner(side), self.taker());
                self.tally.add("applied", 1);
                self.change(client, context, |order| Command::ExecuteOrder { account, order, qty: shown, taker });
            }
        }
    }

    /// Adds a print to the order that is on its way.
    fn take(&mut self, record: &Record, side: Side, price: Price, qty: Qty) {
        self.tally.add("applied", 1);
        let worse = |a: Price, b: Price| if side == Side::Buy { a.max(b) } else { a.min(b) };
        let take = self.take.get_or_insert(Take { time: record.time, side, qty: Qty::ZERO, limit: price });
        take.qty += qty;
        take.limit = worse(take.limit, price);
    }

    /// Sends the order of the prints so far, unless `next` continues them.
    fn flush(&mut self, next: Option<&Record>, context: &mut Context<'_>) {
        let Some(take) = self.take else { return };
        let continues = |record: &Record| {
            let side = match record.body {
                Body::Execute { side, .. } => side.opposite(),
                Body::Trade { side, .. } => side,
                // A fill belongs to the prints before it.
                Body::Fill { .. } => take.side,
                _ => return false,
            };
            record.time == take.time && side == take.side
        };
        if next.is_some_and(continues) {
            return;
        }
        self.take = None;
        if self.held {
            return;
        }
        let limit = self.anchored(take.limit);
        self.tally.add("prints", 1);
        self.tally.add("print_lots", take.qty.0);
        context.submit_now(Command::PlaceOrder(OrderRequest {
            account: self.taker(),
            client: None,
            instrument: self.config.instrument,
            side: take.side,
            qty: take.qty,
            limit: Some(limit),
            tif: TimeInForce::Ioc,
            post_only: false,
            reduce_only: false,
            stp: SelfTradePrevention::None,
        }));
    }

    fn apply(&mut self, record: &Record, context: &mut Context<'_>) {
        self.tally.add("read", 1);
        match record.body {
            Body::Add { order, side, price, qty } => {
                self.tally.add("applied", 1);
                self.shadow.add(order, side, price, qty);
                self.place(order, side, price, qty, context);
            }
            Body::Reduce { order, side, price, by } => self.reduce(order, side, price, by, context),
            Body::Delete { order, side, price, qty } => self.reduce(order, side, price, qty, context),
            Body::Modify { order, side, price, qty } => self.modify(order, side, price, qty, context),
            Body::Execute { order, side, price, qty } => self.execute(record, (order, side, price, qty), context),
            Body::Fill { order, side, price, qty } => self.fill(record, (order, side, price, qty), context),
            Body::Trade { side, price, qty, .. } => match self.config.replay {
                Replay::Reactive => self.take(record, side, price, qty),
                Replay::Reconstruct => self.tally.add("print", 1),
            },
            Body::HiddenExecute { .. } => self.tally.add("hidden", 1),
            Body::Cross { order, qty, .. } => {
                if let Some(order) = order {
                    self.explain(order, qty);
                }
                self.tally.add("auction", 1);
            }
            Body::Clear => self.clear(context),
            Body::Phase(_) => self.tally.add("phase", 1),
            Body::Notice => self.tally.add("notice", 1),
            Body::Unusable(reason) => self.tally.add(reason.name(), 1),
        }
    }

    /// A market-by-order fill: the reduction that follows in its event is explained by it.
    fn fill(&mut self, record: &Record, (order, side, price, qty): (u64, Side, Price, Qty), context: &mut Context<'_>) {
        match self.config.replay {
            Replay::Reconstruct => {
                // The order trades at its own price, whatever the print's.
                let price = self.shadow.get(order).map_or(price, |known| known.price);
                self.execute(record, (order, side, price, qty), context);
                *self.explained.entry(order).or_default() += qty;
            }
            Replay::Reactive => {
                self.explain(order, qty);
                self.tally.add("fill_of_print", 1);
            }
        }
    }

    fn explain(&mut self, order: u64, qty: Qty) {
        let by = self.shadow.reduce(order, qty);
        *self.explained.entry(order).or_default() += by;
    }

    fn clear(&mut self, context: &mut Context<'_>) {
        self.tally.add("applied", 1);
        for (client, known) in self.shadow.in_order() {
            let account = self.owner(known.side);
            self.change(client, context, |order| Command::CancelOrder { account, order });
        }
        self.shadow.clear();
    }

    /// Seeds the book with the first row: what rested before the recording, and its first message's order.
    fn seed(&mut self, Message { record, row }: Message, context: &mut Context<'_>) {
        self.seeded = true;
        let first = match record.body {
            Body::Add { order, side, price, qty } => Some((order, side, price, qty)),
            _ => None,
        };
        for side in Side::BOTH {
            for (price, qty) in side_of(&row, side) {
                let named = first.filter(|(_, s, p, _)| *s == side && p == price).map_or(Qty::ZERO, |f| f.3.min(*qty));
                if *qty > named {
                    self.reveal(side, *price, *qty - named, context);
                }
                if let Some((order, ..)) = first.filter(|_| !named.is_zero()) {
                    self.shadow.add(order, side, *price, named);
                    self.place(order, side, *price, named, context);
                }
            }
        }
        self.tally.add("read", 1);
        self.tally.add("applied", 1);
        self.seen = row;
    }

    fn reveal(&mut self, side: Side, price: Price, qty: Qty, context: &mut Context<'_>) {
        let held = self.shadow.reveal(side, price, qty);
        let (client, whole) = held;
        if whole == qty {
            self.place(client, side, price, qty, context);
        } else {
            let account = self.owner(side);
            let price = self.anchored(price);
            self.change(client, context, |order| Command::ReplaceOrder { account, order, price, qty: whole });
        }
    }

    /// A level that was not among the previous row's is set to what the row shows: no message announces it. When
    /// reconstructing, what lies beyond the row is forgotten, since no message would tell of its changes.
    fn reveal_new_levels(&mut self, row: LevelRow, context: &mut Context<'_>) {
        for side in Side::BOTH {
            for (price, shown) in side_of(&row, side) {
                let new = side_of(&self.seen, side).iter().all(|(p, _)| p != price);
                let held = self.shadow.level(side, *price);
                if new && *shown > held {
                    self.tally.add("reveals", 1);
                    self.reveal(side, *price, *shown - held, context);
                }
            }
            if let (Replay::Reconstruct, Some((worst, _))) = (self.config.replay, side_of(&row, side).last()) {
                for (client, known) in self.shadow.beyond(side, *worst) {
                    self.shadow.reduce(client, known.qty);
                    let account = self.owner(side);
                    self.change(client, context, |order| Command::CancelOrder { account, order });
                }
            }
        }
        self.seen = row;
    }

    /// Continuous trading has begun: everything that rests is placed.
    fn open(&mut self, context: &mut Context<'_>) {
        self.held = false;
        for (client, known) in self.shadow.in_order() {
            self.place(client, known.side, known.price, known.qty, context);
        }
    }

    fn step(&mut self, message: Message, context: &mut Context<'_>) {
        let has_row = !message.row.bids.is_empty() || !message.row.asks.is_empty();
        if has_row && !self.seeded {
            return self.seed(message, context);
        }
        let Message { record, row } = message;
        self.flush(Some(&record), context);
        self.apply(&record, context);
        if has_row && self.tape.has_rows() {
            self.reveal_new_levels(row, context);
        }
        if record.end_of_event {
            self.explained.clear();
            if self.held && self.has_traded() && !self.shadow.is_crossed() {
                self.open(context);
            }
        }
    }

    /// Whether the recording has had a trade, of its opening auction or after.
    fn has_traded(&self) -> bool {
        ["auction", "fill_of_print", "print"].iter().any(|kind| self.tally.0.contains_key(kind))
    }

    /// A change of one of our own orders.
    fn own_event(&mut self, event: &Event) {
        match *event {
            Event::OrderRested { order, client: Some(client), .. } => {
                self.resting.insert(order, client.0);
            }
            Event::OrderCancelled { order: Some(order), .. } => {
                self.resting.remove(&order);
            }
            Event::Trade { maker_order, maker_left, taker, qty, .. } => {
                if taker.account == self.taker() && self.config.replay == Replay::Reactive {
                    self.tally.add("print_lots_filled", qty.0);
                }
                if maker_left.is_zero()
                    && let Some(client) = self.resting.remove(&maker_order)
                    && self.shadow.get(client).is_some()
                {
                    self.gone.insert(client, taker.account != self.taker());
                }
            }
            _ => {}
        }
    }

    fn own_rejection(&mut self, submission: u64, reason: Rejection) {
        let Some(client) = self.changes.remove(&submission) else { return };
        // The recording may have more to say of an order that is gone here, until it is gone there too.
        let gone = self.gone.get(&client).copied();
        if self.shadow.get(client).is_none() {
            self.gone.remove(&client);
        }
        let reason = match (reason, gone) {
            (Rejection::UnknownOrder, Some(true)) => "consumed_by_simulation",
            (Rejection::UnknownOrder, Some(false)) => "executed_out_of_order",
            (Rejection::UnknownOrder, None) => "unknown_order",
            (Rejection::InsufficientMargin, _) => "rejected_margin",
            (Rejection::PriceOutsideBand, _) => "rejected_band",
            (Rejection::Halted, _) => "rejected_halted",
            (Rejection::CapacityReached, _) => "rejected_capacity",
            (Rejection::DuplicateClientOrder, _) => "rejected_duplicate",
            (Rejection::InLiquidation, _) => "rejected_liquidation",
            _ => "rejected_other",
        };
        self.tally.revoke(reason);
    }
}

impl Actor for Recorded {
    fn start(&mut self, context: &mut Context<'_>) {
        let (currency, amount) = (self.config.currency, self.config.margin);
        for account in self.config.accounts {
            context.submit_now(Command::OpenAccount { account });
            context.submit_now(Command::Deposit { account, currency, amount });
        }
        context.subscribe(Subscription {
            depth: u8::from(self.config.anchor == Anchor::Relative),
            accounts: self.config.accounts.to_vec(),
            instruments: vec![self.config.instrument],
            ..Subscription::default()
        });
        self.advance(context);
        if let Some(record) = self.next.as_ref().map(|message| message.record) {
            let due = self.due(&record);
            context.wake_at(due, 0);
        }
    }

    fn wake(&mut self, context: &mut Context<'_>, _token: u64) {
        let now = context.now();
        if now > self.last_wake {
            self.changes.clear();
            self.last_wake = now;
            self.offset = self.displacement();
        }
        while let Some(message) = self.next.take() {
            let due = self.due(&message.record);
            if due > now {
                self.flush(None, context);
                self.next = Some(message);
                context.wake_at(due, 0);
                return;
            }
            self.step(message, context);
            self.advance(context);
        }
        self.flush(None, context);
    }

    fn notice(&mut self, _: &mut Context<'_>, notice: &Notice) {
        for (_, event) in &notice.own {
            self.own_event(event);
        }
        for (submission, reason) in &notice.rejected {
            self.own_rejection(*submission, *reason);
        }
        if let Some(view) = notice.books.last() {
            self.ours = view.best(Side::Buy).zip(view.best(Side::Sell));
        }
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        self.tally.0.iter().map(|(name, count)| (*name, *count)).collect()
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(Self {
            tape: self.tape.save()?,
            config: self.config.clone(),
            source: self.source.clone(),
            shadow: self.shadow.clone(),
            seen: self.seen.clone(),
            next: self.next.clone(),
            origin: self.origin,
            held: self.held,
            seeded: self.seeded,
            take: self.take,
            explained: self.explained.clone(),
            ours: self.ours,
            offset: self.offset,
            changes: self.changes.clone(),
            last_wake: self.last_wake,
            resting: self.resting.clone(),
            gone: self.gone.clone(),
            tally: self.tally.clone(),
        }))
    }
}
