//! How given positions come to stand at a venue: every account trades off the book against one pivot, at its own
//! entry value, and the pivot ends flat and empty.
//!
//! ```text
//!  open, deposit, configure, margin ─► pivot: deposit ─► trades, longs and shorts in turn ─► pivot: withdraw all
//! ```
//!
//! An account under portfolio margin holds, between two of its trades, legs without their hedge: it pays more in first
//! and withdraws that when all stand, which asks for initial margin.

use super::explicit::Holding;
use super::population::Pledge;
use super::set_up::{SetUp, check_account};
use crate::actor::Context;
use downdraft_margin::{InstrumentSpec, Margin, MarginCapacity, MarginMode};
use downdraft_types::arith::{ceil_div, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Side};
use downdraft_venue::Command;
use std::collections::{BTreeMap, BTreeSet};

const RATE_ONE: i128 = 1_000_000;

/// What a venue takes at once.
const DEPOSITS_BELOW: Money = Money(1 << 100);

/// Checked positions, and the terms they stand on.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    terms: Terms,
    holdings: Vec<Holding>,
    pivot: AccountId,
    portfolio: BTreeSet<AccountId>,
}

/// Instruments at their first marks: a margin engine with nobody in it.
#[derive(Clone, Debug)]
pub(super) struct Terms(Margin);

impl Terms {
    pub(super) fn new(instruments: &[(InstrumentId, InstrumentSpec, MarkPrice)]) -> Result<Self, String> {
        let largest = instruments.iter().map(|(id, ..)| id.0).max().unwrap_or(0);
        let currencies = instruments.iter().map(|(_, spec, _)| spec.settlement.0).max().unwrap_or(0);
        let mut margin = Margin::with_capacity(MarginCapacity {
            accounts: 1,
            positions: 1,
            positions_per_account: 1,
            instruments: largest.saturating_add(1),
            currencies: currencies.saturating_add(1),
        });
        for (id, spec, mark) in instruments {
            margin
                .list(*id, spec)
                .map_err(|error| format!("instrument {id}: found {error:?}, expected legal terms"))?;
            let limit = spec.max_price.0.saturating_mul(i64::from(spec.mark_scale));
            if !mark.is_positive() || mark.0 > limit {
                return Err(format!("instrument {id}: found initial mark {mark}, expected 1 to {limit}"));
            }
            margin.set_mark(*id, *mark);
        }
        Ok(Self(margin))
    }

    pub(super) fn instrument(&self, id: InstrumentId) -> &downdraft_margin::Instrument {
        self.0.instrument(id)
    }

    /// Unrealised profit, and maintenance margin × 10^6, at the first mark.
    pub(super) fn standing(&self, holding: &Holding) -> (Money, i128) {
        let terms = self.instrument(holding.instrument);
        let at_mark = terms.value_at(holding.size, terms.mark());
        let cost = holding.cost(terms);
        let basis = match terms.spec().maintenance_basis {
            downdraft_margin::MaintenanceBasis::Mark => at_mark.abs(),
            downdraft_margin::MaintenanceBasis::Entry => holding.value,
        };
        (at_mark - cost, terms.maintenance_e6(holding.size, basis))
    }

    fn notional(&self, holding: &Holding) -> Money {
        let terms = self.instrument(holding.instrument);
        terms.value_at(holding.size, terms.mark()).abs()
    }

    fn currency(&self, holding: &Holding) -> CurrencyId {
        self.instrument(holding.instrument).spec().settlement
    }

    /// The rate that an isolated position is configured with, and how much of its margin it does not draw by
    /// itself when it opens. `None` where its margin is below initial margin at entry.
    fn isolated(&self, holding: &Holding) -> Option<(Ppm, Money)> {
        let rate = mul_div_floor(holding.margin.0, RATE_ONE, holding.value.0).min(RATE_ONE);
        let rate = Ppm(i64::try_from(rate).ok()?);
        let terms = self.instrument(holding.instrument);
        let lots = holding.size.quantity();
        let enough = rate.is_positive() && rate >= terms.initial_rate(lots, holding.value, None);
        enough.then(|| (rate, holding.margin - terms.initial_margin(lots, holding.value, Some(rate))))
    }
}

impl Opening {
    /// Checks positions, which need not net yet are each legal, distinct and healthy.
    pub(super) fn new(
        terms: Terms,
        mut holdings: Vec<Holding>,
        pivot: AccountId,
        portfolio: BTreeSet<AccountId>,
    ) -> Result<Self, String> {
        check_account("pivot", pivot)?;
        holdings.sort_unstable_by_key(|holding| (holding.account, holding.instrument));
        for holding in &holdings {
            check_holding(&terms, holding, pivot).map_err(|error| name(holding, &error))?;
        }
        if let Some(pair) =
            holdings.windows(2).find(|w| (w[0].account, w[0].instrument) == (w[1].account, w[1].instrument))
        {
            return Err(name(&pair[1], "found a second position, expected one per account and instrument"));
        }
        check_nets(&holdings)?;
        check_cross(&terms, holdings.iter().filter(|holding| !portfolio.contains(&holding.account)))?;
        Ok(Self { terms, holdings, pivot, portfolio })
    }

    pub(super) fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    pub(super) fn into_parts(self) -> (Terms, Vec<Holding>) {
        (self.terms, self.holdings)
    }

    /// Sends the commands.
    pub(super) fn submit(
        &self,
        pledge: &impl Fn(AccountId) -> Option<Pledge>,
        set_up: &mut SetUp,
        context: &mut Context<'_>,
    ) {
        let mut last = None;
        for holding in &self.holdings {
            self.prepare(holding, last == Some(holding.account), pledge(holding.account), set_up, context);
            last = Some(holding.account);
        }
        set_up.submit(context, Command::OpenAccount { account: self.pivot });
        let stakes = self.stakes();
        for (currency, (stake, _)) in &stakes {
            set_up.deposit(context, self.pivot, *currency, *stake);
        }
        for index in self.in_turn() {
            let holding = &self.holdings[index];
            let (buyer, seller) = match holding.size.side() {
                Some(Side::Buy) => (holding.account, self.pivot),
                _ => (self.pivot, holding.account),
            };
            let (instrument, qty) = (holding.instrument, holding.size.quantity());
            let cost = self.terms.instrument(instrument).spec().payoff.of_notional(holding.value);
            set_up.submit(context, Command::BlockTrade { instrument, buyer, seller, qty, cost });
        }
        for (currency, (_, amount)) in stakes {
            if !amount.is_zero() {
                set_up.submit(context, Command::Withdraw { account: self.pivot, currency, amount });
            }
        }
        for holding in self.netted() {
            let (account, currency) = (holding.account, self.terms.currency(holding));
            set_up.submit(context, Command::Withdraw { account, currency, amount: self.cushion(holding) });
        }
    }

    /// The positions of accounts under portfolio margin.
    fn netted(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|h| h.mode == MarginMode::Cross && self.portfolio.contains(&h.account))
    }

    /// What covers any margin of a position by itself: twice its worth at the largest price.
    fn cushion(&self, holding: &Holding) -> Money {
        let most = self.terms.instrument(holding.instrument).largest_value(holding.size.quantity());
        most + most
    }

    /// Opens and funds an account. Margin that an isolated position will not draw by itself is moved before it
    /// opens, while the account's cash is still free.
    fn prepare(
        &self,
        holding: &Holding,
        known: bool,
        pledge: Option<Pledge>,
        set_up: &mut SetUp,
        context: &mut Context<'_>,
    ) {
        let (account, instrument) = (holding.account, holding.instrument);
        if !known {
            set_up.submit(context, Command::OpenAccount { account });
            if self.portfolio.contains(&account) {
                set_up.submit(context, Command::SetPortfolio { account, portfolio: true });
            }
        }
        if let Some(pledge) = pledge {
            set_up.submit(context, Command::SetUnified { account, unified: true });
            return set_up.deposit(context, account, pledge.currency, pledge.of(holding.margin));
        }
        let netted = holding.mode == MarginMode::Cross && self.portfolio.contains(&account);
        let cushion = if netted { self.cushion(holding) } else { Money::ZERO };
        set_up.deposit(context, account, self.terms.currency(holding), holding.margin + cushion);
        if holding.mode == MarginMode::Isolated {
            let (rate, more) = self.terms.isolated(holding).expect("checked");
            let (mode, initial) = (holding.mode, Some(rate));
            set_up.submit(context, Command::Configure { account, instrument, mode, initial });
            if !more.is_zero() {
                set_up.submit(context, Command::MoveMargin { account, instrument, amount: more });
            }
        }
    }

    /// By currency: what the pivot pays in, so that it is healthy after every trade, and what it has in the end.
    ///
    /// A trade at `value` moves its equity by the holder's unrealised loss, and what it holds needs less
    /// maintenance than the notional of all.
    fn stakes(&self) -> BTreeMap<CurrencyId, (Money, Money)> {
        let mut stakes = BTreeMap::new();
        for holding in &self.holdings {
            let (stake, end) = stakes.entry(self.terms.currency(holding)).or_insert((Money::ZERO, Money::ZERO));
            let (unrealised, _) = self.terms.standing(holding);
            let needed = unrealised.abs() + self.terms.notional(holding);
            *stake += needed;
            // Positions sum to zero, and so do their values, of which the pivot pays the holders' costs.
            *end += needed + holding.cost(self.terms.instrument(holding.instrument));
        }
        stakes
    }

    /// The order of the trades. An account with several cross positions makes its profitable ones first, so that
    /// it is never less healthy on the way than in the end. The rest go so that the pivot's position stays
    /// within the largest single one.
    fn in_turn(&self) -> Vec<usize> {
        let crosses = count_crosses(&self.terms, &self.holdings);
        let early = |holding: &Holding| {
            holding.mode == MarginMode::Cross
                && crosses[&(holding.account, self.terms.currency(holding))] > 1
                && !self.terms.standing(holding).0.is_negative()
        };
        let mut order: Vec<usize> = (0..self.holdings.len()).filter(|index| early(&self.holdings[*index])).collect();
        let mut lots: BTreeMap<InstrumentId, (i128, [Vec<usize>; 2])> = BTreeMap::new();
        for (index, holding) in self.holdings.iter().enumerate().rev() {
            let (held, queues) = lots.entry(holding.instrument).or_default();
            if early(holding) {
                *held -= i128::from(holding.size.0);
            } else {
                queues[usize::from(holding.size.is_negative())].push(index);
            }
        }
        for (mut held, [mut longs, mut shorts]) in lots.into_values() {
            loop {
                let next =
                    if held >= 0 { longs.pop().or_else(|| shorts.pop()) } else { shorts.pop().or_else(|| longs.pop()) };
                let Some(index) = next else { break };
                held -= i128::from(self.holdings[index].size.0);
                order.push(index);
            }
        }
        order
    }
}

fn name(holding: &Holding, error: &str) -> String {
    format!("position of account {} in instrument {}: {error}", holding.account.0, holding.instrument.0)
}

fn check_holding(terms: &Terms, holding: &Holding, pivot: AccountId) -> Result<(), String> {
    check_account("account", holding.account)?;
    if holding.account == pivot {
        return Err("found on the pivot, expected an account of its own".to_owned());
    }
    let spec = terms.instrument(holding.instrument).spec();
    let size = holding.size.quantity();
    if size.is_zero() || size > spec.max_position {
        return Err(format!("size: found {size} lots, expected 1 to {}", spec.max_position));
    }
    let most = terms.instrument(holding.instrument).largest_value(size);
    if !holding.value.is_positive() || holding.value > most {
        return Err(format!("value: found {}, expected 1 to {most}", holding.value));
    }
    if holding.margin.is_negative() {
        return Err(format!("margin: found {}, expected at least 0", holding.margin));
    }
    if holding.margin >= DEPOSITS_BELOW {
        return Err(format!("margin: found {}, expected less than 2^100 units", holding.margin));
    }
    if holding.mode == MarginMode::Isolated {
        if terms.isolated(holding).is_none() {
            let least = terms.instrument(holding.instrument).initial_margin(size, holding.value, None);
            return Err(format!("margin: found {}, expected initial margin at entry, {least}", holding.margin));
        }
        let (unrealised, maintenance_e6) = terms.standing(holding);
        check_health(holding.margin + unrealised, maintenance_e6)?;
    }
    Ok(())
}

fn check_health(equity: Money, maintenance_e6: i128) -> Result<(), String> {
    if equity.0 * RATE_ONE < maintenance_e6 {
        let maintenance = ceil_div(maintenance_e6, RATE_ONE);
        return Err(format!("equity at the first mark: found {equity}, expected maintenance margin, {maintenance}"));
    }
    Ok(())
}

/// Positions of an instrument sum to zero.
fn check_nets(holdings: &[Holding]) -> Result<(), String> {
    match nets(holdings).into_iter().find(|(_, net)| *net != 0) {
        None => Ok(()),
        Some((instrument, net)) => Err(format!(
            "positions in instrument {}: found a sum of {net} lots, expected 0; name a balancing account",
            instrument.0
        )),
    }
}

/// The sum of positions by instrument.
pub(super) fn nets(holdings: &[Holding]) -> BTreeMap<InstrumentId, i128> {
    let mut nets = BTreeMap::new();
    for holding in holdings {
        *nets.entry(holding.instrument).or_insert(0) += i128::from(holding.size.0);
    }
    nets
}

fn count_crosses(terms: &Terms, holdings: &[Holding]) -> BTreeMap<(AccountId, CurrencyId), u32> {
    let mut counts = BTreeMap::new();
    for holding in holdings.iter().filter(|holding| holding.mode == MarginMode::Cross) {
        *counts.entry((holding.account, terms.currency(holding))).or_insert(0) += 1;
    }
    counts
}

fn check_cross<'a>(terms: &Terms, holdings: impl Iterator<Item = &'a Holding>) -> Result<(), String> {
    let mut pools: BTreeMap<(AccountId, CurrencyId), (Money, i128)> = BTreeMap::new();
    for holding in holdings.filter(|holding| holding.mode == MarginMode::Cross) {
        let (equity, maintenance_e6) = pools.entry((holding.account, terms.currency(holding))).or_default();
        let (unrealised, maintenance) = terms.standing(holding);
        *equity += holding.margin + unrealised;
        *maintenance_e6 += maintenance;
    }
    for ((account, _), (equity, maintenance_e6)) in pools {
        check_health(equity, maintenance_e6).map_err(|error| format!("account {}: {error}", account.0))?;
    }
    Ok(())
}
