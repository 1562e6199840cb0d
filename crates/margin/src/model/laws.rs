//! Laws that outcomes are compared with: how large clusters of self-exciting events are, what a large order moves, and
//! how far a ladder of stops runs.
//!
//! Sources: V. Filimonov and D. Sornette, *Quantifying reflexivity in financial markets* (2012); B. Tóth et al.,
//! *Anomalous price impact and the critical nature of liquidity* (2011).

use super::error::{ModelError, fraction, not_negative, positive};

/// How many events one event leads to in the end, itself included: `1 ÷ (1 − n)` for a branching ratio `n` below one.
///
/// # Errors
/// Where the ratio is not from 0 to below 1: at 1 the cluster has no end.
pub fn cluster_size(branching_ratio: f64) -> Result<f64, ModelError> {
    let ratio = fraction("branching_ratio", branching_ratio)?;
    if ratio == 1.0 {
        return Err(ModelError::new("branching_ratio", ratio, "less than 1"));
    }
    Ok(1.0 / (1.0 - ratio))
}

/// The square-root law: an order of `part` of the day's volume moves the price by `prefactor × σ × √part`.
///
/// # Errors
/// Where a number is negative or not finite.
pub fn square_root_impact(prefactor: f64, daily_vol: f64, part_of_volume: f64) -> Result<f64, ModelError> {
    let prefactor = not_negative("prefactor", prefactor)?;
    Ok(prefactor * not_negative("daily_vol", daily_vol)? * libm::sqrt(not_negative("part_of_volume", part_of_volume)?))
}

/// A ladder of stops under linear impact: after a shock, each stop at or above the price sells and moves it by
/// `impact × size`. How many fire, and where the price ends. Stops are in order, the highest first.
///
/// The cascade runs away where `impact × size` is at least the spacing of the stops.
///
/// # Errors
/// Where a number is not finite or out of range, or stops are out of order.
pub fn stop_ladder(start: f64, shock: f64, stops: &[f64], size: f64, impact: f64) -> Result<(usize, f64), ModelError> {
    let step = not_negative("size", size)? * not_negative("impact", impact)?;
    if let Some(i) = stops.windows(2).position(|pair| pair[0] < pair[1]) {
        return Err(ModelError::at("stops", i + 1, stops[i + 1], "no higher than the one before it"));
    }
    let shocked = positive("start", start)? - not_negative("shock", shock)?;
    // A price is recomputed from the count, so that no error accumulates.
    let price = |fired: usize| shocked - step * fired as f64;
    let fired = (0..stops.len()).find(|fired| stops[*fired] < price(*fired)).unwrap_or(stops.len());
    Ok((fired, price(fired)))
}
