//! Decimal numbers as they are printed: all digits, and no float on the way.

use core::fmt;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A decimal number, `mantissa ÷ 10^scale`, without trailing zeros after the point. In JSON it is a number with
/// exactly these digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Exact {
    mantissa: i128,
    scale: u32,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// `mantissa ÷ 10^scale`.
    #[must_use]
    pub fn new(mantissa: i128, scale: u32) -> Self {
        // Division of 128 bits is slow, and few numbers need it.
        let (mantissa, scale) = match i64::try_from(mantissa) {
            Ok(mut short) => {
                let mut scale = scale;
                while scale > 0 && short % 10 == 0 {
                    short /= 10;
                    scale -= 1;
                }
                (i128::from(short), scale)
            }
            Err(_) => trimmed(mantissa, scale),
        };
        Self { mantissa, scale }
    }

    /// `part ÷ whole` to six digits, halves rounded up; 0 of nothing.
    #[must_use]
    pub fn ratio(part: u64, whole: u64) -> Self {
        Self::share(u128::from(part), u128::from(whole))
    }

    /// As [`ratio`](Self::ratio), of sums: beyond 2^100 both lose their last digits first.
    #[must_use]
    pub fn share(part: u128, whole: u128) -> Self {
        let shift = (128 - part.max(whole).leading_zeros()).saturating_sub(100);
        let (part, whole) = ((part >> shift) * 1_000_000, whole >> shift);
        let rounded = (part + whole / 2).checked_div(whole).unwrap_or(0);
        Self::new(i128::try_from(rounded).unwrap_or(i128::MAX), 6)
    }

    /// In units of `10^-scale`, which is no coarser than its digits ask for; finer digits are cut off.
    pub(crate) fn in_units(self, scale: u32) -> i128 {
        let ten = |by: u32| 10_i128.checked_pow(by).unwrap_or(i128::MAX);
        match scale.checked_sub(self.scale) {
            Some(more) => self.mantissa.saturating_mul(ten(more)),
            None => self.mantissa / ten(self.scale - scale),
        }
    }

    /// The nearest float.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // The text is read correctly rounded; a quotient of floats would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

fn trimmed(mut mantissa: i128, mut scale: u32) -> (i128, u32) {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa, scale)
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs();
        match 10_u128.checked_pow(self.scale) {
            _ if self.scale == 0 => write!(f, "{sign}{digits}"),
            Some(unit) => {
                let (whole, part) = match (u64::try_from(digits), u64::try_from(unit)) {
                    (Ok(digits), Ok(unit)) => (u128::from(digits / unit), u128::from(digits % unit)),
                    _ => (digits / unit, digits % unit),
                };
                write!(f, "{sign}{whole}.{part:0width$}", width = self.scale as usize)
            }
            None => write!(f, "{sign}0.{digits:0width$}", width = self.scale as usize),
        }
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_all_digits() {
        for (mantissa, scale, text) in [
            (0, 9, "0"),
            (1, 0, "1"),
            (-15, 1, "-1.5"),
            (600_000, 1, "60000"),
            (-5, 3, "-0.005"),
            (123_456_789_012_345_678_901, 20, "1.23456789012345678901"),
            (7, 40, "0.0000000000000000000000000000000000000007"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
        ] {
            assert_eq!(Exact::new(mantissa, scale).to_string(), text);
        }
    }

    #[test]
    fn units_are_those_it_was_made_of() {
        for (mantissa, scale) in [(0, 6), (1_500_000, 6), (-7, 3), (12, 0)] {
            assert_eq!(Exact::new(mantissa, scale).in_units(scale), mantissa);
        }
        assert_eq!((Exact::new(-1_999, 3).in_units(0), Exact::new(5, 0).in_units(2)), (-1, 500));
    }

    #[test]
    fn is_a_number_in_json() {
        let text = serde_json::to_string(&[Exact::new(12_345_678_901_234_567_890, 4)]).unwrap();
        assert_eq!(text, "[1234567890123456.789]");
    }

    #[test]
    fn ratios_round_halves_up() {
        assert_eq!(Exact::ratio(1, 3).to_string(), "0.333333");
        assert_eq!(Exact::ratio(2, 3).to_string(), "0.666667");
        assert_eq!(Exact::ratio(1, 2_000_000).to_string(), "0.000001");
        assert_eq!(Exact::ratio(0, 0), Exact::ZERO);
        assert_eq!(Exact::ratio(5, 5).to_string(), "1");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(mantissa in any::<i64>(), scale in 0_u32..18) {
            let text = Exact::new(i128::from(mantissa), scale).to_string();
            let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
            prop_assert!(!part.ends_with('0'));
            let padded = format!("{whole}{part:0<width$}", width = scale as usize);
            prop_assert_eq!(padded.parse::<i128>(), Ok(i128::from(mantissa)));
        }
    }
}
