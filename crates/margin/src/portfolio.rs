//! Portfolio margin: contracts and options of one underlying netted in a grid of price and volatility moves.
//!
//! ```text
//!   maintenance = max(0, max over the grid of −part × Σ (value moved − value)) + contingencies
//!   initial     = the same with every order filled or not, whichever is worse at each point, × factor
//! ```
//!
//! What an option is worth at a point of the grid is Black-76 to the nearest mark increment, computed when its underlying's
//! outlook changes, and for everyone alike; a contract's mark is moved and rounded down. From there on all is exact:
//! whole lots at whole marks. So longs and shorts of one instrument net to nothing, and nobody gains by more than half
//! an increment (a contract: one).
//!
//! Contingencies, for what the grid does not see, are parts of notional at the index (options) and the mark (contracts): of
//! what is short in one strike and expiry, calls and puts together; of contracts that offset each other; of all contracts; of
//! all options.
//!
//! Sources: Deribit, *Portfolio Margin* (grid, contingencies); Derive, *PMRM* (damped tails). `model::deribit_pm` has the
//! rule on numbers of any kind.

use crate::cells::{Ends, Ranges, cell, moments};
use crate::certificate::Region;
use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::{Instrument, RATE_ONE};
use crate::model::surface::TermShock;
use crate::option::OptionTerms;
use crate::pool::Pool;
use crate::position::Position;
use alloc::vec::Vec;
use downdraft_types::arith::{floor_div, mul_div_ceil};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money, Ppm, Side, Span, Time};
use smallvec::SmallVec;

/// How many points a grid may have.
pub const LARGEST_GRID: usize = 64;

/// How many contracts may be netted with an underlying's options.
pub const LARGEST_CONTRACT_COUNT: usize = 64;

/// The largest factor of a price, of volatility or of margin: 10.
const LARGEST_FACTOR: Ppm = Ppm(10 * Ppm::ONE.0);

/// Which way volatility moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum VolatilityMove {
    /// Up, by term.
    Up,
    /// Not at all.
    None,
    /// Down, by term.
    Down,
}

/// A point of the grid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GridPoint {
    /// Relative move of the price: −150,000 is a fall of 15%.
    pub price: Ppm,
    /// Move of volatility.
    pub volatility: VolatilityMove,
    /// The part of the loss that counts: less than all of it for a tail.
    pub part: Ppm,
}

/// How far volatility moves: `range × (30 days ÷ max(t, floor))^power`, relative, with one power up to 30 days and
/// another beyond. It does not fall below zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VolatilityShock {
    /// Range upward, at 30 days.
    pub up: Ppm,
    /// Range downward.
    pub down: Ppm,
    /// Power for terms of at most 30 days.
    pub short_power: Ppm,
    /// Power for longer terms.
    pub long_power: Ppm,
    /// Shorter terms count as this.
    pub floor: Span,
}

impl VolatilityShock {
    fn by_term(&self) -> TermShock {
        let part = |rate: Ppm| rate.0 as f64 / 1e6;
        TermShock {
            up: part(self.up),
            down: part(self.down),
            short_power: part(self.short_power),
            long_power: part(self.long_power),
            floor_seconds: self.floor.0 as f64 / 1e9,
        }
    }

    /// What volatility is multiplied by, with so many seconds left.
    fn factor(&self, volatility: VolatilityMove, seconds: f64) -> f64 {
        match volatility {
            VolatilityMove::Up => self.by_term().factor_up(seconds),
            VolatilityMove::None => 1.0,
            VolatilityMove::Down => self.by_term().factor_down(seconds),
        }
    }
}

/// What is asked for beyond the grid: parts of notional.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Contingencies {
    /// Of what is short, net, in one strike and expiry.
    pub short_option: Ppm,
    /// Of contracts that offset each other: of the smaller side.
    pub offsetting: Ppm,
    /// Of all contracts, whichever way.
    pub contracts: Ppm,
    /// Of all options, whichever way.
    pub options: Ppm,
}

/// A contract that is netted with an underlying's options.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Netted {
    /// A perpetual or a dated future.
    pub instrument: InstrumentId,
    /// How far its price moves in the grid where the underlying's moves by one: a hedge by something else than the
    /// underlying is as good as this says.
    pub beta: Ppm,
}

/// Portfolio margin of one underlying. It applies to accounts that chose it, and nets the options of the underlying and the
/// contracts named that are settled in `settlement`, held as cross positions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PortfolioPolicy {
    /// The currency of what is netted.
    pub settlement: CurrencyId,
    /// The contracts.
    pub contracts: Vec<Netted>,
    /// The grid.
    pub grid: Vec<GridPoint>,
    /// How far volatility moves.
    pub volatility: VolatilityShock,
    /// What is asked for beyond the grid.
    pub contingencies: Contingencies,
    /// What initial margin multiplies maintenance margin by: from 1 to 10.
    pub initial_over: Ppm,
}

impl PortfolioPolicy {
    /// Whether all numbers are in range: at least one point and at most [`LARGEST_GRID`]; moves above −100% and at most
    /// 900%, of every contract too; parts and contingencies from 0 to 100%, ranges and powers from 0 to 10.
    #[must_use]
    pub fn is_legal(&self) -> bool {
        let part = |rate: Ppm| (Ppm::ZERO..=Ppm::ONE).contains(&rate);
        let factor = |rate: Ppm| (Ppm::ZERO..=LARGEST_FACTOR).contains(&rate);
        let moved = |price: Ppm, beta: Ppm| RATE_ONE + moved_by(price, beta);
        let within = |factor: i128| factor > 0 && factor <= i128::from(LARGEST_FACTOR.0);
        let VolatilityShock { up, down, short_power, long_power, floor } = self.volatility;
        let Contingencies { short_option, offsetting, contracts, options } = self.contingencies;
        let betas = || self.contracts.iter().map(|netted| netted.beta).chain([Ppm::ONE]);
        let bounded = |beta: Ppm| beta.0.unsigned_abs() <= LARGEST_FACTOR.0.unsigned_abs();
        let point = |p: &GridPoint| part(p.part) && betas().all(|beta| bounded(beta) && within(moved(p.price, beta)));
        let distinct = |(n, netted): (usize, &Netted)| {
            !self.contracts[..n].iter().any(|other| other.instrument == netted.instrument)
        };
        (1..=LARGEST_GRID).contains(&self.grid.len())
            && self.contracts.len() <= LARGEST_CONTRACT_COUNT
            && self.contracts.iter().enumerate().all(distinct)
            && self.grid.iter().all(point)
            && [up, down, short_power, long_power].into_iter().all(factor)
            && floor > Span::ZERO
            && [short_option, offsetting, contracts, options].into_iter().all(part)
            && self.initial_over >= Ppm::ONE
            && factor(self.initial_over)
    }

    fn beta(&self, id: InstrumentId) -> Ppm {
        self.contracts.iter().find(|netted| netted.instrument == id).map_or(Ppm::ONE, |netted| netted.beta)
    }
}

/// A relative move of a contract with a beta, in parts per million, rounded down.
fn moved_by(price: Ppm, beta: Ppm) -> i128 {
    floor_div(i128::from(price.0) * i128::from(beta.0), RATE_ONE)
}

/// An amount at each point of a grid.
type ByPoint = [i128; LARGEST_GRID];

/// What a position may come to: its size and what filling its orders would lose at once.
type Outcomes = SmallVec<[(Lots, i128); 3]>;

fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e9
}

/// What volatility is multiplied by with so many seconds left, up, unmoved and down.
fn factors(shock: &VolatilityShock, seconds: f64) -> [f64; 3] {
    [VolatilityMove::Up, VolatilityMove::None, VolatilityMove::Down].map(|volatility| shock.factor(volatility, seconds))
}

impl OptionTerms {
    /// Least and most of its value in mark increments over ranges, with the price moved, and volatility by a factor at each end
    /// in time: an option rises with volatility and time, a call with the price, a put against it. One increment wider, for
    /// what is rounded, and by more than floating point can be off.
    fn extremes(&self, ranges: &Ranges, price: f64, factors: [f64; 2]) -> Ends {
        let [near, far] = ranges.left.map(|left| seconds(Span(left)));
        let (least, most) = (factors[0].min(factors[1]), factors[0].max(factors[1]));
        let [low, high] = ranges.price.map(|index| index.max(0) as f64 * price);
        let (cheap, dear) = if self.right == crate::Right::Call { (low, high) } else { (high, low) };
        let vol = |of: i64, factor: f64| of as f64 / 1e6 * factor;
        let slack = 1.0 + (high + self.strike.0 as f64) * 1e-12;
        let low = self.value(cheap, vol(ranges.volatility[0], least), near) - slack;
        let high = self.value(dear, vol(ranges.volatility[1], most), far) + slack;
        [libm::floor(low) as i64, libm::ceil(high) as i64]
    }
}

impl Instrument {
    /// Whether its value at each point of the grid is known: of an option, that index and volatility were reported.
    pub(crate) const fn is_priced(&self) -> bool {
        self.option().is_none() || !self.grid.is_empty()
    }

    /// Its mark where the price moves, rounded down, and above zero where prices are: a policy is refused that could
    /// move one past what a mark can be.
    fn moved_mark(&self, mark: MarkPrice, by: i128) -> MarkPrice {
        let moved = floor_div(i128::from(mark.0) * (RATE_ONE + by), RATE_ONE);
        let lowest = self.spec.smallest_price().unwrap_or(i64::MIN);
        MarkPrice(i64::try_from(moved).expect("a move that was checked").max(lowest))
    }

    /// What `size` gains (negative: loses) where the price of a contract moves.
    fn contract_profit(&self, size: Lots, mark: MarkPrice, by: i128) -> i128 {
        (self.value_at(size, self.moved_mark(mark, by)) - self.value_at(size, mark)).0
    }

    /// The least that `size` gains while the mark is between two, which the move takes to two others, by more than
    /// rounding can be off: exact profit is monotone in the mark.
    fn least_contract_profit(&self, size: Lots, marks: Ends, moved: Ends) -> i128 {
        let profit = |n: usize| (self.value_at(size, MarkPrice(moved[n])) - self.value_at(size, MarkPrice(marks[n]))).0;
        if marks[0] == marks[1] {
            return profit(0);
        }
        let beside = MarkPrice(moved[0].saturating_add(1));
        let step = (self.value_at(size, beside) - self.value_at(size, MarkPrice(moved[0]))).0.abs();
        profit(0).min(profit(1)) - step - 2
    }

    /// What a lot of an option is worth per mark increment.
    fn option_value(&self, size: Lots, marks: i128) -> i128 {
        i128::from(size.0) * i128::from(self.spec.point_value) * marks
    }
}

impl Margin {
    /// Puts a portfolio margin in force for an underlying, or takes it away, and looks at every account that chose it.
    ///
    /// # Errors
    /// [`MarginError::BadPortfolio`] where a number is out of range, or a contract is unknown, an option or spot market,
    /// settled in another currency, in another portfolio, or could move past what a mark can be;
    /// [`MarginError::UnknownCurrency`].
    pub fn set_portfolio_policy(
        &mut self,
        underlying: InstrumentId,
        policy: Option<&PortfolioPolicy>,
    ) -> Result<(), MarginError> {
        if self.get_instrument(underlying).is_none() {
            return Err(MarginError::BadPortfolio);
        }
        if let Some(policy) = policy {
            self.check_portfolio(underlying, policy)?;
            self.open_watch(underlying);
        }
        for slot in 0..self.edges.len().min(self.positions.len()) {
            let slot = u32::try_from(slot).expect("positions fit their slots");
            self.set_edges(slot, crate::watch::Edges::default());
        }
        for instrument in self.instruments.iter_mut().flatten() {
            if instrument.portfolio == Some(underlying) {
                instrument.portfolio = None;
                instrument.grid.clear();
            }
        }
        self.portfolios[underlying.index()] = policy.cloned();
        for index in 0..self.instruments.len() {
            self.join_portfolio(InstrumentId(u16::try_from(index).expect("instruments fit their id")));
        }
        self.reindex_boxed();
        Ok(())
    }

    fn check_portfolio(&self, underlying: InstrumentId, policy: &PortfolioPolicy) -> Result<(), MarginError> {
        if !self.has_currency(policy.settlement) {
            return Err(MarginError::UnknownCurrency);
        }
        let most = |beta: Ppm| policy.grid.iter().map(move |p| RATE_ONE + moved_by(p.price, beta)).max().unwrap_or(0);
        let fits = |mark: MarkPrice, beta| i128::from(mark.0) * most(beta) <= i128::from(i64::MAX) * RATE_ONE;
        let netted = |netted: &Netted| {
            self.get_instrument(netted.instrument).is_some_and(|terms| {
                let contract = terms.option().is_none() && !terms.is_spot();
                contract
                    && terms.spec.settlement == policy.settlement
                    && terms.portfolio.is_none_or(|of| of == underlying)
                    && fits(terms.largest_mark(), netted.beta)
            })
        };
        let options =
            self.instruments.iter().flatten().filter(|t| t.option().is_some_and(|o| o.underlying == underlying));
        let legal = policy.is_legal()
            && policy.contracts.iter().all(netted)
            && options.into_iter().all(|terms| fits(terms.largest_mark(), Ppm::ONE));
        if legal { Ok(()) } else { Err(MarginError::BadPortfolio) }
    }

    /// The portfolio margin of an underlying.
    #[must_use]
    pub fn portfolio_policy(&self, underlying: InstrumentId) -> Option<&PortfolioPolicy> {
        self.portfolios.get(underlying.index()).and_then(Option::as_ref)
    }

    /// Makes an instrument part of the portfolio that it belongs to, and values it in the grid.
    pub(crate) fn join_portfolio(&mut self, id: InstrumentId) {
        let Some(terms) = self.get_instrument(id) else { return };
        let named = |policy: &Option<PortfolioPolicy>| {
            policy.as_ref().is_some_and(|policy| policy.contracts.iter().any(|netted| netted.instrument == id))
        };
        let number = |n: usize| InstrumentId(u16::try_from(n).expect("instruments fit their id"));
        let of = match terms.option() {
            Some(option) => Some(option.underlying),
            None => self.portfolios.iter().position(named).map(number),
        };
        let settled = |of: &InstrumentId| {
            self.portfolio_policy(*of).is_some_and(|policy| policy.settlement == terms.spec.settlement)
        };
        let portfolio = of.filter(settled);
        let points = portfolio.and_then(|of| self.portfolio_policy(of)).map_or(0, |policy| policy.grid.len());
        let terms = self.instrument_mut(id);
        terms.portfolio = portfolio;
        terms.cells.reset(if portfolio.is_some() { 1 + points } else { 0 });
        if terms.option().is_some() {
            terms.grid.reserve_exact(1 + points);
            self.value_option(id);
        }
    }

    /// Values an option at every point of its portfolio's grid, from its own smile and its underlying's outlook.
    pub(crate) fn value_option(&mut self, id: InstrumentId) {
        let Some(&option) = self.instrument(id).option() else { return };
        let outlook = self.outlook(option.underlying);
        let smile = self.instrument(id).smile;
        let mut grid = core::mem::take(&mut self.instrument_mut(id).grid);
        grid.clear();
        let policy = self.instrument(id).portfolio.and_then(|of| self.portfolio_policy(of));
        if let (Some(policy), Some(index), Some(volatility)) = (policy, outlook.index, outlook.volatility) {
            let left = seconds(option.expiry.since(outlook.at));
            let vol = volatility.0 as f64 / 1e6 * (smile.0 as f64 / 1e6);
            let at = |price: f64, factor: f64| {
                libm::rint(option.value(index.0.max(0) as f64 * price, vol * factor, left)) as i64
            };
            grid.push(at(1.0, 1.0));
            let factors = factors(&policy.volatility, left);
            let moved = |point: &GridPoint| at(price_factor(point), factors[point.volatility as usize]);
            grid.extend(policy.grid.iter().map(moved));
        }
        let terms = self.instrument_mut(id);
        terms.valued = (outlook.volatility.unwrap_or(Ppm::ZERO), outlook.at);
        terms.grid = grid;
    }

    /// Whether an account chose portfolio margin.
    #[must_use]
    pub fn is_portfolio(&self, account: AccountId) -> bool {
        self.account(account).is_some_and(|a| a.portfolio)
    }

    /// Puts an account under portfolio margin, or back under that of each position, where the other margin suffices.
    ///
    /// # Errors
    /// [`MarginError::UnknownAccount`], [`MarginError::InLiquidation`], or [`MarginError::InsufficientMargin`] where one of
    /// its pools would be below maintenance.
    pub fn set_portfolio(&mut self, account: AccountId, portfolio: bool) -> Result<(), MarginError> {
        if self.is_fund(account) || !self.is_open(account) {
            return Err(MarginError::UnknownAccount);
        }
        if !self.cash_pools(account).all(|pool| self.state_of(pool).is_free()) {
            return Err(MarginError::InLiquidation);
        }
        let before = core::mem::replace(&mut self.account_mut(account).portfolio, portfolio);
        if !self.cash_pools(account).all(|pool| self.health(pool).is_healthy()) {
            self.account_mut(account).portfolio = before;
            return Err(MarginError::InsufficientMargin);
        }
        let currencies = self.ledger.currencies().take(self.cash_pools(account).count());
        currencies.for_each(|currency| self.reindex(self.cash_pool(account, currency)));
        Ok(())
    }

    /// The pools that an account's cash belongs to.
    fn cash_pools(&self, account: AccountId) -> impl Iterator<Item = Pool> + '_ {
        let count = if self.is_unified(account) { 1 } else { self.ledger.currencies().len() };
        self.ledger.currencies().take(count).map(move |currency| self.cash_pool(account, currency))
    }

    /// Looks at every pool under portfolio margin, or with a short option, again, in account order.
    fn reindex_boxed(&mut self) {
        for account in (0..self.capacity.accounts).map(AccountId) {
            for currency in (0..self.capacity.currencies).map(CurrencyId) {
                let pool = self.cash_pool(account, currency);
                if self.is_open(account) && (self.is_portfolio(account) || self.has_box(pool)) {
                    self.reindex(pool);
                }
                if self.is_unified(account) {
                    break;
                }
            }
        }
    }

    /// Maintenance margin × 10^6 of what a pool nets in the portfolio of one underlying, at most while the market is in
    /// `region`.
    pub(crate) fn portfolio_maintenance_e6(&self, pool: Pool, underlying: InstrumentId, region: Region) -> i128 {
        let Some(policy) = self.portfolio_policy(underlying) else { return 0 };
        let netted = || self.pool_positions(pool).filter(|p| self.netted(p) == Some(underlying));
        let mut profits: ByPoint = [0; LARGEST_GRID];
        for position in netted() {
            self.add_profits(policy, (position, &[(position.size, 0)]), region, &mut profits);
        }
        let sides = |position: &Position| (position.size, position.size);
        loss_e6(policy, &profits) + self.contingencies_e6(policy, underlying, region, netted(), sides)
    }

    /// Initial margin of what an account holds and has on order in the portfolio of one underlying, with `after` in place of a
    /// position: at each point of the grid every order is filled or not, whichever is worse. Rounded up: the account bears
    /// the fraction of a unit. With its currency.
    pub(crate) fn portfolio_initial(
        &self,
        account: AccountId,
        underlying: InstrumentId,
        after: Option<&Position>,
    ) -> (CurrencyId, Money) {
        let Some(policy) = self.portfolio_policy(underlying) else { return Default::default() };
        let netted = || self.positions_with(account, after).filter(|p| self.netted(p) == Some(underlying));
        let mut profits: ByPoint = [0; LARGEST_GRID];
        for position in netted() {
            let outcomes = outcomes(self.instrument(position.instrument), position);
            self.add_profits(policy, (position, &outcomes), Region::Present, &mut profits);
        }
        let filled = |position: &Position| {
            let [buys, sells] = position.both_orders().map(|orders| i64::try_from(orders.qty.0).unwrap_or(i64::MAX));
            (Lots(position.size.0.saturating_add(buys)), Lots(position.size.0.saturating_sub(sells)))
        };
        let contingencies = self.contingencies_e6(policy, underlying, Region::Present, netted(), filled);
        let maintenance_e6 = loss_e6(policy, &profits) + contingencies;
        let initial = mul_div_ceil(maintenance_e6, policy.initial_over.0.into(), RATE_ONE * RATE_ONE);
        (policy.settlement, Money(initial))
    }

    /// The underlyings in whose portfolios an account's positions, with `after` in place of one, are netted.
    pub(crate) fn portfolios_of<'a>(
        &'a self,
        account: AccountId,
        after: Option<&'a Position>,
    ) -> impl Iterator<Item = InstrumentId> {
        distinct(self.positions_with(account, after), |position| self.netted(position))
            .map(|(underlying, _)| underlying)
    }

    /// An account's positions, with `after` in place of one, or beside them where there is none yet.
    pub(crate) fn positions_with<'a>(
        &'a self,
        account: AccountId,
        after: Option<&'a Position>,
    ) -> impl Iterator<Item = &'a Position> + Clone {
        let fresh = after.filter(|p| self.position(account, p.instrument).is_none());
        let replaced = move |p: &'a Position| after.filter(|after| after.instrument == p.instrument).unwrap_or(p);
        self.positions_of(account).map(replaced).chain(fresh)
    }

    /// Adds what a position gains at least at each point of a grid, whichever of its outcomes comes.
    fn add_profits(
        &self,
        policy: &PortfolioPolicy,
        (position, outcomes): (&Position, &[(Lots, i128)]),
        region: Region,
        profits: &mut ByPoint,
    ) {
        let terms = self.instrument(position.instrument);
        let option = terms.option().is_some();
        let Region::Box(shift) = region else {
            let beta = policy.beta(position.instrument);
            let mark = self.mark_ends(position.instrument, region).0;
            for (n, (profit, point)) in profits.iter_mut().zip(&policy.grid).enumerate() {
                *profit += if option {
                    let by = i128::from(terms.grid[n + 1]) - i128::from(terms.grid[0]);
                    least(outcomes, |size| terms.option_value(size, by))
                } else {
                    let by = moved_by(point.price, beta);
                    least(outcomes, |size| terms.contract_profit(size, mark, by))
                };
            }
            return;
        };
        let mut buffer = [Ends::default(); LARGEST_GRID + 1];
        let ends = self.over_cell(policy, position.instrument, shift, &mut buffer);
        let unmoved = ends[0];
        for (profit, moved) in profits.iter_mut().zip(&ends[1..]) {
            *profit += if option {
                // A pair made by `map` is written and read back by halves, which costs more than all the rest.
                let fallen = i128::from(moved[0]) - i128::from(unmoved[1]);
                let risen = i128::from(moved[1]) - i128::from(unmoved[0]);
                least(outcomes, |size| terms.option_value(size, if size.is_negative() { risen } else { fallen }))
            } else {
                least(outcomes, |size| terms.least_contract_profit(size, unmoved, *moved))
            };
        }
    }

    /// What an instrument comes to over ranges, unmoved and then at each point of the grid: of an option its value, of a contract
    /// its mark. Returns how many there are.
    pub(crate) fn ends_over(
        &self,
        policy: &PortfolioPolicy,
        id: InstrumentId,
        ranges: &Ranges,
        ends: &mut [Ends; LARGEST_GRID + 1],
    ) -> usize {
        let terms = self.instrument(id);
        if let Some(option) = terms.option() {
            let [near, far] = ranges.left.map(|left| factors(&policy.volatility, seconds(Span(left))));
            ends[0] = option.extremes(ranges, 1.0, [1.0; 2]);
            for (ends, point) in ends[1..].iter_mut().zip(&policy.grid) {
                let factor = point.volatility as usize;
                *ends = option.extremes(ranges, price_factor(point), [near[factor], far[factor]]);
            }
        } else {
            let beta = policy.beta(id);
            ends[0] = ranges.price;
            for (ends, point) in ends[1..].iter_mut().zip(&policy.grid) {
                let by = moved_by(point.price, beta);
                *ends = ranges.price.map(|mark| terms.moved_mark(MarkPrice(mark), by).0);
            }
        }
        1 + policy.grid.len()
    }

    /// What an instrument's value depends on, over the cell of a shift: a contract's mark; an option's index, volatility and
    /// time, around the present and that by which it is valued now.
    pub(crate) fn ranges(&self, id: InstrumentId, shift: u32) -> Ranges {
        let terms = self.instrument(id);
        let Some(option) = terms.option() else {
            let (low, high) = self.mark_ends(id, Region::Box(shift));
            return Ranges { price: [low.0, high.0], ..Ranges::default() };
        };
        let around = |level: i64, now: i64| {
            let [low, high] = cell(level, shift);
            [low.min(now), high.max(now)]
        };
        let outlook = self.outlook(option.underlying);
        let (volatility, at) = terms.valued;
        let index = outlook.index.unwrap_or(terms.reference);
        let smiled = |level: i64| i64::try_from(i128::from(level) * i128::from(terms.smile.0) / RATE_ONE);
        let [low, high] = around(outlook.volatility.unwrap_or(volatility).0, volatility.0);
        let high = smiled(high).unwrap_or(i64::MAX).saturating_add(1);
        let [from, until] = moments(outlook.at, option.expiry, shift);
        let left = |at: Time| option.expiry.since(at).0;
        Ranges {
            price: around(index.0, terms.reference.0),
            volatility: [smiled(low).unwrap_or(0), high],
            left: [left(until.max(at)), left(from.min(at))],
        }
    }

    /// Contingencies × 10^6, of positions each of which may be the larger and the smaller of two sizes.
    fn contingencies_e6<'a>(
        &self,
        policy: &PortfolioPolicy,
        underlying: InstrumentId,
        region: Region,
        positions: impl Iterator<Item = &'a Position> + Clone,
        sizes: impl Fn(&Position) -> (Lots, Lots),
    ) -> i128 {
        let Contingencies { short_option, offsetting, contracts, options } = policy.contingencies;
        if policy.contingencies == Contingencies::default() {
            return 0;
        }
        let (mut long, mut short, mut gross) = (0, 0, 0);
        let at_index = |position: &Position, size: Lots| {
            let terms = self.instrument(position.instrument);
            terms.option_value(size, self.highest_index(underlying, terms, region).0.max(0).into())
        };
        for position in positions.clone() {
            let terms = self.instrument(position.instrument);
            let (most, least) = sizes(position);
            if terms.option().is_some() {
                gross += at_index(position, most).abs().max(at_index(position, least).abs());
            } else {
                let (low, high) = self.mark_ends(position.instrument, region);
                let notional = |size: Lots| terms.value_at(size, low).abs().max(terms.value_at(size, high).abs()).0;
                long += if most.is_positive() { notional(most) } else { 0 };
                short += if least.is_negative() { notional(least) } else { 0 };
            }
        }
        let strike = |p: &Position| self.instrument(p.instrument).option().map(|option| (option.expiry, option.strike));
        let naked = |pair| {
            let both = positions.clone().filter(|position| strike(position) == Some(pair));
            let net: i128 = both.map(|position| at_index(position, sizes(position).1)).sum();
            (-net).max(0)
        };
        let pairs = distinct(positions.clone(), strike).filter(|_| short_option != Ppm::ZERO);
        let naked: i128 = pairs.map(|(pair, _)| naked(pair)).sum();
        let part = |amount: i128, rate: Ppm| amount * i128::from(rate.0);
        part(naked, short_option)
            + part(long.min(short), offsetting)
            + part(long + short, contracts)
            + part(gross, options)
    }
}

/// Each key that positions have, once, with the first that has it: found by looking back, as there are few and nothing is
/// to be kept.
pub(crate) fn distinct<'a, K: Copy + PartialEq>(
    positions: impl Iterator<Item = &'a Position> + Clone,
    key: impl Fn(&Position) -> Option<K>,
) -> impl Iterator<Item = (K, &'a Position)> {
    positions.clone().enumerate().filter_map(move |(place, position)| {
        let of = key(position)?;
        let repeats = positions.clone().take(place).any(|earlier| key(earlier) == Some(of));
        (!repeats).then_some((of, position))
    })
}

/// The least over a position's outcomes of what it gains.
fn least(outcomes: &[(Lots, i128)], gain: impl Fn(Lots) -> i128) -> i128 {
    outcomes.iter().map(|(size, lost)| gain(*size) - lost).min().unwrap_or(0)
}

/// What a point multiplies the price by.
fn price_factor(point: &GridPoint) -> f64 {
    1.0 + point.price.0 as f64 / 1e6
}

/// The largest loss × 10^6 over the grid, zero where nothing loses.
fn loss_e6(policy: &PortfolioPolicy, profits: &ByPoint) -> i128 {
    let counted = policy.grid.iter().zip(profits).map(|(point, profit)| -profit * i128::from(point.part.0));
    counted.max().unwrap_or(0).max(0)
}

/// What a position may come to by its orders: none filled, all buys, or all sells, each with what filling them would lose
/// at once against the mark.
fn outcomes(terms: &Instrument, position: &Position) -> Outcomes {
    let mut outcomes = Outcomes::from_slice(&[(position.size, 0)]);
    for side in Side::BOTH {
        let orders = position.open_orders(side);
        if orders.qty.is_zero() {
            continue;
        }
        let at_mark = terms.value_at(side.signed(orders.qty), terms.mark).abs();
        let lost = if side == Side::Buy { orders.value - at_mark } else { at_mark - orders.value };
        let size = position.size.0.saturating_add(side.signed(orders.qty).0);
        outcomes.push((Lots(size), lost.0.max(0)));
    }
    outcomes
}
