//! The engine and its naive model, driven in step and compared after every command.

use crate::steps::{Resolution, Step};
use crate::world::{perpetual, tier};
use downdraft_margin::{
    CollateralAsset, CollateralPolicy, Contingencies, DeliveryFee, GridPoint, InstrumentKind, InstrumentSpec, Leg,
    LoanTerms, MaintenanceBasis, Margin, MarginCapacity, MarginForm, MarginMode, Netted, OpenInterestScale,
    OptionTerms, Outlook, Payoff, Pool, PortfolioPolicy, Right, SizeScale, VolatilityMove, VolatilityShock, WeightTier,
    fee,
};
use downdraft_testkit::naive_margin::NaiveMargin;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time};
use std::collections::BTreeSet;

const ACCOUNTS: u32 = 7;
const CURRENCIES: u16 = 3;
/// Trades with whoever nobody else would; it is rich.
const HOUSE: AccountId = AccountId(ACCOUNTS);
const CAPACITY: MarginCapacity = MarginCapacity {
    accounts: ACCOUNTS + 1,
    positions: 64,
    positions_per_account: 8,
    instruments: 8,
    currencies: CURRENCIES,
};

/// No maintenance at all; three tiers with a closing fee; maintenance at entry in another currency; and sizes near
/// what listing allows; an inverse contract, and one whose values are so small that rounding is all; a call and a put.
/// Each with its first mark.
fn listings() -> [(InstrumentSpec, i64); 8] {
    let tiers = |unit: i128| vec![tier(0, 5_000, 10_000), tier(unit, 20_000, 50_000), tier(8 * unit, 100_000, 250_000)];
    let spec = |tiers| InstrumentSpec {
        max_price: Price(1_000_000),
        max_position: Qty(2_000),
        taker_fee: Ppm(600),
        tiers,
        ..perpetual(0, 0)
    };
    let option = |right, underlying| {
        let (expiry, strike) = (Time(1), MarkPrice(10_000));
        let kind = InstrumentKind::Option(OptionTerms { expiry, right, strike, underlying });
        InstrumentSpec { kind, ..spec(vec![]) }
    };
    [
        (spec(vec![tier(0, 0, 10_000)]), 9_000),
        (InstrumentSpec { mark_scale: 10, close_fee: Ppm(500), ..spec(tiers(300_000)) }, 10_000),
        (
            InstrumentSpec {
                mark_scale: 100,
                settlement: CurrencyId(1),
                maintenance_basis: MaintenanceBasis::Entry,
                ..spec(tiers(20_000_000))
            },
            500_000,
        ),
        (
            InstrumentSpec {
                mark_scale: 16,
                point_value: 1 << 20,
                max_price: Price(1 << 30),
                max_position: Qty(1 << 38),
                ..spec(tiers(1 << 76))
            },
            1 << 32,
        ),
        (
            InstrumentSpec { payoff: Payoff::Inverse, mark_scale: 5, point_value: 200_000_000, ..spec(tiers(300_000)) },
            20_000,
        ),
        (
            InstrumentSpec {
                payoff: Payoff::Inverse,
                point_value: 7_001,
                settlement: CurrencyId(1),
                maintenance_basis: MaintenanceBasis::Entry,
                ..spec(tiers(90))
            },
            900,
        ),
        (option(Right::Call, InstrumentId(6)), 700),
        (option(Right::Put, InstrumentId(1)), 600),
    ]
}

/// Contracts settled in the reference currency and in two coins, one of them inverse, the coins' spot markets, and a
/// call and a put.
fn unified_listings() -> [(InstrumentSpec, i64); 8] {
    let [_, tiered, _, _, inverse, _, call, put] = listings();
    let spot = |base, lot| InstrumentSpec {
        kind: InstrumentKind::Spot { base: CurrencyId(base), lot },
        mark_scale: 10,
        maker_fee: Ppm(-100),
        ..tiered.0.clone()
    };
    let quanto = InstrumentSpec { settlement: CurrencyId(2), mark_scale: 1, ..tiered.0.clone() };
    let entry = InstrumentSpec { maintenance_basis: MaintenanceBasis::Entry, ..tiered.0.clone() };
    [
        tiered.clone(),
        (InstrumentSpec { settlement: CurrencyId(1), ..inverse.0 }, inverse.1),
        (quanto, 3_000),
        (spot(1, 1_000), 90_000),
        (spot(2, 7), 500),
        (entry, 7_000),
        call,
        put,
    ]
}

/// A reference currency, a coin with falling weights that may be borrowed, and one that may not.
fn collateral() -> CollateralPolicy {
    let weights = |tiers: &[(i128, i64)]| {
        tiers.iter().map(|&(floor, weight)| WeightTier { floor: Money(floor), weight: Ppm(weight) }).collect()
    };
    let asset = |currency, market: Option<u16>, tiers: &[(i128, i64)]| CollateralAsset {
        currency: CurrencyId(currency),
        market: market.map(InstrumentId),
        tiers: weights(tiers),
        scaled_from: None,
        limit: None,
        overdraft: Money(500),
        loan: None,
    };
    let loan = LoanTerms { initial: Ppm(100_000), maintenance: Ppm(50_000), interest_e9: 1_234_567 };
    let coin = [(0, 950_000), (40_000, 600_000), (400_000, 0)];
    CollateralPolicy {
        assets: vec![
            CollateralAsset { loan: Some(loan), ..asset(0, None, &[(0, 1_000_000)]) },
            CollateralAsset { loan: Some(loan), scaled_from: Some(Money(1 << 60)), ..asset(1, Some(3), &coin) },
            asset(2, Some(4), &[(0, 800_000)]),
        ],
        interest_every: None,
    }
}

/// Days of nanoseconds.
const DAY: u64 = 86_400_000_000_000;

/// A contract, one that is inverse, and one in which a hedge moves half as far the other way; the coins' spot markets; two calls
/// and a put of the first.
fn portfolio_listings() -> [(InstrumentSpec, i64); 8] {
    let [tiered, inverse, _, coin, other, _, _, _] = unified_listings();
    let inverse = (InstrumentSpec { settlement: CurrencyId(0), ..inverse.0 }, inverse.1);
    let option = |right, days: u64, strike| {
        let (expiry, strike) = (Time(days * DAY), MarkPrice(strike));
        let terms = OptionTerms { expiry, right, strike, underlying: InstrumentId(0) };
        let kind = InstrumentKind::Option(terms);
        InstrumentSpec { kind, tiers: vec![], close_fee: Ppm(0), ..tiered.0.clone() }
    };
    let hedge = tiered.clone();
    let near = (option(Right::Call, 30, 10_000), 700);
    let put = (option(Right::Put, 30, 10_000), 700);
    [tiered.clone(), inverse, hedge, coin, other, near, put, (option(Right::Call, 90, 12_000), 400)]
}

/// Moves of price to both sides, of which the largest count in part, each with volatility up, unmoved and down.
pub fn portfolio(contingent: bool) -> PortfolioPolicy {
    let moves = [-160_000, -80_000, 0, 80_000, 160_000].map(|price| (price, 1_000_000)).into_iter();
    let tails = [(-600_000, 250_000), (1_500_000, 100_000)];
    let ways = [VolatilityMove::Up, VolatilityMove::None, VolatilityMove::Down];
    let points = moves
        .chain(tails)
        .flat_map(|(price, part)| ways.map(|volatility| GridPoint { price: Ppm(price), volatility, part: Ppm(part) }));
    let netted = |id, beta| Netted { instrument: InstrumentId(id), beta: Ppm(beta) };
    let contingencies = Contingencies {
        short_option: Ppm(10_000),
        offsetting: Ppm(20_000),
        contracts: Ppm(5_000),
        options: Ppm(6_000),
    };
    PortfolioPolicy {
        settlement: CurrencyId(0),
        contracts: vec![netted(0, 1_000_000), netted(1, 1_000_000), netted(2, -500_000)],
        grid: points.collect(),
        volatility: VolatilityShock {
            up: Ppm(500_000),
            down: Ppm(250_000),
            short_power: Ppm(300_000),
            long_power: Ppm(130_000),
            floor: Span(DAY),
        },
        contingencies: if contingent { contingencies } else { Contingencies::default() },
        initial_over: Ppm(1_300_000),
    }
}

struct Resting {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    qty: Qty,
    price: Price,
}

pub struct Trial {
    engine: Margin,
    naive: NaiveMargin,
    resting: Vec<Resting>,
}

impl Trial {
    pub fn new() -> Self {
        Self::listing(listings())
    }

    /// A world with collateral of three currencies, in which half of the accounts are unified.
    pub fn unified() -> Self {
        let mut trial = Self::listing(unified_listings());
        trial.engine.set_collateral(&collateral()).unwrap();
        trial.naive.set_collateral(&collateral());
        for account in (1..ACCOUNTS).step_by(2).map(AccountId) {
            trial.engine.set_unified(account, true).unwrap();
            trial.naive.set_unified(account, true);
        }
        trial
    }

    /// A world with portfolio margin, chosen by half of the accounts; of each half a part is unified.
    pub fn portfolio() -> Self {
        let mut trial = Self::listing(portfolio_listings());
        trial.set_portfolio_policy(Some(&portfolio(true)));
        trial.move_outlook(InstrumentId(0), |outlook| {
            (outlook.index, outlook.volatility) = (Some(MarkPrice(10_000)), Some(Ppm(600_000)));
        });
        trial.engine.set_collateral(&collateral()).unwrap();
        trial.naive.set_collateral(&collateral());
        for account in (1..ACCOUNTS).map(AccountId) {
            if account.0 % 3 == 0 {
                trial.engine.set_unified(account, true).unwrap();
                trial.naive.set_unified(account, true);
            }
            if account.0 % 2 == 0 {
                trial.engine.set_portfolio(account, true).unwrap();
                trial.naive.set_portfolio(account, true);
            }
        }
        trial
    }

    fn set_portfolio_policy(&mut self, policy: Option<&PortfolioPolicy>) {
        self.engine.set_portfolio_policy(InstrumentId(0), policy).unwrap();
        self.naive.set_portfolio_policy(InstrumentId(0), policy);
    }

    /// Changes an underlying's outlook, and values its options by it.
    fn move_outlook(&mut self, underlying: InstrumentId, change: impl FnOnce(&mut Outlook)) {
        let mut outlook = self.engine.outlook(underlying);
        change(&mut outlook);
        self.engine.set_outlook(underlying, outlook);
        for id in self.options_of(underlying) {
            let smile = Ppm(1_000_000 + 50_000 * i64::from(id.0 % 3));
            self.engine.place_option(id, None, smile);
            self.naive.set_option(id, outlook, smile);
        }
        self.engine.look_at_options(underlying);
    }

    fn options_of(&self, underlying: InstrumentId) -> Vec<InstrumentId> {
        let option =
            |id: &InstrumentId| self.engine.instrument(*id).option().is_some_and(|o| o.underlying == underlying);
        (0..CAPACITY.instruments).map(InstrumentId).filter(option).collect()
    }

    fn underlyings(&self) -> BTreeSet<InstrumentId> {
        let of = |id| self.engine.instrument(id).option().map(|option| option.underlying);
        (0..CAPACITY.instruments).map(InstrumentId).filter_map(of).collect()
    }

    fn listing(listings: [(InstrumentSpec, i64); 8]) -> Self {
        let mut trial =
            Self { engine: Margin::with_capacity(CAPACITY), naive: NaiveMargin::default(), resting: Vec::new() };
        for account in 1..=ACCOUNTS {
            trial.engine.open_account(AccountId(account)).unwrap();
        }
        for (id, (spec, mark)) in (0..).map(InstrumentId).zip(listings) {
            trial.engine.list(id, &spec).unwrap();
            trial.naive.list(id, &spec);
            trial.set_mark(id, mark);
        }
        for currency in (0..CURRENCIES).map(CurrencyId) {
            trial.deposit(HOUSE, currency, Money(1 << 98));
        }
        trial
    }

    pub fn engine(&self) -> &Margin {
        &self.engine
    }

    /// Carries a step out on both and compares them.
    pub fn apply(&mut self, step: &Step) {
        let harmless = self.carry_out(step);
        let fallen = self.naive.newly_fallen();
        let reported: BTreeSet<Pool> = self.engine.fallen().iter().copied().collect();
        assert_eq!(reported, fallen, "fallen after {step:?}");
        assert_eq!(self.engine.fallen().len(), fallen.len(), "each is reported once");
        if let Some(pool) = harmless {
            assert!(!fallen.contains(&pool), "{step:?} was accepted, and {pool} fell");
        }
        self.engine.clear_fallen();
        self.engine.clear_overdrawn();
        self.engine.check_risk_index();
        self.naive.compare(&self.engine);
        self.compare_triggers();
    }

    /// Pools of one position have the trigger that halving finds; no pool has one while it is being liquidated.
    fn compare_triggers(&self) {
        for pool in self.naive.pools() {
            if self.engine.has_box(pool) {
                self.check_box(pool);
                continue;
            }
            let open = self.naive.positions_of(pool);
            let exact = match open[..] {
                [id] if self.naive.is_sound(pool) => Some((id, self.naive.trigger(pool.account(), id))),
                _ => None,
            };
            for id in open {
                let side = Side::BOTH[usize::from(self.naive.size(pool.account(), id) < 0)];
                let mut triggers = self.engine.ladder(id).triggers(side).filter(|(_, a)| *a == pool.account());
                let found = triggers.next().map(|(mark, _)| mark);
                if let Some((_, exact)) = exact {
                    assert_eq!(found, exact, "trigger of {pool}");
                    assert_eq!(self.engine.liquidation_price(pool.account(), id), exact, "liquidation price of {pool}");
                } else if !self.naive.is_sound(pool) {
                    assert_eq!(found, None, "{pool} is being liquidated");
                }
            }
        }
    }

    /// A sound pool is healthy at the corners of its box, and at points inside.
    fn check_box(&self, pool: Pool) {
        let account = pool.account();
        let sound = self.naive.is_sound(pool);
        let ids = (0..CAPACITY.instruments).map(InstrumentId);
        let ends: Vec<_> = ids.map(|id| (id, self.ends(account, id))).collect();
        for corner in (0..200_u32).map(|n| n.wrapping_mul(0x9E37_79B1) >> 16) {
            // Two bits an instrument: low, high, present, and a third of the way.
            let mut other = self.naive.clone();
            for (n, (id, (low, high))) in ends.iter().enumerate() {
                let mark = match corner >> (2 * n) & 3 {
                    0 => *low,
                    1 => *high,
                    2 => self.engine.instrument(*id).mark().0,
                    _ => low + (high - low) / 3,
                };
                other.set_mark(*id, MarkPrice(mark));
            }
            for underlying in self.underlyings() {
                let outlook = self.outlook_inside(account, underlying, corner.rotate_left(5) ^ u32::from(underlying.0));
                for id in self.options_of(underlying) {
                    other.set_option(id, outlook, Ppm(1_000_000 + 50_000 * i64::from(id.0 % 3)));
                }
            }
            let slack = other.slack_e6(pool, None);
            assert!(!sound || slack >= 0, "{account} falls inside its box, by {slack}: {corner} of {ends:?}");
            if !sound {
                break;
            }
        }
    }

    /// An outlook in an account's box: low, high, present, or a third of the way; what has no edge does not move.
    fn outlook_inside(&self, account: AccountId, underlying: InstrumentId, corner: u32) -> Outlook {
        let (now, edges) = (self.engine.outlook(underlying), self.engine.edges(account, underlying));
        let between = |now: i64, [low, high]: [Option<i64>; 2], bits: u32| {
            let (low, high) = (low.map_or(now, |low| low + 1), high.map_or(now, |high| high - 1));
            match bits & 3 {
                0 => low,
                1 => high,
                2 => now,
                _ => low + (high - low) / 3,
            }
        };
        let at = i64::try_from(now.at.0).unwrap();
        Outlook {
            index: now.index.map(|index| MarkPrice(between(index.0, edges.index, corner))),
            volatility: now.volatility.map(|vol| Ppm(between(vol.0, edges.volatility, corner >> 2))),
            at: Time(between(at, [None, edges.until], corner >> 4).unsigned_abs()),
        }
    }

    /// The lowest and the highest mark at which an account is not looked at again; the legal ones where there is no
    /// trigger, but not so far that the model's sums leave 128 bits.
    fn ends(&self, account: AccountId, id: InstrumentId) -> (i64, i64) {
        let ladder = self.engine.ladder(id);
        let nearest = |side| ladder.triggers(side).find(|(_, of)| *of == account).map(|(mark, _)| mark.0);
        let (lowest, highest) = self.engine.instrument(id).legal_marks();
        let own = self.engine.position(account, id).is_some_and(|p| p.mode() == MarginMode::Cross);
        let mark = self.engine.instrument(id).mark().0;
        match own {
            true => (
                nearest(Side::Buy).map_or(lowest.0, |mark| mark + 1),
                nearest(Side::Sell).map_or(highest.0, |mark| mark - 1),
            ),
            false => (mark, mark),
        }
    }

    /// Returns the pool that the engine judged able to bear the step: it may not fall by it.
    fn carry_out(&mut self, step: &Step) -> Option<Pool> {
        match *step {
            Step::Deposit { account, instrument, lots, part } => {
                let (account, id) = (account_of(account), instrument_of(instrument));
                let worth = self.grains(id, lots).1.abs().0 / 1_000_000 * i128::from(part) + i128::from(part % 7);
                let currency = self.engine.instrument(id).spec().settlement;
                self.deposit(account, currency, Money(worth.min(1 << 96)));
            }
            Step::Withdraw { account, currency, part } => {
                let (account, currency) = (account_of(account), CurrencyId(u16::from(currency) % CURRENCIES));
                let amount =
                    Money(self.engine.free(account, currency).0 / 256 * i128::from(part) + i128::from(part % 3));
                self.engine.withdraw(account, currency, amount).ok()?;
                self.naive.deposit(account, currency, -amount);
                return Some(self.engine.cash_pool(account, currency));
            }
            Step::Trade { buyer, seller, instrument, lots, offset, fee } => {
                let (buyer, seller, id) = (account_of(buyer), account_of(seller), instrument_of(instrument));
                let (qty, _) = self.grains(id, lots);
                let price = self.price_near(id, offset);
                // Off the book, a value need not be that of a price.
                let value = self.engine.instrument(id).trade_value(qty, price) + Money(i128::from(offset) * 3);
                if buyer != seller
                    && self.may_trade((buyer, Side::Buy), id, qty, value)
                    && self.may_trade((seller, Side::Sell), id, qty, value)
                {
                    self.trade([(buyer, i128::from(fee)), (seller, 0)], id, qty, value);
                }
            }
            Step::Order { account, instrument, buys, lots, offset, rests } => {
                let (account, id) = (account_of(account), instrument_of(instrument));
                let side = Side::BOTH[usize::from(!buys)];
                return self.order(account, id, side, lots, offset, rests);
            }
            Step::Cancel if !self.resting.is_empty() => {
                let order = self.resting.remove(0);
                self.engine.order_left(
                    order.account,
                    order.instrument,
                    order.side,
                    (order.qty, Qty::ZERO),
                    order.price,
                );
            }
            Step::Cancel => {}
            Step::Walk { instrument, by } => {
                let id = instrument_of(instrument);
                let mark = i128::from(self.engine.instrument(id).mark().0);
                let moved = mark + mark * i128::from(by) / 1_000_000 + i128::from(by.signum());
                self.set_mark(id, i64::try_from(moved).unwrap());
            }
            Step::Jump { instrument, to, shift } => self.set_mark(instrument_of(instrument), to >> shift),
            Step::Funding { instrument, rate } => {
                let (id, rate) = (instrument_of(instrument), Ppm(rate.into()));
                self.engine.pay_funding(id, rate, |_, _| {});
                self.naive.pay_funding(id, rate);
            }
            Step::Tiers { instrument, raise } => {
                let id = instrument_of(instrument);
                let mut tiers = listings()[id.index()].0.tiers.clone();
                tiers.iter_mut().for_each(|t| t.maintenance.0 += t.maintenance.0 * i64::from(raise) / 16);
                if self.engine.set_tiers(id, &tiers).is_ok() {
                    self.naive.set_tiers(id, &tiers);
                }
            }
            Step::Form { instrument, slope, per, scaled } => {
                let id = instrument_of(instrument);
                let terms = self.engine.instrument(id);
                let grain = (terms.spec().max_position.0 / 2_000).max(1);
                let lower = terms.value_at(Side::Buy.signed(terms.open_interest()), terms.mark()).abs();
                let lower = Money(lower.0 / 2);
                let upper = if scaled { lower + lower + Money(1) } else { Money::ZERO };
                let form = MarginForm {
                    size: SizeScale { slope: Ppm(slope.into()), per: Qty(grain * u64::from(per)) },
                    open_interest: OpenInterestScale { lower, upper },
                    ..MarginForm::default()
                };
                if self.engine.set_form(id, &form).is_ok() {
                    self.naive.set_form(id, &form);
                }
            }
            Step::Least { instrument, least } => {
                let id = instrument_of(instrument);
                let (maintenance, initial) = (Ppm(least.into()), Ppm((2 * least).into()));
                if self.engine.set_least_rates(id, maintenance, initial).is_ok() {
                    self.naive.set_least_rates(id, maintenance, initial);
                }
            }
            Step::Index { instrument, by, mark } => {
                let terms = self.engine.instrument(instrument_of(instrument));
                let underlying = terms.option()?.underlying;
                let moved = |price: i64, by: i32, largest: MarkPrice| {
                    let price = i128::from(price);
                    let price = price + price * i128::from(by) / 1_000_000 + i128::from(by.signum());
                    MarkPrice(i64::try_from(price).unwrap()).clamp(MarkPrice::ZERO, largest)
                };
                let largest = self.engine.instrument(underlying).largest_mark();
                for id in self.options_of(underlying) {
                    let terms = self.engine.instrument(id);
                    let mark = moved(terms.mark().0, mark, terms.largest_mark());
                    self.engine.place_option(id, Some(mark), Ppm(1_000_000 + 50_000 * i64::from(id.0 % 3)));
                    self.naive.set_mark(id, mark);
                }
                self.move_outlook(underlying, |outlook| {
                    let index = outlook.index.unwrap_or(MarkPrice(10_000));
                    outlook.index = Some(moved(index.0, by, largest));
                });
            }
            Step::Volatility { instrument, to } => {
                let underlying = self.engine.instrument(instrument_of(instrument)).option()?.underlying;
                self.move_outlook(underlying, |outlook| outlook.volatility = Some(Ppm(to.into())));
            }
            Step::Time { instrument, hours } => {
                let underlying = self.engine.instrument(instrument_of(instrument)).option()?.underlying;
                self.move_outlook(underlying, |outlook| outlook.at = Time(outlook.at.0 + u64::from(hours) * DAY / 24));
            }
            Step::Portfolio { account, portfolio } => {
                let account = account_of(account);
                self.engine.set_portfolio(account, portfolio).ok()?;
                self.naive.set_portfolio(account, portfolio);
            }
            Step::Grid { contingent } => self.set_portfolio_policy(contingent.map(portfolio).as_ref()),
            Step::Configure { account, instrument, isolated, initial } => {
                let (account, id) = (account_of(account), instrument_of(instrument));
                let mode = if isolated { MarginMode::Isolated } else { MarginMode::Cross };
                let initial = initial.map(|rate| Ppm(rate.into()));
                self.engine.configure(account, id, mode, initial).ok()?;
                self.naive.configure(account, id, mode, initial);
            }
            Step::MoveMargin { account, instrument, part } => {
                let (account, id) = (account_of(account), instrument_of(instrument));
                let pool = self.naive.pool_of(account, id);
                let currency = self.engine.instrument(id).spec().settlement;
                let of = match pool {
                    _ if part > 0 => self.engine.free(account, currency).0,
                    Pool::Isolated { .. } => self.naive.balance(pool),
                    _ => 0,
                };
                let amount = Money(of.max(0) / 256 * i128::from(part));
                self.engine.move_margin(account, id, amount).ok()?;
                self.naive.move_margin(account, id, amount);
                return Some(if amount.is_positive() { self.engine.cash_pool(account, currency) } else { pool });
            }
            Step::Expire { instrument } => {
                let id = instrument_of(instrument);
                let fee = DeliveryFee { rate: Ppm(250), cap: id.0.is_multiple_of(2).then_some(Ppm(200)) };
                self.engine.settle_all(id, fee, |_| {});
                self.naive.settle_all(id, fee);
            }
            Step::Resolve { which, how } => self.resolve(which, how),
            Step::Unify { account, unified } => {
                let account = account_of(account);
                if account != HOUSE && self.engine.set_unified(account, unified).is_ok() {
                    self.naive.set_unified(account, unified);
                }
            }
            Step::Interest => {
                self.engine.charge_interest(|_, _, _| {});
                self.naive.charge_interest();
            }
            Step::Haircut { cut } if self.engine.collateral().is_some() => {
                let mut policy = collateral();
                let tiers = policy.assets.iter_mut().skip(1).flat_map(|asset| &mut asset.tiers);
                tiers.for_each(|tier| tier.weight.0 -= tier.weight.0 * i64::from(cut) / 100);
                self.engine.set_collateral(&policy).unwrap();
                self.naive.set_collateral(&policy);
            }
            Step::Haircut { .. } => {}
            Step::Convert { account, all } => self.convert(account_of(account), all),
        }
        None
    }

    /// Lots in the instrument's grain, and their value at mark.
    fn grains(&self, id: InstrumentId, lots: u16) -> (Qty, Money) {
        let terms = self.engine.instrument(id);
        let qty = Qty((terms.spec().max_position.0 / 2_000).max(1) * u64::from(lots.max(1)));
        (qty, terms.value_at(Side::Buy.signed(qty), terms.mark()))
    }

    fn price_near(&self, id: InstrumentId, offset: i8) -> Price {
        let terms = self.engine.instrument(id);
        let tick = terms.mark().0 / i64::from(terms.spec().mark_scale);
        let price = tick + (tick.abs() / 4_096 + 1) * i64::from(offset) / 8;
        let (lowest, highest) = terms.legal_prices();
        Price(price).clamp(lowest, highest)
    }

    /// Whoever is being liquidated only reduces, and nobody passes the largest position.
    fn may_trade(&self, (account, side): (AccountId, Side), id: InstrumentId, qty: Qty, value: Money) -> bool {
        if self.engine.check_block(account, id, side, qty, value).is_ok() {
            return true;
        }
        let held = self.naive.size(account, id);
        let reduces = (held > 0) == (side == Side::Sell) && held.unsigned_abs() >= u128::from(qty.0);
        !self.naive.is_sound(self.naive.pool_of(account, id)) && reduces
    }

    /// The first of `sides` buys.
    fn trade(&mut self, sides: [(AccountId, i128); 2], id: InstrumentId, qty: Qty, value: Money) {
        let legs = [Side::Buy, Side::Sell].map(|side| {
            let (account, fee) = sides[side as usize];
            Leg { account, instrument: id, side, qty, value, fee: Money(fee) }
        });
        for leg in legs {
            let leg = Leg { fee: self.engine.affordable_fee(&leg), ..leg };
            self.engine.settle(&leg);
            self.naive.trade(leg.account, id, leg.side, qty.0.into(), value, leg.fee);
        }
        for leg in legs {
            self.engine.reindex_party(leg.account, id);
        }
    }

    /// What is owed becomes less by a sale at the mark, and none of it is sold that is not there.
    fn convert(&mut self, account: AccountId, all: bool) {
        let Some(conversion) = self.engine.conversion(account, all) else { return };
        let (id, side, qty) = (conversion.instrument, conversion.side, conversion.qty);
        let value = self.engine.instrument(id).closing_value(Side::Buy, qty);
        let owed = -self.engine.cash(account, conversion.currency);
        assert!(owed.is_positive(), "{account} owes nothing: {conversion:?}");
        if account == HOUSE || !self.may_trade((HOUSE, side.opposite()), id, qty, value) {
            return;
        }
        let (sold, _) = self.engine.instrument(id).exchanged(qty).unwrap();
        self.trade(
            if side == Side::Buy { [(account, 0), (HOUSE, 0)] } else { [(HOUSE, 0), (account, 0)] },
            id,
            qty,
            value,
        );
        if side == Side::Sell {
            assert!(!self.engine.cash(account, sold).is_negative(), "{account} sold what it had not: {conversion:?}");
        } else {
            assert!(-self.engine.cash(account, sold) < owed, "{account} owes no less: {conversion:?}");
        }
        self.engine.end_conversion(account);
    }

    /// An accepted order that enlarges its position can be filled at its limit at once: what it opens, and the
    /// fee, does not put the cross pool below maintenance. (An isolated margin that opens beyond the mark may.)
    fn order(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        side: Side,
        lots: u16,
        offset: i8,
        rests: bool,
    ) -> Option<Pool> {
        let (qty, _) = self.grains(id, lots);
        let price = self.price_near(id, offset);
        self.engine.check_order(account, id, side, qty, price).ok()?;
        if rests {
            self.engine.order_rested(account, id, side, qty, price);
            self.resting.push(Resting { account, instrument: id, side, qty, price });
            return None;
        }
        let terms = self.engine.instrument(id);
        let value = terms.trade_value(qty, price);
        let fee = fee(value, terms.spec().taker_fee).0;
        let before = self.naive.size(account, id);
        let house = (HOUSE, 0);
        if !self.may_trade((HOUSE, side.opposite()), id, qty, value) || account == HOUSE {
            return None;
        }
        let sides = if side == Side::Buy { [(account, fee), house] } else { [house, (account, fee)] };
        self.trade(sides, id, qty, value);
        let enlarges = self.naive.size(account, id).abs() > before.abs();
        let currency = self.engine.instrument(id).spec().settlement;
        enlarges.then_some(self.engine.cash_pool(account, currency))
    }

    fn resolve(&mut self, which: u8, how: Resolution) {
        let down: Vec<Pool> = self.naive.pools().into_iter().filter(|pool| !self.naive.is_sound(*pool)).collect();
        if down.is_empty() {
            return;
        }
        let pool = down[usize::from(which) % down.len()];
        match how {
            Resolution::End => {}
            Resolution::Rescue => self.rescue(pool),
            Resolution::Close => self.close(pool),
        }
        let flat = self.naive.positions_of(pool).is_empty();
        if flat && self.naive.lacks(pool) && self.naive.slack_e6(pool, None) < 0 {
            self.engine.leave_insolvent(pool);
            self.naive.leave_insolvent(pool);
            return;
        }
        if let Pool::Isolated { account, instrument } = pool {
            let released = self.engine.release_isolated(pool);
            self.naive.move_margin(account, instrument, -released);
            self.engine.reindex_party(account, instrument);
        }
        self.naive.end_liquidation(pool);
        self.engine.end_liquidation(pool);
    }

    fn rescue(&mut self, pool: Pool) {
        let short = Money(-self.naive.slack_e6(pool, None).min(0) / 1_000_000 + 1);
        let currency = self.engine.currency_of(pool);
        let house = Pool::Cross { account: HOUSE, currency };
        self.engine.pay_between(house, pool, currency, short);
        let purse = match pool {
            Pool::Unified { account } => Pool::Cross { account, currency },
            _ => pool,
        };
        self.naive.pay_between(house, purse, short);
        self.engine.reindex(house);
    }

    fn close(&mut self, pool: Pool) {
        for id in self.naive.positions_of(pool) {
            let account = pool.account();
            let size = Lots(i64::try_from(self.naive.size(account, id)).unwrap());
            let side = size.side().unwrap().opposite();
            let terms = self.engine.instrument(id);
            let value = terms.closing_value(side.opposite(), size.quantity());
            if account == HOUSE || !self.may_trade((HOUSE, side.opposite()), id, size.quantity(), value) {
                return;
            }
            let (closing, house) = ((account, 0), (HOUSE, 0));
            let sides = if side == Side::Buy { [closing, house] } else { [house, closing] };
            self.trade(sides, id, size.quantity(), value);
        }
    }

    fn deposit(&mut self, account: AccountId, currency: CurrencyId, amount: Money) {
        if self.engine.deposit(account, currency, amount).is_ok() {
            self.naive.deposit(account, currency, amount);
        }
    }

    fn set_mark(&mut self, id: InstrumentId, mark: i64) {
        let (lowest, highest) = self.engine.instrument(id).legal_marks();
        let mark = MarkPrice(mark).clamp(lowest, highest);
        self.engine.set_mark(id, mark);
        self.naive.set_mark(id, mark);
    }
}

fn account_of(number: u8) -> AccountId {
    AccountId(1 + u32::from(number) % ACCOUNTS)
}

fn instrument_of(number: u8) -> InstrumentId {
    InstrumentId(u16::from(number) % CAPACITY.instruments)
}
