//! `volatility-jump` and `[portfolio_margin]`: what they do, and what a broken one is told.

use crate::outcome::scenario;
use core::ops::ControlFlow;
use downdraft_insight::metrics::slopes;
use downdraft_lab::fork::mid_run;
use downdraft_lab::library::Text;
use downdraft_lab::scenario::Files;
use downdraft_lab::{Change, Document, Prepared, Scenario, run};
use downdraft_margin::{GridPoint, VolatilityMove};
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, InstrumentId, MarkPrice, Ppm, Time};
use downdraft_venue::{CauseKind, Command, Event, Stamp, Venue};

/// What concerns portfolios.
#[derive(Default, Debug)]
struct Seen {
    now: Time,
    /// Falls by what caused them, and when the first was.
    by_volatility: u64,
    by_price: u64,
    first: Option<Time>,
    /// Orders that sold the perpetual, and that bought options.
    sold: u64,
    bought: u64,
    lowest: Option<MarkPrice>,
}

impl Observer for Seen {
    fn command(&mut self, stamp: &Stamp, _: &Command) {
        self.now = stamp.time;
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        match *event {
            Event::LiquidationTriggered { kind, .. } => {
                let volatility = kind == CauseKind::Volatility;
                self.by_volatility += u64::from(volatility);
                self.by_price += u64::from(!volatility);
                self.first = self.first.or(Some(self.now));
            }
            Event::LiquidationOrderDone { instrument, filled, .. } if !filled.is_zero() => {
                let perpetual = instrument == InstrumentId(0);
                self.sold += u64::from(perpetual);
                self.bought += u64::from(!perpetual);
            }
            Event::MarkMoved { instrument: InstrumentId(0), mark, .. } => {
                self.lowest = Some(self.lowest.map_or(mark, |lowest| lowest.min(mark)));
            }
            _ => {}
        }
    }

    fn done(&mut self, _: &Venue) {}
}

fn seen(sets: &[&str]) -> Seen {
    let mut seen = Seen::default();
    let prepared = Prepared::new(scenario("volatility-jump", sets), None);
    run(&prepared, &mut seen, |_, _| ControlFlow::Continue(())).expect("a run to its end");
    seen
}

#[test]
fn a_jump_of_volatility_alone_makes_margin_calls_and_then_a_fall() {
    let jump = seen(&[]);
    assert_eq!(jump.first, Some(Time(5_000_000_000)), "when volatility is reported: {jump:?}");
    assert!(jump.by_volatility > 5 && jump.sold > 10 && jump.bought > 10, "{jump:?}");
    assert!(jump.by_price > 0, "selling hedges moved what others hold: {jump:?}");
    let calm = seen(&["instruments.BTC-PERP.volatility=[[\"0s\", \"60%\"]]"]);
    assert_eq!((calm.by_volatility, calm.by_price), (0, 0), "{calm:?}");
    assert!(jump.lowest < calm.lowest, "{jump:?} {calm:?}");
}

/// Compares liquidation prices looked for far and near, now and then.
#[derive(Default)]
struct Near {
    commands: u64,
    found: u64,
    none: u64,
}

impl Observer for Near {
    fn command(&mut self, _: &Stamp, _: &Command) {
        self.commands += 1;
    }

    fn event(&mut self, _: EventId, _: Option<u32>, _: &Event) {}

    fn done(&mut self, venue: &Venue) {
        let margin = venue.margin();
        if !self.commands.is_multiple_of(500) {
            return;
        }
        for position in margin.positions().iter().filter(|position| !position.size().is_zero()) {
            let (account, instrument) = (position.account(), position.instrument());
            let mark = margin.instrument(instrument).mark().0;
            let all = margin.liquidation_price(account, instrument);
            for part in [100, 20, 5, 1] {
                let reach = mark * part / 100;
                let farthest = if position.size().is_positive() { mark - reach } else { mark + reach };
                let near = margin.liquidation_price_within(account, instrument, MarkPrice(farthest));
                let within = all.filter(|price| (price.0 - mark).abs() <= reach);
                assert_eq!(near, within, "{account} in {instrument} within {part}% of {mark}");
                self.found += u64::from(near.is_some());
                self.none += u64::from(near.is_none());
            }
        }
    }
}

#[test]
fn a_liquidation_price_near_by_is_the_one_looked_for_far_and_wide() {
    let mut near = Near::default();
    let prepared = Prepared::new(scenario("volatility-jump", &["duration=7s"]), None);
    run(&prepared, &mut near, |_, _| ControlFlow::Continue(())).expect("a run to its end");
    assert!(near.found > 50 && near.none > 50, "{} and {}", near.found, near.none);
}

/// Compares the ladders in both directions with what each position's liquidation price says.
#[derive(Default)]
struct Ladders {
    commands: u64,
    rungs: usize,
}

impl Observer for Ladders {
    fn command(&mut self, _: &Stamp, _: &Command) {
        self.commands += 1;
    }

    fn event(&mut self, _: EventId, _: Option<u32>, _: &Event) {}

    fn done(&mut self, venue: &Venue) {
        let margin = venue.margin();
        if !self.commands.is_multiple_of(1_000) {
            return;
        }
        for instrument in (0..venue.capacity().instruments).map(InstrumentId) {
            let mark = margin.instrument(instrument).mark().0;
            let mut expected: [Vec<(i64, u64)>; 2] = Default::default();
            for position in margin.positions().iter().filter(|position| position.instrument() == instrument) {
                let (pool, size) = (margin.pool_of(position), position.size());
                if size.is_zero() || margin.is_liquidating(pool) || margin.is_fund(position.account()) {
                    continue;
                }
                let price = margin.liquidation_price(position.account(), instrument);
                if let Some(distance) = price.map(|price| (price.0 - mark).abs()).filter(|distance| *distance <= mark) {
                    expected[usize::from(size.is_negative())].push((distance, size.quantity().0));
                }
            }
            for (slope, mut expected) in slopes(venue, instrument, mark).iter().zip(expected) {
                expected.sort_unstable();
                let mut found: Vec<(i64, u64)> = slope.ladder.iter().map(|rung| (rung.distance, rung.lots)).collect();
                found.sort_unstable();
                assert_eq!(found, expected, "{instrument} at {mark}");
                self.rungs += found.len();
            }
        }
    }
}

/// A box ends on both sides of a mark; a position falls on the side where it loses, at its liquidation price.
#[test]
fn ladders_hold_each_position_once_on_the_side_where_it_loses() {
    for (name, sets) in [("volatility-jump", &["duration=7s"][..]), ("collateral-loop", &[]), ("coin-margined", &[])] {
        let mut ladders = Ladders::default();
        let prepared = Prepared::new(scenario(name, sets), None);
        run(&prepared, &mut ladders, |_, _| ControlFlow::Continue(())).expect("a run to its end");
        assert!(ladders.rungs > 20, "{name}: {}", ladders.rungs);
    }
}

const GOOD: &str = r#"name = "t"
duration = "1s"
[currencies.USD]
decimals = 2
[currencies.EUR]
decimals = 2
[[instruments]]
name = "PERP"
settlement = "USD"
tick_size = "0.5"
lot_size = "0.1"
price = "100"
tiers = [{ floor = "0", maintenance = "5%", max_leverage = 10 }]
[[instruments]]
name = "OTHER"
settlement = "EUR"
tick_size = "0.5"
lot_size = "0.1"
price = "100"
tiers = [{ floor = "0", maintenance = "5%", max_leverage = 10 }]
[[instruments]]
name = "CALL"
kind = "option"
underlying = "PERP"
right = "call"
strike = "100"
expiry = "720h"
settlement = "USD"
tick_size = "0.5"
lot_size = "0.1"
price = "10"
[portfolio_margin.PERP]
contracts = ["PERP"]
moves = ["-10%", "10%"]
tails = [{ move = "-50%", part = "30%" }]
volatility = { up = "40%", down = "20%", short_power = "0.3", long_power = "0.13", floor = "24h" }
contingencies = { short_option = "1%" }
initial_over = "130%"
"#;

fn read(text: &str) -> Result<Scenario, String> {
    let document = Document::read("t.toml", text, &[]).map_err(|e| e.to_string())?;
    Scenario::read(&document, &Files::Directory("".into())).map_err(|e| e.to_string())
}

#[test]
fn a_grid_reads() {
    let portfolios = read(GOOD).unwrap().portfolios;
    let [(InstrumentId(0), policy)] = &portfolios[..] else { panic!("{portfolios:?}") };
    let point = |price, volatility, part| GridPoint { price: Ppm(price), volatility, part: Ppm(part) };
    assert_eq!(policy.grid.len(), 7, "three for each move, and a tail");
    assert_eq!(policy.grid[0], point(-100_000, VolatilityMove::Up, 1_000_000));
    assert_eq!(policy.grid[5], point(100_000, VolatilityMove::Down, 1_000_000));
    assert_eq!(policy.grid[6], point(-500_000, VolatilityMove::Up, 300_000));
    assert_eq!((policy.volatility.short_power, policy.contingencies.short_option), (Ppm(300_000), Ppm(10_000)));
    let own = read(&GOOD.replace("contracts = [\"PERP\"]\n", "")).unwrap().portfolios;
    assert_eq!(own, portfolios, "the underlying itself, where nothing is said");
}

#[test]
fn messages() {
    for (old, new, expected) in [
        (
            "[portfolio_margin.PERP]",
            "[portfolio_margin.PRP]",
            "t.toml:32:1: portfolio_margin.PRP: found an unknown instrument, expected an instrument, one of PERP, OTHER, CALL (did you mean PERP?)",
        ),
        (
            "contracts = [\"PERP\"]",
            "contracts = [\"CALL\"]",
            "t.toml:33:14: portfolio_margin.PERP.contracts.0: found \"CALL\", expected a perpetual or dated contract, one of PERP, OTHER",
        ),
        (
            "contracts = [\"PERP\"]",
            "contracts = [\"PERP\", \"OTHER\"]",
            "t.toml:32:1: portfolio_margin.PERP: found OTHER, settled in another currency, expected what settles in USD",
        ),
        (
            "contracts = [\"PERP\"]",
            "contracts = [\"PERP\", \"PERP\"]",
            "t.toml:33:13: portfolio_margin.PERP.contracts: found contracts that repeat, or too many, expected at most 64, each once",
        ),
        (
            "contracts = [\"PERP\"]",
            "contracts = [{ instrument = \"PERP\", beta = \"-10\" }]",
            "t.toml:32:1: portfolio_margin.PERP: found moves × beta of −100% or less, or above 900%, expected moves of every contract in between",
        ),
        (
            "moves = [\"-10%\", \"10%\"]\n",
            "",
            "t.toml:32:1: portfolio_margin.PERP.moves: found nothing, expected the moves of the price",
        ),
        (
            "\"-50%\"",
            "\"-100%\"",
            "t.toml:35:19: portfolio_margin.PERP.tails.0.move: found \"-100%\", expected a rate from -99.9999% to 900%",
        ),
        (
            "initial_over = \"130%\"",
            "initial_over = \"90%\"",
            "t.toml:38:16: portfolio_margin.PERP.initial_over: found \"90%\", expected a rate from 100% to 1000%",
        ),
    ] {
        let text = GOOD.replacen(old, new, 1);
        assert_ne!(text, GOOD, "{old}");
        assert_eq!(read(&text).unwrap_err(), expected);
    }
}

#[test]
fn a_grid_may_change_while_a_run_goes_on() {
    let text = Text::open("volatility-jump").unwrap();
    let changes = mid_run(&text, &[], &["portfolio_margin.BTC-PERP.initial_over=150%".to_owned()], 1).unwrap().unwrap();
    let [Change::Setting { field, command, .. }] = &changes[..] else { panic!("{changes:?}") };
    let Command::SetPortfolioPolicy { underlying: InstrumentId(0), policy: Some(policy) } = &**command else {
        panic!("{command:?}")
    };
    assert_eq!(field, "portfolio_margin.BTC-PERP");
    assert_eq!(policy.initial_over, Ppm(1_500_000));
}
