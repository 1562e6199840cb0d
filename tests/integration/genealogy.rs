//! Genealogies that are known beforehand: the threshold ladder's, and those of the controls.

use crate::threshold_ladder::ladder;
use downdraft_insight::genealogy::{Ancestry, Forest, draw};
use downdraft_insight::{Analyzer, RunInfo, Summary, Units};
use downdraft_lab::{Analysis, Prepared, load, run};
use downdraft_testkit::world::World;
use downdraft_types::{InstrumentId, Span, Time};
use std::ops::ControlFlow;

/// What an analyzer makes of a recorded world.
fn analysed(world: &World) -> Analyzer<()> {
    let mut analyzer = Analyzer::new(Units::bare(1, &[1]), world.runner.venue.capacity().accounts, ());
    for step in world.runner.history.as_ref().expect("a recorded world") {
        analyzer.command(&step.stamp, &step.command);
        step.events.iter().for_each(|(id, parent, event)| analyzer.event(*id, *parent, event));
        analyzer.done();
    }
    analyzer
}

fn shocked(displacement: i64) -> Analyzer<()> {
    let mut world = ladder(displacement).recorded().start();
    world.sell(1);
    analysed(&world)
}

/// The n-th sale puts the mark n × λ below 99.0, and so crosses the trigger i spacings below it where n × λ ≥ 10 × i:
/// the trigger's parent is the first such sale.
#[test]
fn from_the_spacing_up_every_parent_is_the_analytic_one() {
    for displacement in 10..20 {
        let forest = shocked(displacement).forest();
        let expected = (0..10_u64).map(|i| (i > 0).then_some((10 * i).div_ceil(displacement as u64)));
        let parents: Vec<_> = forest.nodes.iter().map(|node| node.parent).collect();
        assert_eq!(parents, expected.collect::<Vec<_>>(), "displacement {displacement}");
        let trees = forest.trees(Ancestry::Direct);
        assert_eq!((trees.len(), trees[0].root, trees[0].size), (1, 1, 10));
        assert_eq!(forest.branching(Ancestry::Direct).ratio().to_string(), "0.9");
        assert_eq!(forest.branching(Ancestry::Direct).mean_cascade(), 10.0, "1 ÷ (1 − 0.9)");
    }
}

#[test]
fn at_the_spacing_the_ladder_is_one_chain() {
    let forest = shocked(10).forest();
    assert_eq!(forest.generations(Ancestry::Direct), [1; 10]);
    assert!(forest.generation_ratios(Ancestry::Direct).iter().all(|ratio| ratio.to_string() == "1"));
    assert_eq!(forest.trees(Ancestry::Direct)[0].depth(), 10);
}

/// Windows of the branching ratio, where the ladder falls at one instant.
#[test]
fn a_window_has_those_triggered_within() {
    let forest = shocked(10).forest();
    let windows = forest.windows(Ancestry::Direct, Span(10), Span(5));
    assert_eq!(windows.len(), 1);
    assert_eq!((windows[0].from, windows[0].to, windows[0].branching.with_parent), (Time(0), Time(10), 9));
    assert_eq!(forest.windows(Ancestry::Direct, Span(0), Span(5)), []);
}

#[test]
fn below_the_spacing_it_is_one_liquidation() {
    for displacement in 1..10 {
        let forest = shocked(displacement).forest();
        assert_eq!((forest.len(), forest.branching(Ancestry::Any).with_parent), (1, 0));
    }
}

/// The outside order moves the mark from 100.0 to 99.0, the ten liquidations from there on; each trades a lot.
#[test]
fn what_is_forced_of_the_ladder_is_known() {
    let analyzer = shocked(11);
    let forced = analyzer.forced(InstrumentId(0));
    assert_eq!((forced.volume, forced.forced_volume), (11, 10));
    assert_eq!((forced.falls, forced.forced_falls, forced.rises), (120, 110, 0));
    let drawdown = forced.drawdown.expect("it fell");
    assert_eq!((drawdown.from.0, drawdown.to.0, drawdown.forced), (1_000, 880, -110));
    let (summary, ()) = analyzer.finish(RunInfo::default());
    let forced = summary.cascade.forced.only().expect("one instrument");
    assert_eq!(forced.falls.to_string(), "0.916667");
    assert_eq!((forced.drawdown.to_string(), forced.drawdown_forced.to_string()), ("120".into(), "110".into()));
}

#[test]
fn a_chain_is_drawn_without_indents() {
    let mut text = String::new();
    let drawn = draw(&mut text, &shocked(11).forest(), 1, Ancestry::Direct, &Units::bare(1, &[1]));
    assert_eq!(drawn, Ok(true));
    insta::assert_snapshot!(text, @r"
    cascade 1: 10 liquidations, 10 deep, at most 2 under way, 0 s
    by generation: 1 1 1 1 1 1 1 1 1 1
    1 a4/c0 at 0, i0 at 990 by trade: 1 i0 in the book, slippage 11 c0, fund -12 c0, closed
    ↓ 2 a5/c0 at 0, i0 at 979 by trade: 1 i0 in the book, slippage 11 c0, fund -13 c0, closed
    ↓ 3 a6/c0 at 0, i0 at 968 by trade: 1 i0 in the book, slippage 11 c0, fund -14 c0, closed
    ↓ 4 a7/c0 at 0, i0 at 957 by trade: 1 i0 in the book, slippage 11 c0, fund -15 c0, closed
    ↓ 5 a8/c0 at 0, i0 at 946 by trade: 1 i0 in the book, slippage 11 c0, fund -16 c0, closed
    ↓ 6 a9/c0 at 0, i0 at 935 by trade: 1 i0 in the book, slippage 11 c0, fund -17 c0, closed
    ↓ 7 a10/c0 at 0, i0 at 924 by trade: 1 i0 in the book, slippage 11 c0, fund -18 c0, closed
    ↓ 8 a11/c0 at 0, i0 at 913 by trade: 1 i0 in the book, slippage 11 c0, fund -19 c0, closed
    ↓ 9 a12/c0 at 0, i0 at 902 by trade: 1 i0 in the book, slippage 11 c0, fund -20 c0, closed
    ↓ 10 a13/c0 at 0, i0 at 891 by trade: 1 i0 in the book, slippage 11 c0, fund -21 c0, closed
    ");
}

#[test]
fn branches_are_drawn_with_indents() {
    let mut text = String::new();
    draw(&mut text, &shocked(15).forest(), 1, Ancestry::Direct, &Units::bare(1, &[1])).expect("text takes all");
    let numbers: Vec<&str> = text.lines().skip(2).filter_map(|line| line.split(" a").next()).collect();
    let expected = ["1", "↓ 2", "├─ 3", "│  ↓ 5", "│  ↓ 8", "└─ 4", "   ├─ 6", "   │  ├─ 9", "   │  └─ 10", "   └─ 7"];
    assert_eq!(numbers, expected);
    assert_eq!(draw(&mut text, &shocked(15).forest(), 2, Ancestry::Direct, &Units::bare(1, &[1])), Ok(false));
}

/// A library scenario: its summary and its forest.
fn scenario(name: &str) -> (Summary, Forest) {
    let prepared = Prepared::new(load(name, &[]).expect("a built-in scenario"), None);
    let mut analysis = Analysis::new(&prepared, ());
    let finished = run(&prepared, &mut analysis, |_, _| ControlFlow::Continue(())).expect("it runs");
    let forest = analysis.forest();
    (analysis.finish(&prepared, &finished).0, forest)
}

#[test]
fn in_a_deep_book_no_liquidation_has_a_liquidation_parent() {
    let (summary, forest) = scenario("deep-book");
    assert!(!forest.is_empty());
    assert_eq!(forest.branching(Ancestry::Direct).with_parent, 0);
    assert_eq!(forest.generations(Ancestry::Direct), [forest.len()]);
    assert_eq!(summary.cascade.generations, [forest.len()]);
}

#[test]
fn where_liquidation_is_suppressed_nothing_is_forced() {
    let (summary, forest) = scenario("suppressed");
    assert!(forest.is_empty());
    let forced = summary.cascade.forced.only().expect("one instrument");
    assert_eq!([forced.volume, forced.falls, forced.rises].map(|share| share.to_string()), ["0", "0", "0"]);
    assert_eq!(forced.drawdown_forced.to_string(), "0");
    assert_ne!(forced.drawdown.to_string(), "0", "the price did fall");
}

/// The thin book's figures agree with each other, however counted.
#[test]
fn in_a_thin_book_liquidations_cause_liquidations() {
    let (summary, forest) = scenario("thin-book");
    let direct = forest.branching(Ancestry::Direct);
    assert!(direct.with_parent * 2 > direct.liquidations, "{direct:?}");
    assert_eq!(summary.cascade.branching_ratio, direct.ratio());
    let trees = forest.trees(Ancestry::Direct);
    assert_eq!(trees.iter().map(|tree| tree.size).sum::<u64>(), forest.len());
    assert_eq!(trees.iter().map(|tree| tree.size).max(), Some(summary.cascade.largest));
    assert_eq!(trees.iter().map(|tree| tree.depth()).max(), Some(u64::from(summary.cascade.max_depth)));
    let generations = forest.generations(Ancestry::Direct);
    assert_eq!(generations.iter().sum::<u64>(), forest.len());
    assert_eq!(generations[0], summary.cascade.roots);
    let peak = trees.iter().map(|tree| tree.peak_width).max();
    assert!(peak <= Some(u64::from(summary.backlog.max)), "{peak:?}");
    let any = forest.branching(Ancestry::Any);
    assert!(any.with_parent >= direct.with_parent);
}
