//! Weights and health: by hand, against a plain reference in fractions of floats, and properties.

use downdraft_margin::model::health::{Perp, Scratch, SpotOrders, Token, health};
use downdraft_types::Ppm;
use proptest::prelude::*;

const fn token(balance: i128, price: i128, asset: i64, debt: i64) -> Token {
    Token { balance, asset_price: price, debt_price: price, asset_weight: Ppm(asset), debt_weight: Ppm(debt) }
}

const fn perp(lots: i128, quote: i128, bids: i128, asks: i128) -> Perp {
    Perp {
        settlement: 0,
        lots,
        bids,
        asks,
        quote,
        asset_price: 30,
        debt_price: 30,
        asset_weight: Ppm(900_000),
        debt_weight: Ppm(1_100_000),
        overall_weight: Ppm(500_000),
    }
}

fn of(tokens: &[Token], markets: &[SpotOrders], perps: &[Perp]) -> i128 {
    health(tokens, markets, perps, &mut vec![Scratch::default(); tokens.len()]).unwrap()
}

#[test]
fn by_hand() {
    let tokens = [token(1_000, 1, 900_000, 1_100_000), token(-20, 7, 800_000, 1_250_000)];
    // 900 − 20 × 7 × 1.25.
    assert_eq!(of(&tokens, &[], &[]), 725_000_000);
    // A long of 4 lots that cost 100: 4 × 30 × 0.9 − 100 = 8, half of it counts, and 90% of that.
    assert_eq!(of(&tokens, &[], &[perp(4, -100, 0, 0)]), 728_600_000);
    // Ten asks: 6 short, × 30 × 1.1 = −198, + 300 − 100 = 2. Ten bids: 14 × 27 − 300 − 100 = −22.
    assert_eq!(of(&tokens, &[], &[perp(4, -100, 0, 10)]), 725_900_000);
    assert_eq!(of(&tokens, &[], &[perp(4, -100, 10, 10)]), 705_200_000);
    // Bids hold 70 of the first token: 10 of the second, which repays debt: 10 × 7 × 1.25 = 87.5; kept, 63.
    let bids = SpotOrders { base: 1, quote: 0, reserved_base: 0, reserved_quote: 70 };
    assert_eq!(of(&tokens, &[bids], &[]), 725_000_000 + 63_000_000);
}

/// A token that costs more as a debt than it counts for as an asset.
#[test]
fn two_prices() {
    let held = Token { asset_price: 9, debt_price: 11, ..token(10, 1, 1_000_000, 1_000_000) };
    let owed = Token { balance: -10, ..held };
    assert_eq!(of(&[held], &[], &[]), 90_000_000);
    assert_eq!(of(&[owed], &[], &[]), -110_000_000);
}

#[test]
fn nothing_held_is_healthy() {
    assert_eq!(of(&[], &[], &[]), 0);
    assert_eq!(of(&[token(0, 5, 800_000, 1_200_000)], &[], &[perp(0, 0, 0, 0)]), 0);
}

#[test]
fn the_largest_amounts_fit() {
    let big = 1_i128 << 40;
    let tokens = [token(big, 1 << 24, 10_000_000, 10_000_000), token(-big, 1 << 24, 10_000_000, 10_000_000)];
    let orders = SpotOrders { base: 0, quote: 1, reserved_base: big, reserved_quote: big };
    let extreme = |sign: i128| Perp {
        lots: sign * big,
        bids: big,
        asks: big,
        quote: sign * big,
        asset_price: 1 << 24,
        debt_price: 1 << 24,
        asset_weight: Ppm(10_000_000),
        debt_weight: Ppm(10_000_000),
        overall_weight: Ppm(10_000_000),
        ..perp(0, 0, 0, 0)
    };
    for sign in [1, -1] {
        of(&tokens, &[orders; 64], &[extreme(sign); 64]);
    }
}

#[test]
fn wrong_input_is_named() {
    let good = [token(1, 1, 800_000, 1_200_000)];
    let fails = |tokens: &[Token], markets: &[SpotOrders], perps: &[Perp], room: usize| {
        health(tokens, markets, perps, &mut vec![Scratch::default(); room]).unwrap_err()
    };
    assert_eq!(fails(&good, &[], &[], 2).field, "scratch");
    assert_eq!(fails(&[token(1 << 41, 1, 0, 0)], &[], &[], 1).field, "tokens.balance");
    assert_eq!(fails(&[token(1, 0, 0, 0)], &[], &[], 1).field, "tokens.price");
    assert_eq!(fails(&[token(1, 1, -1, 0)], &[], &[], 1).field, "tokens.weight");
    let market = SpotOrders { base: 1, quote: 0, reserved_base: 0, reserved_quote: 0 };
    assert_eq!(fails(&good, &[market], &[], 1).field, "markets.base");
    assert_eq!(fails(&good, &[], &[Perp { settlement: 1, ..perp(0, 0, 0, 0) }], 1).field, "perps.settlement");
    assert_eq!(fails(&good, &[], &[perp(0, 0, -1, 0)], 1).field, "perps.bids or asks");
    assert_eq!(fails(&[good[0]; 65], &[], &[], 65).field, "tokens, markets or perps");
}

/// The rule in floats, straight from its sentence.
fn naive(tokens: &[Token], market: &SpotOrders, perp: &Perp) -> f64 {
    let weight = |ppm: Ppm| ppm.0 as f64 / 1e6;
    let case = |orders: i128| {
        let lots = (perp.lots + orders) as f64;
        let side = if lots < 0.0 { perp.debt_weight } else { perp.asset_weight };
        lots * perp.asset_price as f64 * weight(side) - orders as f64 * perp.asset_price as f64
    };
    let result = perp.quote as f64 + case(perp.bids).min(case(-perp.asks));
    let settled = if result > 0.0 { result * weight(perp.overall_weight) } else { result };
    let balances = [tokens[0].balance as f64 + settled, tokens[1].balance as f64];
    let price = |i: usize| tokens[i].asset_price as f64;
    let counted = |i: usize, units: f64| {
        units * price(i) * weight(if units < 0.0 { tokens[i].debt_weight } else { tokens[i].asset_weight })
    };
    let plain = counted(0, balances[0]) + counted(1, balances[1]);
    let (base, quote) = (market.reserved_base as f64, market.reserved_quote as f64);
    let as_base = counted(1, balances[1] + base + quote * price(0) / price(1)) - counted(1, balances[1]);
    let as_quote = counted(0, balances[0] + quote + base * price(1) / price(0)) - counted(0, balances[0]);
    plain + as_base.min(as_quote)
}

proptest! {
    #[test]
    fn against_the_plain_rule(
        balances in prop::array::uniform2(-1_000..1_000_i128), prices in prop::array::uniform2(1..50_i128),
        reserved in prop::array::uniform2(0..500_i128), lots in -20..20_i128, quote in -900..900_i128,
        orders in prop::array::uniform2(0..20_i128),
    ) {
        let tokens = [token(balances[0], prices[0], 800_000, 1_200_000), token(balances[1], prices[1], 500_000, 1_500_000)];
        let market = SpotOrders { base: 1, quote: 0, reserved_base: reserved[0], reserved_quote: reserved[1] };
        let perp = perp(lots, quote, orders[0], orders[1]);
        let found = of(&tokens, &[market], &[perp]) as f64 / 1e6;
        let expected = naive(&tokens, &market, &perp);
        prop_assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        // Rounding is against the account.
        prop_assert!(found <= expected + 1e-9);
    }

    /// A deposit never harms, and more orders never help.
    #[test]
    fn monotone(balance in -1_000..1_000_i128, more in 0..1_000_i128, lots in -20..20_i128, orders in 0..20_i128) {
        let tokens = |balance| [token(balance, 3, 800_000, 1_200_000)];
        let plain = of(&tokens(balance), &[], &[perp(lots, 0, orders, 0)]);
        prop_assert!(of(&tokens(balance + more), &[], &[perp(lots, 0, orders, 0)]) >= plain);
        prop_assert!(of(&tokens(balance), &[], &[perp(lots, 0, orders, orders)]) <= plain);
    }
}
