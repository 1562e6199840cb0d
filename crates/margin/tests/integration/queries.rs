//! What can be asked of the whole engine: what waits on the ladder, open interest, equity.

use crate::world::{A, B, C, CASH, FIRST, deposit, holds, isolate, one, trade};
use downdraft_margin::Margin;
use downdraft_types::{MarkPrice, Money, Qty, Side};

/// At a mark of 100 and 5% maintenance: A long 10 with 200, B long 20 with 200 of 1,000 set apart, C short 5 with 100.
fn margin() -> Margin {
    let mut margin = one(50_000, 100_000, 100);
    holds(&mut margin, A, 10, 100, 200);
    isolate(&mut margin, B, 100_000);
    deposit(&mut margin, B, 1_000);
    trade(&mut margin, B, FIRST, 20, 2_000);
    holds(&mut margin, C, -5, 100, 100);
    margin
}

#[test]
fn what_waits_is_nearest_first_with_its_lots() {
    let margin = margin();
    // 9.5 m < 800 below 84.2, 19 m < 1,800 below 94.7, 5.25 m > 600 above 114.3.
    let longs: Vec<_> = margin.pending(FIRST, Side::Buy).collect();
    assert_eq!(longs, [(MarkPrice(94), Qty(20)), (MarkPrice(84), Qty(10))]);
    assert_eq!(margin.pending(FIRST, Side::Sell).next(), Some((MarkPrice(115), Qty(5))));
    let ladder: Vec<_> = margin.ladder(FIRST).triggers(Side::Buy).map(|(trigger, _)| trigger).collect();
    assert_eq!(ladder, [MarkPrice(94), MarkPrice(84)]);
}

#[test]
fn longs_and_shorts_are_as_many() {
    let mut margin = margin();
    assert_eq!(margin.open_interest(FIRST), Qty(30));
    let shorts: i64 = margin.positions().iter().map(|p| p.size().0.min(0)).sum();
    assert_eq!(shorts, -30);
    trade(&mut margin, A, FIRST, -10, 1_000);
    assert_eq!(margin.open_interest(FIRST), Qty(20));
}

#[test]
fn equity_is_all_that_closing_would_leave() {
    let mut margin = margin();
    margin.set_mark(FIRST, MarkPrice(96));
    let equity = |margin: &Margin, account| margin.equity(account, CASH);
    assert_eq!(equity(&margin, A), Money(200 - 40));
    assert_eq!(equity(&margin, B), Money(800 + 200 - 80));
    assert_eq!(equity(&margin, C), Money(100 + 20));
    trade(&mut margin, B, FIRST, -20, 20 * 96);
    assert_eq!((equity(&margin, B), margin.cash(B, CASH)), (Money(920), Money(920)));
}
