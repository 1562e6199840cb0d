//! Human units become the engine's, exactly.

use crate::outcome::scenario;
use downdraft_lab::scenario::{ActorKind, Files};
use downdraft_lab::{Document, Prepared, Scenario};
use downdraft_margin::Payoff;
use downdraft_types::{Money, Ppm, Price, Qty, Span};
use downdraft_venue::{
    Absorber, Absorption, AdlPrice, Between, CloseOrder, Command, DeficitOrder, EquityShare, LiquidationMode,
    PartialStep, Residual, Socialising, Takeover,
};

#[test]
fn instruments() {
    let sets =
        ["instruments.0.mark_scale=10", "instruments.0.maker_fee=-0.015%", "instruments.0.tiers.1.max_leverage=30"];
    let scenario = scenario("flash-crash", &sets);
    let instrument = &scenario.instruments[0];
    let spec = &instrument.spec;
    assert_eq!(instrument.price, Price(120_000));
    assert_eq!(instrument.first_mark().0, 1_200_000);
    // 0.5 × 0.001 × 10^6 ÷ 10.
    assert_eq!((spec.mark_scale, spec.point_value), (10, 50));
    assert_eq!((spec.max_order, spec.max_position), (Qty(100_000_000), Qty(1_000_000_000)));
    assert_eq!((spec.maker_fee, spec.taker_fee), (Ppm(-150), Ppm(500)));
    assert_eq!((spec.tiers[0].maintenance, spec.tiers[0].initial), (Ppm(5_000), Ppm(10_000)));
    assert_eq!(spec.tiers[1].floor, Money(300_000_000_000));
    // 1 ÷ 30 is rounded up: no more leverage than is written.
    assert_eq!(spec.tiers[1].initial, Ppm(33_334));
    assert_eq!(scenario.fund[0].1, Money(400_000_000_000));
    assert!((instrument.units.price(Price(120_001)) - 60_000.5).abs() < 1e-9);
}

#[test]
fn liquidation() {
    let policy = |sets: &[&str]| scenario("thin-book", sets).liquidation;
    let plain = policy(&[]);
    assert_eq!((plain.mode, plain.latency), (LiquidationMode::Market, Span(5_000_000)));
    assert_eq!((plain.order_interval, plain.residual), (Span(5_000_000), Residual::Fund));
    let rest = "liquidation.rest={ fund = { fraction = \"25%\", interval = \"1.5s\" } }";
    let limited = policy(&["liquidation.mode=bankruptcy-limit", rest]);
    let fund = Takeover::Absorbed(Absorption::by_fund(Ppm(250_000), Span(1_500_000_000)));
    assert_eq!(limited.mode, LiquidationMode::BankruptcyLimit { rest: fund });
    let partial =
        policy(&["liquidation.mode=partial", "liquidation.step={ fraction = \"0.2\" }", "liquidation.cooldown=2m"]);
    let step = PartialStep::Fraction(Ppm(200_000));
    assert_eq!(partial.mode, LiquidationMode::Partial { step, cooldown: Span(120_000_000_000) });
    assert_eq!(
        policy(&["liquidation.residual={ fund_capped = \"5000ppm\" }"]).residual,
        Residual::FundCapped(Ppm(5_000))
    );
}

#[test]
fn waterfall() {
    let policy = |sets: &[&str]| scenario("thin-book", sets).liquidation;
    let plain = policy(&[]);
    assert_eq!((plain.backstop, plain.vault, plain.deficit_order), (None, None, DeficitOrder::FundFirst));
    assert_eq!((plain.socialising, plain.between), (Socialising::Winners, Between::Recheck));
    assert_eq!((plain.equity_share, plain.adl.price), (EquityShare::Maintenance, AdlPrice::Bankruptcy));
    let backstop = "liquidation.backstop={ below = \"66.6667%\", vault = { fraction = \"10%\", interval = \"2s\", book_part = \"5%\" } }";
    let other = policy(&[
        backstop,
        "liquidation.deficit_order=adl-fund",
        "liquidation.socialise=funding",
        "liquidation.between=close-all",
        "liquidation.equity_share=whole",
        "liquidation.close_order=largest-notional",
        "liquidation.adl.price=previous-oracle",
    ]);
    let backstop = other.backstop.unwrap();
    assert_eq!((backstop.below, backstop.absorption.by), (Ppm(666_667), Absorber::Vault));
    let unwind = backstop.absorption.unwind;
    assert_eq!((unwind.fraction, unwind.interval), (Ppm(100_000), Span(2_000_000_000)));
    assert_eq!(unwind.book_part, Some(Ppm(50_000)));
    assert_eq!((other.deficit_order, other.socialising), (DeficitOrder::AdlFirst, Socialising::Holders));
    assert_eq!((other.between, other.equity_share), (Between::CloseAll, EquityShare::Whole));
    assert_eq!((other.close_order, other.adl.price), (CloseOrder::LargestNotional, AdlPrice::PreviousIndex));
    assert_eq!(policy(&["liquidation.residual=vault"]).residual, Residual::Vault);
}

/// The vault, and funds by name, have the accounts after those of the actors, and are opened before the policy names
/// them.
#[test]
fn funds_and_vault_have_accounts() {
    let plain = scenario("thin-book", &[]).first_free_account();
    let with = |sets: &[&str]| scenario("thin-book", sets);
    let ample = with(&["liquidation.residual=vault"]);
    assert_eq!(ample.liquidation.vault, Some(plain));
    assert_eq!(ample.funds.vault.as_ref().unwrap().amounts[0].1, Money(1_000_000_000_000_000));
    let own = with(&["instruments.0.fund=alt", "funds.alt.USDT=1500", "vault.USDT=20"]);
    let (fund, vault) = (own.funds.groups[0].account, own.funds.vault.as_ref().unwrap().account);
    assert_eq!((fund, vault.0, own.first_free_account().0), (plain, plain.0 + 1, plain.0 + 2));
    assert!(
        own.account_names.contains(&(fund, "alt".to_owned())) && own.account_names.contains(&(vault, "vault".into()))
    );
    let genesis = Prepared::new(own, None).genesis();
    let at = |command: &Command| genesis.iter().position(|c| c == command).expect("a command of the genesis");
    let instrument = downdraft_types::InstrumentId(0);
    let set = at(&Command::SetFund { instrument, fund, isolated: false });
    let policy = genesis.iter().position(|c| matches!(c, Command::SetLiquidationPolicy { .. })).unwrap();
    assert!(at(&Command::OpenAccount { account: fund }) < set && at(&Command::OpenAccount { account: vault }) < policy);
    let (currency, amount) = (downdraft_types::CurrencyId(0), Money(1_500_000_000));
    assert!(set < at(&Command::Deposit { account: fund, currency, amount }));
    let error = downdraft_lab::load("thin-book", &["instruments.0.fund=other".to_owned()]).unwrap_err().to_string();
    assert!(
        error.contains("found \"other\", the fund of BTC-PERP, without its table, expected [funds.other]"),
        "{error}"
    );
}

#[test]
fn actors_get_accounts_of_their_own() {
    let scenario = scenario("flash-crash", &[]);
    let mut next = 1;
    for actor in &scenario.actors {
        assert_eq!(actor.accounts.0.0, next, "{}", actor.name);
        next += actor.accounts.1;
    }
    assert_eq!(scenario.first_free_account().0, next);
    assert!(scenario.capacity.accounts > next);
}

#[test]
fn depth_multiplies_what_rests_and_nothing_else() {
    let of = |depth: &str| {
        let scenario = scenario("flash-crash", &[depth]);
        let ActorKind::Background(flow) = scenario.actors[0].kind.clone() else { panic!("flow is background") };
        let ActorKind::Maker(maker) = scenario.actors[1].kind.clone() else { panic!("maker is a maker") };
        (flow, maker)
    };
    let ((flow, maker), (deep, deep_maker)) = (of("depth=1"), of("depth=2.5"));
    assert_eq!(flow.seed.as_ref().unwrap().levels[0], Qty(400));
    assert_eq!(deep.seed.as_ref().unwrap().levels[0], Qty(1_000));
    assert_eq!((maker.levels[0], deep_maker.levels[0]), (Qty(2_000), Qty(5_000)));
    assert!((deep.limit_size.quantile(0.5) - 2.5 * flow.limit_size.quantile(0.5)).abs() < 1e-9);
    assert_eq!((flow.market_size, flow.placement), (deep.market_size, deep.placement));
}

/// A scenario that leaves terms and policies to its venue.
fn at_venue(venue: &str, settlement: &str, lot: &str) -> Scenario {
    let text = format!(
        "name = \"v\"\nvenue = \"{venue}\"\nduration = \"1s\"\n[currencies.{settlement}]\ndecimals = 8\n\
         [[instruments]]\nname = \"BTC\"\nsettlement = \"{settlement}\"\ntick_size = \"0.5\"\nlot_size = \"{lot}\"\n\
         price = \"60000\"\nmax_position = \"10000\"\n"
    );
    let document = Document::read("v.toml", &text, &[]).unwrap();
    Scenario::read(&document, &Files::Embedded(&[])).unwrap()
}

#[test]
fn every_venue_is_whole() {
    for preset in downdraft_lab::venues() {
        let (settlement, lot) = if preset.text.contains("\"inverse\"") { ("BTC", "1") } else { ("USDT", "0.001") };
        let scenario = at_venue(preset.name, settlement, lot);
        let prepared = Prepared::new(scenario, None);
        prepared.world().unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        assert!(prepared.scenario.instruments[0].funding.is_some(), "{}", preset.name);
        assert!(preset.text.contains("Source"), "{} names its sources", preset.name);
        assert_eq!(downdraft_lab::show(preset.name).unwrap(), preset.text);
    }
}

/// 0, 50, 1,300, 16,300, 266,300 …: Binance's own table.
#[test]
fn binances_tiers_have_its_maintenance_amounts() {
    let spec = at_venue("binance-usdm", "USDT", "0.001").instruments[0].spec.clone();
    let amounts = downdraft_margin::instrument::tiers(&spec.tiers, spec.close_fee);
    let whole: Vec<i128> = amounts.iter().map(|tier| tier.amount_e6 / 100_000_000_000_000).collect();
    assert_eq!(whole, [0, 50, 1_300, 16_300, 266_300, 1_266_300, 2_516_300, 5_016_300, 25_016_300, 100_016_300]);
}

#[test]
fn inverse_contracts() {
    let spec = at_venue("bitmex", "BTC", "1").instruments[0].spec.clone();
    // A dollar, in half dollars, times 10^8.
    assert_eq!((spec.payoff, spec.point_value), (Payoff::Inverse, 200_000_000));
    assert_eq!(spec.tiers[1].floor, Money(20_000_000_000));
}
