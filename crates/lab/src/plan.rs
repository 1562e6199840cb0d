//! What is done to a run from outside while it goes on: commands at given moments, some of them made from the venue's
//! state at that moment.

use downdraft_margin::Pool;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Time};
use downdraft_venue::{Command, LiquidationMode, MarkPolicy, MarkRule, Rejection, Venue};
use std::collections::VecDeque;

/// Something changed at a venue.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// This command is applied.
    Command(Box<Command>),
    /// As [`Change::Command`], for a field of the scenario.
    Setting {
        /// The path of the field.
        field: String,
        /// What the command does, as a message says it.
        what: String,
        /// The command.
        command: Box<Command>,
    },
    /// An account is removed from the game: see [`Change::commands`].
    Backstop(AccountId),
    /// As [`Change::Backstop`], every account but these that holds a position.
    BackstopAllBut(Vec<AccountId>),
    /// Liquidation is done in this mode, all else as it is.
    Mode(LiquidationMode),
    /// The mark of every instrument follows this rule.
    Mark(MarkRule),
    /// As much as each fund holds is paid into it again.
    DoubleFund,
}

/// A change that a venue refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("at {time}, the venue refused {what}: {reason:?}")]
pub struct Refusal {
    /// What was asked for.
    pub what: String,
    /// When.
    pub time: Time,
    /// Why not.
    pub reason: Rejection,
}

impl Change {
    /// The commands that make the change at a venue as it is now.
    ///
    /// An account is removed by margin that no price can use up: each of its margin pools is paid twice what its
    /// positions are worth at the instrument's largest price, which covers any loss and the maintenance margin on
    /// top. Its positions, and everyone else's, stay as they are; it is never liquidated, so it never sends a forced
    /// order, costs the fund nothing and has nobody deleveraged for it.
    #[must_use]
    pub fn commands(&self, venue: &Venue) -> Vec<Command> {
        match self {
            Self::Command(command) | Self::Setting { command, .. } => vec![(**command).clone()],
            Self::Backstop(account) => backstop(venue, *account),
            Self::BackstopAllBut(left) => {
                let counts = |account: &AccountId| !venue.margin().is_fund(*account) && !left.contains(account);
                let clients = venue.margin().accounts().filter(counts);
                clients.flat_map(|account| backstop(venue, account)).collect()
            }
            Self::Mode(mode) => {
                let policy = downdraft_venue::LiquidationPolicy { mode: *mode, ..*venue.liquidation_policy() };
                vec![Command::SetLiquidationPolicy { policy: Box::new(policy) }]
            }
            Self::Mark(rule) => {
                let policy = MarkPolicy { rule: *rule, frozen: false };
                listed(venue).map(|instrument| Command::SetMarkPolicy { instrument, policy }).collect()
            }
            Self::DoubleFund => double_fund(venue),
        }
    }

    /// The error that a venue refused one of its commands.
    #[must_use]
    pub fn refused(&self, command: &Command, time: Time, reason: Rejection) -> Refusal {
        let what = match self {
            Self::Setting { field, what, .. } => format!("what --set {field} does ({what})"),
            _ => format!("{command:?}"),
        };
        Refusal { what, time, reason }
    }

    /// A report of the index.
    #[must_use]
    pub fn index(instrument: InstrumentId, index: MarkPrice) -> Self {
        Self::Command(Box::new(Command::ReportIndex { instrument, index }))
    }
}

fn listed(venue: &Venue) -> impl Iterator<Item = InstrumentId> + '_ {
    (0..venue.capacity().instruments).map(InstrumentId).filter(|instrument| venue.market(*instrument).is_ok())
}

fn double_fund(venue: &Venue) -> Vec<Command> {
    let margin = venue.margin();
    let funds = margin.accounts().filter(|account| margin.is_fund(*account));
    let currencies = || (0..venue.capacity().currencies).map(CurrencyId);
    let held = funds.flat_map(|account| currencies().map(move |currency| (account, currency)));
    let deposit = |(account, currency)| Command::Deposit { account, currency, amount: margin.cash(account, currency) };
    let command = |of: (AccountId, CurrencyId)| margin.cash(of.0, of.1).is_positive().then(|| deposit(of));
    held.filter_map(command).collect()
}

/// Cross margin first: what goes into an isolated margin comes out of cash that must be free.
fn backstop(venue: &Venue, account: AccountId) -> Vec<Command> {
    let margin = venue.margin();
    let mut cross: Vec<(CurrencyId, Money)> = Vec::new();
    let mut isolated = Vec::new();
    for position in margin.positions_of(account).filter(|position| !position.size().is_zero()) {
        let terms = margin.instrument(position.instrument());
        let (currency, largest) = (terms.spec().settlement, terms.spec().max_price);
        let worth = terms.trade_value(position.size().quantity(), largest);
        let amount = worth + worth;
        match margin.pool_of(position) {
            Pool::Isolated { instrument, .. } => {
                isolated.push(Command::Deposit { account, currency, amount });
                isolated.push(Command::MoveMargin { account, instrument, amount });
            }
            Pool::Cross { .. } | Pool::Unified { .. } => match cross.iter_mut().find(|(known, _)| *known == currency) {
                Some((_, sum)) => *sum += amount,
                None => cross.push((currency, amount)),
            },
        }
    }
    let deposits = cross.into_iter().map(|(currency, amount)| Command::Deposit { account, currency, amount });
    deposits.chain(isolated).collect()
}

/// Changes in order of time. Those of time zero come when set-up is over: after everything that is due at time zero.
/// Those of a later moment come before everything else that is due then.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan(VecDeque<(Time, Change)>);

impl Plan {
    /// A plan of changes, each with its moment; those of one moment in the order given.
    #[must_use]
    pub fn new(changes: impl IntoIterator<Item = (Time, Change)>) -> Self {
        let mut changes: Vec<(Time, Change)> = changes.into_iter().collect();
        changes.sort_by_key(|(time, _)| *time);
        Self(changes.into())
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes to come.
    pub fn changes(&self) -> impl Iterator<Item = &(Time, Change)> {
        self.0.iter()
    }

    /// Adds changes.
    #[must_use]
    pub fn and(self, changes: impl IntoIterator<Item = (Time, Change)>) -> Self {
        Self::new(self.0.into_iter().chain(changes))
    }

    /// What is left of it from a moment on.
    #[must_use]
    pub fn from(&self, moment: Time) -> Self {
        Self(self.0.iter().filter(|(time, _)| *time >= moment).cloned().collect())
    }

    /// The moment up to which this plan and another do the same: that of the first change which only one of them has.
    /// `None` where they are equal.
    #[must_use]
    pub fn parts_from(&self, other: &Self) -> Option<Time> {
        let common = self.0.iter().zip(&other.0).take_while(|(a, b)| a == b).count();
        [self, other].into_iter().filter_map(|plan| plan.0.get(common)).map(|(time, _)| *time).min()
    }

    pub(crate) fn next_time(&self) -> Option<Time> {
        self.0.front().map(|(time, _)| *time)
    }

    /// The next change, if it comes before what is due `next`.
    pub(crate) fn due(&mut self, next: Option<Time>) -> Option<(Time, Change)> {
        if reached(self.next_time()?, next) { self.0.pop_front() } else { None }
    }
}

/// Whether a change of a moment comes before what is due `next`.
pub(crate) fn reached(moment: Time, next: Option<Time>) -> bool {
    next.is_none_or(|next| if moment == Time::ZERO { next > Time::ZERO } else { next >= moment })
}
