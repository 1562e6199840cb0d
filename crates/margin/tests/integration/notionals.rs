//! The most that an account's contracts may come to in all.

use crate::world::{A, B, CASH, FIRST, SECOND, deposit, engine, perpetual, trade};
use downdraft_margin::{InstrumentKind, InstrumentSpec, Margin, MarginError, OptionTerms, Outlook, Right};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Time};
use proptest::prelude::*;

fn two() -> Margin {
    let mut margin = engine(&[perpetual(10_000, 20_000), perpetual(10_000, 20_000)]);
    for (id, mark) in [(FIRST, 100), (SECOND, 40)] {
        margin.set_mark(id, MarkPrice(mark));
    }
    for account in [A, B] {
        deposit(&mut margin, account, 1_000_000);
    }
    margin
}

fn order(
    margin: &Margin,
    account: AccountId,
    (id, side, qty, price): (InstrumentId, Side, u64, i64),
) -> Result<(), MarginError> {
    margin.check_order(account, id, side, Qty(qty), Price(price))
}

#[test]
fn an_account_has_one_limit_over_all_its_contracts() {
    let mut margin = two();
    trade(&mut margin, A, FIRST, 60, 6_000);
    margin.order_rested(A, SECOND, Side::Sell, Qty(25), Price(40));
    assert_eq!(margin.notional(A, CASH), Money(7_000));
    margin.set_notional_limit(None, CASH, Some(Money(8_000))).unwrap();
    assert_eq!(order(&margin, A, (FIRST, Side::Buy, 10, 100)), Ok(()));
    assert_eq!(order(&margin, A, (FIRST, Side::Buy, 11, 100)), Err(MarginError::NotionalLimit));
    assert_eq!(order(&margin, A, (SECOND, Side::Sell, 26, 40)), Err(MarginError::NotionalLimit));
    // Bought at their limit: 10 lots at 101 come to more than 1,000.
    assert_eq!(order(&margin, A, (FIRST, Side::Buy, 10, 101)), Err(MarginError::NotionalLimit));
    // The other side is counted apart, and is no larger.
    assert_eq!(order(&margin, A, (SECOND, Side::Buy, 25, 40)), Ok(()));
    assert_eq!(order(&margin, A, (FIRST, Side::Sell, 120, 100)), Ok(()));
}

#[test]
fn above_its_limit_an_account_may_only_reduce() {
    let mut margin = two();
    trade(&mut margin, A, FIRST, 60, 6_000);
    margin.set_notional_limit(None, CASH, Some(Money(5_000))).unwrap();
    assert_eq!(order(&margin, A, (FIRST, Side::Sell, 60, 100)), Ok(()));
    assert_eq!(order(&margin, A, (FIRST, Side::Buy, 1, 100)), Err(MarginError::NotionalLimit));
    assert_eq!(order(&margin, A, (SECOND, Side::Buy, 1, 40)), Err(MarginError::NotionalLimit));
    // A rise of the mark takes another one there.
    trade(&mut margin, B, FIRST, 49, 4_900);
    assert_eq!(order(&margin, B, (FIRST, Side::Buy, 1, 100)), Ok(()));
    margin.set_mark(FIRST, MarkPrice(103));
    assert_eq!(order(&margin, B, (FIRST, Side::Buy, 1, 100)), Err(MarginError::NotionalLimit));
}

#[test]
fn an_accounts_own_limit_comes_first() {
    let mut margin = two();
    margin.set_notional_limit(None, CASH, Some(Money(100))).unwrap();
    margin.set_notional_limit(Some(A), CASH, Some(Money(500))).unwrap();
    assert_eq!((margin.notional_limit(A, CASH), margin.notional_limit(B, CASH)), (Some(Money(500)), Some(Money(100))));
    assert_eq!(order(&margin, A, (FIRST, Side::Buy, 5, 100)), Ok(()));
    assert_eq!(order(&margin, B, (FIRST, Side::Buy, 2, 100)), Err(MarginError::NotionalLimit));
    margin.set_notional_limit(Some(A), CASH, None).unwrap();
    assert_eq!(order(&margin, A, (FIRST, Side::Buy, 5, 100)), Err(MarginError::NotionalLimit));
    margin.set_notional_limit(None, CASH, None).unwrap();
    assert_eq!(order(&margin, B, (FIRST, Side::Buy, 200, 100)), Ok(()));
}

/// Ten lots of an option on an index of 100 come to 1,000, whatever they cost.
#[test]
fn options_count_at_the_index() {
    let terms = OptionTerms { underlying: FIRST, strike: MarkPrice(120), right: Right::Call, expiry: Time(1) };
    let option = InstrumentSpec { kind: InstrumentKind::Option(terms), tiers: vec![], ..perpetual(0, 0) };
    let mut margin = engine(&[perpetual(10_000, 20_000), option]);
    margin.set_mark(FIRST, MarkPrice(100));
    margin.set_outlook(FIRST, Outlook { index: Some(MarkPrice(100)), ..Outlook::default() });
    margin.place_option(SECOND, Some(MarkPrice(7)), Ppm::ONE);
    deposit(&mut margin, A, 1_000_000);
    trade(&mut margin, A, SECOND, -10, 70);
    assert_eq!(margin.notional(A, CASH), Money(1_000));
    margin.set_notional_limit(Some(A), CASH, Some(Money(1_500))).unwrap();
    assert_eq!(order(&margin, A, (SECOND, Side::Sell, 5, 7)), Ok(()));
    assert_eq!(order(&margin, A, (SECOND, Side::Sell, 6, 7)), Err(MarginError::NotionalLimit));
}

#[test]
fn limits_that_mean_nothing_are_refused() {
    let mut margin = two();
    for (account, currency, limit, expected) in [
        (Some(AccountId(99)), CASH, Some(Money(1)), MarginError::UnknownAccount),
        (None, CurrencyId(9), None, MarginError::UnknownCurrency),
        (Some(A), CASH, Some(Money(-1)), MarginError::NotPositive),
    ] {
        assert_eq!(margin.set_notional_limit(account, currency, limit), Err(expected));
    }
    assert_eq!(margin.notional_limit(A, CASH), None);
}

proptest! {
    /// Whatever is ordered, with the marks as they are: what was within the limit stays there, and no order within it is
    /// refused for it.
    #[test]
    fn orders_stay_within_the_limit(
        orders in prop::collection::vec((0..2_u16, any::<bool>(), 1..40_u64, 90..110_i64), 1..60),
        most in 1_000..20_000_i128,
    ) {
        let mut margin = engine(&[perpetual(10_000, 20_000), perpetual(10_000, 20_000)]);
        for id in [FIRST, SECOND] {
            margin.set_mark(id, MarkPrice(100));
        }
        deposit(&mut margin, A, 100_000_000);
        margin.set_notional_limit(None, CASH, Some(Money(most))).unwrap();
        // Long and short, of each instrument, at the orders' limits.
        let mut sides = [[0_i128; 2]; 2];
        for (id, sells, qty, price) in orders {
            let (side, number) = (if sells { Side::Sell } else { Side::Buy }, usize::from(id));
            let id = InstrumentId(id);
            let mut after = sides;
            after[number][usize::from(sells)] += i128::from(qty) * i128::from(price);
            let larger = |of: &[i128; 2]| of[0].max(of[1]);
            let fits = larger(&after[number]) == larger(&sides[number]) || after.iter().map(larger).sum::<i128>() <= most;
            let allowed = order(&margin, A, (id, side, qty, price));
            prop_assert_eq!(allowed, if fits { Ok(()) } else { Err(MarginError::NotionalLimit) });
            if fits {
                margin.order_rested(A, id, side, Qty(qty), Price(price));
                sides = after;
            }
            prop_assert_eq!(margin.notional(A, CASH), Money(sides.iter().map(larger).sum()));
        }
    }
}
