//! A liquidation order that walks a book's levels, with what the fund gains or pays fill by fill, and where it must stop
//! because the fund cannot pay. In whole quantums, exactly.
//!
//! Each fill's share of the fund is the difference between its price and the bankruptcy price of the moment, at most the
//! largest liquidation fee; a fill whose loss the fund cannot pay is not made: the rest is to be deleveraged.
//!
//! Source: dYdX v4, `x/clob/keeper/liquidations.go`, `GetLiquidationInsuranceFundDelta`,
//! `IsValidInsuranceFundDelta`.

use super::error::ModelError;
use downdraft_types::Ppm;
use downdraft_types::arith::{floor_div, mul_div_ceil, mul_div_floor};

/// An account with one position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// Quote balance: what a position cost or brought in is in it.
    pub quote: i128,
    /// Base quantums: negative is short.
    pub size: i128,
}

/// A price: `numerator` quote quantums per `denominator` base quantums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Quote quantums.
    pub numerator: i128,
    /// Base quantums, above zero.
    pub denominator: i128,
}

impl Rate {
    /// Quote quantums of `size` base quantums, rounded toward minus infinity.
    #[must_use]
    pub fn quote(self, size: i128) -> i128 {
        mul_div_floor(size, self.numerator, self.denominator)
    }
}

/// A resting level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// Its price.
    pub price: Rate,
    /// Base quantums that it holds.
    pub size: i128,
}

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Nothing of the position is left.
    Closed,
    /// The levels are used up, or their price is past the limit.
    NoLiquidity,
    /// The fund cannot pay for the next fill: what is left is to be deleveraged.
    RequiresDeleveraging,
}

/// What a walk did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walked {
    /// The account after it.
    pub account: Account,
    /// Base quantums filled.
    pub filled: i128,
    /// What the fund gained, or paid where negative.
    pub fund: i128,
    /// Why it ended.
    pub end: End,
}

/// What an order is worth at the bankruptcy price: the change of the quote balance when `delta` (negative: sold) closes
/// part of the position so that its share of the account's value is used up. `−delta × mark − ⌊value × |delta| ÷
/// |size|⌋`; the floor asks the account for the fraction of a unit.
#[must_use]
pub fn bankruptcy_quote(account: Account, mark: Rate, delta: i128) -> i128 {
    let value = account.quote + mark.quote(account.size);
    let share = floor_div(value * delta.abs(), account.size.abs().max(1));
    -mark.quote(delta) - share
}

/// Closes `account`'s position against `levels`, best first, none worse than `limit`. `fund` is what the fund holds,
/// `largest_fee` the part of a fill's value that it gains at most, rounded up: the account bears the fraction.
///
/// # Errors
/// Where the position is flat, an amount is beyond 2^60, a price not positive, or levels are out of order.
pub fn liquidate(
    account: Account,
    mark: Rate,
    levels: &[Level],
    limit: Rate,
    fund: i128,
    largest_fee: Ppm,
) -> Result<Walked, ModelError> {
    check(account, mark, levels, limit, fund, largest_fee)?;
    let buys = account.size < 0;
    let mut walked = Walked { account, filled: 0, fund: 0, end: End::NoLiquidity };
    for level in levels {
        if worse(level.price, limit, buys) {
            return Ok(walked);
        }
        let size = level.size.min(walked.account.size.abs());
        if !walked.fill(mark, level.price, if buys { size } else { -size }, fund, largest_fee) {
            return Ok(Walked { end: End::RequiresDeleveraging, ..walked });
        }
        if walked.account.size == 0 {
            return Ok(Walked { end: End::Closed, ..walked });
        }
    }
    Ok(walked)
}

impl Walked {
    /// Fills `delta` at a price, unless the fund cannot pay: then `false`, and nothing is changed.
    fn fill(&mut self, mark: Rate, price: Rate, delta: i128, fund: i128, largest_fee: Ppm) -> bool {
        let change = -price.quote(delta);
        let over = change - bankruptcy_quote(self.account, mark, delta);
        let fee = mul_div_ceil(change.abs(), largest_fee.0.into(), Ppm::ONE.0.into());
        let gain = over.min(fee);
        if fund + self.fund + gain < 0 {
            return false;
        }
        self.account.quote += change - gain;
        self.account.size += delta;
        self.filled += delta.abs();
        self.fund += gain;
        true
    }
}

fn worse(price: Rate, limit: Rate, buys: bool) -> bool {
    let (left, right) = (price.numerator * limit.denominator, limit.numerator * price.denominator);
    if buys { left > right } else { left < right }
}

fn check(
    account: Account,
    mark: Rate,
    levels: &[Level],
    limit: Rate,
    fund: i128,
    largest_fee: Ppm,
) -> Result<(), ModelError> {
    const LARGEST: i128 = 1 << 60;
    let amount = |field, found: i128| match found.abs() <= LARGEST {
        true => Ok(()),
        false => Err(ModelError::new(field, found as f64, "at most 2^60 either way")),
    };
    let price = |field, rate: Rate| match rate.numerator.min(rate.denominator) {
        least if least > 0 && rate.numerator.max(rate.denominator) <= LARGEST => Ok(()),
        found => Err(ModelError::new(field, found as f64, "a numerator and denominator from 1 to 2^60")),
    };
    amount("account.quote", account.quote)?;
    amount("account.size", account.size)?;
    amount("fund", fund)?;
    if account.size == 0 {
        return Err(ModelError::new("account.size", 0.0, "a position"));
    }
    if !(0..=Ppm::ONE.0).contains(&largest_fee.0) {
        return Err(ModelError::new("largest_fee", largest_fee.0 as f64, "from 0 to 1000000 ppm"));
    }
    price("mark", mark)?;
    price("limit", limit)?;
    // Values that no sum of them, nor a share of one, can take beyond 128 bits.
    amount("account.size at mark", mark.quote(account.size))?;
    for (i, level) in levels.iter().enumerate() {
        price("levels.price", level.price)?;
        let good = (1..=LARGEST).contains(&level.size) && level.price.quote(account.size).abs() <= LARGEST;
        if !good {
            return Err(ModelError::at("levels.size", i, level.size as f64, "from 1 to 2^60, worth at most 2^60"));
        }
    }
    let buys = account.size < 0;
    match levels.windows(2).position(|pair| worse(pair[0].price, pair[1].price, buys)) {
        Some(i) => {
            let found = levels[i + 1].price;
            let found = found.numerator as f64 / found.denominator as f64;
            Err(ModelError::at("levels.price", i + 1, found, "no better than the level before it"))
        }
        None => Ok(()),
    }
}
