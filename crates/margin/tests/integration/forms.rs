//! Margin that rises with size and with open interest, the least rates, and the largest open interest.

use crate::world::{A, B, C, CASH, FIRST, HOUSE, cross, deposit, engine, one, perpetual, tier, trade};
use downdraft_margin::{InstrumentSpec, ListingError, Margin, MarginError, MarginForm, OpenInterestScale, SizeScale};
use downdraft_types::{AccountId, MarkPrice, Money, Ppm, Price, Qty, Side};

fn sized(slope: i64, per: u64) -> MarginForm {
    MarginForm { size: SizeScale { slope: Ppm(slope), per: Qty(per) }, ..MarginForm::default() }
}

/// One instrument with a largest position, so that rates that rise with size stay below 100%.
fn bounded(maintenance: i64, initial: i64, mark: i64, max_position: u64) -> Margin {
    let max_position = Qty(max_position);
    let mut margin = engine(&[InstrumentSpec { max_position, ..perpetual(maintenance, initial) }]);
    margin.set_mark(FIRST, MarkPrice(mark));
    margin
}

fn check(margin: &Margin, account: AccountId, side: Side, qty: u64, price: i64) -> Result<(), MarginError> {
    margin.check_order(account, FIRST, side, Qty(qty), Price(price))
}

/// deribit.sm.btc25, deribit.sm.btc350: at 100,000, initial `2% + 0.005% × size` and maintenance `1% + 0.005% × size`, in
/// money of a hundredth.
#[test]
fn deribits_linear_form() {
    for (lots, initial, maintenance) in [(25, 53_125, 28_125), (350, 1_312_500, 962_500)] {
        let mut margin = bounded(10_000, 20_000, 100_000, 1_000);
        margin.set_form(FIRST, &sized(50, 1)).unwrap();
        deposit(&mut margin, A, 40_000_000);
        trade(&mut margin, A, FIRST, lots, 100_000 * i128::from(lots));
        let held = margin.health(cross(A));
        assert_eq!(held.maintenance(), Money(maintenance));
        assert_eq!(margin.free(A, CASH), Money(40_000_000 - initial));
    }
}

/// The size that an order would lead to decides the rate, of all of it.
#[test]
fn an_order_is_asked_at_the_rate_of_the_size_it_leads_to() {
    let mut margin = bounded(10_000, 20_000, 100_000, 1_000);
    margin.set_form(FIRST, &sized(50, 1)).unwrap();
    deposit(&mut margin, A, 53_125);
    assert_eq!(check(&margin, A, Side::Buy, 25, 100_000), Ok(()));
    assert_eq!(check(&margin, A, Side::Buy, 26, 100_000), Err(MarginError::InsufficientMargin));
}

/// A size-scaled position's liquidation price is the first mark below its maintenance, found by looking at each.
#[test]
fn triggers_of_sized_positions_are_exact() {
    for lots in [-37, 5, 160] {
        let mut margin = bounded(5_000, 10_000, 10_000, 1_000);
        margin.set_form(FIRST, &sized(170, 3)).unwrap();
        deposit(&mut margin, A, 190_000);
        trade(&mut margin, A, FIRST, lots, 10_000 * i128::from(lots.abs()));
        let rate = 5_000 + (170 * lots.abs() + 2) / 3;
        let slack = |mark: i64| 1_000_000 * (190_000 + lots * (mark - 10_000)) - rate * (lots * mark).abs();
        let first = margin.liquidation_price(A, FIRST).unwrap().0;
        assert!(slack(first) < 0, "{lots}");
        assert!(slack(first + lots.signum()) >= 0, "{lots}");
    }
}

#[test]
fn a_changed_form_liquidates() {
    let mut margin = bounded(10_000, 20_000, 1_000, 100);
    deposit(&mut margin, A, 200);
    trade(&mut margin, A, FIRST, 10, 10_000);
    margin.set_form(FIRST, &sized(1_000, 1)).unwrap();
    assert!(margin.fallen().is_empty(), "2% of 10,000 is what it has");
    margin.set_form(FIRST, &sized(1_001, 1)).unwrap();
    assert_eq!(margin.fallen(), [cross(A)]);
}

#[test]
fn forms_that_could_ask_for_all_are_refused() {
    let mut margin = one(10_000, 20_000, 1_000);
    // A position may be 10^12 lots.
    assert_eq!(margin.set_form(FIRST, &sized(1, 1_000_000)), Err(ListingError::RateOutOfRange));
    assert_eq!(margin.set_form(FIRST, &sized(-1, 1)), Err(ListingError::RateOutOfRange));
    margin.set_form(FIRST, &sized(900_000, 1_000_000_000_000)).unwrap();
    assert_eq!(margin.set_tiers(FIRST, &[tier(0, 100_000, 200_000)]), Err(ListingError::RateOutOfRange));
    assert_eq!(margin.set_least_rates(FIRST, Ppm(100_000), Ppm(200_000)), Err(ListingError::RateOutOfRange));
    let beyond = OpenInterestScale { lower: Money(-1), upper: Money(1) };
    let form = MarginForm { open_interest: beyond, ..MarginForm::default() };
    assert_eq!(margin.set_form(FIRST, &form), Err(ListingError::TooLarge));
}

/// dYdX v4: at an open interest halfway between the bounds a base of 20% is 60%; maintenance does not follow.
#[test]
fn initial_margin_rises_with_open_interest() {
    let mut margin = one(100_000, 200_000, 100);
    let open_interest = OpenInterestScale { lower: Money(10_000), upper: Money(20_000) };
    margin.set_form(FIRST, &MarginForm { open_interest, ..MarginForm::default() }).unwrap();
    for account in [A, B] {
        deposit(&mut margin, account, 10_000);
    }
    trade(&mut margin, B, FIRST, 100, 10_000);
    assert_eq!(margin.free(B, CASH), Money(8_000));
    trade(&mut margin, A, FIRST, -50, 5_000);
    assert_eq!(margin.open_interest(FIRST), Qty(100), "it passed from the house to A");
    trade(&mut margin, A, FIRST, 100, 10_000);
    assert_eq!(margin.open_interest(FIRST), Qty(150));
    assert_eq!(margin.free(B, CASH), Money(4_000), "60% of 10,000");
    assert_eq!(margin.health(cross(B)).maintenance(), Money(1_000));
    margin.set_mark(FIRST, MarkPrice(200));
    assert_eq!(margin.free(B, CASH), Money(0), "all of 20,000, of 20,000");
}

#[test]
fn least_rates_raise_tiers_and_outlast_a_change_of_them() {
    let mut margin = engine(&[InstrumentSpec {
        tiers: vec![tier(0, 10_000, 20_000), tier(1_000, 50_000, 100_000)],
        ..perpetual(0, 0)
    }]);
    margin.set_mark(FIRST, MarkPrice(1));
    deposit(&mut margin, A, 1_000);
    trade(&mut margin, A, FIRST, 2_000, 2_000);
    let maintenance = |margin: &Margin| margin.health(cross(A)).maintenance().0;
    assert_eq!(maintenance(&margin), 10 + 50);
    margin.set_least_rates(FIRST, Ppm(30_000), Ppm(60_000)).unwrap();
    assert_eq!(maintenance(&margin), 30 + 50);
    assert_eq!(margin.free(A, CASH), Money(800), "the upper tier's 10% is more than 6%");
    margin.set_tiers(FIRST, &[tier(0, 10_000, 20_000)]).unwrap();
    assert_eq!((maintenance(&margin), margin.free(A, CASH)), (60, Money(880)));
    margin.set_least_rates(FIRST, Ppm(0), Ppm(0)).unwrap();
    assert_eq!((maintenance(&margin), margin.free(A, CASH)), (20, Money(960)));
    assert_eq!(margin.instrument(FIRST).spec().tiers, [tier(0, 10_000, 20_000)], "as listed");
}

#[test]
fn least_rates_that_mean_nothing_are_refused() {
    let mut margin = one(10_000, 20_000, 1);
    for (maintenance, initial) in [(-1, 5), (5, 4), (1_000_000, 1_000_000), (5, 1_000_001)] {
        let refused = margin.set_least_rates(FIRST, Ppm(maintenance), Ppm(initial));
        assert_eq!(refused, Err(ListingError::RateOutOfRange), "{maintenance} {initial}");
    }
}

#[test]
fn open_interest_has_a_most() {
    let mut margin = one(10_000, 20_000, 100);
    margin.set_form(FIRST, &MarginForm { max_open_interest: Some(Qty(100)), ..MarginForm::default() }).unwrap();
    for account in [A, B, C] {
        deposit(&mut margin, account, 100_000);
    }
    trade(&mut margin, A, FIRST, 90, 9_000);
    let order = |margin: &Margin, account, side, qty| check(margin, account, side, qty, 100);
    assert_eq!(order(&margin, B, Side::Buy, 10), Ok(()));
    assert_eq!(order(&margin, B, Side::Buy, 11), Err(MarginError::OpenInterestFull));
    assert_eq!(margin.check_block(C, FIRST, Side::Sell, Qty(11), Money(1)), Err(MarginError::OpenInterestFull));
    // What closes does not count: 90 closed, and 10 opened on the other side.
    assert_eq!(order(&margin, A, Side::Sell, 100), Ok(()));
    assert_eq!(order(&margin, A, Side::Sell, 101), Err(MarginError::OpenInterestFull));
    assert_eq!(order(&margin, HOUSE, Side::Buy, 90), Ok(()));
}
