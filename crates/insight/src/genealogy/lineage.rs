//! Parents: the rule of mediated ancestry, and the nodes of the forest as they come.
//!
//! A liquidation without a direct parent was set off in a command that is no liquidation step. Its mediated parent
//! is the first of these that there is (`docs/metrics.md` has the reasons):
//!
//! 1. *named*, or *fund*: the command's stated cause leads back, through commands that state theirs, to a step;
//! 2. *reaction*, or *withdrawal*: an actor sent the command from an account that a forced order had dealt with
//!    within the reaction window; *withdrawal* where it took an order away;
//! 3. *clock*: an averaged mark moved, and the last forced trade in that direction is within its memory;
//! 4. *withdrawal*: the mark went past a price at which an account as in 2 had taken an order away.

use super::touch::{Orders, Touched, Touches, Withdrawals, is_withdrawal};
use super::{ForcedCounts, Node};
use downdraft_types::{AccountId, EventId, InstrumentId, MarkPrice, Ppm, Seq, Side, Span, Time};
use downdraft_venue::{CauseKind, Command, Event, Internal, MarkPolicy, MarkRule, Origin, Stamp};

/// How long after a forced order dealt with it an account's commands count as a reaction, unless told otherwise.
pub const DEFAULT_REACTION: Span = Span::from_secs(1);

/// A liquidation that set off another through others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mediated {
    /// Which.
    pub parent: u64,
    /// Through what.
    pub via: Via,
}

/// Through what a liquidation set off another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Via {
    /// An actor's command that names an event of it as its cause, or the venue's own that goes back to one.
    Named,
    /// The fund selling what it took over.
    Fund,
    /// An actor that it had dealt with.
    Reaction,
    /// A maker that it had dealt with, and that took its orders away.
    Withdrawal,
    /// An averaged mark, which moved later.
    Clock,
}

/// All that there is, in order.
pub const VIAS: [Via; 5] = [Via::Named, Via::Fund, Via::Reaction, Via::Withdrawal, Via::Clock];

impl Via {
    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Fund => "fund",
            Self::Reaction => "reaction",
            Self::Withdrawal => "withdrawal",
            Self::Clock => "clock",
        }
    }
}

/// An instrument, as far as parents are concerned.
#[derive(Clone, Debug, Default)]
struct Past {
    /// The last forced trade of each side.
    forced: [Option<Touched>; 2],
    /// How far back an averaged mark looks.
    memory: Span,
    counts: ForcedCounts,
}

/// The command being applied.
#[derive(Clone, Copy, Debug, Default)]
struct Present {
    time: Time,
    /// The liquidation whose step it is.
    step: Option<u64>,
    /// What it goes back to otherwise.
    mediated: Option<Mediated>,
    /// Who sent it, if an actor did.
    account: Option<AccountId>,
    /// Whether its orders are forced.
    forced: bool,
    /// The mark that moved last: the event's index, the instrument, and the mark.
    moved: Option<(u32, InstrumentId, MarkPrice)>,
    /// What that move goes back to, where the command does not.
    by_move: Option<Mediated>,
    /// The memory of the mark policy that it would set.
    policy: Option<(InstrumentId, Span)>,
}

impl Present {
    /// The liquidation that its forced orders go back to.
    const fn blame(&self) -> Option<u64> {
        match (self.step, self.mediated) {
            (Some(step), _) => Some(step),
            (None, Some(mediated)) if self.forced => Some(mediated.parent),
            _ => None,
        }
    }
}

/// Finds parents, and keeps the nodes.
#[derive(Clone, Debug)]
pub(crate) struct Lineage {
    pub(crate) nodes: Vec<Node>,
    pub(crate) reaction: Span,
    accounts: u32,
    /// Triggers and ends so far.
    moments: u64,
    /// Commands that go back to a liquidation by stated causes, and to which.
    behind: Vec<(Seq, u64)>,
    touches: Touches,
    orders: Orders,
    withdrawals: Withdrawals,
    pasts: Vec<Past>,
    present: Present,
}

impl Lineage {
    pub(crate) fn new(accounts: u32) -> Self {
        Self {
            nodes: Vec::new(),
            reaction: DEFAULT_REACTION,
            accounts,
            moments: 0,
            behind: Vec::new(),
            touches: Touches::default(),
            orders: Orders::default(),
            withdrawals: Withdrawals::default(),
            pasts: Vec::new(),
            present: Present::default(),
        }
    }

    /// A command is about to be applied; `step` is the liquidation whose step it is.
    pub(crate) fn command(&mut self, stamp: &Stamp, command: &Command, step: Option<u64>) {
        let unwinds = matches!(command, Command::Internal(Internal::Unwind { .. }));
        let stated = stamp.cause.filter(|_| step.is_none()).and_then(|cause| self.behind(cause.seq));
        if let Some(episode) = step.or(stated) {
            self.behind.push((stamp.seq, episode));
        }
        let account = account_of(command).filter(|_| matches!(stamp.origin, Origin::Actor(_)));
        let via = if unwinds { Via::Fund } else { Via::Named };
        let named = stated.map(|parent| Mediated { parent, via });
        let policy = match command {
            Command::SetMarkPolicy { instrument, policy } => Some((*instrument, memory(policy))),
            _ => None,
        };
        self.present = Present {
            time: stamp.time,
            step,
            mediated: named.or_else(|| self.reaction(account?, command, stamp.time)),
            account,
            forced: step.is_some() || unwinds,
            policy,
            ..Present::default()
        };
    }

    /// The liquidation that a command goes back to by stated causes.
    fn behind(&self, seq: Seq) -> Option<u64> {
        let place = self.behind.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        Some(self.behind[place].1)
    }

    fn reaction(&self, account: AccountId, command: &Command, now: Time) -> Option<Mediated> {
        let touched = self.touches.within(account, self.reaction, now)?;
        let withdraws =
            matches!(command, Command::CancelOrder { .. } | Command::ReplaceOrder { .. } | Command::ReduceOrder { .. });
        let via = if withdraws { Via::Withdrawal } else { Via::Reaction };
        Some(Mediated { parent: touched.episode, via })
    }

    /// An event of that command. `before` is the instrument's mark before it, `mark_scale` its increments per tick.
    pub(crate) fn event(&mut self, id: EventId, event: &Event, before: Option<MarkPrice>, mark_scale: u32) {
        match *event {
            Event::Trade { instrument, qty, taker_side, maker, forced, .. } => {
                let blame = self.present.blame();
                self.touch(maker.account, blame);
                let time = self.present.time;
                let past = self.past(instrument);
                past.counts.traded(qty, forced);
                if let Some(episode) = blame {
                    past.forced[taker_side as usize] = Some(Touched { time, episode });
                }
            }
            Event::Deleveraged { counterparty, .. } => self.touch(counterparty, self.present.blame()),
            Event::Socialised { payer, .. } => self.touch(payer.account(), self.present.blame()),
            Event::MarkMoved { instrument, mark, kind } => {
                let forced = self.present.forced;
                self.past(instrument).counts.marked(before, mark, forced);
                self.present.moved = Some((id.index, instrument, mark));
                self.present.by_move =
                    before.and_then(|before| self.by_move(instrument, (before, mark), kind, mark_scale));
            }
            Event::OrderRested { order, account, instrument, side, price, .. } => {
                self.withdrawals.replaced(instrument, side, price, account);
                if let Some((side, price)) = self.orders.rests(instrument, order, side, price) {
                    self.withdrawn((instrument, side, price), account);
                    // Where it rests now may be no worse than where it did.
                    if let Some((side, price)) = self.orders.find(instrument, order) {
                        self.withdrawals.replaced(instrument, side, price, account);
                    }
                }
            }
            Event::OrderReduced { order, account, instrument, .. } => {
                self.withdraw(instrument, order, account);
            }
            Event::OrderCancelled { order: Some(order), account, instrument, reason, .. } if is_withdrawal(reason) => {
                self.withdraw(instrument, order, account);
            }
            Event::ParameterSet { instrument: Some(instrument) } => {
                if let Some((_, memory)) = self.present.policy.filter(|(of, _)| *of == instrument) {
                    self.past(instrument).memory = memory;
                }
            }
            _ => {}
        }
    }

    fn touch(&mut self, account: AccountId, episode: Option<u64>) {
        if let Some(episode) = episode {
            self.touches.touch(account, self.accounts, Touched { time: self.present.time, episode });
        }
    }

    fn withdraw(&mut self, instrument: InstrumentId, order: downdraft_types::OrderId, account: AccountId) {
        if let Some((side, price)) = self.orders.find(instrument, order) {
            self.withdrawn((instrument, side, price), account);
        }
    }

    /// Takes note of an order taken away by the account that sent the command, if that is a reaction.
    fn withdrawn(&mut self, place: (InstrumentId, Side, downdraft_types::Price), account: AccountId) {
        let Some(mediated) = self.present.mediated.filter(|_| self.present.account == Some(account)) else { return };
        self.withdrawals.add(place, account, self.present.time, mediated.parent);
    }

    /// What a move of the mark goes back to, in a command that goes back to nothing itself.
    fn by_move(
        &mut self,
        instrument: InstrumentId,
        (before, after): (MarkPrice, MarkPrice),
        kind: CauseKind,
        mark_scale: u32,
    ) -> Option<Mediated> {
        let (now, reaction) = (self.present.time, self.reaction);
        match kind {
            CauseKind::Clock => {
                let side = if after < before { Side::Sell } else { Side::Buy };
                let past = self.past(instrument);
                let memory = past.memory;
                let touched = past.forced[side as usize].filter(|touched| now.since(touched.time) <= memory)?;
                Some(Mediated { parent: touched.episode, via: Via::Clock })
            }
            CauseKind::Trade | CauseKind::Quote => {
                let gap = self.withdrawals.in_gap(instrument, (before, after), mark_scale, reaction, now);
                gap.map(|parent| Mediated { parent, via: Via::Withdrawal })
            }
            _ => None,
        }
    }

    /// What a trigger with that parent within the command goes back to: the mark that moved, and, where the command
    /// is no liquidation step, the mediated parent.
    pub(crate) fn trigger(&self, parent: Option<u32>) -> (Option<(InstrumentId, MarkPrice)>, Option<Mediated>) {
        let present = &self.present;
        let moved = present.moved.filter(|(index, ..)| parent == Some(*index));
        let by_move = present.by_move.filter(|_| moved.is_some());
        let mediated = present.mediated.or(by_move).filter(|_| present.step.is_none());
        (moved.map(|(_, instrument, mark)| (instrument, mark)), mediated)
    }

    /// The place of a trigger or an end among all of them.
    pub(crate) const fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    /// An instrument's forced part.
    pub(crate) fn forced(&self, instrument: InstrumentId) -> super::Forced {
        self.pasts.get(instrument.index()).map(|past| past.counts.forced).unwrap_or_default()
    }

    fn past(&mut self, instrument: InstrumentId) -> &mut Past {
        if self.pasts.len() <= instrument.index() {
            self.pasts.resize_with(instrument.index() + 1, Past::default);
        }
        &mut self.pasts[instrument.index()]
    }
}

/// The mean age of a sample in an averaged mark: interval ÷ weight, rounded up; zero of a mark that is none.
fn memory(policy: &MarkPolicy) -> Span {
    match policy.rule {
        MarkRule::EmaMid { interval, weight } | MarkRule::Median { interval, weight } => {
            let weight = u128::from(weight.0.max(1).unsigned_abs());
            let age = (u128::from(interval.0) * u128::from(Ppm::ONE.0.unsigned_abs())).div_ceil(weight);
            Span(u64::try_from(age).unwrap_or(u64::MAX))
        }
        MarkRule::Last | MarkRule::Mid | MarkRule::Exogenous | MarkRule::Model { .. } => Span::ZERO,
    }
}

/// The account that a command acts for, if it is one that an owner sends.
const fn account_of(command: &Command) -> Option<AccountId> {
    match command {
        Command::PlaceOrder(order) => Some(order.account),
        Command::CancelOrder { account, .. }
        | Command::ReplaceOrder { account, .. }
        | Command::ReduceOrder { account, .. }
        | Command::Withdraw { account, .. }
        | Command::MoveMargin { account, .. } => Some(*account),
        _ => None,
    }
}
