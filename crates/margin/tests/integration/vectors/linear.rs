//! Liquidation and bankruptcy prices, tiers and margins of linear contracts: Binance, Bybit, Gate and OKX, Deribit,
//! Hyperliquid, Vega.

use super::case::{Case, Outcome, int, near, same, scaled};
use crate::world::{A, CASH, FIRST, SECOND, cross, deposit, engine, isolate, isolated, perpetual, tier, trade};
use downdraft_margin::instrument::{Tier, tiers};
use downdraft_margin::{InstrumentSpec, MaintenanceBasis, Margin, TierSpec};
use downdraft_types::{InstrumentId, Lots, MarkPrice, Money, Ppm, Price, Qty};
use serde_json::Value;

pub fn check(id: &str) -> Option<fn(&Case) -> Outcome> {
    Some(match id {
        "binance.liq.iso_eth"
        | "binance.liq.iso_btc"
        | "binance.liq.cross_eth_with_btc"
        | "binance.liq.cross_btc_with_eth" => binance_wallet,
        "binance.tier.maintenance_amounts" => maintenance_amounts,
        "binance.tier.coinm_level5" => coin_level,
        "binance.tier.mm_500k" => maintenance_of_notional,
        "bybit.bk.linear_50x" => bankruptcy_price,
        "deribit.sm.btc25" | "deribit.sm.btc350" => deribit,
        "hyperliquid.backstop.threshold" => backstop,
        "hyperliquid.mm.range" => half_of_initial,
        "vega.mcal.210" => vega_maintenance,
        _ if id.starts_with("hyperliquid.liq.") => hyperliquid_position,
        _ if id.starts_with("binance.liq.ft_") => |case| leveraged(case, MaintenanceBasis::Mark),
        _ if id.starts_with("gate_okx.liq.") => |case| leveraged(case, MaintenanceBasis::Mark),
        _ if id.starts_with("bybit.liq.linear_") => |case| leveraged(case, MaintenanceBasis::Entry),
        "bybit.liq.iso_long_20000_50x" => |case| leveraged(case, MaintenanceBasis::Entry),
        _ => return None,
    })
}

/// Decimals of a price's tick, of its mark increment, and of a lot.
#[derive(Clone, Copy)]
struct Units {
    tick: u32,
    mark: u32,
    lot: u32,
}

impl Units {
    /// Such that an increment of a lot is one unit of money.
    const fn money(self) -> u32 {
        self.mark + self.lot
    }

    fn spec(self, tiers: Vec<TierSpec>) -> InstrumentSpec {
        InstrumentSpec {
            mark_scale: 10_u32.pow(self.mark - self.tick),
            max_price: Price(10_000_000),
            max_position: Qty(1_000_000_000),
            tiers,
            ..perpetual(0, 0)
        }
    }

    fn mark(self, price: &Value) -> MarkPrice {
        MarkPrice(i64::try_from(scaled(price, self.mark)).expect("a price"))
    }

    fn lots(self, size: &Value) -> i64 {
        i64::try_from(scaled(size, self.lot)).expect("a size")
    }
}

/// Two tiers, the upper of which has this rate and this maintenance amount: the lower one asks for nothing.
fn tiers_with_amount(maintenance: i64, initial: i64, amount: i128) -> Vec<TierSpec> {
    let floor = amount * 1_000_000 / i128::from(maintenance);
    assert_eq!(floor * i128::from(maintenance), amount * 1_000_000, "the tier starts at a whole amount");
    let upper = tier(floor, maintenance, initial);
    if floor == 0 { vec![upper] } else { vec![tier(0, 0, initial), upper] }
}

/// Buys or sells at the entry price, where the mark then is.
fn enter(margin: &mut Margin, units: Units, instrument: InstrumentId, size: i64, entry: &Value) {
    margin.set_mark(instrument, units.mark(entry));
    let value = margin.instrument(instrument).value_at(Lots(size.abs()), units.mark(entry));
    trade(margin, A, instrument, size, value.0);
}

fn liquidation_price(margin: &Margin) -> i128 {
    margin.liquidation_price(A, FIRST).expect("some mark reaches it").0.into()
}

/// A wallet balance, and perhaps another cross position at its mark. The published prices have two decimals.
fn binance_wallet(case: &Case) -> Outcome {
    let units = Units { tick: 2, mark: 5, lot: 3 };
    let tiers = |rate: &Value, amount: &Value| {
        let rate = i64::try_from(scaled(rate, 6)).expect("a rate");
        tiers_with_amount(rate, rate, scaled(amount, units.money()))
    };
    let mut specs = vec![units.spec(tiers(case.input("MMR"), case.input("cum")))];
    let other = case.has("other").then(|| case.input("other"));
    specs.extend(other.map(|other| units.spec(tiers(&other["MMR"], &other["cum"]))));
    let mut margin = engine(&specs);
    deposit(&mut margin, A, case.scaled("WB", units.money()));
    assert_eq!(case.int("side"), 1);
    enter(&mut margin, units, FIRST, units.lots(case.input("pos")), case.input("EP"));
    if let Some(other) = other {
        enter(&mut margin, units, SECOND, units.lots(&other["pos"]), &other["EP"]);
        margin.set_mark(SECOND, units.mark(&other["mark"]));
    }
    case.near_to_cents(liquidation_price(&margin), units.mark)
}

/// An isolated position whose margin is notional ÷ leverage. A rate is parts per million, so the third of a
/// leverage of 3 is topped up by hand.
fn leveraged(case: &Case, basis: MaintenanceBasis) -> Outcome {
    let units = Units { tick: 0, mark: 8, lot: 1 };
    let side = if case.has("side") { case.small("side") } else { 1 };
    let size = ["pos", "size"].iter().find(|name| case.has(name)).map_or(10, |name| units.lots(case.input(name)));
    let amount = if case.has("cum") { case.scaled("cum", units.money()) } else { 0 };
    let rate = case.ppm("MMR");
    let close_fee = Ppm(if case.has("taker") { case.ppm("taker") } else { 0 });
    let initial = 1_000_000 / case.small("leverage");
    let tiers = tiers_with_amount(rate, initial, amount);
    let mut margin = engine(&[InstrumentSpec { close_fee, maintenance_basis: basis, ..units.spec(tiers) }]);
    isolate(&mut margin, A, initial);
    let notional = case.scaled("EP", units.mark) * i128::from(size);
    let whole = notional / case.int("leverage");
    deposit(&mut margin, A, whole);
    enter(&mut margin, units, FIRST, size * side, case.input("EP"));
    let rest = Money(whole) - margin.balance(isolated(A));
    if rest.is_positive() {
        margin.move_margin(A, FIRST, rest).map_err(|e| format!("{e:?}"))?;
    }
    same(margin.balance(isolated(A)), Money(whole))?;
    case.near(liquidation_price(&margin), units.mark)
}

/// The price at which the margin is used up: closing there leaves nothing.
fn bankruptcy_price(case: &Case) -> Outcome {
    let units = Units { tick: 0, mark: 4, lot: 0 };
    let initial = 1_000_000 / case.small("leverage");
    let mut margin = engine(&[units.spec(vec![tier(0, 5_000, initial)])]);
    isolate(&mut margin, A, initial);
    deposit(&mut margin, A, case.scaled("EP", units.money()));
    enter(&mut margin, units, FIRST, 1, case.input("EP"));
    case.near(margin.bankruptcy_value(A, FIRST, Qty(1)).0, units.mark)
}

fn amounts(tiers: &[Tier]) -> Vec<i128> {
    tiers.iter().map(|tier| tier.amount_e6).collect()
}

fn binance_tiers(case: &Case) -> Vec<TierSpec> {
    let caps = case.input("bracket_caps").as_array().expect("caps").iter().map(int);
    let rates = case.input("mmr").as_array().expect("rates").iter().map(|rate| scaled(rate, 6));
    let floors = std::iter::once(0).chain(caps);
    floors.zip(rates).map(|(floor, rate)| tier(floor, i64::try_from(rate).expect("a rate"), 1_000_000)).collect()
}

fn maintenance_amounts(case: &Case) -> Outcome {
    let expected = case.expected().as_array().expect("a list").iter().map(|amount| int(amount) * 1_000_000);
    same(amounts(&tiers(&binance_tiers(case), Ppm::ZERO)), expected.collect())
}

/// Money in hundred-millionths of a coin: the tier below starts where its own amount says.
fn coin_level(case: &Case) -> Outcome {
    let money = |name| case.scaled(name, 8);
    let mut specs = tiers_with_amount(case.ppm("mmr_prev"), 1_000_000, money("cum_prev"));
    specs.push(tier(money("floor"), case.ppm("mmr"), 1_000_000));
    let last = *amounts(&tiers(&specs, Ppm::ZERO)).last().expect("tiers");
    case.near(last / 1_000_000, 8)
}

/// A position of that notional, in the tier with that rate and amount.
fn maintenance_of_notional(case: &Case) -> Outcome {
    let tiers = tiers_with_amount(case.ppm("MMR"), 1_000_000, case.int("cum"));
    let mut margin = engine(&[perpetual(0, 0)]);
    margin.set_tiers(FIRST, &tiers).map_err(|e| format!("{e:?}"))?;
    margin.set_mark(FIRST, MarkPrice(1_000));
    deposit(&mut margin, A, case.int("notional"));
    trade(&mut margin, A, FIRST, 500, case.int("notional"));
    case.exact(margin.health(cross(A)).maintenance().0)
}

/// Margin that grows with size is a tier per contract (per several, where there are too many for tiers). Its
/// marginal maintenance rate is that of the tier, so that whole numbers of contracts come out exactly; beyond 199
/// contracts it would pass the initial rate, and the source gives none.
fn deribit(case: &Case) -> Outcome {
    let contracts = case.small("pos");
    let index = case.int("index");
    let (initial, base, slope) = (case.ppm("im_base"), case.ppm("mm_base"), case.ppm("slope_per_unit"));
    let maintained = !case.expected()[1].is_null();
    let contract = |n: i64| {
        let maintenance = if maintained { base + slope * (2 * n + 1) } else { base };
        tier(i128::from(n) * index, maintenance, initial + slope * n)
    };
    let several = usize::try_from(contracts).expect("contracts").div_ceil(50);
    let tiers = (0..=contracts).step_by(several).map(contract).collect();
    let mut margin = engine(&[InstrumentSpec { tiers, ..perpetual(0, 0) }]);
    let mark = MarkPrice(i64::try_from(index).expect("a price"));
    margin.set_mark(FIRST, mark);
    deposit(&mut margin, A, index * i128::from(contracts));
    trade(&mut margin, A, FIRST, contracts, index * i128::from(contracts));
    let notional = margin.instrument(FIRST).value_at(Lots(contracts), mark);
    same(margin.instrument(FIRST).initial_margin(Qty(0), notional, None).0, int(&case.expected()[0]))?;
    let free = margin.balance(cross(A)) - margin.free(A, CASH);
    same(free.0, int(&case.expected()[0]))?;
    if maintained {
        same(margin.health(cross(A)).maintenance().0, int(&case.expected()[1]))?;
    }
    Ok(())
}

/// A position and its margin. Sizes have five decimals.
fn hyperliquid_position(case: &Case) -> Outcome {
    let units = Units { tick: 0, mark: 8, lot: 5 };
    let rate = case.ppm("MMR");
    let mut margin = engine(&[units.spec(vec![tier(0, rate, 2 * rate)])]);
    deposit(&mut margin, A, case.scaled("WB", units.money()));
    enter(&mut margin, units, FIRST, units.lots(case.input("pos")) * case.small("side"), case.input("EP"));
    case.near(liquidation_price(&margin), units.mark)
}

/// The mark below which equity is less than two thirds of maintenance, found by halving.
fn backstop(case: &Case) -> Outcome {
    let units = Units { tick: 0, mark: 6, lot: 0 };
    let rate = case.ppm("mm_rate");
    let mut margin = engine(&[units.spec(vec![tier(0, rate, 100_000)])]);
    let entry = units.mark(case.input("px"));
    let money = case.scaled("isolated_margin", units.money());
    assert_eq!((case.int("size"), money), (1, i128::from(entry.0) / 10));
    isolate(&mut margin, A, 100_000);
    deposit(&mut margin, A, money);
    enter(&mut margin, units, FIRST, 1, case.input("px"));
    let (mut below, mut above) = (0, entry.0);
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        margin.set_mark(FIRST, MarkPrice(middle));
        let health = margin.health(isolated(A));
        let backstopped = health.equity.0 * 3_000_000 < health.maintenance_e6 * 2;
        (below, above) = if backstopped { (middle, above) } else { (below, middle) };
    }
    case.near(below.into(), units.mark)
}

/// Rates are parts per million, so they agree to that.
fn half_of_initial(case: &Case) -> Outcome {
    let leverages = case.input("max_leverage").as_array().expect("leverages").iter().map(int);
    for (leverage, expected) in leverages.zip(case.expected().as_array().expect("rates")) {
        let initial = 1_000_000 / i64::try_from(leverage).expect("a leverage");
        let mut margin = engine(&[perpetual(initial / 2, initial)]);
        margin.set_mark(FIRST, MarkPrice(1_000));
        deposit(&mut margin, A, 1_000_000);
        trade(&mut margin, A, FIRST, 1_000, 1_000_000);
        near(margin.health(cross(A)).maintenance().0, 6, expected, 0.0)?;
    }
    Ok(())
}

fn vega_maintenance(case: &Case) -> Outcome {
    let rate = case.ppm("slip") + case.ppm("rf");
    let mut margin = engine(&[perpetual(rate, 1_000_000)]);
    margin.set_mark(FIRST, MarkPrice(case.small("mark")));
    deposit(&mut margin, A, case.int("mark"));
    trade(&mut margin, A, FIRST, case.small("pos"), case.int("mark"));
    case.exact(margin.health(cross(A)).maintenance().0)
}
