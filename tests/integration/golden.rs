//! Golden cascades, worked by hand: bids 10@99 … 10@90, no fees, no engine latency, whole positions sold at
//! market by account, mark = last trade, liquidated when equity < maintenance × notional at mark.
//!
//! Sources: `golden.lob_cascade.*` of the published vectors, and their variants and mirror images.

use downdraft_testkit::world::{Builder, World, margin, world};
use downdraft_types::{Ppm, Span, Time};
use downdraft_venue::{Absorption, LiquidationMode, OnFundShort, PartialStep, Residual, Takeover};

const BIDS: &str = "10@99..90";
const ASKS: &str = "10@101..110";
const AMPLE: i128 = 1_000;

/// (a): maintenance 1%, longs A, B, C.
fn one_percent() -> Builder {
    world().maintenance(10_000).bids(BIDS).long("A", 10, 100, margin(20)).long("B", 10, 100, margin(40)).long(
        "C",
        20,
        100,
        margin(120),
    )
}

/// The same with shorts, in a book of asks.
fn one_percent_mirrored() -> Builder {
    world().maintenance(10_000).asks(ASKS).short("A", 10, 100, margin(20)).short("B", 10, 100, margin(40)).short(
        "C",
        20,
        100,
        margin(120),
    )
}

/// (c): maintenance 3%.
fn three_percent() -> Builder {
    world().maintenance(30_000).bids(BIDS).long("A", 10, 100, margin(40)).long("B", 10, 100, margin(50)).long(
        "C",
        20,
        100,
        margin(120),
    )
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

/// Not the same figures: a short's notional, and so its maintenance, grows as the mark rises.
#[test]
fn ample_fund_mirrored() {
    let expected: [(u64, &[&str], i64, i128); 4] = [
        (10, &["A"], 102, 0),
        (20, &["A", "B"], 104, -10),
        (30, &["A", "B", "C"], 107, -40),
        (40, &["A", "B", "C"], 108, -80),
    ];
    for (qty, liquidated, mark, fund) in expected {
        let mut world = one_percent_mirrored().fund(AMPLE).start();
        world.buy(qty);
        assert_eq!(outcome(&world, AMPLE), (liquidated.to_vec(), mark, fund), "buy {qty}");
    }
}

/// Mirrors of (b): A bought back at 105; then the fund covers B's match at 106, or does not.
#[test]
fn fund_short_deleverages_the_rest_mirrored() {
    let mut world = one_percent_mirrored().fund(50).start();
    world.buy(40);
    assert_eq!(outcome(&world, 50), (vec!["A", "B", "C"], 106, -50));
    assert_eq!(world.deleveraged(), [("C", 20, 20 * 106)]);

    let mut world = one_percent_mirrored().fund(49).start();
    world.buy(40);
    assert_eq!(world.deleveraged()[0], ("B", 10, 10 * 104));
    // A's trade leaves the mark at 105 and the fund at 19, but C (equity 20 against 21) does not survive here.
    assert_eq!(outcome(&world, 49), (vec!["A", "B", "C"], 107, -40));
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

/// The whole story of the case above, cause by cause.
#[test]
fn the_trace_tells_the_story() {
    let mut world = one_percent().fund(49).start();
    world.sell(40);
    insta::assert_snapshot!(world.trace(), @r"
    —
    outside sells 40 at market
      trade 10@99: outside sells, maker makes
      trade 10@98: outside sells, maker makes
      trade 10@97: outside sells, maker makes
      trade 10@96: outside sells, maker makes
        mark 96 by Trade
          A falls: equity -20 below maintenance 10
          B falls: equity 0 below maintenance 10
    —
    liquidating A: sells 10 at market, bankrupt at 980
      trade 10@95: A sells, maker makes
        deficit of A: 30
          fund pays 30 for A
        filled 10, left 0
        mark 95 by Trade
        A ended: Closed
    —
    liquidating B: sells 10 at market, bankrupt at 960
      filled 0, left 10, fund short
        deficit of B: 10
          winners deleveraged against B: 10 for 960, concedes 10
            B ended: Closed
    ");
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

/// Mirrors of (c), with the shorts' larger maintenance.
#[test]
fn residual_mirrored() {
    let start = |residual| {
        world()
            .maintenance(30_000)
            .asks(ASKS)
            .short("A", 10, 100, margin(40))
            .short("B", 10, 100, margin(50))
            .short("C", 20, 100, margin(120))
            .fund(AMPLE)
            .liquidation(|p| p.residual = residual)
            .start()
    };
    let mut world = start(Residual::Fund);
    world.buy(20);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 106, 30));
    assert_eq!(world.parents(), [("A", "outside"), ("B", "outside"), ("C", "A")]);

    let mut world = start(Residual::Trader);
    world.buy(20);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 106, 0));
    assert_eq!((world.cash("A"), world.cash("B"), world.cash("C")), (10, 10, 10));
}

/// Nothing is drawn match by match: A and B leave 30 and 20, which empty the fund; of C's 30 nothing is covered
/// by it, and the winners, far in profit, bear them.
#[test]
fn deficit_goes_down_the_waterfall() {
    let mut world = one_percent().fund(50).liquidation(|p| p.on_fund_short = OnFundShort::Deficit).start();
    world.sell(40);
    assert_eq!(outcome(&world, 50), (vec!["A", "B", "C"], 92, -50));
    assert!(world.deleveraged().is_empty());
    assert_eq!(world.bad_debt(), 80);
    assert_eq!((world.socialised(), world.uncovered()), (30, 0));
}

#[test]
fn suppressed_liquidates_no_one() {
    let mut world = one_percent().fund(AMPLE).liquidation(|p| p.mode = LiquidationMode::Suppressed).start();
    world.sell(40);
    assert_eq!(outcome(&world, AMPLE), (vec![], 96, 0));
    assert_eq!((world.size("A"), world.size("B"), world.size("C")), (10, 10, 20));
}

/// Mark 97 after the shock. A (bankrupt at 96) sells at 96; the mark is 96, and B (95) sells at 95. At 95 C
/// (equity 20 against 57) sells ten at 94, its bankruptcy price; the other ten find only 93, and the fund takes
/// them over at 94, and a second later sells them at 93.
#[test]
fn bankruptcy_limit_leaves_the_rest_to_the_fund() {
    let rest = Takeover::Absorbed(Absorption::by_fund(Ppm::ONE, Span::from_secs(1)));
    let mut world =
        three_percent().fund(AMPLE).liquidation(|p| p.mode = LiquidationMode::BankruptcyLimit { rest }).start();
    world.sell(30);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 94, 0));
    assert_eq!(world.fund_size(), 10);
    world.runner.run_until(Time(1_000_000_000));
    assert_eq!((world.fund_size(), world.mark(), world.fund()), (0, 93, AMPLE - 10));
}

/// The same with a poor fund: it takes ten lots over at the mark, but cannot pay for selling them at 93, and is
/// deleveraged at the price that uses up its 9.
#[test]
fn a_fund_that_cannot_pay_is_deleveraged() {
    let rest = Takeover::Absorbed(Absorption::by_fund(Ppm::ONE, Span::from_secs(1)));
    let mut world = three_percent().fund(9).liquidation(|p| p.mode = LiquidationMode::BankruptcyLimit { rest }).start();
    world.sell(30);
    assert_eq!(world.fund_size(), 10);
    world.runner.run_until(Time(1_000_000_000));
    assert_eq!((world.fund_size(), world.mark(), world.fund()), (0, 94, 0));
    assert_eq!(world.deleveraged(), [("fund", 10, 10 * 94 - 9)]);
}

#[test]
fn bankruptcy_limit_deleverages_the_rest() {
    let rest = Takeover::Adl;
    let mut world =
        three_percent().fund(AMPLE).liquidation(|p| p.mode = LiquidationMode::BankruptcyLimit { rest }).start();
    world.sell(30);
    assert_eq!(outcome(&world, AMPLE), (vec!["A", "B", "C"], 94, 0));
    assert_eq!(world.deleveraged(), [("C", 10, 10 * 94)]);
}

/// Mark 98: equity 20 is below maintenance 29.4. Five lots sold at 98 leave equity 20 against 14.7.
#[test]
fn partial_closes_half_and_looks_again() {
    let step = PartialStep::Fraction(Ppm(500_000));
    let mut world = world()
        .maintenance(30_000)
        .bids("100@99..90")
        .long("A", 10, 100, margin(40))
        .fund(AMPLE)
        .liquidation(|p| p.mode = LiquidationMode::Partial { step, cooldown: Span::ZERO })
        .start();
    world.sell(150);
    assert_eq!(world.liquidated(), ["A"]);
    assert_eq!((world.size("A"), world.mark()), (5, 98));
}

/// The mark falls to 50, where A's bankruptcy price of 98 is worth a concession of 480 that the fund does not
/// have. Deleveraged at 98, the winners concede it; where they are not eligible, the position is closed at the
/// mark and the deficit is socialised as far as their profit and equity reach.
#[test]
fn deleveraging_or_socialising() {
    let start = |winners| world().bids("10@99, 10@50").long("A", 10, 100, margin(20)).winners(margin(winners)).start();
    let mut rich = start(1_000);
    rich.sell(20);
    assert_eq!((rich.size("A"), rich.mark()), (0, 50));
    assert_eq!(rich.deleveraged(), [("A", 10, 980)]);
    assert_eq!((rich.bad_debt(), rich.conceded(), rich.socialised(), rich.uncovered()), (480, 480, 0, 0));
}
