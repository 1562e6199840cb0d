//! The built-in counterfactuals: what would have happened without the loop, with another way to liquidate, with makers
//! who stay, with twice the fund, without one account.

use super::Variant;
use crate::plan::Change;
use crate::scenario::{ActorKind, Scenario};
use downdraft_sim::world::Observer;
use downdraft_types::{AccountId, EventId, InstrumentId, MarkPrice, Money, Ppm, Span, Time};
use downdraft_venue::{
    Absorption, Command, Event, LiquidationMode, MarkPolicy, MarkRule, PartialStep, Stamp, Takeover, Venue,
};

/// A change whose consequences are a question of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counterfactual {
    /// Nobody is liquidated.
    Suppressed,
    /// Accounts are liquidated by a mark that the liquidations do not move: the mark of the suppressed run.
    ExogenousMark,
    /// Whole positions at market.
    Market,
    /// Limited at the bankruptcy price, the rest deleveraged.
    BankruptcyLimitAdl,
    /// Limited at the bankruptcy price, the rest to the fund, which sells a quarter a second.
    BankruptcyLimitFund,
    /// In parts, a maintenance tier at a time.
    PartialTier,
    /// In parts, a fifth at a time.
    PartialFraction,
    /// No maker withdraws.
    SteadyMakers,
    /// Twice the fund.
    DoubleFund,
    /// An account is removed: see [`Change::commands`].
    Without(AccountId),
}

/// Marks as they moved: the last of each instant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MarkSeries {
    now: Time,
    marks: Vec<(Time, InstrumentId, MarkPrice)>,
}

impl Counterfactual {
    /// All of them but [`Counterfactual::Without`].
    pub const BUILT_IN: [Self; 9] = [
        Self::Suppressed,
        Self::ExogenousMark,
        Self::Market,
        Self::BankruptcyLimitAdl,
        Self::BankruptcyLimitFund,
        Self::PartialTier,
        Self::PartialFraction,
        Self::SteadyMakers,
        Self::DoubleFund,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self {
            Self::Suppressed => "suppressed",
            Self::ExogenousMark => "exogenous-mark",
            Self::Market => "market",
            Self::BankruptcyLimitAdl => "bankruptcy-limit-adl",
            Self::BankruptcyLimitFund => "bankruptcy-limit-fund",
            Self::PartialTier => "partial-tier",
            Self::PartialFraction => "partial-fraction",
            Self::SteadyMakers => "steady-makers",
            Self::DoubleFund => "double-fund",
            Self::Without(account) => return format!("without-{}", account.0),
        };
        name.to_owned()
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::BUILT_IN.into_iter().find(|known| known.name() == name)
    }

    /// The liquidation mode it sets, if that is what it does.
    #[must_use]
    pub const fn mode(self) -> Option<LiquidationMode> {
        const QUARTER: Ppm = Ppm(250_000);
        const FIFTH: Ppm = Ppm(200_000);
        const SECOND: Span = Span::from_secs(1);
        Some(match self {
            Self::Suppressed => LiquidationMode::Suppressed,
            Self::Market => LiquidationMode::Market,
            Self::BankruptcyLimitAdl => LiquidationMode::BankruptcyLimit { rest: Takeover::Adl },
            Self::BankruptcyLimitFund => {
                let fund = Absorption::by_fund(QUARTER, SECOND);
                LiquidationMode::BankruptcyLimit { rest: Takeover::Absorbed(fund) }
            }
            Self::PartialTier => LiquidationMode::Partial { step: PartialStep::Tier, cooldown: Span::ZERO },
            Self::PartialFraction => {
                LiquidationMode::Partial { step: PartialStep::Fraction(FIFTH), cooldown: Span::ZERO }
            }
            Self::ExogenousMark | Self::SteadyMakers | Self::DoubleFund | Self::Without(_) => return None,
        })
    }

    /// What it changes at a venue; `None` of what is not a venue's to change, and of [`Counterfactual::ExogenousMark`],
    /// which needs [`MarkSeries::changes`].
    #[must_use]
    pub fn change(self) -> Option<Change> {
        match self {
            Self::DoubleFund => Some(Change::DoubleFund),
            Self::Without(account) => Some(Change::Backstop(account)),
            _ => self.mode().map(Change::Mode),
        }
    }

    /// The fork of a world from its start. `marks` are those of its [`Counterfactual::Suppressed`] fork, which
    /// [`Counterfactual::ExogenousMark`] needs. `None` where the world is like that already.
    #[must_use]
    pub fn fork(self, base: &Variant, marks: Option<&MarkSeries>) -> Option<Variant> {
        let mut fork = Variant { label: self.name(), ..base.clone() };
        let scenario = &mut fork.prepared.scenario;
        match self {
            Self::ExogenousMark => {
                make_exogenous(scenario);
                fork.plan = fork.plan.and(marks?.reports(Time::ZERO));
            }
            Self::SteadyMakers => steady_makers(scenario),
            Self::DoubleFund => {
                let groups = scenario.funds.groups.iter_mut().flat_map(|fund| &mut fund.amounts);
                let amounts = scenario.fund.iter_mut().chain(groups);
                amounts.for_each(|(_, amount)| *amount = Money(amount.0.saturating_mul(2)));
            }
            Self::Without(account) => fork.plan = fork.plan.and([(Time::ZERO, Change::Backstop(account))]),
            _ => scenario.liquidation.mode = self.mode()?,
        }
        let same = (&fork.prepared, &fork.plan) == (&base.prepared, &base.plan);
        (!same).then_some(fork)
    }
}

/// The mark is an index, and nobody but a plan reports one.
fn make_exogenous(scenario: &mut Scenario) {
    for instrument in &mut scenario.instruments {
        instrument.mark = MarkPolicy { rule: MarkRule::Exogenous, frozen: false };
    }
    scenario.actors.retain(|actor| !matches!(actor.kind, ActorKind::Oracle(_)));
}

fn steady_makers(scenario: &mut Scenario) {
    for actor in &mut scenario.actors {
        if let ActorKind::Maker(config) = &mut actor.kind {
            (config.withdraw_above, config.jump) = (None, None);
        }
    }
}

impl MarkSeries {
    /// The changes that make these marks the venue's from a moment on: its marks become indices, reported as these
    /// moved.
    pub fn changes(&self, from: Time) -> impl Iterator<Item = (Time, Change)> + '_ {
        [(from, Change::Mark(MarkRule::Exogenous))].into_iter().chain(self.reports(from))
    }

    /// The reports alone, from a moment on: first the last one of each instrument up to then.
    fn reports(&self, from: Time) -> impl Iterator<Item = (Time, Change)> + '_ {
        let mut known: Vec<(InstrumentId, MarkPrice)> = Vec::new();
        for (_, instrument, mark) in self.marks.iter().take_while(|(time, ..)| *time <= from) {
            match known.iter_mut().find(|(of, _)| of == instrument) {
                Some((_, last)) => *last = *mark,
                None => known.push((*instrument, *mark)),
            }
        }
        let later = self.marks.iter().copied().filter(move |(time, ..)| *time > from);
        let known = known.into_iter().map(move |(instrument, mark)| (from, Change::index(instrument, mark)));
        known.chain(later.map(|(time, instrument, mark)| (time, Change::index(instrument, mark))))
    }
}

impl Observer for MarkSeries {
    fn command(&mut self, stamp: &Stamp, _: &Command) {
        self.now = stamp.time;
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        let Event::MarkMoved { instrument, mark, .. } = *event else { return };
        let now = self.now;
        let here = self.marks.iter_mut().rev().take_while(|(time, ..)| *time == now);
        match here.into_iter().find(|(_, of, _)| *of == instrument) {
            Some((.., last)) => *last = mark,
            None => self.marks.push((now, instrument, mark)),
        }
    }

    fn done(&mut self, _: &Venue) {}
}
