//! `collateral-loop`, spot markets and `[collateral]`: what they do, and what a broken one is told.

use crate::outcome::{outcome, scenario};
use core::ops::ControlFlow;
use downdraft_lab::scenario::Files;
use downdraft_lab::{Document, Prepared, Scenario, run};
use downdraft_margin::Pool;
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, InstrumentId, MarkPrice};
use downdraft_venue::{Command, Event, Stamp, Venue};

const PERP: InstrumentId = InstrumentId(0);
const TOKEN: InstrumentId = InstrumentId(1);

/// What concerns collateral.
#[derive(Default, Debug)]
struct Seen {
    fallen: u64,
    contracts_closed: u64,
    sales: u64,
    interest: u64,
    lowest: [Option<MarkPrice>; 2],
}

impl Observer for Seen {
    fn command(&mut self, _: &Stamp, _: &Command) {}

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        match *event {
            Event::LiquidationTriggered { pool: Pool::Unified { .. }, .. } => self.fallen += 1,
            Event::LiquidationOrderDone { instrument: PERP, filled, .. } if !filled.is_zero() => {
                self.contracts_closed += 1;
            }
            Event::ConversionDone { instrument: TOKEN, filled, .. } if !filled.is_zero() => self.sales += 1,
            Event::InterestPaid { .. } => self.interest += 1,
            Event::MarkMoved { instrument, mark, .. } => {
                let lowest = &mut self.lowest[instrument.index()];
                *lowest = Some(lowest.map_or(mark, |lowest| lowest.min(mark)));
            }
            _ => {}
        }
    }

    fn done(&mut self, _: &Venue) {}
}

fn seen(sets: &[&str]) -> Seen {
    let mut seen = Seen::default();
    let prepared = Prepared::new(scenario("collateral-loop", sets), None);
    run(&prepared, &mut seen, |_, _| ControlFlow::Continue(())).expect("a run to its end");
    seen
}

#[test]
fn sold_collateral_moves_what_collateral_is_worth() {
    let (with, without) = (seen(&[]), seen(&["liquidation.mode=suppressed"]));
    assert!(with.fallen > 50 && with.contracts_closed > 20 && with.sales > 20, "{with:?}");
    assert_eq!((without.fallen, without.sales), (0, 0), "{without:?}");
    // The contracts' own mark hardly moves (60,000 in half dollars); the token's falls further by what was sold.
    assert!(with.lowest[0].unwrap() > MarkPrice(118_000), "{with:?}");
    assert!(with.lowest[1] < without.lowest[1], "{with:?} {without:?}");
    assert!(with.interest > 400 && without.interest > 400, "20 charges of whoever owes something");
}

#[test]
fn it_is_conserved_and_its_liquidations_have_parents() {
    let outcome = outcome(scenario("collateral-loop", &[]), Some(2));
    assert!(outcome.with_parent > 0 && outcome.forced_fills > 100, "{outcome:?}");
}

const GOOD: &str = r#"name = "t"
duration = "1s"
[currencies.USD]
decimals = 2
[currencies.TKN]
decimals = 3
[[instruments]]
name = "TKN-USD"
kind = "spot"
base = "TKN"
settlement = "USD"
tick_size = "0.5"
lot_size = "0.1"
price = "100"
[collateral.USD]
loan = { initial = "10%", maintenance = "5%", interest = "0.001%" }
[collateral.TKN]
market = "TKN-USD"
weights = "90%"
[[actors]]
name = "borrowers"
kind = "borrowers"
count = 2
leverage = 3.0
size = 10.0
"#;

fn read(text: &str) -> Result<Scenario, String> {
    let document = Document::read("t.toml", text, &[]).map_err(|e| e.to_string())?;
    Scenario::read(&document, &Files::Directory("".into())).map_err(|e| e.to_string())
}

#[test]
fn a_table_of_collateral_reads() {
    let scenario = read(GOOD).unwrap();
    let policy = scenario.collateral.unwrap();
    assert_eq!(policy.assets.len(), 2);
    let usd = policy.assets.iter().find(|asset| asset.market.is_none()).unwrap();
    assert_eq!(usd.loan.map(|loan| loan.interest_e9), Some(10_000), "a thousandth of a percent");
}

#[test]
fn messages() {
    for (old, new, expected) in [
        (
            "base = \"TKN\"\n",
            "",
            "t.toml:7:1: instruments.TKN-USD.base: found nothing, expected the currency that is bought",
        ),
        (
            "base = \"TKN\"",
            "base = \"USD\"",
            "instruments.TKN-USD.base: found the settlement currency, expected another",
        ),
        ("decimals = 3", "decimals = 0", "expected a currency with lots of 0.1 in whole units"),
        (
            "price = \"100\"",
            "price = \"100\"\ntiers = [{ floor = \"0\", maintenance = \"1%\", initial = \"2%\" }]",
            "expected none, as kind is spot",
        ),
        (
            "price = \"100\"",
            "price = \"100\"\ncontract = \"inverse\"",
            "expected contract = \"linear\", as kind is spot",
        ),
        ("market = \"TKN-USD\"\n", "", "collateral: found 2 currencies without a market, expected one"),
        (
            "market = \"TKN-USD\"",
            "market = \"TKN-UDS\"",
            "collateral.TKN.market: found \"TKN-UDS\", expected an instrument of kind spot",
        ),
        (
            "[collateral.TKN]",
            "[collateral.TKM]",
            "collateral.TKM: found an unknown currency, expected a currency, one of",
        ),
        (
            "weights = \"90%\"",
            "weights = \"101%\"",
            "collateral.TKN.weights: found \"101%\", expected a rate from 0% to 100%",
        ),
        ("weights = \"90%\"", "weights = [{ floor = \"1\", weight = \"9%\" }]", "expected a first tier with floor 0"),
        ("interest = \"0.001%\"", "interest = \"0.00000001%\"", "collateral.USD.loan.interest: found \"0.00000001%\""),
        ("maintenance = \"5%\"", "maintenance = \"15%\"", "found maintenance above initial margin"),
        ("loan = {", "loans = {", "collateral.USD.loans: found an unknown field"),
        (
            "loan = { initial = \"10%\", maintenance = \"5%\", interest = \"0.001%\" }",
            "",
            "a market in USD, which is not lent",
        ),
    ] {
        assert!(GOOD.contains(old), "{old}");
        let message = read(&GOOD.replacen(old, new, 1)).expect_err(new);
        assert!(message.contains(expected), "{new}: {message}");
    }
}
