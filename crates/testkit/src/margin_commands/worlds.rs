//! Three worlds: what is listed in each, and its policies of collateral and of portfolio margin.

use downdraft_margin::{
    CollateralAsset, CollateralPolicy, Contingencies, GridPoint, InstrumentKind, InstrumentSpec, LoanTerms,
    MaintenanceBasis, MarginCapacity, Netted, OptionTerms, Payoff, PortfolioPolicy, Right, TierSpec, VolatilityMove,
    VolatilityShock, WeightTier,
};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Span, Time};

/// What accounts may stand for their positions with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    /// Each currency by itself.
    Plain,
    /// Collateral of three currencies, in which half of the accounts are unified.
    Unified,
    /// Portfolio margin, chosen by half of the accounts; of each half a part is unified.
    Portfolio,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Unified, Self::Portfolio];

    /// What is listed, in order, each with its first mark.
    pub(super) fn listings(self) -> [(InstrumentSpec, i64); 8] {
        match self {
            Self::Plain => plain_listings(),
            Self::Unified => unified_listings(),
            Self::Portfolio => portfolio_listings(),
        }
    }
}

pub(super) const ACCOUNTS: u32 = 7;
pub(super) const CURRENCIES: u16 = 3;
/// Trades with whoever nobody else would; it is rich.
pub(super) const HOUSE: AccountId = AccountId(ACCOUNTS);
pub(super) const CAPACITY: MarginCapacity = MarginCapacity {
    accounts: ACCOUNTS + 1,
    positions: 64,
    positions_per_account: 8,
    instruments: 8,
    currencies: CURRENCIES,
};

/// Days of nanoseconds.
pub(super) const DAY: u64 = 86_400_000_000_000;

/// A perpetual in whole ticks, without maker and closing fee.
fn contract(tiers: Vec<TierSpec>) -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CurrencyId(0),
        mark_scale: 1,
        payoff: Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000_000),
        max_order: Qty(1_000_000_000),
        max_position: Qty(2_000),
        tiers,
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(600),
    }
}

fn tier(floor: i128, maintenance: i64, initial: i64) -> TierSpec {
    TierSpec { floor: Money(floor), maintenance: Ppm(maintenance), initial: Ppm(initial) }
}

/// No maintenance at all; three tiers with a closing fee; maintenance at entry in another currency; and sizes near
/// what listing allows; an inverse contract, and one whose values are so small that rounding is all; a call and a put.
/// Each with its first mark.
fn plain_listings() -> [(InstrumentSpec, i64); 8] {
    let tiers = |unit: i128| vec![tier(0, 5_000, 10_000), tier(unit, 20_000, 50_000), tier(8 * unit, 100_000, 250_000)];
    let option = |right, underlying| {
        let (expiry, strike) = (Time(1), MarkPrice(10_000));
        let kind = InstrumentKind::Option(OptionTerms { expiry, right, strike, underlying });
        InstrumentSpec { kind, ..contract(vec![]) }
    };
    [
        (contract(vec![tier(0, 0, 10_000)]), 9_000),
        (InstrumentSpec { mark_scale: 10, close_fee: Ppm(500), ..contract(tiers(300_000)) }, 10_000),
        (
            InstrumentSpec {
                mark_scale: 100,
                settlement: CurrencyId(1),
                maintenance_basis: MaintenanceBasis::Entry,
                ..contract(tiers(20_000_000))
            },
            500_000,
        ),
        (
            InstrumentSpec {
                mark_scale: 16,
                point_value: 1 << 20,
                max_price: Price(1 << 30),
                max_position: Qty(1 << 38),
                ..contract(tiers(1 << 76))
            },
            1 << 32,
        ),
        (
            InstrumentSpec {
                payoff: Payoff::Inverse,
                mark_scale: 5,
                point_value: 200_000_000,
                ..contract(tiers(300_000))
            },
            20_000,
        ),
        (
            InstrumentSpec {
                payoff: Payoff::Inverse,
                point_value: 7_001,
                settlement: CurrencyId(1),
                maintenance_basis: MaintenanceBasis::Entry,
                ..contract(tiers(90))
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
    let [_, tiered, _, _, inverse, _, call, put] = plain_listings();
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
pub(super) fn collateral() -> CollateralPolicy {
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
pub(super) fn portfolio(contingent: bool) -> PortfolioPolicy {
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
