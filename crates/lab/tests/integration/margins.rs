//! Options, margin forms and dynamic margin in a scenario.

use core::ops::ControlFlow;
use downdraft_lab::fork::mid_run;
use downdraft_lab::library::Text;
use downdraft_lab::plan::Change;
use downdraft_lab::scenario::Files;
use downdraft_lab::{Document, Prepared, Scenario, ScenarioError, run};
use downdraft_margin::{InstrumentKind, Right};
use downdraft_sim::world::Observer;
use downdraft_types::{CurrencyId, EventId, MarkPrice, Money, Ppm};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{CauseKind, Command, DynamicMargin, Event, MarkRule, Measure, Rejection, Stamp, Venue};

struct Seen {
    liquidations: u64,
    by_volatility: u64,
    settled: u64,
    auditor: VenueAuditor,
}

impl Observer for Seen {
    fn command(&mut self, _: &Stamp, command: &Command) {
        self.auditor.command(command);
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.auditor.observe(event);
        match *event {
            Event::LiquidationTriggered { kind, .. } => {
                self.liquidations += 1;
                self.by_volatility += u64::from(kind == CauseKind::Volatility);
            }
            Event::Settled { .. } => self.settled += 1,
            _ => {}
        }
    }

    fn done(&mut self, _: &Venue) {}
}

fn seen(scenario: Scenario) -> Seen {
    let auditor = VenueAuditor::new(scenario.capacity.accounts);
    let mut seen = Seen { liquidations: 0, by_volatility: 0, settled: 0, auditor };
    let finished = run(&Prepared::new(scenario, None), &mut seen, |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(seen.auditor.verdict(), Ok(()));
    finished.world.venue().check_invariants();
    seen
}

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::read(&Document::read("o.toml", text, &[])?, &Files::Embedded(&[]))
}

const HEAD: &str = r#"
name = "o"
duration = "6s"
[currencies.USDC]
decimals = 6
"#;

const UNDERLYING: &str = r#"
[[instruments]]
name = "BTC"
settlement = "USDC"
tick_size = "0.5"
lot_size = "0.01"
mark_scale = 10
price = "60000"
max_position = "1000"
mark = { rule = "exogenous" }
tiers = [{ floor = "0", maintenance = "1%", initial = "2%" }]
volatility = [["0s", "50%"], ["2s", "50.5%"], ["4s", "180%"]]
margin_form = { size = { slope = "0.005%", per = "1" }, max_open_interest = "500" }
"#;

const CALL: &str = r#"
[[instruments]]
name = "BTC-CALL"
kind = "option"
right = "call"
underlying = "BTC"
strike = "61500"
expiry = "5s"
settlement = "USDC"
tick_size = "5"
lot_size = "0.01"
mark_scale = 100
price = "100"
max_position = "1000"
mark = { rule = "model", smile = "110%", interval = "1s" }
delivery = { window = "1s", sample = "100ms", fee = "0.015%", fee_cap = "12.5%" }
"#;

const ORACLE: &str = r#"
[[actors]]
name = "index"
kind = "oracle"
instrument = "BTC"
path = { kind = "scripted", points = [["0s", 60000.0], ["3s", 60500.0], ["4.45s", 63000.0]] }
coupling = 0.0
heartbeat = "500ms"
"#;

#[test]
fn options_are_read_and_run_to_their_settlement() {
    let scenario = read(&[HEAD, UNDERLYING, CALL, ORACLE].concat()).unwrap();
    let [underlying, call] = &scenario.instruments[..] else { panic!("two instruments") };
    assert_eq!(underlying.form.unwrap().size.slope, Ppm(50));
    assert_eq!(underlying.form.unwrap().size.per.0, 100);
    let InstrumentKind::Option(terms) = call.spec.kind else { panic!("an option") };
    assert_eq!((terms.right, terms.strike, terms.underlying.0), (Right::Call, MarkPrice(1_230_000), 0));
    assert_eq!(
        call.mark.rule,
        MarkRule::Model { smile: Ppm(1_100_000), interval: downdraft_types::Span(1_000_000_000) }
    );
    // 0.05 dollars of a hundredth, in millionths.
    assert_eq!((call.spec.point_value, call.spec.tiers.len()), (500, 0));
    let seen = seen(scenario);
    // The index is read from 4.1 to 5 seconds: four times 60,500, six times 63,000. 500 above the strike, in twentieths.
    let settled = seen.auditor.auditor().mark(downdraft_types::InstrumentId(1));
    assert_eq!(settled, Some(MarkPrice(10_000)));
    assert_eq!((seen.settled, seen.liquidations, seen.by_volatility), (0, 0, 0), "nobody held it");
}

#[test]
fn what_an_option_lacks_is_said() {
    let message = |old: &str, new: &str| {
        let text = [HEAD, UNDERLYING, CALL].concat().replace(old, new);
        read(&text).unwrap_err().to_string()
    };
    for (old, new, expected) in [
        ("right = \"call\"", "", "BTC-CALL.right: found nothing, expected call or put"),
        ("underlying = \"BTC\"", "underlying = \"ETH\"", "expected an instrument before this one"),
        ("mark_scale = 100", "mark_scale = 10", "expected the same tick_size ÷ mark_scale"),
        ("right = \"call\"", "right = \"call\"\ntiers = []", "tiers of an option"),
        ("\"exogenous\"", "\"model\"", "found the model's mark"),
        ("smile = \"110%\"", "smile = \"0%\"", "smile"),
        ("[\"2s\", \"50.5%\"]", "[\"0s\", \"50.5%\"]", "times that do not rise"),
    ] {
        let found = message(old, new);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn dynamic_margin_is_read() {
    let dynamic = |text: &str| {
        let set = format!("instruments.BTC-PERP.dynamic_margin={{ {text} }}");
        let text = downdraft_lab::show("thin-book").unwrap();
        Scenario::read(&Document::read("t.toml", text, &[set])?, &Files::Embedded(&[]))
    };
    let good = "follows = { open_interest = { lower = \"1000\", upper = \"2000\" } }, sample = \"1s\", period = \"10s\", \
                rise = \"1%\", least = \"0.5%\", most = \"5%\"";
    let policy: DynamicMargin = dynamic(good).unwrap().instruments[0].dynamic.unwrap();
    let money = |units: i128| downdraft_types::Money(units * 1_000_000);
    assert_eq!(policy.measure, Measure::OpenInterest { from: money(1_000), to: money(2_000) });
    assert_eq!((policy.rise, policy.fall, policy.initial_over), (Ppm(10_000), Ppm::ONE, Ppm(2_000_000)));
    let message = |text: &str| dynamic(text).unwrap_err().to_string();
    assert!(message(&good.replace("\"5%\"", "\"0.1%\"")).contains("least rate above the largest"));
    assert!(message("follows = {}, sample = \"1s\", least = \"1%\", most = \"2%\"").contains("other than one measure"));
}

/// How many orders a run refused for an account's limit.
#[derive(Default)]
struct Refusals(u64);

impl Observer for Refusals {
    fn command(&mut self, _: &Stamp, _: &Command) {}

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.0 += u64::from(matches!(event, Event::Rejected { reason: Rejection::NotionalLimit }));
    }

    fn done(&mut self, _: &Venue) {}
}

#[test]
fn an_accounts_notional_has_a_limit_by_currency() {
    let refused = |sets: &[&str]| {
        let mut refusals = Refusals::default();
        let prepared = Prepared::new(crate::outcome::scenario("thin-book", sets), None);
        run(&prepared, &mut refusals, |_, _| ControlFlow::Continue(())).unwrap();
        refusals.0
    };
    let short = ["duration=3s"];
    assert_eq!(refused(&short), 0);
    // The seller sells 400 coins at some 60,000.
    assert!(
        refused(&[&short[..], &["currencies.USDT.max_notional=16000000", "actors.seller.interval=5ms"]].concat()) > 0
    );
}

#[test]
fn an_accounts_limit_is_read_and_may_change() {
    let with = |limit: &str| HEAD.replace("decimals = 6", &format!("decimals = 6\nmax_notional = {limit}"));
    let scenario = read(&[&with("\"5000.5\""), UNDERLYING].concat()).unwrap();
    assert_eq!(scenario.currencies.0[0].max_notional, Some(Money(5_000_500_000)));
    let error = read(&[&with("\"-1\""), UNDERLYING].concat()).unwrap_err().to_string();
    assert_eq!(error, "o.toml:6:16: currencies.USDC.max_notional: found \"-1\", expected an amount of at least 0");
    let text = Text::open("thin-book").unwrap();
    let changes = mid_run(&text, &[], &["currencies.USDT.max_notional=7".to_owned()], 1).unwrap().unwrap();
    let [Change::Setting { field, command, .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(field, "currencies.USDT.max_notional");
    let limit = Some(Money(7_000_000));
    assert_eq!(**command, Command::SetNotionalLimit { account: None, currency: CurrencyId(0), limit });
}
