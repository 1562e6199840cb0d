//! SPAN: sixteen scenarios of price and volatility, their losses added across a portfolio, the largest of them the
//! scanning risk; spread charges, a credit between commodities, and a minimum for short options.
//!
//! ```text
//!   1, 2   price unmoved, volatility up, down            9, 10  price +2/3 range, up, down
//!   3, 4   price +1/3 range, up, down                   11, 12  price −2/3 range, up, down
//!   5, 6   price −1/3 range, up, down                   13, 14  price +range … and so on
//!   15, 16 price ±extreme × range, volatility unmoved, the cover fraction of the loss counts
//! ```
//!
//! Source: CME, *Standard Portfolio Analysis of Risk*; L. McMillan, *Options as a Strategic Investment*, chapter 34.

use super::black76::{Right, Terms};
use super::error::{ModelError, fraction, not_negative, positive};

/// How many scenarios there are.
pub const SCENARIOS: usize = 16;

/// Profits (negative: losses) of a position in each scenario.
pub type RiskArray = [f64; SCENARIOS];

/// One scenario: how far the price moves, in ranges; how volatility moves, in ranges; what part of the profit counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// Price move, in price scan ranges.
    pub price: f64,
    /// Volatility move, in volatility scan ranges.
    pub vol: f64,
    /// Part that counts.
    pub part: f64,
}

/// A commodity's scan ranges.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scan {
    /// How far the price may move, in price.
    pub price_range: f64,
    /// How far volatility may move, absolutely: 0.05 is five points.
    pub vol_range: f64,
    /// How many ranges the extreme scenarios move.
    pub extreme: f64,
    /// What part of their loss counts.
    pub cover: f64,
}

impl Scan {
    /// # Errors
    /// Where a number is not finite, is negative, or the cover is above 1.
    pub fn check(&self) -> Result<(), ModelError> {
        positive("price_range", self.price_range)?;
        not_negative("vol_range", self.vol_range)?;
        not_negative("extreme", self.extreme)?;
        fraction("cover", self.cover).map(|_| ())
    }

    /// The scenarios, in SPAN's order.
    #[must_use]
    pub fn points(&self) -> [Point; SCENARIOS] {
        const MOVES: [f64; 7] = [0.0, 1.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0, -2.0 / 3.0, 1.0, -1.0];
        core::array::from_fn(|i| {
            if i < 14 {
                let vol = if i % 2 == 0 { 1.0 } else { -1.0 };
                return Point { price: MOVES[i / 2], vol, part: 1.0 };
            }
            let sign = if i == 14 { 1.0 } else { -1.0 };
            Point { price: sign * self.extreme, vol: 0.0, part: self.cover }
        })
    }

    /// The array of `amount` futures at `multiplier` money per point of price.
    #[must_use]
    pub fn future(&self, amount: f64, multiplier: f64) -> RiskArray {
        self.points().map(|p| amount * multiplier * p.price * self.price_range * p.part)
    }

    /// The array of `amount` options on a future at `multiplier` money per point. Price and volatility do not fall
    /// below zero.
    #[must_use]
    pub fn option(&self, terms: &Terms, right: Right, amount: f64, multiplier: f64) -> RiskArray {
        let now = terms.price(right);
        self.points().map(|p| {
            let forward = (terms.forward + p.price * self.price_range).max(0.0);
            let vol = (terms.vol + p.vol * self.vol_range).max(0.0);
            let moved = Terms { forward, vol, ..*terms }.price(right);
            amount * multiplier * (moved - now) * p.part
        })
    }
}

/// Adds a position's array to a portfolio's.
pub fn add(total: &mut RiskArray, position: &RiskArray) {
    for (sum, one) in total.iter_mut().zip(position) {
        *sum += one;
    }
}

/// The scanning risk: the largest loss among the scenarios, zero where none loses.
#[must_use]
pub fn scanning_risk(array: &RiskArray) -> f64 {
    -array.iter().fold(0.0_f64, |worst, profit| worst.min(*profit))
}

/// Charges on top of scanning risk. Deltas are in futures of the commodity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Charges {
    /// For each spread between delivery months: a long and a short delta that scanning treats as offsetting.
    pub intramonth_spread: f64,
    /// For each short option: the least that the whole commodity needs.
    pub short_option_minimum: f64,
}

impl Charges {
    /// # Errors
    /// Where a number is not finite or is negative.
    pub fn check(&self) -> Result<(), ModelError> {
        not_negative("intramonth_spread", self.intramonth_spread)?;
        not_negative("short_option_minimum", self.short_option_minimum).map(|_| ())
    }

    /// A commodity's requirement: scanning risk, plus the charge for spreads between months, less `credit` for spreads
    /// with other commodities, and at least the minimum for short options. `month_deltas` has the net delta of each
    /// delivery month.
    #[must_use]
    pub fn requirement(&self, array: &RiskArray, month_deltas: &[f64], short_options: f64, credit: f64) -> f64 {
        let long = month_deltas.iter().fold(0.0, |sum, delta| sum + delta.max(0.0));
        let short = month_deltas.iter().fold(0.0, |sum, delta| sum + (-delta).max(0.0));
        let scanned = scanning_risk(array) + long.min(short) * self.intramonth_spread - credit;
        scanned.max(short_options * self.short_option_minimum).max(0.0)
    }
}

/// The credit for a spread between two commodities: `rate × (risk per delta × spread delta)` of each side.
/// `risks` are the scanning risks, `deltas` the net deltas; only deltas of opposite sign offset, in proportion `ratio`
/// (how many of the second one of the first needs).
///
/// # Errors
/// Where `rate` is not from 0 to 1, or `ratio` not positive.
pub fn spread_credit(risks: [f64; 2], deltas: [f64; 2], ratio: f64, rate: f64) -> Result<[f64; 2], ModelError> {
    positive("ratio", ratio)?;
    fraction("rate", rate)?;
    if deltas[0] * deltas[1] >= 0.0 {
        return Ok([0.0, 0.0]);
    }
    let spreads = deltas[0].abs().min(deltas[1].abs() / ratio);
    let of = |i: usize, deltas_used: f64| rate * risks[i] * deltas_used / deltas[i].abs();
    Ok([of(0, spreads), of(1, spreads * ratio)])
}
