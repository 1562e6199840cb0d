//! Integer division with a stated direction. Every division in the engine goes through one of these, and the
//! call site says who benefits.

/// `a / b` rounded toward minus infinity.
///
/// # Panics
/// Where `b` is not positive.
#[inline]
#[must_use]
pub const fn floor_div(a: i128, b: i128) -> i128 {
    assert!(b > 0, "division by a number that is not positive");
    a.div_euclid(b)
}

/// `a / b` rounded toward plus infinity.
///
/// # Panics
/// Where `b` is not positive.
#[inline]
#[must_use]
pub const fn ceil_div(a: i128, b: i128) -> i128 {
    assert!(b > 0, "division by a number that is not positive");
    let quotient = a.div_euclid(b);
    if a.rem_euclid(b) == 0 { quotient } else { quotient + 1 }
}

/// `a × b / c` rounded toward minus infinity, exact while `a × b` fits 128 bits and by long division beyond.
///
/// # Panics
/// Where `c` is not positive, or the result does not fit.
#[must_use]
pub fn mul_div_floor(a: i128, b: i128, c: i128) -> i128 {
    assert!(c > 0, "division by a number that is not positive");
    match a.checked_mul(b) {
        Some(product) => product.div_euclid(c),
        None => wide_mul_div_floor(a, b, c),
    }
}

/// `a × b / c` rounded toward plus infinity.
///
/// # Panics
/// As [`mul_div_floor`].
#[must_use]
pub fn mul_div_ceil(a: i128, b: i128, c: i128) -> i128 {
    -mul_div_floor(-a, b, c)
}

/// Compares `a × b` with `c × d`, exactly.
#[must_use]
pub fn compare_products(a: i128, b: i128, c: i128, d: i128) -> core::cmp::Ordering {
    match (a.checked_mul(b), c.checked_mul(d)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let wide = |x: i128, y: i128| {
                let negative = (x < 0) != (y < 0) && x != 0 && y != 0;
                (negative, wide_mul(x.unsigned_abs(), y.unsigned_abs()))
            };
            match (wide(a, b), wide(c, d)) {
                ((false, left), (false, right)) => left.cmp(&right),
                ((true, left), (true, right)) => right.cmp(&left),
                ((left, _), _) => {
                    if left {
                        core::cmp::Ordering::Less
                    } else {
                        core::cmp::Ordering::Greater
                    }
                }
            }
        }
    }
}

/// The product as 256 bits, divided bit by bit: for the rare case that 128 bits do not hold it.
fn wide_mul_div_floor(a: i128, b: i128, c: i128) -> i128 {
    let negative = (a < 0) != (b < 0);
    let (high, low) = wide_mul(a.unsigned_abs(), b.unsigned_abs());
    let divisor = c.unsigned_abs();
    let mut remainder: u128 = 0;
    let mut quotient: u128 = 0;
    for bit in (0..256).rev() {
        let next = if bit >= 128 { high >> (bit - 128) & 1 } else { low >> bit & 1 };
        // The divisor is below 2^127, so the remainder is too and the shift loses nothing.
        remainder = remainder << 1 | next;
        assert!(quotient >> 127 == 0, "quotient exceeds 128 bits");
        quotient <<= 1;
        if remainder >= divisor {
            remainder -= divisor;
            quotient |= 1;
        }
    }
    let quotient = i128::try_from(quotient).expect("quotient exceeds 128 bits");
    match (negative, remainder) {
        (false, _) => quotient,
        (true, 0) => -quotient,
        (true, _) => -quotient - 1,
    }
}

const fn wide_mul(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low) = (a >> 64, a & LOW);
    let (b_high, b_low) = (b >> 64, b & LOW);
    let low = a_low * b_low;
    let cross = a_high * b_low + (low >> 64);
    let cross_low = (cross & LOW) + a_low * b_high;
    (a_high * b_high + (cross >> 64) + (cross_low >> 64), cross_low << 64 | low & LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions() {
        assert_eq!((floor_div(-7, 2), ceil_div(-7, 2)), (-4, -3));
        assert_eq!((floor_div(7, 2), ceil_div(7, 2)), (3, 4));
        assert_eq!((floor_div(-8, 2), ceil_div(-8, 2)), (-4, -4));
        assert_eq!((mul_div_floor(-7, 3, 2), mul_div_ceil(-7, 3, 2)), (-11, -10));
    }

    #[test]
    fn wide_products_agree_with_narrow_ones() {
        for (a, b, c) in [(-123_456_789, 987_654_321, 1_000_007), (5, 7, 9), (-5, 7, 35), (0, -1, 3)] {
            assert_eq!(wide_mul_div_floor(a, b, c), mul_div_floor(a, b, c));
        }
    }

    #[test]
    fn products_compare_beyond_128_bits() {
        use core::cmp::Ordering::{Equal, Greater, Less};
        let big = i128::MAX / 2;
        assert_eq!(compare_products(2, 3, 3, 2), Equal);
        assert_eq!(compare_products(big, big, big, big - 1), Greater);
        assert_eq!(compare_products(big, -big, big, 1), Less);
        assert_eq!(compare_products(-big, big, -big, big - 1), Less);
        assert_eq!(compare_products(0, -1, big, big), Less);
    }

    #[test]
    fn wide_products_are_exact() {
        let big = i128::MAX / 3;
        assert_eq!(mul_div_floor(big, 1_000_000, 1_000_000), big);
        assert_eq!(mul_div_floor(-big, 1_000_000, 999_999), -(big + floor_div(big, 999_999) + 1));
    }
}
