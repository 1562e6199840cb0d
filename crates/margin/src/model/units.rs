//! From a model's floats to whole units of money: the one place where that happens.

use super::error::ModelError;
use downdraft_types::Money;

/// The largest float that [`requirement`] converts: beyond it an amount is an error, not a number.
const LARGEST: f64 = 1e36;

/// What an account must hold, in whole units of money: `amount × units`, rounded *up*, so that the account bears the
/// fraction of a unit. `units` is how many of the currency's smallest units one of the model's units is (1e6 for a
/// model in dollars and money in millionths).
///
/// A model's value that is credited to the account is `-requirement(-value)`: rounded down, against the account too.
///
/// # Errors
/// Where the product is not finite or beyond 10^36.
pub fn requirement(amount: f64, units: f64) -> Result<Money, ModelError> {
    let scaled = amount * units;
    if !(scaled.is_finite() && scaled.abs() <= LARGEST) {
        return Err(ModelError::new("amount", scaled, "a finite amount of at most 10^36 units"));
    }
    Ok(Money(libm::ceil(scaled) as i128))
}

/// `value` credited to an account in whole units of money, rounded *down*.
///
/// # Errors
/// As [`requirement`].
pub fn credit(value: f64, units: f64) -> Result<Money, ModelError> {
    requirement(-value, units).map(|owed| -owed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_bears_the_fraction() {
        assert_eq!(requirement(1.25, 10.0), Ok(Money(13)));
        assert_eq!(requirement(-1.25, 10.0), Ok(Money(-12)));
        assert_eq!(credit(1.25, 10.0), Ok(Money(12)));
        assert_eq!(credit(-1.25, 10.0), Ok(Money(-13)));
        assert_eq!(requirement(0.0, 1e6), Ok(Money(0)));
    }

    #[test]
    fn what_is_not_an_amount_is_an_error() {
        for amount in [f64::NAN, f64::INFINITY, 1e37] {
            assert_eq!(requirement(amount, 1.0).unwrap_err().field, "amount");
        }
    }
}
