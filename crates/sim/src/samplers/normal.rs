//! The standard normal distribution function and its inverse.

use core::f64::consts::FRAC_1_SQRT_2;

/// P(Z < z) of a standard normal Z.
#[must_use]
pub fn standard_normal_below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The z with P(Z < z) = p, to about 16 digits. (Wichura: Algorithm AS 241, PPND16, 1988.)
///
/// # Panics
/// Where `p` is not inside (0, 1).
#[must_use]
pub fn standard_normal_quantile(p: f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "probability of a normal quantile: found {p}, expected inside (0, 1)");
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-libm::log(tail)).sqrt();
    let z = if r <= 5.0 { ratio(&SHOULDER, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    if q < 0.0 { -z } else { z }
}

/// Numerator and denominator of a rational function, lowest power first.
type Coefficients = [[f64; 8]; 2];

/// Horner's rule, one multiplication and one addition a step: the order fixes the bits.
fn ratio(coefficients: &Coefficients, r: f64) -> f64 {
    let [numerator, denominator] =
        coefficients.map(|powers| powers.iter().rev().fold(0.0, |sum, &coefficient| sum * r + coefficient));
    numerator / denominator
}

/// |p − 1/2| ≤ 0.425, in 0.425² − (p − 1/2)².
#[allow(clippy::excessive_precision, reason = "as published")]
const CENTRE: Coefficients = [
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
];

/// Tails down to e^−25, in sqrt(−ln tail) − 1.6.
#[allow(clippy::excessive_precision, reason = "as published")]
const SHOULDER: Coefficients = [
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
];

/// Tails beyond, in sqrt(−ln tail) − 5.
#[allow(clippy::excessive_precision, reason = "as published")]
const TAIL: Coefficients = [
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_inverts_the_distribution() {
        // Left half only: there the distribution function keeps its relative precision.
        for step in 1..=2_000 {
            let p = libm::exp(-f64::from(step) / 54.0) / 2.0;
            let back = standard_normal_below(standard_normal_quantile(p));
            assert!(((back - p) / p).abs() < 4e-14, "p = {p:e}, back = {back:e}");
        }
        assert_eq!(standard_normal_quantile(0.5), 0.0);
        assert_eq!(standard_normal_quantile(0.75), -standard_normal_quantile(0.25));
    }

    #[test]
    fn published_values() {
        // Check values of the algorithm's paper.
        for (p, z) in
            [(0.25, -0.674_489_750_196_081_7), (0.001, -3.090_232_306_167_814), (1e-20, -9.262_340_089_798_408)]
        {
            assert!((standard_normal_quantile(p) - z).abs() < 2e-15 * z.abs() + 1e-15, "p = {p}");
        }
    }
}
