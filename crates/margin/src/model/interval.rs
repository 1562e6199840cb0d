//! Intervals of floats that enclose the real result of every operation: each bound is rounded outward.
//!
//! The four operations and the square root are exact to half a unit in the last place, so that one step outward
//! encloses them. `libm`'s `log`, `exp` and `erfc` err by less than one unit (as FDLIBM, from which they come, states);
//! four are allowed for.

use super::error::ModelError;

/// All reals from `lo` to `hi`, which may be infinite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

/// How many units in the last place `libm`'s functions are allowed to be off.
const SLACK_ULPS: u32 = 4;

impl Interval {
    /// Every real number.
    pub const ENTIRE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };
    /// Zero alone.
    pub const ZERO: Self = Self { lo: 0.0, hi: 0.0 };

    /// From `lo` to `hi`.
    ///
    /// # Errors
    /// Where a bound is not finite, or they are out of order.
    pub fn new(lo: f64, hi: f64) -> Result<Self, ModelError> {
        if !lo.is_finite() {
            return Err(ModelError::new("lo", lo, "a finite number"));
        }
        if !(hi.is_finite() && lo <= hi) {
            return Err(ModelError::new("hi", hi, "a finite number, at least lo"));
        }
        Ok(Self { lo, hi })
    }

    /// One number.
    #[must_use]
    pub const fn point(at: f64) -> Self {
        Self { lo: at, hi: at }
    }

    /// The least of it.
    #[must_use]
    pub const fn lo(self) -> f64 {
        self.lo
    }

    /// The largest of it.
    #[must_use]
    pub const fn hi(self) -> f64 {
        self.hi
    }

    /// A float inside, about the middle.
    #[must_use]
    pub fn middle(self) -> f64 {
        (0.5 * self.lo + 0.5 * self.hi).clamp(self.lo, self.hi)
    }

    /// How wide it is, not less.
    #[must_use]
    pub fn width(self) -> f64 {
        (self.hi - self.lo).next_up()
    }

    /// Whether it holds `x`.
    #[must_use]
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// The lower and the upper half.
    #[must_use]
    pub fn halves(self) -> [Self; 2] {
        let middle = self.middle();
        [Self { lo: self.lo, hi: middle }, Self { lo: middle, hi: self.hi }]
    }

    /// Part `i` of `n` equal ones; together they cover it.
    #[must_use]
    pub fn part(self, i: usize, n: usize) -> Self {
        let at = |k: usize| {
            let fraction = k as f64 / n as f64;
            (self.lo * (1.0 - fraction) + self.hi * fraction).clamp(self.lo, self.hi)
        };
        let lo = if i == 0 { self.lo } else { at(i) };
        let hi = if i + 1 == n { self.hi } else { at(i + 1) };
        Self { lo, hi: hi.max(lo) }
    }

    /// What is in both; they are known to overlap, as both hold the same number.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        Self { lo: self.lo.max(other.lo), hi: self.hi.min(other.hi) }
    }

    /// The least interval with both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// What is not below zero of it, zero at least.
    #[must_use]
    pub fn not_negative(self) -> Self {
        Self { lo: self.lo.max(0.0), hi: self.hi.max(0.0) }
    }

    /// One step outward; what is not a number bounds nothing.
    fn outward(lo: f64, hi: f64) -> Self {
        if lo.is_nan() || hi.is_nan() {
            return Self::ENTIRE;
        }
        Self { lo: lo.next_down(), hi: hi.next_up() }
    }

    /// The steps outward that a function of `libm` needs.
    fn slackened(lo: f64, hi: f64) -> Self {
        (1..SLACK_ULPS).fold(Self::outward(lo, hi), |wide, _| Self::outward(wide.lo, wide.hi))
    }

    /// The square root of what is not negative.
    #[must_use]
    pub fn sqrt(self) -> Self {
        let of = self.not_negative();
        Self::outward(libm::sqrt(of.lo), libm::sqrt(of.hi)).not_negative()
    }

    /// The natural logarithm; `ENTIRE` where it holds something not above zero.
    #[must_use]
    pub fn ln(self) -> Self {
        if self.lo <= 0.0 { Self::ENTIRE } else { Self::slackened(libm::log(self.lo), libm::log(self.hi)) }
    }

    /// The exponential.
    #[must_use]
    pub fn exp(self) -> Self {
        Self::slackened(libm::exp(self.lo), libm::exp(self.hi)).not_negative()
    }

    /// The square.
    #[must_use]
    pub fn square(self) -> Self {
        let (a, b) = (self.lo.abs(), self.hi.abs());
        let least = if self.contains(0.0) { 0.0 } else { a.min(b) };
        let most = a.max(b);
        Self::outward(least * least, most * most).not_negative()
    }

    /// The quotient; `ENTIRE` where the divisor holds zero.
    #[must_use]
    pub fn over(self, divisor: Self) -> Self {
        if divisor.contains(0.0) {
            return Self::ENTIRE;
        }
        extremes([self.lo / divisor.lo, self.lo / divisor.hi, self.hi / divisor.lo, self.hi / divisor.hi])
    }

    /// The normal distribution function, from 0 to 1.
    #[must_use]
    pub fn normal_cdf(self) -> Self {
        const ROOT_HALF: Interval = Interval { lo: 0.707_106_781_186_547_4, hi: 0.707_106_781_186_547_7 };
        let scaled = -self * ROOT_HALF;
        // erfc falls: its largest value is at the least argument.
        let wide = Self::slackened(libm::erfc(scaled.hi), libm::erfc(scaled.lo));
        (wide * Self::point(0.5)).meet(Self { lo: 0.0, hi: 1.0 })
    }

    /// The normal density.
    #[must_use]
    pub fn normal_pdf(self) -> Self {
        const SCALE: Interval = Interval { lo: 0.398_942_280_401_432_6, hi: 0.398_942_280_401_432_8 };
        (self.square() * Self::point(-0.5)).exp() * SCALE
    }
}

fn extremes(of: [f64; 4]) -> Interval {
    if of.iter().any(|x| x.is_nan()) {
        return Interval::ENTIRE;
    }
    let least = of.iter().fold(f64::INFINITY, |least, x| least.min(*x));
    let most = of.iter().fold(f64::NEG_INFINITY, |most, x| most.max(*x));
    Interval::outward(least, most)
}

impl core::ops::Neg for Interval {
    type Output = Self;

    fn neg(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }
}

impl core::ops::Add for Interval {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::outward(self.lo + other.lo, self.hi + other.hi)
    }
}

impl core::ops::Sub for Interval {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl core::ops::Mul for Interval {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        extremes([self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi])
    }
}
