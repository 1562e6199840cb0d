//! How much of a position, or of a debt, to liquidate so that an account is healthy again, what its liquidator pays,
//! and how a loss that nobody covers is spread. In whole numbers, rounded as the sources round.
//!
//! Sources: Drift v2, `programs/drift/src/math/liquidation.rs`; Vertex, `ClearinghouseStorage.sol`.

use super::error::ModelError;
use downdraft_types::Ppm;
use downdraft_types::arith::{ceil_div, mul_div_floor};

const ONE: i128 = 1_000_000;

/// Amounts up to this are accepted, so that no product leaves 128 bits.
const LARGEST: i128 = 1 << 60;

fn amount(field: &'static str, found: i128) -> Result<i128, ModelError> {
    let good = (0..=LARGEST).contains(&found);
    if good { Ok(found) } else { Err(ModelError::new(field, found as f64, "from 0 to 2^60")) }
}

fn price(field: &'static str, found: i128) -> Result<i128, ModelError> {
    let good = (1..=1 << 50).contains(&found);
    if good { Ok(found) } else { Err(ModelError::new(field, found as f64, "from 1 to 2^50")) }
}

fn rate(field: &'static str, found: Ppm) -> Result<i128, ModelError> {
    let good = (0..=10 * Ppm::ONE.0).contains(&found.0);
    if good { Ok(found.0.into()) } else { Err(ModelError::new(field, found.0 as f64, "from 0 to 10000000 ppm")) }
}

/// A part of a price, rounded down.
fn part(of: i128, rate: i128) -> i128 {
    of * rate / ONE
}

/// Size of a perpetual to close so that `shortage` of maintenance margin is made up for:
/// `shortage ÷ (price × (margin rate − liquidator's fee) − price × fund's fee)`. Closing frees the margin rate and
/// costs the fees. `None` where no size makes up for it: closing costs as much as it frees.
///
/// `mark` is money per 10^`decimals` units of size; the answer is in units of size. Each product with a rate is rounded
/// down, and the size too, as the source does: the liquidator takes no more than needed, the account stays
/// short by less than a unit's margin.
///
/// # Errors
/// Where a number is negative or too large.
pub fn size_to_cover(
    shortage: i128,
    mark: i128,
    decimals: u32,
    margin: Ppm,
    liquidator_fee: Ppm,
    fund_fee: Ppm,
) -> Result<Option<i128>, ModelError> {
    let (shortage, mark) = (amount("shortage", shortage)?, price("mark", mark)?);
    let (margin, fee) = (rate("margin", margin)?, rate("liquidator_fee", liquidator_fee)?);
    let fund_fee = rate("fund_fee", fund_fee)?;
    let freed = part(mark, (margin - fee).max(0)) - part(mark, fund_fee);
    if freed <= 0 {
        return Ok(None);
    }
    Ok(Some(mul_div_floor(shortage, unit(decimals)?, freed)))
}

fn unit(decimals: u32) -> Result<i128, ModelError> {
    if decimals > 12 {
        return Err(ModelError::new("decimals", decimals.into(), "at most 12"));
    }
    Ok(10_i128.pow(decimals))
}

/// An asset that goes to the liquidator against a debt that he takes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Swap {
    /// What the asset counts for.
    pub asset_weight: Ppm,
    /// What the liquidator gets of the asset, per unit of value: above 100%, a premium.
    pub asset_multiplier: Ppm,
    /// What the debt counts for.
    pub debt_weight: Ppm,
    /// What he takes over of the debt, per unit of value: below 100%, a discount.
    pub debt_multiplier: Ppm,
    /// Part of the debt that goes to the fund.
    pub fund_fee: Ppm,
}

/// Weights have a decimal more than the source's four, in which it computes.
const WEIGHT_ONE: i128 = 100_000;

impl Swap {
    fn weights(&self) -> Result<[i128; 4], ModelError> {
        let multiplier = rate("debt_multiplier", self.debt_multiplier)?;
        if multiplier == 0 {
            return Err(ModelError::new("debt_multiplier", 0.0, "above 0"));
        }
        let weight = |field, weight| rate(field, weight).map(|ppm| ppm * WEIGHT_ONE / ONE);
        let asset = weight("asset_weight", self.asset_weight)?;
        Ok([
            asset,
            rate("asset_multiplier", self.asset_multiplier)?,
            weight("debt_weight", self.debt_weight)?,
            multiplier,
        ])
    }

    /// Units of the debt to take over so that `shortage` of health is made up for:
    /// `shortage ÷ (price × (debt weight − asset weight × asset multiplier ÷ debt multiplier) − price × fund fee × debt
    /// weight)`. `None` where taking it over costs as much health as it brings.
    ///
    /// `debt_price` is money per 10^`decimals` units. Each division rounds down, in the source's order and to its
    /// weights' five decimals: the liquidator takes over no more than needed.
    ///
    /// # Errors
    /// Where a number is negative or too large, or the debt's multiplier is zero.
    pub fn debt_to_cover(&self, shortage: i128, debt_price: i128, decimals: u32) -> Result<Option<i128>, ModelError> {
        let (shortage, debt_price) = (amount("shortage", shortage)?, price("debt_price", debt_price)?);
        let [asset_weight, asset_multiplier, debt_weight, debt_multiplier] = self.weights()?;
        let gained = debt_weight - asset_weight * asset_multiplier / debt_multiplier;
        let fee = part(debt_price, rate("fund_fee", self.fund_fee)?) * debt_weight;
        let freed = debt_price * gained - fee;
        if freed <= 0 {
            return Ok(None);
        }
        Ok(Some(mul_div_floor(shortage * WEIGHT_ONE, unit(decimals)?, freed)))
    }

    /// Units of the asset that go against `debt` units of the debt:
    /// `debt × debt price × asset multiplier ÷ (asset price × debt multiplier)`, rounded down: the account keeps the
    /// fraction of a unit. Prices are money per 10^decimals units of each.
    ///
    /// # Errors
    /// Where a number is negative or too large, or the debt's multiplier is zero.
    pub fn asset_for(
        &self,
        debt: i128,
        debt_price: i128,
        debt_decimals: u32,
        asset_price: i128,
        asset_decimals: u32,
    ) -> Result<i128, ModelError> {
        let [_, asset_multiplier, _, debt_multiplier] = self.weights()?;
        let value = amount("debt", debt)? * price("debt_price", debt_price)?;
        let cost = price("asset_price", asset_price)? * debt_multiplier * unit(debt_decimals)?;
        let gain = asset_multiplier * unit(asset_decimals)?;
        let about = value as f64 * gain as f64 / cost as f64;
        if about > 1e36 {
            return Err(ModelError::new("asset", about, "at most 10^36 units"));
        }
        Ok(mul_div_floor(value, gain, cost))
    }
}

/// What one unit of size pays of a loss that nobody covers, spread over all positions, long and short:
/// `loss × scale ÷ (long + short)`. It is added to what longs pay and shorts receive in opposite signs, as a funding
/// payment would be. Rounded up, so that the loss is covered: those who pay bear the fraction.
///
/// Source: Drift v2, `calculate_funding_rate_deltas_to_resolve_bankruptcy` and
/// `calculate_cumulative_deposit_interest_delta_to_resolve_bankruptcy` (deposits are longs without shorts).
///
/// # Errors
/// Where a number is negative or too large, or nobody holds a position.
pub fn socialised_per_unit(loss: i128, scale: i128, long: i128, short: i128) -> Result<i128, ModelError> {
    let whole = amount("long", long)? + amount("short", short)?;
    if whole == 0 {
        return Err(ModelError::new("long + short", 0.0, "at least one unit of size"));
    }
    Ok(ceil_div(amount("loss", loss)? * amount("scale", scale)?, whole))
}

/// Vertex's price for a liquidator: the oracle's, a fifth of the way toward the weight:
/// `oracle × (1 + (weight − 1) ÷ 5)`. A long's weight is below one, a short's above. Truncated toward zero.
///
/// # Errors
/// Where the price or the weight is not from 1 to its limit.
pub fn vertex_price(oracle: i128, weight: Ppm) -> Result<i128, ModelError> {
    let (oracle, weight) = (price("oracle", oracle)?, rate("weight", weight)?);
    Ok(oracle * (ONE * 4 + weight) / (ONE * 5))
}

/// What of the difference between the oracle's price and [`vertex_price`] goes to the fund: half of it, rounded up.
///
/// # Errors
/// As [`vertex_price`].
pub fn vertex_fund_part(oracle: i128, weight: Ppm) -> Result<i128, ModelError> {
    let difference = (oracle - vertex_price(oracle, weight)?).abs();
    Ok(ceil_div(difference, 2))
}
