//! Weights and health: every asset counts for less than it is worth, every debt for more, and open orders count as if
//! they had gone the worse way. In whole numbers, exactly.
//!
//! ```text
//!   health = Σ tokens balance × price × weight + Σ spot markets worst case of reserved amounts
//!   balance of a settlement token includes, per perpetual, quote + min(all bids filled, all asks filled), the positive
//!   part weighted down
//! ```
//!
//! Source: Mango v4, `programs/mango-v4/src/health/cache.rs`; Drift v2 weights assets and debts in the same way.

use super::error::ModelError;
use downdraft_types::Ppm;
use downdraft_types::arith::{floor_div, mul_div_floor};

const ONE: i128 = 1_000_000;

/// Amounts beyond this are refused, and prices beyond 2^24, so that no product leaves 128 bits: an unsettled result
/// stays below 2^98 millionths, and what it counts for below 2^126.
const LARGEST: i128 = 1 << 40;

/// Tokens, markets or perpetuals of one account.
const MOST: usize = 64;

/// A token: what an account has of it, what it costs, and what that counts for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Units held: negative is borrowed.
    pub balance: i128,
    /// Money per unit as an asset: the lower of oracle and stable price for initial health.
    pub asset_price: i128,
    /// Money per unit as a debt: the higher of the two.
    pub debt_price: i128,
    /// Weight of an asset, at most 100%.
    pub asset_weight: Ppm,
    /// Weight of a debt, at least 100%.
    pub debt_weight: Ppm,
}

/// What orders on a spot market hold in reserve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpotOrders {
    /// Which token is bought and sold, by index.
    pub base: usize,
    /// Which token pays, by index.
    pub quote: usize,
    /// Units of the base that asks hold.
    pub reserved_base: i128,
    /// Units of the quote that bids hold.
    pub reserved_quote: i128,
}

/// A perpetual, settled in one of the tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Perp {
    /// Which token settles it, by index.
    pub settlement: usize,
    /// Lots held: negative is short.
    pub lots: i128,
    /// Lots of open bids.
    pub bids: i128,
    /// Lots of open asks.
    pub asks: i128,
    /// Balance in the settlement token: what positions cost and brought in, funding included.
    pub quote: i128,
    /// Settlement units per lot, as an asset.
    pub asset_price: i128,
    /// Settlement units per lot, as a debt.
    pub debt_price: i128,
    /// Weight of a long.
    pub asset_weight: Ppm,
    /// Weight of a short.
    pub debt_weight: Ppm,
    /// Weight of a result above zero.
    pub overall_weight: Ppm,
}

/// Room for the intermediate amounts of [`health`], one per token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scratch {
    /// Balance × 10^6, unsettled perpetuals included.
    balance: i128,
    /// All that orders could turn into this token, times its debt price.
    reserved: i128,
}

/// An account's health × 10^6 in money: below zero it can be liquidated, or may not take on risk, by the weights and
/// prices given. Each weight is applied once, and what it leaves of a millionth rounded down, against the account.
///
/// `scratch` has an element per token.
///
/// # Errors
/// Where there are more than 64 tokens, markets or perpetuals, an index is out of range, an amount or price beyond 2^40, a price not positive, a reserve negative, a weight
/// outside 0 to 1000%, or `scratch` of another length.
pub fn health(
    tokens: &[Token],
    markets: &[SpotOrders],
    perps: &[Perp],
    scratch: &mut [Scratch],
) -> Result<i128, ModelError> {
    check(tokens, markets, perps, scratch.len())?;
    for (room, token) in scratch.iter_mut().zip(tokens) {
        *room = Scratch { balance: token.balance * ONE, reserved: 0 };
    }
    for perp in perps {
        scratch[perp.settlement].balance += perp.unsettled();
    }
    for market in markets {
        let (base, quote) = market.at_debt_price(tokens);
        scratch[market.base].reserved += base;
        scratch[market.quote].reserved += quote;
    }
    let plain = tokens.iter().zip(&*scratch).fold(0, |sum, (token, room)| sum + token.weighted(room.balance));
    Ok(markets.iter().fold(plain, |sum, market| sum + market.worst(tokens, scratch)))
}

impl Token {
    /// What a balance × 10^6 counts for, × 10^6.
    fn weighted(&self, balance: i128) -> i128 {
        let (price, weight) =
            if balance < 0 { (self.debt_price, self.debt_weight) } else { (self.asset_price, self.asset_weight) };
        mul_div_floor(balance, price * i128::from(weight.0), ONE)
    }

    /// What `added`, which arrives last in a balance that then is `after`, adds to health × 10^6. Both are units × debt
    /// price × 10^6; the part that repays a debt counts as debt, the rest as an asset.
    fn effect(&self, added: i128, after: i128) -> i128 {
        let asset = after.clamp(0, added);
        let of_asset = asset * i128::from(self.asset_weight.0);
        let of_debt = (added - asset) * i128::from(self.debt_weight.0);
        mul_div_floor(of_asset, self.asset_price, self.debt_price * ONE) + floor_div(of_debt, ONE)
    }
}

impl Perp {
    /// The worse of all bids filled and all asks filled, in settlement units × 10^6.
    fn unsettled(&self) -> i128 {
        let filled = |orders: i128, at: i128| {
            let lots = self.lots + orders;
            let (price, weight) =
                if lots < 0 { (self.debt_price, self.debt_weight) } else { (self.asset_price, self.asset_weight) };
            lots * price * i128::from(weight.0) - orders * at * ONE
        };
        let worst = filled(self.bids, self.debt_price).min(filled(-self.asks, self.asset_price));
        let whole = self.quote * ONE + worst;
        if whole > 0 { mul_div_floor(whole, self.overall_weight.0.into(), ONE) } else { whole }
    }
}

impl SpotOrders {
    /// All that is reserved as base and as quote, each in units × its token's debt price.
    fn at_debt_price(&self, tokens: &[Token]) -> (i128, i128) {
        let (base, quote) = (&tokens[self.base], &tokens[self.quote]);
        (
            self.reserved_base * base.debt_price + self.reserved_quote * quote.asset_price,
            self.reserved_quote * quote.debt_price + self.reserved_base * base.asset_price,
        )
    }

    /// The smaller of what everything turning into base and everything turning into quote adds, × 10^6, the other
    /// markets having gone the other way before.
    fn worst(&self, tokens: &[Token], scratch: &[Scratch]) -> i128 {
        let (as_base, as_quote) = self.at_debt_price(tokens);
        let after = |token: usize| scratch[token].balance * tokens[token].debt_price + scratch[token].reserved * ONE;
        let base = tokens[self.base].effect(as_base * ONE, after(self.base));
        let quote = tokens[self.quote].effect(as_quote * ONE, after(self.quote));
        base.min(quote)
    }
}

fn check(tokens: &[Token], markets: &[SpotOrders], perps: &[Perp], scratch: usize) -> Result<(), ModelError> {
    if scratch != tokens.len() {
        return Err(ModelError::new("scratch", scratch as f64, "one element per token"));
    }
    let most = tokens.len().max(markets.len()).max(perps.len());
    if most > MOST {
        return Err(ModelError::new("tokens, markets or perps", most as f64, "at most 64"));
    }
    for (i, token) in tokens.iter().enumerate() {
        amount("tokens.balance", i, token.balance)?;
        prices("tokens.price", i, token.asset_price, token.debt_price)?;
        weights("tokens.weight", i, &[token.asset_weight, token.debt_weight])?;
    }
    for (i, market) in markets.iter().enumerate() {
        index("markets.base", i, market.base, tokens.len())?;
        index("markets.quote", i, market.quote, tokens.len())?;
        for reserved in [market.reserved_base, market.reserved_quote] {
            amount("markets.reserved", i, reserved)?;
            if reserved < 0 {
                return Err(ModelError::at("markets.reserved", i, reserved as f64, "at least 0"));
            }
        }
    }
    for (i, perp) in perps.iter().enumerate() {
        index("perps.settlement", i, perp.settlement, tokens.len())?;
        for found in [perp.lots, perp.bids, perp.asks, perp.quote] {
            amount("perps.lots, orders or quote", i, found)?;
        }
        if perp.bids < 0 || perp.asks < 0 {
            return Err(ModelError::at("perps.bids or asks", i, perp.bids.min(perp.asks) as f64, "at least 0"));
        }
        prices("perps.price", i, perp.asset_price, perp.debt_price)?;
        weights("perps.weight", i, &[perp.asset_weight, perp.debt_weight, perp.overall_weight])?;
    }
    Ok(())
}

fn amount(field: &'static str, i: usize, found: i128) -> Result<(), ModelError> {
    let good = found.unsigned_abs() <= LARGEST.unsigned_abs();
    if good { Ok(()) } else { Err(ModelError::at(field, i, found as f64, "at most 2^40 either way")) }
}

fn prices(field: &'static str, i: usize, asset: i128, debt: i128) -> Result<(), ModelError> {
    let found = asset.min(debt);
    if found <= 0 || asset.max(debt) > 1 << 24 {
        return Err(ModelError::at(field, i, found as f64, "from 1 to 2^24"));
    }
    Ok(())
}

fn weights(field: &'static str, i: usize, found: &[Ppm]) -> Result<(), ModelError> {
    match found.iter().find(|weight| !(0..=10 * Ppm::ONE.0).contains(&weight.0)) {
        Some(wrong) => Err(ModelError::at(field, i, wrong.0 as f64, "from 0 to 1000% in parts per million")),
        None => Ok(()),
    }
}

fn index(field: &'static str, i: usize, found: usize, tokens: usize) -> Result<(), ModelError> {
    if found < tokens { Ok(()) } else { Err(ModelError::at(field, i, found as f64, "the index of a token")) }
}
