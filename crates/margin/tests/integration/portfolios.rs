//! Portfolio margin: what a grid asks of hedged books, worked by hand and against the model in floats, and what makes them
//! fall.

use crate::world::{A, CAPACITY, CASH, FIRST, SECOND, cross, deposit, engine_of, perpetual, trade};
use downdraft_margin::model::book::{Expiry, OptionLeg};
use downdraft_margin::model::deribit_pm::{Future, Grid};
use downdraft_margin::model::surface::TermShock;
use downdraft_margin::{
    Contingencies, GridPoint, InstrumentKind, InstrumentSpec, Margin, MarginCapacity, MarginError, Netted, OptionTerms,
    Outlook, PortfolioPolicy, Right, VolatilityMove, VolatilityShock,
};
use downdraft_types::{InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time};
use proptest::prelude::*;

const CALL: InstrumentId = InstrumentId(2);
const PUT: InstrumentId = InstrumentId(3);
const FAR: InstrumentId = InstrumentId(4);
const DAY: u64 = 86_400_000_000_000;

fn capacity() -> MarginCapacity {
    MarginCapacity { positions: 40, positions_per_account: 5, instruments: 5, ..CAPACITY }
}

fn option(right: Right, strike: i64, days: u64) -> InstrumentSpec {
    let terms = OptionTerms { expiry: Time(days * DAY), right, strike: MarkPrice(strike), underlying: FIRST };
    InstrumentSpec { kind: InstrumentKind::Option(terms), tiers: vec![], ..perpetual(0, 0) }
}

/// Two perpetuals at 10,000, of which the second moves by `beta` in the grid, and three options on the first.
fn market(policy: &PortfolioPolicy) -> Margin {
    let options = [option(Right::Call, 10_000, 30), option(Right::Put, 10_000, 30), option(Right::Call, 12_000, 90)];
    let perpetuals = [perpetual(100_000, 200_000), perpetual(100_000, 200_000)];
    let mut margin = engine_of(capacity(), &[&perpetuals[..], &options].concat());
    for id in [FIRST, SECOND] {
        margin.set_mark(id, MarkPrice(10_000));
    }
    margin.set_portfolio_policy(FIRST, Some(policy)).unwrap();
    outlook(&mut margin, 10_000, 600_000);
    margin.set_portfolio(A, true).unwrap();
    margin
}

/// Index and volatility at time zero, with the options' marks by the model.
fn outlook(margin: &mut Margin, index: i64, volatility: i64) {
    let (index, volatility) = (MarkPrice(index), Ppm(volatility));
    margin.set_outlook(FIRST, Outlook { index: Some(index), volatility: Some(volatility), at: Time::ZERO });
    for id in [CALL, PUT, FAR] {
        let terms = *margin.instrument(id).option().unwrap();
        let mark = terms.model_mark(index, volatility, Ppm::ONE, Time::ZERO);
        margin.place_option(id, mark, Ppm::ONE);
    }
    margin.look_at_options(FIRST);
}

fn policy(moves: &[i64], beta: i64) -> PortfolioPolicy {
    let ways = [VolatilityMove::Up, VolatilityMove::None, VolatilityMove::Down];
    let each = |price: &i64| ways.map(|volatility| GridPoint { price: Ppm(*price), volatility, part: Ppm::ONE });
    PortfolioPolicy {
        settlement: CASH,
        contracts: [(FIRST, Ppm::ONE.0), (SECOND, beta)]
            .map(|(instrument, beta)| Netted { instrument, beta: Ppm(beta) })
            .to_vec(),
        grid: moves.iter().flat_map(each).collect(),
        volatility: VolatilityShock {
            up: Ppm(380_000),
            down: Ppm(380_000),
            short_power: Ppm(300_000),
            long_power: Ppm(300_000),
            floor: Span(DAY),
        },
        contingencies: Contingencies::default(),
        initial_over: Ppm::ONE,
    }
}

const WIDE: [i64; 3] = [-150_000, 0, 150_000];

fn maintenance(margin: &Margin) -> i128 {
    margin.health(cross(A)).maintenance().0
}

#[test]
fn a_contract_asks_for_its_largest_loss_and_a_hedge_for_what_is_left() {
    let mut margin = market(&policy(&WIDE, 1_000_000));
    deposit(&mut margin, A, 30_000);
    trade(&mut margin, A, FIRST, 10, 100_000);
    assert_eq!(maintenance(&margin), 15_000, "15% of 100,000");
    trade(&mut margin, A, SECOND, -10, 100_000);
    assert_eq!(maintenance(&margin), 0);
    trade(&mut margin, A, FIRST, -20, 200_000);
    assert_eq!(maintenance(&margin), 30_000, "both short");

    // A hedge that moves half as far: at −15% it gains 750 a lot.
    let mut margin = market(&policy(&WIDE, 500_000));
    deposit(&mut margin, A, 30_000);
    trade(&mut margin, A, FIRST, 10, 100_000);
    trade(&mut margin, A, SECOND, -10, 100_000);
    assert_eq!(maintenance(&margin), 7_500);
}

#[test]
fn contingencies_are_parts_of_notional() {
    let contingencies = Contingencies {
        short_option: Ppm(10_000),
        offsetting: Ppm(20_000),
        contracts: Ppm(5_000),
        options: Ppm(6_000),
    };
    let mut margin = market(&PortfolioPolicy { contingencies, ..policy(&[0], 1_000_000) });
    deposit(&mut margin, A, 1_000_000);
    trade(&mut margin, A, FIRST, 10, 100_000);
    trade(&mut margin, A, SECOND, -4, 40_000);
    assert_eq!(maintenance(&margin), 800 + 700, "2% of the smaller side, 0.5% of both");
    // Calls and puts of one strike and expiry count together: two short of 10,000; of all five, 0.6%.
    let before = maintenance(&margin);
    trade(&mut margin, A, CALL, -3, 3_000);
    trade(&mut margin, A, PUT, 1, 1_000);
    trade(&mut margin, A, FAR, 1, 1_000);
    let grid: i128 = {
        let plain = market_like(&margin, Contingencies::default());
        maintenance(&plain)
    };
    assert_eq!(maintenance(&margin) - grid, before + 200 + 300);
}

/// The same positions under other contingencies.
fn market_like(margin: &Margin, contingencies: Contingencies) -> Margin {
    let mut other = margin.clone();
    let policy = PortfolioPolicy { contingencies, ..margin.portfolio_policy(FIRST).unwrap().clone() };
    other.set_portfolio_policy(FIRST, Some(&policy)).unwrap();
    other
}

/// Ten long of the first contract, `size` of the second, and so much money once both stand.
fn hedged(margin: &mut Margin, size: i64, money: i128) {
    const MEANWHILE: i128 = 100_000;
    deposit(margin, A, money + MEANWHILE);
    for (id, size) in [(FIRST, 10), (SECOND, size)] {
        trade(margin, A, id, size, 100_000);
    }
    margin.withdraw(A, CASH, Money(MEANWHILE)).unwrap();
}

/// In the grid the second contract moves against the first, so that long both is a hedge. Then both fall.
#[test]
fn a_hedged_book_falls_when_its_legs_fall_together() {
    let mut margin = market(&policy(&WIDE, -1_000_000));
    hedged(&mut margin, 10, 1_000);
    assert_eq!((maintenance(&margin), margin.free(A, CASH)), (0, Money(1_000)));
    margin.set_mark(FIRST, MarkPrice(9_950));
    margin.set_mark(SECOND, MarkPrice(9_960));
    margin.check_risk_index();
    assert!(margin.fallen().is_empty(), "100 left, and at most 30 asked for");
    margin.set_mark(SECOND, MarkPrice(9_950));
    assert_eq!(margin.fallen(), [cross(A)], "nothing left, and 10 lost to rounding at +15%");
}

/// Index and price stay; implied volatility goes from 60% to 110%.
#[test]
fn volatility_alone_makes_a_margin_call() {
    let fallen = |money, to| {
        let mut margin = market(&policy(&WIDE, 1_000_000));
        deposit(&mut margin, A, money);
        for id in [CALL, PUT] {
            let mark = margin.instrument(id).mark();
            trade(&mut margin, A, id, -10, 10 * i128::from(mark.0));
        }
        outlook(&mut margin, 10_000, to);
        margin.check_risk_index();
        let health = margin.health(cross(A));
        assert_eq!(!margin.fallen().is_empty(), !health.is_healthy(), "{health:?}");
        !margin.fallen().is_empty()
    };
    // A straddle at 60% asks for 10,020, at 110% for 13,840; between the two it loses 11,360.
    assert!(!fallen(26_000, 600_000));
    assert!(!fallen(26_000, 1_100_000));
    assert!(fallen(25_000, 1_100_000));
    assert!(!fallen(25_000, 1_050_000));
    // Fallen volatility is a gain.
    assert!(!fallen(15_000, 300_000));
}

/// A long straddle gains at both ends of the grid, and loses in the middle.
#[test]
fn what_is_healthy_at_the_corners_may_fall_between_them() {
    let ends = [WIDE[0], WIDE[2]];
    let asked = |moves: &[i64]| {
        let mut grid = policy(moves, 1_000_000);
        grid.volatility.down = Ppm(100_000);
        let mut margin = market(&grid);
        deposit(&mut margin, A, 100_000);
        trade(&mut margin, A, CALL, 10, 6_850);
        trade(&mut margin, A, PUT, 10, 6_850);
        maintenance(&margin)
    };
    assert_eq!(asked(&ends), 0);
    // A tenth of volatility is about a tenth of an at-the-money straddle, 1,370 each.
    assert!((1_300..1_450).contains(&asked(&WIDE)), "{}", asked(&WIDE));
}

#[test]
fn a_leg_of_a_hedge_may_be_closed_only_where_the_rest_stands() {
    let mut margin = market(&policy(&WIDE, 1_000_000));
    hedged(&mut margin, -10, 2_000);
    let buys = |margin: &Margin, lots| margin.check_order(A, SECOND, Side::Buy, Qty(lots), Price(10_000));
    assert_eq!(buys(&margin, 2), Err(MarginError::InsufficientMargin), "two lots unhedged ask for 3,000");
    assert_eq!(buys(&margin, 1), Ok(()));
    margin.order_rested(A, SECOND, Side::Buy, Qty(1), Price(10_000));
    assert_eq!(margin.free(A, CASH), Money(500), "filled, it asks for 1,500");
    let sells = |margin: &Margin, lots| margin.check_order(A, FIRST, Side::Sell, Qty(lots), Price(10_000));
    assert_eq!(sells(&margin, 1), Ok(()));
}

#[test]
fn an_account_changes_its_margin_only_where_the_other_suffices() {
    let mut margin = market(&policy(&WIDE, 1_000_000));
    hedged(&mut margin, -10, 19_999);
    assert_eq!(margin.set_portfolio(A, false), Err(MarginError::InsufficientMargin), "10% of each is 20,000");
    assert!(margin.is_portfolio(A));
    deposit(&mut margin, A, 1);
    assert_eq!(margin.set_portfolio(A, false), Ok(()));
    assert_eq!(maintenance(&margin), 20_000);
    margin.check_risk_index();
}

/// Where a policy is taken away, positions are margined one by one, and the account falls.
#[test]
fn without_a_policy_positions_stand_alone() {
    let mut margin = market(&policy(&WIDE, 1_000_000));
    hedged(&mut margin, -10, 2_000);
    assert!(margin.fallen().is_empty());
    margin.set_portfolio_policy(FIRST, None).unwrap();
    assert_eq!(margin.fallen(), [cross(A)]);
}

#[test]
fn a_policy_out_of_range_is_refused() {
    let mut margin = market(&policy(&WIDE, 1_000_000));
    let good = policy(&WIDE, 1_000_000);
    let point = |price| GridPoint { price: Ppm(price), volatility: VolatilityMove::None, part: Ppm::ONE };
    let broken = [
        PortfolioPolicy { grid: vec![], ..good.clone() },
        PortfolioPolicy { grid: vec![point(0); 65], ..good.clone() },
        PortfolioPolicy { grid: vec![point(-1_000_000)], ..good.clone() },
        PortfolioPolicy { grid: vec![point(9_000_001)], ..good.clone() },
        PortfolioPolicy { grid: vec![point(i64::MIN)], ..good.clone() },
        PortfolioPolicy { initial_over: Ppm(999_999), ..good.clone() },
        PortfolioPolicy { volatility: VolatilityShock { up: Ppm(-1), ..good.volatility }, ..good.clone() },
        PortfolioPolicy { volatility: VolatilityShock { floor: Span(0), ..good.volatility }, ..good.clone() },
        PortfolioPolicy {
            contingencies: Contingencies { options: Ppm(1_000_001), ..good.contingencies },
            ..good.clone()
        },
        // At +15% a contract of beta −10 would be worth less than nothing.
        policy(&WIDE, -10_000_000),
        PortfolioPolicy { contracts: vec![good.contracts[0]; 2], ..good.clone() },
        PortfolioPolicy { contracts: vec![Netted { instrument: CALL, beta: Ppm::ONE }], ..good.clone() },
        PortfolioPolicy { contracts: vec![Netted { instrument: InstrumentId(99), beta: Ppm::ONE }], ..good.clone() },
    ];
    for policy in broken {
        assert_eq!(margin.set_portfolio_policy(FIRST, Some(&policy)), Err(MarginError::BadPortfolio), "{policy:?}");
    }
    // A contract is netted in one portfolio alone.
    assert_eq!(margin.set_portfolio_policy(SECOND, Some(&good)), Err(MarginError::BadPortfolio));
    assert_eq!(margin.set_portfolio_policy(InstrumentId(99), None), Err(MarginError::BadPortfolio));
    assert_eq!(margin.portfolio_policy(FIRST), Some(&good), "and nothing has changed");
}

proptest! {
    /// The engine's margin is the model's, but for what is rounded: half an increment for each of two values of an option's
    /// lot, one for a contract's.
    #[test]
    fn it_is_deribits_model_but_for_rounding(
        sizes in prop::array::uniform5(-40_i64..40), index in 2_000_i64..40_000, volatility in 50_000_i64..2_000_000,
    ) {
        let moves = [-160_000, -120_000, -80_000, -40_000, 0, 40_000, 80_000, 120_000, 160_000];
        let mut margin = market(&policy(&moves, 1_000_000));
        deposit(&mut margin, A, 1 << 40);
        let ids = [FIRST, SECOND, CALL, PUT, FAR];
        for (id, size) in ids.into_iter().zip(sizes).filter(|(_, size)| *size != 0) {
            trade(&mut margin, A, id, size, 1_000);
        }
        outlook(&mut margin, index, volatility);
        let leg = |place: usize, strike, right| OptionLeg {
            strike, right, amount: sizes[place] as f64, vol: volatility as f64 / 1e6,
        };
        let near = [leg(2, 10_000.0, Right::Call), leg(3, 10_000.0, Right::Put)];
        let far = [leg(4, 12_000.0, Right::Call)];
        let expiry = |days: f64, legs| Expiry {
            seconds: days * 86_400.0, forward: index as f64, fixed: 0.0, rate: 0.0, confidence: 1.0, legs,
        };
        let futures = [0, 1].map(|place: usize| Future { price: 10_000.0, amount: sizes[place] as f64 });
        let vol = TermShock { up: 0.38, down: 0.38, short_power: 0.3, long_power: 0.3, floor_seconds: 86_400.0 };
        let grid = Grid { moves: &moves.map(|price| price as f64 / 1e6), vol };
        let expected = grid.largest_loss(&futures, &[expiry(30.0, &near), expiry(90.0, &far)]);
        let slack = sizes.iter().map(|size| size.abs()).sum::<i64>() as f64 + 1.0;
        let found = maintenance(&margin) as f64;
        prop_assert!((found - expected).abs() <= slack, "{found} against {expected}");
    }
}
