//! What a broken scenario is told: file, line and column, field, what was found, what was expected.

use downdraft_lab::scenario::Files;
use downdraft_lab::{Document, Scenario, load};

const GOOD: &str = r#"name = "t"
duration = "1s"
[currencies.USD]
decimals = 2
[[instruments]]
name = "X"
settlement = "USD"
tick_size = "0.5"
lot_size = "0.1"
price = "100"
tiers = [{ floor = "0", maintenance = "1%", max_leverage = 20 }]
[liquidation]
mode = "market"
[fund]
USD = "10"
[[actors]]
name = "seller"
kind = "shock"
size = "1"
"#;

fn read(text: &str) -> Result<Scenario, String> {
    let document = Document::read("t.toml", text, &[]).map_err(|e| e.to_string())?;
    Scenario::read(&document, &Files::Directory("".into())).map_err(|e| e.to_string())
}

fn message(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    read(&GOOD.replacen(old, new, 1)).expect_err(new)
}

#[test]
fn the_good_one_is_good() {
    assert_eq!(read(GOOD).map(|s| s.name), Ok("t".to_owned()));
}

#[test]
fn messages() {
    let mut wrong = Vec::new();
    for (old, new, expected) in [
        ("tick_size", "tik_size", "t.toml:5:1: instruments.X.tick_size: found nothing, expected the price of a tick"),
        (
            "lot_size = \"0.1\"",
            "lot_size = \"0.1\"\nlotsize = 3",
            "t.toml:10:1: instruments.X.lotsize: found an unknown field, expected one of name, settlement, tick_size, \
             lot_size, mark_scale, contract, multiplier, kind, expiry, base, price, max_price, max_position, max_order, tiers, maintenance_basis, \
             close_fee, maker_fee, taker_fee, book, mark, protections, funding, fund, delivery, margin_form, dynamic_margin, volatility (did you mean lot_size?)",
        ),
        (
            "\"0.5\"",
            "0.5",
            "t.toml:8:13: instruments.X.tick_size: found the number 0.5, expected an exact quantity: put it in quotes, \
             \"0.5\"",
        ),
        (
            "price = \"100\"",
            "price = \"100.3\"",
            "t.toml:10:9: instruments.X.price: found \"100.3\", expected a whole number of ticks of 0.5, such as 100 or \
             100.5",
        ),
        (
            "size = \"1\"",
            "size = \"1.25\"",
            "t.toml:19:8: actors.seller.size: found \"1.25\", expected a whole number of lots of 0.1, such as 1.2 or 1.3",
        ),
        (
            "USD = \"10\"",
            "USD = \"10.001\"",
            "t.toml:15:7: fund.USD: found \"10.001\", expected a whole number of units of 0.01, such as 10 or 10.01",
        ),
        (
            "[currencies.USD]\ndecimals = 2\n",
            "",
            "t.toml:1:1: currencies: found nothing, expected a table of currencies",
        ),
        (
            "duration = \"1s\"",
            "duration = \"1 sec\"",
            "t.toml:2:12: duration: found \"1 sec\", expected a length of time such as \"250us\", \"10ms\", \"5s\", \
             \"2m\", \"1h\" or \"1d\"",
        ),
        (
            "duration = \"1s\"",
            "duration = \"0s\"",
            "t.toml:2:12: duration: found \"0s\", expected a length of time above 0",
        ),
        (
            "maintenance = \"1%\"",
            "maintenance = \"1 pc\"",
            "t.toml:11:39: instruments.X.tiers.0.maintenance: found \"1 pc\", expected a rate such as \"0.5%\", \"0.005\" \
             or \"5000ppm\"",
        ),
        (
            "maintenance = \"1%\"",
            "maintenance = \"0.00001%\"",
            "t.toml:11:39: instruments.X.tiers.0.maintenance: found \"0.00001%\", expected a rate of a whole number of \
             millionths",
        ),
        (
            "maintenance = \"1%\"",
            "maintenance = \"8%\"",
            "t.toml:11:10: instruments.X.tiers.0: found an initial rate below the maintenance rate, expected at least \
             the maintenance rate",
        ),
        (
            "mode = \"market\"",
            "mode = \"makret\"",
            "t.toml:13:8: liquidation.mode: found \"makret\", expected one of market, bankruptcy-limit, partial, \
             suppressed (did you mean market?)",
        ),
        (
            "mode = \"market\"",
            "mode = 3",
            "t.toml:13:8: liquidation.mode: found 3, expected one of market, bankruptcy-limit, partial, suppressed",
        ),
        (
            "mode = \"market\"",
            "cooldown = \"1s\"",
            "t.toml:12:1: liquidation.cooldown: found a rule for steps, expected none, or mode = \"partial\"",
        ),
        (
            "settlement = \"USD\"",
            "settlement = \"USDT\"",
            "t.toml:7:14: instruments.X.settlement: found \"USDT\", expected a currency, one of USD (did you mean USD?)",
        ),
        (
            "lot_size = \"0.1\"",
            "lot_size = \"0.001\"",
            "t.toml:5:1: instruments.X.mark_scale: found 0.5 × 0.001 ÷ 1, which is no whole number of 10^-2, expected \
             money per mark increment per lot to be exact: the settlement currency with 4 decimals",
        ),
        (
            "lot_size = \"0.1\"",
            "lot_size = \"0.1\"\nmark_scale = 10",
            "t.toml:5:1: instruments.X.mark_scale: found 0.5 × 0.1 ÷ 10, which is no whole number of 10^-2, expected \
             money per mark increment per lot to be exact: the settlement currency with 3 decimals, or mark_scale = 5",
        ),
        (
            "kind = \"shock\"",
            "kind = \"shock\"\nslices = 11",
            "t.toml:16:1: actors.seller.slices: found 11, expected at most a slice per lot, 10",
        ),
        (
            "kind = \"shock\"",
            "kind = \"shok\"",
            "t.toml:18:8: actors.seller.kind: found \"shok\", expected one of background, maker, shock, population, \
             borrowers, oracle, positions (did you mean shock?)",
        ),
        (
            "[[actors]]\nname = \"seller\"",
            "[[actors]]\nname = \"seller\"\nkind = \"shock\"\nsize = 1\n[[actors]]\nname = \"seller\"",
            "t.toml:20:1: actors.seller: found the name \"seller\" twice, expected a name of its own",
        ),
        (
            "[fund]",
            "[fund]\nEUR = 3",
            "t.toml:15:7: fund.EUR: found an unknown currency, expected a currency, one of USD",
        ),
        (
            "[fund]",
            "[fnd]",
            "t.toml:14:2: fnd: found an unknown field, expected one of name, summary, seed, duration, \
             depth, currencies, instruments, collateral, portfolio_margin, liquidation, fund, feed, actors, funds, vault, capacity (did you mean fund or feed or funds?)",
        ),
    ] {
        let found = message(old, new);
        if found != expected {
            wrong.push(format!("{new}:\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn broken_toml_is_located() {
    let message = message("[liquidation]", "[liquidation");
    assert!(message.starts_with("t.toml:12:13: "), "{message}");
}

#[test]
fn unknown_scenarios_and_paths_list_what_there_is() {
    let error = |name: &str, set: &str| load(name, &[set.to_owned()]).unwrap_err().to_string();
    let message = load("flash-crsh", &[]).unwrap_err().to_string();
    assert!(message.starts_with("no scenario \"flash-crsh\", expected one of flash-crash, thin-book"), "{message}");
    assert!(message.contains("(did you mean flash-crash?)"), "{message}");
    let message = error("thin-book", "instruments.0.tick_sise=1");
    assert!(
        message.starts_with("--set instruments.0.tick_sise=1: instruments.BTC-PERP.tick_sise: found an unknown field")
            && message.ends_with("(did you mean tick_size?)"),
        "{message}"
    );
    assert_eq!(
        error("thin-book", "actors.crwd.count=1"),
        "--set actors.crwd.count=1: actors has no element \"crwd\", expected a place from 0 below 3, or one of flow, \
         crowd, seller (did you mean crowd?)"
    );
    assert_eq!(
        error("thin-book", "actors.crowd.count=many"),
        "--set actors.crowd.count=many: actors.crowd.count: found \"many\", expected a whole number from 1 to 4294967295"
    );
    assert_eq!(
        error("thin-book", "liquidation.mode=none"),
        "--set liquidation.mode=none: liquidation.mode: found \"none\", expected one of market, bankruptcy-limit, \
         partial, suppressed"
    );
}

#[test]
fn a_book_is_deep_only_as_far_as_it_has_room() {
    let refused = |set: &str| load("deep-book", &[set.to_owned()]).unwrap_err().to_string();
    for set in ["depth=100000000", "actors.flow.book.order_size=0.001", "instruments.0.book.orders=100"] {
        let message = refused(set);
        assert!(message.contains("actors.flow.book: found levels of "), "{message}");
        assert!(message.contains("the book.orders of BTC-PERP"), "{message}");
    }
    // As many as there is room for.
    let orders = |room: u32| load("deep-book", &[format!("instruments.0.book.orders={room}")]);
    let needed = (1..20_000).find(|room| orders(*room).is_ok()).unwrap();
    let of = |room: u32| {
        load("deep-book", &["actors.flow.max_orders=9".to_owned(), format!("instruments.0.book.orders={room}")])
    };
    assert!(of(needed).is_ok() && of(needed - 1).is_err());
}

#[test]
fn what_a_venue_reserves_is_bounded() {
    for (set, found) in [("capacity.accounts=268435456", "67108864"), ("capacity.positions_per_account=2", "1 to 1")] {
        let message = load("thin-book", &[set.to_owned()]).unwrap_err().to_string();
        assert!(message.starts_with(&format!("--set {set}: ")) && message.ends_with(found), "{message}");
    }
}

#[test]
fn models_refuse_in_their_own_words() {
    let error = |set: &str| load("flash-crash", &[set.to_owned()]).unwrap_err().to_string();
    assert_eq!(
        error("actors.crowd.size={ kind = \"uniform\", low = 3, high = 1 }"),
        "--set actors.crowd.size={ kind = \"uniform\", low = 3, high = 1 }: actors.crowd.size: high: found 1, expected a \
         finite number, at least low"
    );
}
