//! Who is deleveraged first, in the forms that venues publish, and how much each gives.
//!
//! Sources: BitMEX, *Auto-Deleveraging* (Binance and Bybit rank in the same way); Hyperliquid documentation,
//! *Auto-deleveraging*; T. Chitra, *Autodeleveraging* (2025), for queue against pro-rata.

use super::error::{ModelError, finite, positive};
use downdraft_types::arith::mul_div_floor;

/// BitMEX's score: profit × leverage, for a loser loss ÷ leverage. `mark`, `bankrupt` and `entry` are the position's
/// values, negative for a short: profit is `(mark − entry) ÷ |entry|`, leverage `|mark| ÷ (mark − bankrupt)`.
///
/// # Errors
/// Where a value is not finite, the entry value is zero, or the position is bankrupt already.
pub fn profit_times_leverage(mark: f64, bankrupt: f64, entry: f64) -> Result<f64, ModelError> {
    let (mark, entry) = (finite("mark", mark)?, finite("entry", entry)?);
    positive("|entry|", entry.abs())?;
    let leverage = mark.abs() / positive("mark - bankrupt", mark - finite("bankrupt", bankrupt)?)?;
    let profit = (mark - entry) / entry.abs();
    Ok(if profit > 0.0 { profit * leverage } else { profit / leverage })
}

/// Hyperliquid's score: how far the price has gone in favour, times the notional in account values:
/// `(mark ÷ entry) × notional ÷ account value` for a long, `entry ÷ mark` for a short.
///
/// # Errors
/// Where a price or the account value is not positive, or `size` is zero or not finite.
pub fn gain_times_account_leverage(mark: f64, entry: f64, size: f64, account_value: f64) -> Result<f64, ModelError> {
    let (mark, entry) = (positive("mark", mark)?, positive("entry", entry)?);
    positive("|size|", size.abs())?;
    let leverage = size.abs() * mark / positive("account_value", account_value)?;
    Ok(if size > 0.0 { mark / entry } else { entry / mark } * leverage)
}

/// Takes whole amounts in order until `deficit` is covered: what each gives, and by how much it is more than the
/// deficit. The last one is taken whole, whatever is missing.
///
/// # Errors
/// Where an amount is negative, all together are too few, or `given` has another length.
pub fn queue(amounts: &[i128], deficit: i128, given: &mut [i128]) -> Result<i128, ModelError> {
    check(amounts, deficit, given.len())?;
    let mut missing = deficit;
    for (take, amount) in given.iter_mut().zip(amounts) {
        *take = if missing > 0 { *amount } else { 0 };
        missing -= *take;
    }
    Ok(-missing)
}

/// Splits `deficit` in proportion to `amounts`, exactly: each gives its share rounded down, and the units that are
/// left go to the largest remainders, the first of equals first.
///
/// # Errors
/// Where an amount is negative, all together are too few, or `given` has another length.
pub fn pro_rata(amounts: &[i128], deficit: i128, given: &mut [i128]) -> Result<(), ModelError> {
    check(amounts, deficit, given.len())?;
    let whole: i128 = amounts.iter().sum();
    if whole == 0 {
        given.fill(0);
        return Ok(());
    }
    let mut left = deficit;
    for (take, amount) in given.iter_mut().zip(amounts) {
        *take = mul_div_floor(*amount, deficit, whole);
        left -= *take;
    }
    // A share that has been rounded up is not rounded up again: its remainder has become negative.
    let remainder = |i: usize, given: i128| (amounts[i] * deficit) - given * whole;
    for _ in 0..left {
        let rest = |i: usize| remainder(i, given[i]);
        let largest = (0..amounts.len()).reduce(|best, i| if rest(i) > rest(best) { i } else { best });
        if let Some(i) = largest {
            given[i] += 1;
        }
    }
    Ok(())
}

fn check(amounts: &[i128], deficit: i128, given: usize) -> Result<(), ModelError> {
    const LARGEST: i128 = 1 << 62;
    if given != amounts.len() {
        return Err(ModelError::new("given", given as f64, "one element per amount"));
    }
    let wrong = amounts.iter().position(|amount| !(0..=LARGEST).contains(amount));
    if let Some(i) = wrong {
        return Err(ModelError::at("amounts", i, amounts[i] as f64, "from 0 to 2^62"));
    }
    let whole: i128 = amounts.iter().sum();
    if !(0..=whole.min(LARGEST)).contains(&deficit) {
        return Err(ModelError::new("deficit", deficit as f64, "from 0 to the sum of the amounts, at most 2^62"));
    }
    Ok(())
}

/// What an event forced, counted: liquidations and deleveragings, as a venue publishes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Forced {
    /// Value liquidated in the market.
    pub liquidated: i128,
    /// Value deleveraged.
    pub deleveraged: i128,
    /// How many liquidations.
    pub liquidations: u64,
    /// How many deleveragings.
    pub deleveragings: u64,
}

impl Forced {
    /// Value and number of both together.
    #[must_use]
    pub const fn total(&self) -> (i128, u64) {
        (self.liquidated + self.deleveraged, self.liquidations + self.deleveragings)
    }
}
