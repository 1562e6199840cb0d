//! Options: what they ask for, by Deribit's published form; triggers in the mark, and moves of the index.

use crate::world::{A, B, CASH, FIRST, SECOND, cross, deposit, engine, perpetual, tier, trade};
use downdraft_margin::{
    DeliveryFee, InstrumentKind, InstrumentSpec, ListingError, Margin, MarginError, MarginForm, MarginMode,
    OptionTerms, Outlook, Right, ShortOptionRates,
};
use downdraft_types::{MarkPrice, Money, Ppm, Price, Qty, Side, Time};

fn option(right: Right, strike: i64) -> InstrumentSpec {
    let terms = OptionTerms { expiry: Time(1), right, strike: MarkPrice(strike), underlying: FIRST };
    InstrumentSpec { kind: InstrumentKind::Option(terms), tiers: vec![], ..perpetual(0, 0) }
}

/// An option at `mark`, its index at `index`.
fn market(right: Right, strike: i64, mark: i64, index: i64) -> Margin {
    let mut margin = engine(&[option(right, strike), perpetual(10_000, 20_000)]);
    move_index(&mut margin, Some(mark), index);
    margin
}

fn move_index(margin: &mut Margin, mark: Option<i64>, index: i64) {
    margin.set_outlook(FIRST, Outlook { index: Some(MarkPrice(index)), ..Outlook::default() });
    margin.place_option(FIRST, mark.map(MarkPrice), Ppm::ONE);
    margin.look_at_options(FIRST);
}

/// Initial and maintenance margin of ten sold at the mark, the mark's part in.
fn asked(right: Right, strike: i64, mark: i64, index: i64) -> (i128, i128) {
    let mut margin = market(right, strike, mark, index);
    deposit(&mut margin, A, 1_000_000);
    trade(&mut margin, A, FIRST, -10, 10 * i128::from(mark));
    let value = 10 * i128::from(mark);
    let initial = 1_000_000 - margin.free(A, CASH).0 + value;
    (initial, margin.health(cross(A)).maintenance().0 + value)
}

/// Deribit, *Standard Margin*: initial `max(15% − out of the money ÷ index, 10%) × index + mark`, maintenance `7.5% × index +
/// mark`; of a put, at least 7.5% of its mark.
#[test]
fn deribits_standard_margin() {
    let (call, put) = (Right::Call, Right::Put);
    assert_eq!(asked(call, 10_000, 600, 10_000), (10 * (1_500 + 600), 10 * (750 + 600)));
    assert_eq!(asked(call, 10_300, 400, 10_000), (10 * (1_200 + 400), 10 * (750 + 400)));
    assert_eq!(asked(call, 14_000, 50, 10_000), (10 * (1_000 + 50), 10 * (750 + 50)));
    assert_eq!(asked(call, 7_000, 3_100, 10_000), (10 * (1_500 + 3_100), 10 * (750 + 3_100)), "in the money");
    assert_eq!(asked(put, 9_800, 500, 10_000), (10 * (1_300 + 500), 10 * (750 + 500)));
    // Far in the money: 7.5% of 22,000 is more than 15% of 10,000.
    assert_eq!(asked(put, 32_000, 22_000, 10_000), (10 * (1_650 + 22_000), 10 * (1_650 + 22_000)));
}

/// Derive's published cases of the same rule, within rounding: derive.srm.test1 and test19, shorts of a call at 1,500.
#[test]
fn derives_published_cases() {
    // In hundredths of a dollar; marks by Black's formula are what the maintenance margins imply.
    let cent = |dollars: f64| (dollars * 100.0).round() as i64;
    for (strike, initial, maintenance) in [(1_500.0, 304.371_585, 191.871_585), (1_800.0, 161.877_712, 124.377_712)] {
        let mark = cent(maintenance - 0.075 * 1_500.0);
        let (found, kept) = asked(Right::Call, cent(strike), mark, cent(1_500.0));
        assert!((found - 10 * i128::from(cent(initial))).abs() <= 10, "{strike}: {found}");
        assert!((kept - 10 * i128::from(cent(maintenance))).abs() <= 10, "{strike}: {kept}");
    }
}

/// A buyer needs the premium and nothing else, and can lose no more: no mark liquidates it.
#[test]
fn a_long_costs_its_premium() {
    let mut margin = market(Right::Call, 10_000, 500, 10_000);
    deposit(&mut margin, A, 5_000);
    let buy = |margin: &Margin, qty, price| margin.check_order(A, FIRST, Side::Buy, Qty(qty), Price(price));
    assert_eq!((buy(&margin, 10, 500), buy(&margin, 10, 501)), (Ok(()), Err(MarginError::InsufficientMargin)));
    trade(&mut margin, A, FIRST, 10, 5_000);
    assert_eq!((margin.balance(cross(A)), margin.free(A, CASH)), (Money(5_000), Money(0)));
    margin.set_mark(FIRST, MarkPrice(0));
    assert!(margin.fallen().is_empty());
    assert_eq!(margin.health(cross(A)).equity, Money(0));
    margin.set_mark(FIRST, MarkPrice(900));
    assert_eq!((margin.health(cross(A)).equity, margin.free(A, CASH)), (Money(9_000), Money(0)), "it offsets nothing");
    margin.check_risk_index();
}

/// Where a long counts, by half here, it keeps a future from falling.
#[test]
fn a_long_may_count() {
    let fallen = |long| {
        let mut margin = market(Right::Put, 10_000, 500, 10_000);
        let option = ShortOptionRates { long: Ppm(long), ..ShortOptionRates::default() };
        margin.set_form(FIRST, &MarginForm { option, ..MarginForm::default() }).unwrap();
        margin.set_mark(SECOND, MarkPrice(10_000));
        deposit(&mut margin, A, 8_000);
        trade(&mut margin, A, FIRST, 10, 5_000);
        trade(&mut margin, A, SECOND, 5, 50_000);
        margin.set_mark(FIRST, MarkPrice(900));
        margin.set_mark(SECOND, MarkPrice(9_300));
        margin.check_risk_index();
        !margin.fallen().is_empty()
    };
    // 3,000 in cash less a loss of 3,500, maintenance 465, and the put worth 9,000.
    assert!(fallen(1_000_000));
    assert!(!fallen(500_000));
}

/// A jump of the mark alone: volatility.
#[test]
fn a_shorts_trigger_in_its_mark_is_exact() {
    for right in [Right::Call, Right::Put] {
        let mut margin = market(right, 10_000, 600, 10_000);
        deposit(&mut margin, A, 30_000);
        trade(&mut margin, A, FIRST, -10, 6_000);
        let slack = |mark: i64| {
            let of_mark = if right == Right::Put { 75_000 * 10 * mark } else { 0 };
            1_000_000 * (30_000 - 10 * (mark - 600)) - of_mark.max(75_000 * 10 * 10_000)
        };
        let trigger = margin.liquidation_price(A, FIRST).unwrap().0;
        assert!(slack(trigger) < 0 && slack(trigger - 1) >= 0, "{right:?}: {trigger}");
        margin.set_mark(FIRST, MarkPrice(trigger - 1));
        assert!(margin.fallen().is_empty());
        margin.set_mark(FIRST, MarkPrice(trigger));
        assert_eq!(margin.fallen(), [cross(A)]);
    }
}

/// The index alone moves a short's margin, with its mark where it is.
#[test]
fn the_index_alone_liquidates() {
    let mut margin = market(Right::Call, 10_000, 600, 10_000);
    deposit(&mut margin, A, 7_600);
    trade(&mut margin, A, FIRST, -10, 6_000);
    for (index, falls) in [(10_133, false), (10_134, true)] {
        move_index(&mut margin, None, index);
        margin.check_risk_index();
        assert_eq!(!margin.fallen().is_empty(), falls, "{index}");
    }
}

#[test]
fn orders_count_at_their_worst() {
    let mut margin = market(Right::Call, 10_000, 600, 10_000);
    deposit(&mut margin, A, 100_000);
    trade(&mut margin, A, FIRST, -10, 6_000);
    assert_eq!(margin.free(A, CASH), Money(100_000 - 15_000));
    margin.order_rested(A, FIRST, Side::Sell, Qty(10), Price(600));
    assert_eq!(margin.free(A, CASH), Money(100_000 - 30_000), "all sells filled");
    margin.order_rested(A, FIRST, Side::Buy, Qty(15), Price(700));
    assert_eq!(margin.free(A, CASH), Money(100_000 - 30_000), "all buys filled: five long, for 3,500");
    margin.order_left(A, FIRST, Side::Sell, (Qty(10), Qty(0)), Price(600));
    assert_eq!(margin.free(A, CASH), Money(100_000 - 15_000));
    margin.order_rested(A, FIRST, Side::Buy, Qty(25), Price(700));
    assert_eq!(margin.free(A, CASH), Money(100_000 - 21_000), "thirty long, for 700 each");
}

#[test]
fn delivery_is_charged_on_the_index_and_capped_by_the_value() {
    // Deribit: 0.015% of the index, at most 12.5% of the option's value.
    let fee = DeliveryFee { rate: Ppm(150), cap: Some(Ppm(125_000)) };
    for (mark, expected) in [(600, 15), (10, 12), (0, 0)] {
        let mut margin = market(Right::Call, 10_000, mark, 10_000);
        deposit(&mut margin, A, 100_000);
        deposit(&mut margin, B, 100_000);
        trade(&mut margin, A, FIRST, 10, 3_000);
        let mut paid = Vec::new();
        margin.settle_all(FIRST, fee, |delivered| paid.push((delivered.account, delivered.fee.0)));
        assert_eq!(paid[0], (A, expected), "{mark}");
        assert_eq!(margin.cash(A, CASH), Money(100_000 - 3_000 + 10 * i128::from(mark) - expected));
    }
}

#[test]
fn options_are_cross_and_have_no_tiers() {
    let mut margin = market(Right::Put, 10_000, 600, 10_000);
    for (mode, initial) in [(MarginMode::Isolated, None), (MarginMode::Cross, Some(Ppm(100_000)))] {
        assert_eq!(margin.configure(A, FIRST, mode, initial), Err(MarginError::CrossOnly));
    }
    assert_eq!(margin.set_tiers(FIRST, &[tier(0, 1, 2)]), Err(ListingError::TiersNotRising));
    let refused = |spec: &InstrumentSpec| {
        let mut margin = engine(&[]);
        margin.list(FIRST, spec).unwrap_err()
    };
    let plain = option(Right::Put, 10_000);
    assert_eq!(refused(&InstrumentSpec { tiers: vec![tier(0, 1, 2)], ..plain.clone() }), ListingError::TiersNotRising);
    assert_eq!(refused(&option(Right::Put, 0)), ListingError::NotPositive);
    assert_eq!(refused(&option(Right::Put, 2_000_000_001)), ListingError::TooLarge);
    assert_eq!(refused(&InstrumentSpec { close_fee: Ppm(1), ..plain }), ListingError::RateOutOfRange);
    let option = ShortOptionRates { least: Ppm(10_000), ..ShortOptionRates::default() };
    let form = MarginForm { option, ..MarginForm::default() };
    assert_eq!(margin.set_form(FIRST, &form), Err(ListingError::RateOutOfRange), "initial below maintenance");
}
