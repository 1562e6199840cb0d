//! Actors: whoever acts in the simulated world. Built-in ones and a user's own use this one interface.
//!
//! An actor sees only what was delivered to it, after its latency, and acts only by sending commands, which
//! take their time too. It never looks into a live book.
//!
//! ```
//! use downdraft_sim::actor::{Actor, Context, Notice, Subscription};
//! use downdraft_types::{AccountId, InstrumentId, Qty, Side, Span};
//! use downdraft_venue::{Command, OrderRequest, SelfTradePrevention, TimeInForce};
//!
//! /// Sells one lot at market every second.
//! struct Seller(AccountId);
//!
//! impl Actor for Seller {
//!     fn start(&mut self, context: &mut Context<'_>) {
//!         context.wake_after(Span::from_secs(1), 0);
//!     }
//!     fn wake(&mut self, context: &mut Context<'_>, _token: u64) {
//!         context.submit(Command::PlaceOrder(OrderRequest {
//!             account: self.0, client: None, instrument: InstrumentId(0), side: Side::Sell, qty: Qty(1),
//!             limit: None, tif: TimeInForce::Ioc, post_only: false, reduce_only: false,
//!             stp: SelfTradePrevention::CancelNewest,
//!         }));
//!         context.wake_after(Span::from_secs(1), 0);
//!     }
//! }
//! ```

use crate::latency::{Channel, Latencies};
use crate::queue::EventQueue;
use crate::random::{Stream, Streams};
use crate::world::Entry;
use downdraft_types::{AccountId, EventId, InstrumentId, MachineId, MarkPrice, Price, Qty, Side, Span, Time};
use downdraft_venue::{Command, Event, Origin, Phase, Rejection};

/// What an actor does. Every method has a default that does nothing.
pub trait Actor: Send {
    /// Called once, when the world begins: subscribe, set up, set a first timer.
    fn start(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    /// A timer that the actor set has come due.
    fn wake(&mut self, context: &mut Context<'_>, token: u64) {
        let _ = (context, token);
    }

    /// Something the actor subscribed to has reached it.
    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        let _ = (context, notice);
    }

    /// What the actor counted, for the run's summary.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// A copy that goes on exactly as this one would, for a snapshot of the world. `None`: this actor cannot be
    /// saved, and a world with it is executed from its start instead.
    fn save(&self) -> Option<Box<dyn Actor>> {
        None
    }
}

/// What an actor wants to hear of.
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// Best prices of these instruments' books, with this many levels a side (0: none, 1: top of book).
    pub depth: u8,
    /// Trades.
    pub trades: bool,
    /// Mark prices, and halts.
    pub marks: bool,
    /// What happens to these accounts' orders and positions, and rejections of the actor's own commands.
    pub accounts: Vec<AccountId>,
    /// The instruments.
    pub instruments: Vec<InstrumentId>,
}

/// Everything that reached an actor from one instant: one notice, however much happened.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// When it happened; it is delivered later by the actor's latency.
    pub sent: Time,
    /// Books that changed, as they were at the end of the instant.
    pub books: Vec<BookView>,
    /// Trades, in order.
    pub trades: Vec<Print>,
    /// Marks that moved, in order.
    pub marks: Vec<MarkNews>,
    /// Markets that halted, reopened or expired.
    pub phases: Vec<(InstrumentId, Phase)>,
    /// The actor's own accounts' events, in order.
    pub own: Vec<(EventId, Event)>,
    /// The actor's own commands that had no effect: the submission's number, and why.
    pub rejected: Vec<(u64, Rejection)>,
}

/// The visible part of a book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookView {
    /// Which.
    pub instrument: InstrumentId,
    /// Bid levels, best first.
    pub bids: Vec<(Price, Qty)>,
    /// Ask levels, best first.
    pub asks: Vec<(Price, Qty)>,
}

impl BookView {
    /// The best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        let levels = if side == Side::Buy { &self.bids } else { &self.asks };
        levels.first().map(|(price, _)| *price)
    }

    /// Midway between best bid and ask, in ticks; `None` while a side is empty.
    #[must_use]
    pub fn mid(&self) -> Option<f64> {
        let (bid, ask) = (self.best(Side::Buy)?, self.best(Side::Sell)?);
        Some((bid.0 as f64 + ask.0 as f64) / 2.0)
    }
}

/// A trade as the public sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Print {
    /// The event.
    pub id: EventId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Price.
    pub price: Price,
    /// Quantity.
    pub qty: Qty,
    /// The taker's side.
    pub side: Side,
}

/// A mark price that moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MarkNews {
    /// The event.
    pub id: EventId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The new mark.
    pub mark: MarkPrice,
}

/// What an actor may do now.
pub struct Context<'a> {
    pub(crate) number: u32,
    pub(crate) seat: &'a mut Seat,
    pub(crate) queue: &'a mut EventQueue<Entry>,
    pub(crate) streams: Streams,
    pub(crate) end: Time,
    pub(crate) failure: &'a mut Option<String>,
}

/// What the scheduler keeps of an actor, apart from the actor itself.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) name: String,
    pub(crate) subscription: Subscription,
    pub(crate) latencies: Latencies,
    pub(crate) orders: Channel,
    pub(crate) order_draws: Stream,
    pub(crate) submitted: u64,
    pub(crate) data: Channel,
    pub(crate) data_draws: Stream,
    /// What has happened for it at this instant.
    pub(crate) outbox: Option<Box<Notice>>,
}

impl Context<'_> {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Time {
        self.queue.now()
    }

    /// When the run ends.
    #[must_use]
    pub const fn end(&self) -> Time {
        self.end
    }

    /// The actor's name in the scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.seat.name
    }

    /// A random stream of the actor's own, for one purpose.
    #[must_use]
    pub fn stream(&self, purpose: &str) -> Stream {
        self.streams.stream(&self.seat.name, purpose)
    }

    /// Replaces what the actor hears of.
    pub fn subscribe(&mut self, mut subscription: Subscription) {
        subscription.accounts.sort_unstable();
        self.seat.subscription = subscription;
    }

    /// Sends a command to the venue; it arrives after the actor's order latency, in the order sent. Returns the
    /// submission's number, which a rejection names.
    pub fn submit(&mut self, command: Command) -> u64 {
        self.send(command, None)
    }

    /// As [`Context::submit`], naming the event that led to it.
    pub fn submit_because(&mut self, command: Command, cause: EventId) -> u64 {
        self.send(command, Some(cause))
    }

    fn send(&mut self, command: Command, cause: Option<EventId>) -> u64 {
        let latency = self.seat.latencies.orders.sample(&mut self.seat.order_draws.next_draw());
        let due = self.seat.orders.deliver(self.queue.now().saturating_add(latency));
        let submission = self.seat.submitted;
        self.seat.submitted += 1;
        let origin = Origin::Actor(self.number);
        let entry = Entry::Command { machine: MachineId(0), origin, cause, submission, command };
        self.queue.push(due, entry).expect("a latency is not negative");
        submission
    }

    /// Sends a command that arrives at this instant, whatever the actor's latency: for set-up, and for recorded
    /// flow, whose times are those of the exchange.
    pub fn submit_now(&mut self, command: Command) -> u64 {
        let submission = self.seat.submitted;
        self.seat.submitted += 1;
        let origin = Origin::Actor(self.number);
        self.queue.push_now(Entry::Command { machine: MachineId(0), origin, cause: None, submission, command });
        submission
    }

    /// Sets a timer; `token` comes back with it. A moment in the past is now.
    pub fn wake_at(&mut self, time: Time, token: u64) {
        let time = time.max(self.queue.now());
        self.queue.push(time, Entry::Wake { actor: self.number, token }).expect("not in the past");
    }

    /// Sets a timer from now.
    pub fn wake_after(&mut self, span: Span, token: u64) {
        self.wake_at(self.queue.now().saturating_add(span), token);
    }

    /// Ends the run with an error: the actor's input turned out to be broken.
    pub fn fail(&mut self, message: impl Into<String>) {
        self.failure.get_or_insert_with(|| format!("{}: {}", self.seat.name, message.into()));
    }
}
