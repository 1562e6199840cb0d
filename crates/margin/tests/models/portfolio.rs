//! Standard margin, SPAN, Deribit's grid, and netting across underlyings: by hand, by brute force, and properties.

use downdraft_margin::model::black76::{Right, Terms};
use downdraft_margin::model::book::{Collateral, Depeg, Expiry, OptionLeg, Portfolio, VolMove};
use downdraft_margin::model::deribit_pm::{Contingencies, DeribitPm, Future, Grid, VOL_2019, VOL_BEFORE_2019};
use downdraft_margin::model::netting::{Correlations, by_underlying};
use downdraft_margin::model::span::{Charges, Scan, add, scanning_risk, spread_credit};
use downdraft_margin::model::standard::{ShortOptions, Standard, largest_loss};
use proptest::prelude::*;

const EMPTY: Portfolio<'static> = Portfolio {
    spot: 100.0,
    spot_confidence: 1.0,
    stable: 1.0,
    perps: 0.0,
    perp_price: 100.0,
    perp_confidence: 1.0,
    perp_value: 0.0,
    cash: 0.0,
    expiries: &[],
    collaterals: &[],
};

const fn leg(strike: f64, right: Right, amount: f64) -> OptionLeg {
    OptionLeg { strike, right, amount, vol: 0.6 }
}

const fn month(legs: &[OptionLeg]) -> Expiry<'_> {
    Expiry { seconds: 2_592_000.0, forward: 100.0, fixed: 0.0, rate: 0.0, confidence: 1.0, legs }
}

fn margin(legs: &[OptionLeg]) -> (f64, f64) {
    let net = Standard::DERIVE.margin(&Portfolio { expiries: &[month(legs)], ..EMPTY }).unwrap();
    (net.initial, net.maintenance)
}

/// By hand: the index at 200, a call struck at 210 marked at 12, one short: 15% − 5% is 10% of 200; 7.5% of it.
#[test]
fn short_options_by_hand() {
    let rule = ShortOptions::DERIVE;
    let call = rule.isolated(Right::Call, 210.0, -1.0, 12.0, 200.0);
    assert!((call.initial - -32.0).abs() < 1e-9 && (call.maintenance - -27.0).abs() < 1e-9);
    // Deribit's own rule for puts: initial at least maintenance, not 5% more.
    let deribit = ShortOptions { initial_over_maintenance: 1.0, ..rule };
    // Struck at 900, marked at 700: 7.5% of the mark is 52.5, more than 15 or 30.
    let put = deribit.isolated(Right::Put, 900.0, -2.0, 700.0, 200.0);
    assert!((put.maintenance - -1_505.0).abs() < 1e-9 && (put.initial - -1_505.0).abs() < 1e-9);
    let long = rule.isolated(Right::Put, 900.0, 2.0, 700.0, 200.0);
    assert_eq!((long.initial, long.maintenance), (0.0, 0.0));
}

/// A call spread can lose its width and no more; the other way round it loses nothing.
#[test]
fn spreads_need_their_largest_loss() {
    let spread = [leg(100.0, Right::Call, -1.0), leg(105.0, Right::Call, 1.0)];
    assert_eq!(largest_loss(&spread), -5.0);
    assert_eq!(margin(&spread), (-5.0, -5.0));
    assert_eq!(margin(&[leg(100.0, Right::Call, 1.0), leg(105.0, Right::Call, -1.0)]), (0.0, 0.0));
    // One call too many sold: 20% (10%) over the forward each, where that is less than the legs' own margin.
    let naked = [leg(100.0, Right::Call, -1.0)];
    let (initial, maintenance) = margin(&naked);
    let mark = Terms { forward: 100.0, strike: 100.0, years: 30.0 / 365.0, vol: 0.6, discount: 1.0 }.price(Right::Call);
    assert!((initial - (-15.0 - mark)).abs() < 1e-9 && (maintenance - (-7.5 - mark)).abs() < 1e-9);
}

/// Cases that Derive publishes (`StandardManager/test-cases-portfolio.json`, index at 2000), of those that the most an
/// expiry can lose decides: whole numbers.
#[test]
fn published_largest_losses() {
    use Right::{Call, Put};
    let of = |legs: &[OptionLeg]| {
        let expiry = Expiry { forward: 2_000.0, ..month(legs) };
        let portfolio = Portfolio { spot: 2_000.0, expiries: &[expiry], ..EMPTY };
        let net = Standard::DERIVE.margin(&portfolio).unwrap();
        (net.initial, net.maintenance)
    };
    assert_eq!(of(&[leg(1_800.0, Call, -1.0), leg(2_000.0, Call, 1.0)]), (-200.0, -200.0));
    assert_eq!(of(&[leg(2_500.0, Put, 1.0), leg(3_000.0, Put, -1.0)]), (-500.0, -500.0));
    assert_eq!(of(&[leg(2_900.0, Call, 1.0), leg(3_500.0, Call, -1.0)]), (0.0, 0.0));
    assert_eq!(of(&[leg(2_900.0, Put, -1.0), leg(3_500.0, Put, 1.0)]), (0.0, 0.0));
    let short_box =
        [leg(1_000.0, Call, -1.0), leg(1_000.0, Put, 1.0), leg(2_000.0, Call, 1.0), leg(2_000.0, Put, -1.0)];
    assert_eq!(of(&short_box), (-1_000.0, -1_000.0));
    assert_eq!(of(&short_box.map(|leg| OptionLeg { amount: -leg.amount, ..leg })), (0.0, 0.0));
    assert_eq!(of(&[leg(100.0, Put, -1.0)]), (-100.0, -100.0));
    let (initial, maintenance) = of(&[leg(1_100.0, Call, -1.01), leg(1_200.0, Call, 1.0)]);
    assert!((initial - -125.0).abs() < 1e-9 && (maintenance - -123.0).abs() < 1e-9);
}

#[test]
fn standard_margin_of_the_rest() {
    let held = Collateral {
        amount: 2.0,
        price: 100.0,
        risk_cancelling: true,
        maintenance_haircut: 0.0,
        initial_haircut: 0.0,
        confidence: 1.0,
    };
    let portfolio = Portfolio { perps: -3.0, cash: 10.0, perp_value: 5.0, collaterals: &[held], ..EMPTY };
    let net = Standard::DERIVE.margin(&portfolio).unwrap();
    assert!((net.maintenance - (15.0 - 19.5 + 160.0)).abs() < 1e-9);
    assert!((net.initial - (15.0 - 30.0 + 128.0)).abs() < 1e-9);
    let unsure = Standard::DERIVE.margin(&Portfolio { perp_confidence: 0.2, ..portfolio }).unwrap();
    assert!((net.initial - unsure.initial - 0.8 * 0.4 * 300.0).abs() < 1e-9);
    let rule = Standard { depeg: Depeg { threshold: 0.98, factor: 2.0 }, ..Standard::DERIVE };
    let depegged = rule.margin(&Portfolio { stable: 0.9, ..portfolio }).unwrap();
    assert!((net.initial - depegged.initial - 0.16 * 300.0).abs() < 1e-9);
    assert_eq!(net.maintenance, depegged.maintenance);
    let none = Standard::DERIVE.margin(&EMPTY).unwrap();
    assert_eq!((none.initial, none.maintenance), (0.0, 0.0));
    assert_eq!(Standard { base: 1.1, ..Standard::DERIVE }.margin(&EMPTY).unwrap_err().field, "base");
}

const SCAN: Scan = Scan { price_range: 12.0, vol_range: 0.06, extreme: 3.0, cover: 0.33 };

#[test]
fn span_by_hand() {
    assert_eq!(SCAN.check(), Ok(()));
    // A future: a third of the range is 4, the extreme 36 × 33%.
    let array = SCAN.future(-2.0, 10.0);
    let thirds = [0.0, 0.0, -80.0, -80.0, 80.0, 80.0, -160.0, -160.0, 160.0, 160.0, -240.0, -240.0, 240.0, 240.0];
    for (found, expected) in array.iter().zip(thirds) {
        assert!((found - expected).abs() < 1e-9);
    }
    assert!((array[14] - -237.6).abs() < 1e-9 && (array[15] - 237.6).abs() < 1e-9);
    assert!((scanning_risk(&array) - 240.0).abs() < 1e-9);
    let charges = Charges { intramonth_spread: 7.0, short_option_minimum: 100.0 };
    // 240 + a spread of one at 7 − 20; four short options need 400.
    assert!((charges.requirement(&array, &[-3.0, 1.0], 0.0, 20.0) - 227.0).abs() < 1e-9);
    assert!((charges.requirement(&array, &[-3.0, 1.0], 4.0, 20.0) - 400.0).abs() < 1e-9);
    assert_eq!(charges.requirement(&[0.0; 16], &[], 0.0, 0.0), 0.0);
    // Two of the second for one of the first: 3 spreads use 3 of 5 and all 6 of −6.
    let credit = spread_credit([500.0, 600.0], [5.0, -6.0], 2.0, 0.8).unwrap();
    assert!((credit[0] - 0.8 * 300.0).abs() < 1e-9 && (credit[1] - 0.8 * 600.0).abs() < 1e-9);
    assert_eq!(spread_credit([500.0, 600.0], [5.0, 6.0], 2.0, 0.8).unwrap(), [0.0, 0.0]);
    assert_eq!(spread_credit([1.0; 2], [1.0; 2], 0.0, 0.8).unwrap_err().field, "ratio");
}

const MOVES: [f64; 7] = [-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15];

/// A hedged book is safe in the grid, as its legs move together; when one of them falls alone it is not.
#[test]
fn hedges_are_free_until_they_part() {
    let rule = DeribitPm {
        grid: Grid { moves: &MOVES, vol: VOL_2019 },
        contingencies: Contingencies { offsetting_futures: 0.01, ..Contingencies::NONE },
        initial_factor: 1.3,
    };
    let pair = [Future { price: 100.0, amount: 10.0 }, Future { price: 102.0, amount: -10.0 }];
    let (initial, maintenance) = rule.margin(100.0, &pair, &[]).unwrap();
    // The grid sees the difference of prices: 10 × 2 × 15%; 1% of ten at 100 on top.
    assert!((maintenance - 13.0).abs() < 1e-9 && (initial - 16.9).abs() < 1e-9);
    // The basis moves by two: more than all of it is lost.
    let loss = 10.0 * (100.0 - 98.0);
    assert!(loss > maintenance);
    // Alone either leg needs fifteen times as much.
    assert!(rule.margin(100.0, &pair[..1], &[]).unwrap().1 > 10.0 * maintenance);
    assert_eq!(rule.margin(100.0, &[], &[]).unwrap(), (0.0, 0.0));
    let wrong = DeribitPm { grid: Grid { moves: &[-1.0], vol: VOL_2019 }, ..rule };
    assert_eq!(wrong.margin(100.0, &[], &[]).unwrap_err().field, "moves");
}

#[test]
fn the_older_shock_by_hand() {
    // √(30 ÷ 15) × 40% = 56.6%.
    assert!((VOL_BEFORE_2019.up * VOL_BEFORE_2019.scale(15.0 * 86_400.0) - 0.565_685).abs() < 1e-6);
}

/// By hand, two underlyings that lose 3 and 4 (a short: −4) for a rise.
#[test]
fn correlations_by_hand() {
    let at = |rho, losses: [f64; 2]| Correlations::uniform(2, rho).unwrap().requirement(&losses).unwrap();
    assert!((at(0.0, [3.0, 4.0]) - 5.0).abs() < 1e-12);
    assert!((at(1.0, [3.0, 4.0]) - 7.0).abs() < 1e-12);
    assert!((at(1.0, [3.0, -4.0]) - 1.0).abs() < 1e-12);
    assert!((at(-1.0, [3.0, -4.0]) - 7.0).abs() < 1e-12);
    assert_eq!(by_underlying(&[3.0, -4.0]), 7.0);
    assert_eq!(Correlations::new(&[1.0, 0.5, 0.4, 1.0]).unwrap_err().index, Some(1));
    assert_eq!(Correlations::new(&[1.0, 0.5]).unwrap_err().field, "rows");
    // Three that all offset each other cannot be.
    assert!(Correlations::uniform(3, -0.6).is_err());
    assert!(Correlations::uniform(3, -0.5).is_ok());
    assert!(Correlations::uniform(16, 1.0).is_ok());
    assert_eq!(Correlations::uniform(2, 0.0).unwrap().requirement(&[1.0]).unwrap_err().field, "losses");
}

fn legs() -> impl Strategy<Value = Vec<OptionLeg>> {
    let one = (0..9_u8, any::<bool>(), -5.0..5.0_f64).prop_map(|(at, call, amount)| {
        leg(60.0 + 10.0 * f64::from(at), if call { Right::Call } else { Right::Put }, amount)
    });
    prop::collection::vec(one, 0..6)
}

proptest! {
    /// SPAN's scanning risk is the worst of its sixteen scenarios revalued one by one.
    #[test]
    fn scanning_risk_is_the_worst_by_brute_force(legs in legs(), futures in -5.0..5.0_f64) {
        let terms = |leg: &OptionLeg| Terms { forward: 100.0, strike: leg.strike, years: 0.25, vol: leg.vol, discount: 0.98 };
        let mut array = SCAN.future(futures, 50.0);
        for leg in &legs {
            add(&mut array, &SCAN.option(&terms(leg), leg.right, leg.amount, 50.0));
        }
        let mut worst = 0.0_f64;
        for price in -3..=3_i8 {
            for vol in [0.06, -0.06] {
                let forward = 100.0 + 4.0 * f64::from(price);
                let of = |leg: &OptionLeg| {
                    let now = terms(leg);
                    let moved = Terms { forward, vol: now.vol + vol, ..now };
                    leg.amount * (moved.price(leg.right) - now.price(leg.right))
                };
                let options: f64 = legs.iter().map(of).sum();
                worst = worst.min(50.0 * (options + futures * (forward - 100.0)));
            }
        }
        for sign in [1.0, -1.0] {
            let forward = 100.0 + sign * 36.0;
            let of = |leg: &OptionLeg| {
                let now = terms(leg);
                leg.amount * (Terms { forward, ..now }.price(leg.right) - now.price(leg.right))
            };
            let options: f64 = legs.iter().map(of).sum();
            worst = worst.min(0.33 * 50.0 * (options + futures * (forward - 100.0)));
        }
        prop_assert!((scanning_risk(&array) + worst).abs() < 1e-8);
    }

    /// The most an expiry can lose is what dense settlement prices say, but above the highest strike.
    #[test]
    fn largest_losses_against_dense_prices(legs in legs()) {
        let payoff = |price: f64| legs.iter().map(|leg| leg.amount * leg.right.payoff(price, leg.strike)).sum::<f64>();
        let top = legs.iter().fold(0.0_f64, |top, leg| top.max(leg.strike));
        let worst = (0..=1_000).map(|i| payoff(top * f64::from(i) / 1_000.0)).fold(0.0, f64::min);
        let found = largest_loss(&legs);
        prop_assert!(found <= worst + 1e-9);
        prop_assert!((found - worst).abs() < 1e-6 + 5.0 * 6.0 * top / 1_000.0);
    }

    /// Initial margin is at least maintenance, and a long at a strike that is held already never asks for more. (At a
    /// new strike it can: the rule then looks at one price more.)
    #[test]
    fn standard_margins_are_in_order(legs in legs()) {
        let (initial, maintenance) = margin(&legs);
        prop_assert!(initial <= maintenance + 1e-9);
        for held in &legs {
            let mut more = legs.clone();
            more.push(leg(held.strike, Right::Put, 1.0));
            prop_assert!(margin(&more).1 >= maintenance - 1e-9);
        }
    }

    /// The grid's loss is the worst of its points, and a grid of more points asks for no less.
    #[test]
    fn grids_by_brute_force(legs in legs(), amount in -5.0..5.0_f64) {
        let futures = [Future { price: 101.0, amount }];
        let grid = Grid { moves: &MOVES, vol: VOL_2019 };
        let expiries = [month(&legs)];
        let mut worst = 0.0_f64;
        for price_move in MOVES {
            for vol in [VolMove::Up, VolMove::None, VolMove::Down] {
                worst = worst.min(grid.profit(&futures, &expiries, price_move, vol));
            }
        }
        prop_assert_eq!(grid.largest_loss(&futures, &expiries), -worst);
        let fewer = Grid { moves: &MOVES[2..5], ..grid };
        prop_assert!(fewer.largest_loss(&futures, &expiries) <= -worst);
    }

    /// Between the net and the gross, and as a norm it does not grow by adding up.
    #[test]
    fn correlated_requirements(rho in -0.3..1.0_f64, losses in prop::array::uniform4(-9.0..9.0_f64), scale in 0.0..3.0_f64) {
        let matrix = Correlations::uniform(4, rho).unwrap();
        let found = matrix.requirement(&losses).unwrap();
        prop_assert!(found <= by_underlying(&losses) + 1e-9);
        let scaled = matrix.requirement(&losses.map(|loss| loss * scale)).unwrap();
        prop_assert!((scaled - found * scale).abs() < 1e-9);
        prop_assert_eq!(matrix.requirement(&[0.0; 4]).unwrap(), 0.0);
    }
}
