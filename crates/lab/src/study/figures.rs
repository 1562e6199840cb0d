//! What a study keeps of a run.

use crate::compare::Names;
use crate::foresight::Expected;
use crate::outcome::{Closing, Outcome};
use downdraft_types::{CurrencyId, InstrumentId};
use std::collections::BTreeMap;

/// What a figure is measured in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unit {
    /// A count.
    Count,
    /// Parts per million of an instrument's first price.
    Rate(InstrumentId),
    /// Lots of an instrument.
    Lots(InstrumentId),
    /// Smallest units of a currency.
    Money(CurrencyId),
}

/// A figure of a run: one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figure {
    /// Its name, as `docs/study.md` explains it.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// The number.
    pub value: i128,
}

/// Positions of one instrument and tier under liquidation, summed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TierSums {
    /// How many.
    pub positions: u64,
    /// Their value at the trigger.
    pub value: i128,
    /// Their pools' equity then.
    pub equity: i128,
    /// Their maintenance margin then.
    pub maintenance: i128,
    /// Value at the trigger of what was closed of them.
    pub closed_value: i128,
    /// How much less than that it fetched.
    pub cost: i128,
    /// Lots closed.
    pub closed: u128,
    /// Of those, sold in the book beyond the bankruptcy price.
    pub beyond: u128,
    /// Of those, deleveraged.
    pub deleveraged: u128,
    /// Of those, taken over by the fund.
    pub taken_over: u128,
    /// Positions whose closing cost more than their pool's equity at the trigger.
    pub overrun: u64,
}

impl TierSums {
    fn add(&mut self, closing: &Closing) {
        self.positions += 1;
        self.value += closing.value;
        self.equity += closing.equity;
        self.maintenance += closing.maintenance;
        self.closed_value += closing.worth(closing.closed()).abs();
        self.cost += closing.cost;
        self.closed += u128::from(closing.closed());
        self.beyond += u128::from(closing.beyond);
        self.deleveraged += u128::from(closing.deleveraged);
        self.taken_over += u128::from(closing.taken_over);
        self.overrun += u64::from(closing.cost > closing.equity);
    }

    /// Adds another run's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.positions += other.positions;
        self.value += other.value;
        self.equity += other.equity;
        self.maintenance += other.maintenance;
        self.closed_value += other.closed_value;
        self.cost += other.cost;
        self.closed += other.closed;
        self.beyond += other.beyond;
        self.deleveraged += other.deleveraged;
        self.taken_over += other.taken_over;
        self.overrun += other.overrun;
    }
}

/// What a class of accounts bore of the ADL overshoot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Borne {
    /// How many accounts bore any.
    pub accounts: u64,
    /// What they bore.
    pub amount: i128,
}

/// A run's figures.
#[derive(Clone, PartialEq, Debug)]
pub struct RunFigures {
    /// Its seed.
    pub seed: u64,
    /// Its state at the end.
    pub state_hash: u64,
    /// Numbers, always the same ones in the same order.
    pub figures: Vec<Figure>,
    /// Liquidations that have a liquidation parent, and all.
    pub descent: (u64, u64),
    /// Liquidations of the largest cascade.
    pub largest: u32,
    /// Liquidations of the first cascade; 0 of none.
    pub first_cascade: u32,
    /// What was to be expected before the first shock, and at the first liquidation.
    pub expected: [Option<Expected>; 2],
    /// From each trigger to its first fill, ascending, in nanoseconds.
    pub waits: Vec<u64>,
    /// By instrument and tier.
    pub tiers: BTreeMap<(InstrumentId, usize), TierSums>,
    /// Liquidations of pools with several positions, which are in no tier.
    pub mixed: u64,
    /// What was borne of the ADL overshoot, by currency and class.
    pub bearers: BTreeMap<(CurrencyId, String), Borne>,
    /// By currency: whether winners were deleveraged, or losses passed on, although no fund could have been short.
    pub past_any_fund: Vec<bool>,
}

impl RunFigures {
    /// The figures of a run; `ample` is the same with a fund that is never short.
    #[must_use]
    pub(super) fn new(
        names: &Names,
        seed: u64,
        outcome: &Outcome,
        ample: &Outcome,
        expected: [Option<Expected>; 2],
    ) -> Self {
        let cascades = &outcome.cascades;
        let mut tiers: BTreeMap<(InstrumentId, usize), TierSums> = BTreeMap::new();
        for closing in &outcome.closings {
            tiers.entry((closing.instrument, closing.tier)).or_default().add(closing);
        }
        let mut waits = outcome.waits.clone();
        waits.sort_unstable();
        let past = ample.purses.iter().map(|p| p.conceded > 0 || p.socialised > 0 || p.uncovered > 0);
        Self {
            seed,
            state_hash: outcome.state_hash,
            figures: figures(outcome, ample),
            descent: (cascades.episodes - cascades.roots, cascades.episodes),
            largest: cascades.largest(),
            first_cascade: cascades.sizes.first().copied().unwrap_or(0),
            expected,
            waits,
            tiers,
            mixed: outcome.mixed,
            bearers: bearers(names, outcome),
            past_any_fund: past.collect(),
        }
    }
}

fn figures(outcome: &Outcome, ample: &Outcome) -> Vec<Figure> {
    let count = |name, value: u64| Figure { name, unit: Unit::Count, value: i128::from(value) };
    let cascades = &outcome.cascades;
    let mut figures = vec![
        count("liquidated_accounts", outcome.liquidated_accounts()),
        count("liquidations", cascades.episodes),
        count("cascades", cascades.roots),
        count("largest_cascade", u64::from(cascades.largest())),
        count("deepest_cascade", u64::from(cascades.depth)),
        count("deleveraged_accounts", outcome.deleveraged_accounts()),
    ];
    for (instrument, market) in outcome.listed() {
        let fall = market.price.map_or(0, |price| match i128::from(price.start.0) {
            0 => 0,
            // Rounded up: a fall is never understated.
            start => downdraft_types::arith::ceil_div(price.fall() * 1_000_000, start.abs()),
        });
        figures.push(Figure { name: "price_fall", unit: Unit::Rate(instrument), value: fall });
        for (name, lots) in [
            ("liquidated", market.liquidated),
            ("beyond_bankruptcy", market.beyond),
            ("deleveraged", market.deleveraged),
        ] {
            figures.push(Figure { name, unit: Unit::Lots(instrument), value: i128::from(lots) });
        }
    }
    for (currency, purse) in (0_u16..).map(CurrencyId).zip(&outcome.purses) {
        let need = ample.purses.get(currency.index()).map_or(0, |purse| purse.fund_need);
        let cover = covers(outcome, currency);
        let named = [
            ("bad_debt", purse.deficits),
            ("fund_paid", purse.fund_paid),
            ("fund_need", need),
            ("conceded", purse.conceded),
            ("adl_overshoot", purse.overshoot),
            ("adl_overshoot_most", most_overshoot(outcome, currency)),
            ("adl_overshoot_to_fund", purse.overshoot_to_fund),
            ("adl_overshoot_to_vault", purse.overshoot_to_vault),
            ("adl_overshoot_to_liquidated", purse.overshoot - purse.overshoot_to_fund - purse.overshoot_to_vault),
            ("socialised", purse.socialised),
            ("uncovered", purse.uncovered),
            ("cover_1", cover[0]),
            ("cover_2", cover[1]),
            ("cover_10", cover[2]),
        ];
        figures.extend(named.map(|(name, value)| Figure { name, unit: Unit::Money(currency), value }));
    }
    figures
}

fn bearers(names: &Names, outcome: &Outcome) -> BTreeMap<(CurrencyId, String), Borne> {
    let mut bearers: BTreeMap<(CurrencyId, String), Borne> = BTreeMap::new();
    for (id, account) in outcome.opened() {
        for (currency, amount) in (0_u16..).map(CurrencyId).zip(&account.overshoot).filter(|(_, amount)| **amount != 0)
        {
            let borne = bearers.entry((currency, names.class(id, account.opened_by))).or_default();
            borne.accounts += 1;
            borne.amount += amount;
        }
    }
    bearers
}

/// The overshoot of the account that bore most of it.
fn most_overshoot(outcome: &Outcome, currency: CurrencyId) -> i128 {
    let of = |(_, account): (_, &crate::outcome::AccountOutcome)| account.overshoot.get(currency.index()).copied();
    outcome.opened().filter_map(of).max().unwrap_or(0)
}

/// Bad debt of the one, two and ten accounts that left most of it.
fn covers(outcome: &Outcome, currency: CurrencyId) -> [i128; 3] {
    let of = |account: &crate::outcome::AccountOutcome| account.deficits.get(currency.index()).copied().unwrap_or(0);
    let mut deficits: Vec<i128> = outcome.opened().map(|(_, account)| of(account)).filter(|d| *d > 0).collect();
    deficits.sort_unstable_by_key(|deficit| core::cmp::Reverse(*deficit));
    [1, 2, 10].map(|count| deficits.iter().take(count).sum())
}
