//! The world: one queue, a venue, and the actors around it.
//!
//! ```text
//!   queue ──► command ──► venue.apply ──► events ──► observer (journal, insight, auditor)
//!     ▲                        │              └────► outboxes ──(latency)──► notices ──► actors
//!     └──────requests──────────┘                                                          │
//!     └───────────────────────commands, after their latency───────────────────────────────┘
//! ```

use crate::actor::{Actor, BookView, Context, MarkNews, Notice, Print, Seat, Subscription};
use crate::latency::{Channel, Latencies};
use crate::queue::EventQueue;
use crate::random::Streams;
use downdraft_types::{AccountId, EventId, InstrumentId, MachineId, Seq, Side, Time};
use downdraft_venue::{Capacity, Command, Event, Origin, Request, Sink, Stamp, Venue};

/// Hears everything that is applied and everything that happens, in order.
pub trait Observer {
    /// A command is about to be applied.
    fn command(&mut self, stamp: &Stamp, command: &Command);
    /// An event of that command.
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event);
    /// The command is done.
    fn done(&mut self, venue: &Venue);
}

/// An observer that does not look.
impl Observer for () {
    fn command(&mut self, _: &Stamp, _: &Command) {}
    fn event(&mut self, _: EventId, _: Option<u32>, _: &Event) {}
    fn done(&mut self, _: &Venue) {}
}

/// What waits in the queue.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A command on its way to a machine.
    Command { machine: MachineId, origin: Origin, cause: Option<EventId>, submission: u64, command: Command },
    /// A notice on its way to an actor.
    Deliver { actor: u32, notice: Box<Notice> },
    /// An actor's timer.
    Wake { actor: u32, token: u64 },
}

/// Why a run stopped before its end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WorldError {
    /// An actor's input turned out to be broken.
    #[error("{0}")]
    Actor(String),
}

/// A command came too early or too late to be applied from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("time of an intervention: found {found}, expected {now} or later, and not after what is due next{}", .next.map_or_else(String::new, |next| format!(", at {next}")))]
pub struct Untimely {
    /// The time asked for.
    pub found: Time,
    /// The present.
    pub now: Time,
    /// When the next entry is due.
    pub next: Option<Time>,
}

/// An actor cannot be saved, and so neither can its world.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{actor} cannot be saved")]
pub struct Unsaved {
    /// Its name.
    pub actor: String,
}

/// A simulated world with one venue.
pub struct World {
    venue: Venue,
    queue: EventQueue<Entry>,
    streams: Streams,
    actors: Vec<Box<dyn Actor>>,
    seats: Vec<Seat>,
    /// Actors whose outbox has something from this instant, in the order in which they got it.
    dirty: Vec<u32>,
    requests: Vec<Request>,
    end: Time,
    applied: u64,
    failure: Option<String>,
}

impl World {
    /// A world with an empty venue that ends at `end`.
    #[must_use]
    pub fn new(capacity: Capacity, seed: u64, end: Time) -> Self {
        Self {
            venue: Venue::with_capacity(capacity),
            queue: EventQueue::new(),
            streams: Streams::new(seed),
            actors: Vec::new(),
            seats: Vec::new(),
            dirty: Vec::new(),
            requests: Vec::new(),
            end,
            applied: 0,
            failure: None,
        }
    }

    /// Schedules a command from outside.
    ///
    /// # Errors
    /// Where `time` is before the present.
    pub fn schedule(&mut self, time: Time, command: Command) -> Result<(), crate::queue::InPast> {
        let entry =
            Entry::Command { machine: MachineId(0), origin: Origin::Outside, cause: None, submission: 0, command };
        self.queue.push(time, entry).map(|_| ())
    }

    /// Applies a command from outside at `time`, ahead of everything that is due then.
    ///
    /// # Errors
    /// Where `time` is past, or something due before it has not been taken yet.
    pub fn intervene(&mut self, time: Time, command: &Command, observer: &mut impl Observer) -> Result<(), Untimely> {
        let (now, next) = (self.queue.now(), self.queue.peek_time());
        if time < now || next.is_some_and(|next| next < time) {
            return Err(Untimely { found: time, now, next });
        }
        let seq = Seq(self.applied);
        let stamp = Stamp { machine: MachineId(0), time, seq, origin: Origin::Outside, cause: None };
        self.apply(&stamp, 0, command, observer);
        if self.queue.peek_time().is_none_or(|next| next > time) {
            self.post_notices(time);
        }
        Ok(())
    }

    /// Adds an actor; its name keys its random streams. Actors start in the order in which they were added.
    pub fn add(&mut self, name: &str, latencies: Latencies, actor: Box<dyn Actor>) {
        let number = u32::try_from(self.actors.len()).expect("actors fit their number");
        self.actors.push(actor);
        self.seats.push(Seat {
            name: name.to_owned(),
            subscription: Subscription::default(),
            latencies,
            orders: Channel::default(),
            data: Channel::default(),
            order_draws: self.streams.stream(name, "latency.orders"),
            data_draws: self.streams.stream(name, "latency.data"),
            submitted: 0,
            outbox: None,
        });
        self.call(number, |actor, context| actor.start(context));
    }

    /// Runs until the queue is empty, the next entry is later than the end, or an actor fails. `observer` hears
    /// everything.
    ///
    /// # Errors
    /// [`WorldError::Actor`].
    pub fn run(&mut self, observer: &mut impl Observer) -> Result<(), WorldError> {
        while self.step(observer)? {}
        Ok(())
    }

    /// Takes the next entry. Returns whether there was one before the end.
    ///
    /// # Errors
    /// [`WorldError::Actor`].
    pub fn step(&mut self, observer: &mut impl Observer) -> Result<bool, WorldError> {
        if let Some(message) = self.failure.take() {
            return Err(WorldError::Actor(message));
        }
        let Some((time, _, entry)) = self.queue.pop_until(self.end) else { return Ok(false) };
        match entry {
            Entry::Command { machine, origin, cause, submission, command } => {
                // Commands are numbered as they are applied: what is scheduled first may be due last.
                let seq = Seq(self.applied);
                let stamp = Stamp { machine, time, seq, origin, cause };
                self.apply(&stamp, submission, &command, observer);
            }
            Entry::Deliver { actor, notice } => self.call(actor, |a, context| a.notice(context, &notice)),
            Entry::Wake { actor, token } => self.call(actor, |a, context| a.wake(context, token)),
        }
        if self.queue.peek_time().is_none_or(|next| next > time) {
            self.post_notices(time);
        }
        Ok(true)
    }

    /// A copy that goes on exactly as this one would: the venue, what is pending, every actor with its random streams
    /// and its place in its input, and what is on its way to it. Unlike the original the copy's venue may allocate
    /// within its capacities.
    ///
    /// # Errors
    /// Where an actor cannot be saved.
    pub fn save(&self) -> Result<Self, Unsaved> {
        let saved = self
            .seats
            .iter()
            .zip(&self.actors)
            .map(|(seat, actor)| actor.save().ok_or_else(|| Unsaved { actor: seat.name.clone() }));
        Ok(Self {
            actors: saved.collect::<Result<_, _>>()?,
            venue: self.venue.clone(),
            queue: self.queue.clone(),
            streams: self.streams,
            seats: self.seats.clone(),
            dirty: self.dirty.clone(),
            requests: self.requests.clone(),
            end: self.end,
            applied: self.applied,
            failure: self.failure.clone(),
        })
    }

    fn apply(&mut self, stamp: &Stamp, submission: u64, command: &Command, observer: &mut impl Observer) {
        observer.command(stamp, command);
        let mut router = Router {
            observer,
            requests: &mut self.requests,
            seats: &mut self.seats,
            dirty: &mut self.dirty,
            time: stamp.time,
            sender: match stamp.origin {
                Origin::Actor(number) => Some((number, submission)),
                Origin::Outside | Origin::Internal => None,
            },
        };
        let in_order = self.venue.apply(stamp.time, stamp.seq, command, &mut router);
        in_order.expect("the queue is in order");
        self.applied += 1;
        observer.done(&self.venue);
        for request in self.requests.drain(..) {
            let entry = Entry::Command {
                machine: stamp.machine,
                origin: Origin::Internal,
                cause: Some(request.cause),
                submission: 0,
                command: Command::Internal(request.command),
            };
            self.queue.push(request.due, entry).expect("a request is not in the past");
        }
    }

    /// The instant is over: what happened in it starts on its way.
    fn post_notices(&mut self, now: Time) {
        for number in self.dirty.drain(..) {
            let seat = &mut self.seats[number as usize];
            let Some(mut notice) = seat.outbox.take() else { continue };
            for view in &mut notice.books {
                fill_view(&self.venue, view, seat.subscription.depth);
            }
            let latency = seat.latencies.data.sample(&mut seat.data_draws.next_draw());
            let due = seat.data.deliver(now.saturating_add(latency));
            self.queue.push(due, Entry::Deliver { actor: number, notice }).expect("a latency is not negative");
        }
    }

    fn call(&mut self, number: u32, act: impl FnOnce(&mut dyn Actor, &mut Context<'_>)) {
        let mut context = Context {
            number,
            seat: &mut self.seats[number as usize],
            queue: &mut self.queue,
            streams: self.streams,
            end: self.end,
            failure: &mut self.failure,
        };
        act(self.actors[number as usize].as_mut(), &mut context);
    }

    /// The venue.
    #[must_use]
    pub const fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The venue alone.
    #[must_use]
    pub fn into_venue(self) -> Venue {
        self.venue
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Time {
        self.queue.now()
    }

    /// When the next entry is due, if there is one.
    #[must_use]
    pub fn next_time(&mut self) -> Option<Time> {
        self.queue.peek_time()
    }

    /// When the run ends.
    #[must_use]
    pub const fn end(&self) -> Time {
        self.end
    }

    /// How many commands were applied.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// Every actor's name and what it counted.
    pub fn counters(&self) -> impl Iterator<Item = (&str, Vec<(&'static str, u64)>)> {
        self.seats.iter().zip(&self.actors).map(|(seat, actor)| (seat.name.as_str(), actor.counters()))
    }
}

fn fill_view(venue: &Venue, view: &mut BookView, depth: u8) {
    let Ok(market) = venue.market(view.instrument) else { return };
    let levels = |side| market.book().depth(side).take(usize::from(depth)).map(|level| (level.price, level.qty));
    view.bids = levels(Side::Buy).collect();
    view.asks = levels(Side::Sell).collect();
}

/// Passes a venue's events to the observer and into the outboxes, and keeps its requests.
struct Router<'a, O> {
    observer: &'a mut O,
    requests: &'a mut Vec<Request>,
    seats: &'a mut [Seat],
    dirty: &'a mut Vec<u32>,
    time: Time,
    sender: Option<(u32, u64)>,
}

impl<O: Observer> Sink for Router<'_, O> {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.observer.event(id, parent, event);
        let news = News::of(id, event);
        for (number, seat) in (0_u32..).zip(self.seats.iter_mut()) {
            let submission = self.sender.filter(|(sender, _)| *sender == number).map(|(_, submission)| submission);
            if note(seat, submission, self.time, (id, event), &news) {
                self.dirty.push(number);
            }
        }
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}

/// Puts what concerns an actor into its outbox. Returns whether the outbox was empty before.
fn note(seat: &mut Seat, submission: Option<u64>, time: Time, (id, event): (EventId, &Event), news: &News) -> bool {
    let subscription = &seat.subscription;
    let hears = |instrument: InstrumentId| subscription.instruments.contains(&instrument);
    let owns = |account: AccountId| subscription.accounts.binary_search(&account).is_ok();
    let book = news.book.filter(|i| subscription.depth > 0 && hears(*i));
    let trade = news.trade.filter(|t| subscription.trades && hears(t.instrument));
    let mark = news.mark.filter(|m| subscription.marks && hears(m.instrument));
    let phase = news.phase.filter(|(i, _)| subscription.marks && hears(*i));
    let own = !subscription.accounts.is_empty() && news.accounts.into_iter().flatten().any(owns);
    let rejected = match event {
        Event::Rejected { reason } => submission.map(|submission| (submission, *reason)),
        _ => None,
    };
    if book.is_none() && trade.is_none() && mark.is_none() && phase.is_none() && !own && rejected.is_none() {
        return false;
    }
    let is_new = seat.outbox.is_none();
    let notice = seat.outbox.get_or_insert_with(|| Box::new(Notice { sent: time, ..Notice::default() }));
    if let Some(instrument) = book
        && notice.books.iter().all(|view| view.instrument != instrument)
    {
        notice.books.push(BookView { instrument, bids: Vec::new(), asks: Vec::new() });
    }
    notice.trades.extend(trade);
    notice.marks.extend(mark);
    notice.phases.extend(phase);
    notice.rejected.extend(rejected);
    if own {
        notice.own.push((id, *event));
    }
    is_new
}

/// What an event means to the public.
struct News {
    accounts: [Option<AccountId>; 2],
    book: Option<InstrumentId>,
    trade: Option<Print>,
    mark: Option<MarkNews>,
    phase: Option<(InstrumentId, downdraft_venue::Phase)>,
}

impl News {
    fn of(id: EventId, event: &Event) -> Self {
        use downdraft_venue::Phase;
        let mut news = Self { accounts: event.accounts(), book: None, trade: None, mark: None, phase: None };
        match *event {
            Event::Trade { instrument, price, qty, taker_side, .. } => {
                news.book = Some(instrument);
                news.trade = Some(Print { id, instrument, price, qty, side: taker_side });
            }
            Event::OrderRested { instrument, .. } | Event::OrderReduced { instrument, .. } => {
                news.book = Some(instrument);
            }
            Event::OrderCancelled { instrument, order, .. } => news.book = order.map(|_| instrument),
            Event::MarkMoved { instrument, mark, .. } => news.mark = Some(MarkNews { id, instrument, mark }),
            Event::Halted { instrument, until } => news.phase = Some((instrument, Phase::Halted(until))),
            Event::Reopened { instrument } => news.phase = Some((instrument, Phase::Open)),
            Event::Expired { instrument, .. } => news.phase = Some((instrument, Phase::Expired)),
            _ => {}
        }
        news
    }
}
