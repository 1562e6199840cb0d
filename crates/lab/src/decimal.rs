//! Exact decimals: how a scenario writes prices, sizes and money, and how they become whole ticks, lots and units.

use core::fmt;

/// The most digits after the point.
const MAX_SCALE: u32 = 30;

/// A decimal number: `mantissa ÷ 10^scale`, without trailing zeros after the point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Why a text is not a decimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecimalError {
    /// Something else than digits, one point, a sign in front, and `_` between digits.
    #[error("not a decimal number")]
    Malformed,
    /// More digits than can be held exactly.
    #[error("a decimal number of too many digits")]
    TooLong,
}

/// Why a value is not a number of units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotWhole {
    /// It lies between these two.
    Between(Decimal, Decimal),
    /// The count leaves 127 bits.
    TooLarge,
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };
    /// One.
    pub const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// `mantissa ÷ 10^scale`.
    ///
    /// # Panics
    /// With more than 30 digits after the point.
    #[must_use]
    pub const fn new(mantissa: i128, scale: u32) -> Self {
        assert!(scale <= MAX_SCALE, "too many digits after the point");
        Self { mantissa, scale }.normal()
    }

    /// Reads `-12_345.67`.
    ///
    /// # Errors
    /// [`DecimalError`].
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', ..] => (true, &text[1..]),
            [b'+', ..] => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let legal = |run: &str| {
            let edges = run.starts_with('_') || run.ends_with('_') || run.contains("__");
            !run.is_empty() && !edges && run.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        };
        if !legal(whole) || !legal(part) {
            return Err(DecimalError::Malformed);
        }
        let (mut mantissa, mut scale) = (0_i128, 0_u32);
        let fraction = part.trim_end_matches(['0', '_']);
        for (digit, after) in digits_of(whole).map(|d| (d, 0)).chain(digits_of(fraction).map(|d| (d, 1))) {
            let next = mantissa.checked_mul(10).and_then(|m| m.checked_add(digit));
            mantissa = next.ok_or(DecimalError::TooLong)?;
            scale += after;
        }
        if scale > MAX_SCALE {
            return Err(DecimalError::TooLong);
        }
        Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, scale }.normal())
    }

    const fn normal(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// Whether it is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.mantissa > 0
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The product; `None` where it is not exact.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        let product = Self { mantissa, scale: self.scale + other.scale }.normal();
        (product.scale <= MAX_SCALE).then_some(product)
    }

    /// How many of `unit` this is.
    ///
    /// # Errors
    /// Where it is not a whole number of them, with the nearest values that are.
    ///
    /// # Panics
    /// Where `unit` is not positive.
    pub fn count(self, unit: Self) -> Result<i128, NotWhole> {
        assert!(unit.mantissa > 0, "a unit is positive");
        let scale = self.scale.max(unit.scale);
        let raise = |d: Self| 10_i128.checked_pow(scale - d.scale).and_then(|p| d.mantissa.checked_mul(p));
        let (value, unit_value) = raise(self).zip(raise(unit)).ok_or(NotWhole::TooLarge)?;
        let count = value.div_euclid(unit_value);
        if value.rem_euclid(unit_value) == 0 {
            return Ok(count);
        }
        let times = |n: i128| unit.checked_mul(Self::new(n, 0)).ok_or(NotWhole::TooLarge);
        Err(NotWhole::Between(times(count)?, times(count + 1)?))
    }

    /// The nearest float: for models, never for state.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // The text of a decimal is read correctly rounded; a quotient of floats would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

fn digits_of(run: &str) -> impl Iterator<Item = i128> {
    run.bytes().filter(u8::is_ascii_digit).map(|b| i128::from(b - b'0'))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, part) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{part}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn reads_and_prints() {
        for (text, printed) in [
            ("0.10", "0.1"),
            ("-12_345.670", "-12345.67"),
            ("+7", "7"),
            ("100", "100"),
            ("0.000001", "0.000001"),
            ("-0.0", "0"),
        ] {
            assert_eq!(of(text).to_string(), printed);
        }
        for text in ["", "-", ".5", "5.", "1e3", "1,5", "_1", "1__0", "0x1", " 1", "--1", "1.2.3"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Malformed), "{text:?}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(40)), Err(DecimalError::TooLong));
        assert_eq!(Decimal::parse(&format!("0.{}1", "0".repeat(30))), Err(DecimalError::TooLong));
    }

    #[test]
    fn counts_units_exactly() {
        assert_eq!(of("60000.5").count(of("0.1")), Ok(600_005));
        assert_eq!(of("-3").count(of("1.5")), Ok(-2));
        assert_eq!(of("0.25").count(of("0.1")), Err(NotWhole::Between(of("0.2"), of("0.3"))));
        assert_eq!(of("-0.25").count(of("0.1")), Err(NotWhole::Between(of("-0.3"), of("-0.2"))));
        assert_eq!(Decimal::new(i128::MAX / 2, 0).count(of("0.001")), Err(NotWhole::TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(mantissa in any::<i64>(), scale in 0_u32..20) {
            let decimal = Decimal::new(i128::from(mantissa), scale);
            prop_assert_eq!(of(&decimal.to_string()), decimal);
        }

        #[test]
        fn a_multiple_counts_itself(count in -1_000_000_i128..1_000_000, unit in 1_i128..10_000, scale in 0_u32..9) {
            let unit = Decimal::new(unit, scale);
            let multiple = unit.checked_mul(Decimal::new(count, 0)).unwrap();
            prop_assert_eq!(multiple.count(unit), Ok(count));
        }
    }
}
