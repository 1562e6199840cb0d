//! The trial: a venue, its queue, and every check there is.

use super::dice::Dice;
use super::generate::{CAPACITY, View, command, set_up};
use super::watch::Watch;
use crate::alloc::allocations;
use downdraft_margin::audit::Books;
use downdraft_margin::{Pool, audit::Wallet};
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, OrderId, Seq, Side, Time};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{Command, Event, Phase, Rejection, Request, Sink, Venue};
use std::collections::{BTreeMap, BTreeSet};

/// How much is checked after each command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// All of it: the auditor's verdict, all invariants, replay into a second venue, and that a rejected command
    /// changed nothing.
    Everything,
    /// What costs little; the auditor's verdict and all invariants after each thousandth command.
    Thousandth,
}

/// What happened in a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Commands applied.
    pub commands: u64,
    /// Those rejected.
    pub rejected: u64,
    /// Those rejected for want of room.
    pub full: u64,
    /// Trades in the book.
    pub trades: u64,
    /// Pools that fell.
    pub liquidations: u64,
    /// Takeovers, by a fund or a vault.
    pub takeovers: u64,
    /// Of those, by a vault.
    pub vaulted: u64,
    /// Residual margin that a vault received.
    pub to_vault: u64,
    /// Deleveragings that took more than the deficit.
    pub overshot: u64,
    /// Payments by, and to, a fund other than account 0.
    pub by_other_funds: u64,
    /// Positions closed against others.
    pub deleveraged: u64,
    /// Payments by winners.
    pub socialised: u64,
    /// Deficits that nobody bore.
    pub uncovered: u64,
    /// Funding payments.
    pub funding: u64,
    /// Positions settled at expiry.
    pub settled: u64,
    /// Halts.
    pub halts: u64,
    /// Pools of all of an account's currencies that fell.
    pub unified: u64,
    /// Sales of collateral that traded something.
    pub conversions: u64,
    /// Payments of interest.
    pub interest: u64,
    /// Collateral that the fund took.
    pub seized: u64,
}

impl Tally {
    /// Adds another's counts.
    pub const fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.rejected += other.rejected;
        self.full += other.full;
        self.trades += other.trades;
        self.liquidations += other.liquidations;
        self.takeovers += other.takeovers;
        self.vaulted += other.vaulted;
        self.to_vault += other.to_vault;
        self.overshot += other.overshot;
        self.by_other_funds += other.by_other_funds;
        self.deleveraged += other.deleveraged;
        self.socialised += other.socialised;
        self.uncovered += other.uncovered;
        self.funding += other.funding;
        self.settled += other.settled;
        self.halts += other.halts;
        self.unified += other.unified;
        self.conversions += other.conversions;
        self.interest += other.interest;
        self.seized += other.seized;
    }

    fn count(&mut self, event: &Event, funds: &BTreeSet<AccountId>) {
        match event {
            Event::TakenOver { taker, .. } if *taker != AccountId::FUND && !funds.contains(taker) => self.vaulted += 1,
            Event::VaultReceived { .. } => self.to_vault += 1,
            Event::Deleveraged { remainder, .. } if remainder.is_positive() => self.overshot += 1,
            Event::FundSettled { fund, .. } if *fund != AccountId::FUND => self.by_other_funds += 1,
            _ => {}
        }
        let counter = match event {
            Event::Rejected { reason: Rejection::CapacityReached } => {
                self.full += 1;
                &mut self.rejected
            }
            Event::Rejected { .. } => &mut self.rejected,
            Event::Trade { .. } => &mut self.trades,
            Event::LiquidationTriggered { pool, .. } => {
                self.unified += if matches!(pool, Pool::Unified { .. }) { 1 } else { 0 };
                &mut self.liquidations
            }
            Event::ConversionDone { filled, .. } if !filled.is_zero() => &mut self.conversions,
            Event::InterestPaid { .. } => &mut self.interest,
            Event::CollateralSeized { .. } => &mut self.seized,
            Event::TakenOver { .. } => &mut self.takeovers,
            Event::Deleveraged { .. } => &mut self.deleveraged,
            Event::Socialised { .. } => &mut self.socialised,
            Event::Uncovered { .. } => &mut self.uncovered,
            Event::FundingPaid { .. } => &mut self.funding,
            Event::Settled { .. } => &mut self.settled,
            Event::Halted { .. } => &mut self.halts,
            _ => return,
        };
        *counter += 1;
    }
}

/// What a venue said in answer to one command. It has room, so that taking a note allocates nothing.
#[derive(Default, PartialEq, Eq, Debug)]
struct Notes {
    events: Vec<(EventId, Option<u32>, Event)>,
    requests: Vec<Request>,
}

impl Notes {
    fn with_room() -> Self {
        Self { events: Vec::with_capacity(8_192), requests: Vec::with_capacity(1_024) }
    }

    fn clear(&mut self) {
        self.events.clear();
        self.requests.clear();
    }
}

impl Sink for Notes {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.events.push((id, parent, *event));
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}

/// A venue under random commands.
pub struct Trial<'a> {
    dice: Dice<'a>,
    effort: Effort,
    venue: Venue,
    /// A second venue that gets the same commands: replay.
    twin: Option<(Venue, Notes)>,
    auditor: VenueAuditor,
    watch: Watch,
    notes: Notes,
    queue: BTreeMap<(Time, Seq), Command>,
    /// Order of entry into the queue.
    entries: u64,
    now: Time,
    tally: Tally,
    /// The command last applied, for the message of a failure.
    last: Option<Command>,
}

/// A failed check says where it was.
impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("command {} at {}: {:?}", self.tally.commands, self.now, self.last);
            self.notes.events.iter().for_each(|(id, parent, event)| eprintln!("  {id} {parent:?} {event:?}"));
            self.notes.requests.iter().for_each(|request| eprintln!("  {request:?}"));
        }
    }
}

impl<'a> Trial<'a> {
    /// Sets a world up.
    #[must_use]
    pub fn new(mut dice: Dice<'a>, effort: Effort) -> Self {
        let commands = set_up(&mut dice);
        let twin = (effort == Effort::Everything).then(|| (Venue::with_capacity(CAPACITY), Notes::with_room()));
        let mut trial = Self {
            dice,
            effort,
            venue: Venue::with_capacity(CAPACITY),
            twin,
            auditor: VenueAuditor::new(CAPACITY.accounts),
            watch: Watch::default(),
            notes: Notes::with_room(),
            queue: BTreeMap::new(),
            entries: 0,
            now: Time::ZERO,
            tally: Tally::default(),
            last: None,
        };
        commands.iter().for_each(|command| trial.apply(command));
        trial
    }

    /// Lets some time pass, with what falls due in it, then applies one random command. `false` when the dice are
    /// used up.
    pub fn step(&mut self) -> bool {
        if self.dice.is_empty() {
            return false;
        }
        let passing = match self.dice.below(8) {
            0..=3 => 0,
            4..=6 => self.dice.below(20),
            _ => self.dice.below(250),
        };
        self.run_until(Time(self.now.0 + passing), 400);
        let watch = &self.watch;
        let resting = |n| watch.nth_resting(n);
        let command = command(&mut self.dice, &View { venue: &self.venue, now: self.now, resting: &resting });
        self.apply(&command);
        true
    }

    /// Applies what is due until `time`, at most so many commands.
    fn run_until(&mut self, time: Time, most: u32) {
        for _ in 0..most {
            let Some(first) = self.queue.first_entry().filter(|entry| entry.key().0 <= time) else { break };
            self.now = first.key().0;
            let command = first.remove();
            self.apply(&command);
        }
        let due = self.queue.first_key_value().map_or(time, |((due, _), _)| *due);
        self.now = self.now.max(time.min(due));
    }

    /// Ends the trial: reopens what is halted, lets every liquidation end, and checks everything once more.
    ///
    /// # Panics
    /// Where a liquidation does not end, or a check fails.
    pub fn finish(mut self) -> Tally {
        for _ in 0..2_000 {
            if self.watch.cases.is_empty() {
                break;
            }
            for instrument in (0..CAPACITY.instruments).map(InstrumentId) {
                if self.venue.market(instrument).is_ok_and(|m| matches!(m.phase(), Phase::Halted(_))) {
                    self.apply(&Command::Reopen { instrument });
                }
            }
            self.run_until(Time(self.now.0 + 100), 400);
        }
        assert_eq!(self.venue.backlog(), 0, "liquidations do not end: {:?}", self.watch.cases);
        self.check_everything();
        self.tally
    }

    fn apply(&mut self, command: &Command) {
        let seq = Seq(self.tally.commands);
        let before = (self.effort == Effort::Everything).then(|| self.venue.clone());
        self.watch.begin(self.now, seq, command);
        self.last = Some(command.clone());
        self.notes.clear();
        let allocated = allocations();
        let applied = self.venue.apply(self.now, seq, command, &mut self.notes);
        let reserves = matches!(
            command,
            Command::ListInstrument { .. }
                | Command::SetCollateral { .. }
                | Command::SetPortfolioPolicy { .. }
                | Command::SetNotionalLimit { .. }
        );
        assert!(reserves || allocations() == allocated, "invariant 10: {command:?} allocated");
        assert_eq!(applied, Ok(()), "commands come in order");
        self.tally.commands += 1;
        self.observe(command);
        if let Some(before) = before {
            self.check_clone(before, seq, command);
        }
        self.check_replay(seq, command);
        match self.effort {
            Effort::Everything => self.check_everything(),
            Effort::Thousandth if self.tally.commands.is_multiple_of(1_000) => self.check_everything(),
            Effort::Thousandth => {}
        }
    }

    /// Shows a command's events to watch and auditor, and queues its requests.
    fn observe(&mut self, command: &Command) {
        self.auditor.command(command);
        // Requests follow their causes, so they may be shown after all events.
        for (id, parent, event) in &self.notes.events {
            self.watch.event(*id, *parent, event);
            self.tally.count(event, &self.watch.funds);
            self.auditor.observe(event);
        }
        for request in &self.notes.requests {
            self.watch.request(request);
            self.queue.insert((request.due, Seq(self.entries)), Command::Internal(request.command));
            self.entries += 1;
        }
        self.watch.end(command);
        assert_eq!(self.auditor.fault(), None, "the auditor, at {command:?}");
        assert_eq!(self.venue.backlog() as usize, self.watch.cases.len(), "the backlog counts cases");
        let margin = self.venue.margin();
        for currency in (0..CAPACITY.currencies).map(CurrencyId) {
            for fund in [AccountId::FUND].into_iter().chain(self.watch.funds.iter().copied()) {
                assert!(!margin.cash(fund, currency).is_negative(), "invariant 7: the fund is never negative");
                assert!(margin.is_fund(fund));
            }
        }
    }

    /// A rejected command leaves the venue as another rejected command would; an accepted one does the same to a clone.
    fn check_clone(&self, mut before: Venue, seq: Seq, command: &Command) {
        let refused = Command::OpenAccount { account: AccountId::FUND };
        let again = if self.watch.rejected() { &refused } else { command };
        before.apply(self.now, seq, again, &mut ()).expect("in order");
        assert_eq!(before.state_hash(), self.venue.state_hash(), "what it did to a clone (or, rejected, at all)");
    }

    /// Invariant 9.
    fn check_replay(&mut self, seq: Seq, command: &Command) {
        if let Some((twin, notes)) = &mut self.twin {
            notes.clear();
            twin.apply(self.now, seq, command, notes).expect("in order");
            assert_eq!(*notes, self.notes, "invariant 9: replay gives the same events");
            assert_eq!(twin.state_hash(), self.venue.state_hash(), "invariant 9: replay gives the same state");
        }
    }

    fn check_everything(&self) {
        self.venue.check_invariants();
        assert_eq!(self.auditor.verdict(), Ok(()));
        assert_eq!(self.auditor.auditor().compare(self.venue.margin()), Ok(()));
        self.watch.check_cases();
        self.check_states();
        self.check_orders();
    }

    /// A pool is being liquidated exactly while its case is open.
    fn check_states(&self) {
        let margin = self.venue.margin();
        for account in margin.accounts() {
            for currency in (0..CAPACITY.currencies).map(CurrencyId) {
                let pool = Pool::Cross { account, currency };
                assert_eq!(margin.is_liquidating(pool), self.watch.cases.contains_key(&pool), "{pool}");
                assert!(margin.amount(Wallet::Cash(AccountId::FUND, currency)) >= 0, "invariant 7");
            }
        }
        for position in margin.positions() {
            let pool = margin.pool_of(position);
            assert_eq!(margin.is_liquidating(pool), self.watch.cases.contains_key(&pool), "{pool}");
        }
    }

    /// The book is what its events say.
    fn check_orders(&self) {
        let mut count = 0;
        for instrument in (0..CAPACITY.instruments).map(InstrumentId) {
            let Ok(market) = self.venue.market(instrument) else { continue };
            for side in Side::BOTH {
                for level in market.book().depth(side) {
                    for order in market.book().orders_at(side, level.price) {
                        self.check_order(instrument, order.id, side, (order.qty, level.price, AccountId(order.owner)));
                        count += 1;
                    }
                }
            }
        }
        assert_eq!(count, self.watch.resting.len(), "orders that rest");
    }

    fn check_order(
        &self,
        instrument: InstrumentId,
        order: OrderId,
        side: Side,
        found: (downdraft_types::Qty, downdraft_types::Price, AccountId),
    ) {
        let resting = self.watch.resting.get(&(instrument, order)).expect("an order that rests had an event");
        assert_eq!((resting.qty, resting.price, resting.account), found);
        assert_eq!(resting.side, side);
    }
}
