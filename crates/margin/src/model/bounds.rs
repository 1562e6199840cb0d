//! Bounds of a portfolio's value over a box of price, volatility and time that are *proven*, not sampled: what a risk
//! index may rest on. A long straddle is worth least inside the box, so that looking at corners would not do.
//!
//! Two enclosures of a box are met:
//!
//! ```text
//!   by leg       an option rises with volatility and time, a call with the price, a put against it: its extremes are
//!                at corners, and legs are added
//!   mean value   V ⊆ V(middle) + slope over the box × (price − middle) + vega over the box × (shift − middle)
//! ```
//!
//! The first is tight for one leg, the second for many that offset each other; both tighten as boxes are halved.
//!
//! Source of the mean value form: R. Moore, *Interval Analysis* (1966).

use super::black76::Right;
use super::error::{ModelError, finite, not_negative, positive};
use super::interval::Interval;

/// One leg. A unit of an option, or of a linear contract, in the underlying.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Leg {
    /// A European option.
    Option {
        /// Units: negative is short.
        amount: f64,
        /// Call or put.
        right: Right,
        /// Strike price.
        strike: f64,
        /// Years to expiry at the box's time zero.
        years: f64,
        /// Volatility, to which the box's shift is added.
        vol: f64,
        /// The forward price is this times the price.
        carry: f64,
        /// Interest rate to expiry, continuously compounded, at least zero.
        rate: f64,
    },
    /// A perpetual, a future, or the underlying itself.
    Linear {
        /// Units: negative is short.
        amount: f64,
        /// Price at which it is worth nothing: the entry price, or zero for the underlying.
        entry: f64,
        /// Its price is this times the price.
        carry: f64,
    },
}

/// Where price, volatility and time may be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Region {
    /// The underlying's price, above zero.
    pub price: Interval,
    /// What is added to every leg's volatility; a volatility does not fall below zero.
    pub vol_shift: Interval,
    /// What that is multiplied by.
    pub vol_factor: Interval,
    /// Years that have passed, at least zero; an option that has expired is worth what exercise pays.
    pub elapsed: Interval,
}

/// A scenario of a margin grid: what it multiplies the price and every volatility by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shock {
    /// Factor of the price.
    pub price: f64,
    /// Factor of volatility.
    pub vol: f64,
}

impl Region {
    /// A region in which volatilities are shifted and not multiplied.
    #[must_use]
    pub const fn new(price: Interval, vol_shift: Interval, elapsed: Interval) -> Self {
        Self { price, vol_shift, vol_factor: Interval::point(1.0), elapsed }
    }

    /// Where a scenario takes a region: the portfolio's value in it is its value there.
    ///
    /// # Errors
    /// Where a factor is not finite, or the price's not above zero, or volatility's below zero.
    pub fn shocked(&self, shock: Shock) -> Result<Self, ModelError> {
        let price = self.price * Interval::point(positive("shock.price", shock.price)?);
        let vol_factor = self.vol_factor * Interval::point(not_negative("shock.vol", shock.vol)?);
        // Rounded outward, a product of what is not negative may be a step below zero.
        Ok(Self { price, vol_factor: vol_factor.not_negative(), ..*self })
    }

    /// # Errors
    /// Where the price can be zero or less, volatility be multiplied by less than zero, or time run back.
    pub fn check(&self) -> Result<(), ModelError> {
        positive("price.lo", self.price.lo())?;
        not_negative("vol_factor.lo", self.vol_factor.lo())?;
        not_negative("elapsed.lo", self.elapsed.lo()).map(|_| ())
    }

    /// The point in its middle.
    #[must_use]
    pub fn middle(&self) -> [f64; 3] {
        [self.price.middle(), self.vol_shift.middle(), self.elapsed.middle()]
    }
}

impl Leg {
    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        match *self {
            Self::Option { amount, strike, years, vol, carry, rate, .. } => {
                finite("amount", amount)?;
                positive("strike", strike)?;
                not_negative("years", years)?;
                not_negative("vol", vol)?;
                positive("carry", carry)?;
                not_negative("rate", rate).map(|_| ())
            }
            Self::Linear { amount, entry, carry } => {
                finite("amount", amount)?;
                finite("entry", entry)?;
                positive("carry", carry).map(|_| ())
            }
        }
    }

    /// An enclosure of its value over a region.
    fn value(&self, region: &Region) -> Interval {
        match *self {
            Self::Linear { amount, entry, carry } => {
                Interval::point(amount) * (Interval::point(carry) * region.price - Interval::point(entry))
            }
            Self::Option { amount, right, strike, rate, .. } => {
                let (forward, left, total_vol) = self.state(region);
                let (cheap, dear) = match right {
                    Right::Call => (forward.lo(), forward.hi()),
                    Right::Put => (forward.hi(), forward.lo()),
                };
                let least = at_point(right, cheap, strike, total_vol.lo());
                let most = at_point(right, dear, strike, total_vol.hi());
                Interval::point(amount) * discount(rate, left) * least.hull(most)
            }
        }
    }

    /// Enclosures of its derivatives over a region, by price and by volatility shift.
    fn slopes(&self, region: &Region) -> (Interval, Interval) {
        match *self {
            Self::Linear { amount, carry, .. } => (Interval::point(amount) * Interval::point(carry), Interval::ZERO),
            Self::Option { amount, right, strike, vol, carry, rate, .. } => {
                let (forward, left, total_vol) = self.state(region);
                let d1 = d1(forward, strike, total_vol);
                let delta = match right {
                    Right::Call => d1.normal_cdf(),
                    Right::Put => -(-d1).normal_cdf(),
                };
                let scale = Interval::point(amount) * discount(rate, left);
                let vega = forward * d1.normal_pdf() * left.sqrt() * region.vol_factor;
                // Where volatility is held at zero, it does not move.
                let held = vol + region.vol_shift.lo() <= 0.0;
                let vega = if held { vega.hull(Interval::ZERO) } else { vega };
                (scale * Interval::point(carry) * delta, scale * vega)
            }
        }
    }

    /// Forward, years left and total volatility over a region.
    fn state(&self, region: &Region) -> (Interval, Interval, Interval) {
        match *self {
            Self::Option { years, vol, carry, .. } => {
                let left = (Interval::point(years) - region.elapsed).not_negative();
                let moved = (Interval::point(vol) + region.vol_shift).not_negative() * region.vol_factor;
                let total = (moved * left.sqrt()).not_negative();
                ((Interval::point(carry) * region.price).not_negative(), left, total)
            }
            Self::Linear { carry, .. } => (Interval::point(carry) * region.price, Interval::ZERO, Interval::ZERO),
        }
    }
}

fn discount(rate: f64, left: Interval) -> Interval {
    if rate == 0.0 { Interval::point(1.0) } else { (Interval::point(-rate) * left).exp() }
}

/// `ENTIRE` where there may be no volatility.
fn d1(forward: Interval, strike: f64, total_vol: Interval) -> Interval {
    let moneyness = forward.over(Interval::point(strike)).ln();
    moneyness.over(total_vol) + total_vol * Interval::point(0.5)
}

/// An enclosure of the undiscounted price at one forward and one total volatility.
fn at_point(right: Right, forward: f64, strike: f64, total_vol: f64) -> Interval {
    let (f, k, v) = (Interval::point(forward), Interval::point(strike), Interval::point(total_vol));
    let (payoff, most) = match right {
        Right::Call => ((f - k).not_negative(), forward),
        Right::Put => ((k - f).not_negative(), strike),
    };
    if total_vol <= 0.0 || forward <= 0.0 {
        return payoff;
    }
    let d1 = d1(f, strike, v);
    let d2 = d1 - v;
    let found = match right {
        Right::Call => f * d1.normal_cdf() - k * d2.normal_cdf(),
        Right::Put => k * (-d2).normal_cdf() - f * (-d1).normal_cdf(),
    };
    // Between what exercise pays and the forward or strike, whatever rounding did.
    let bounded = Interval::point(payoff.lo()).hull(Interval::point(most));
    found.meet(bounded)
}

/// An enclosure of the portfolio's value over a region, not subdivided.
#[must_use]
pub fn enclosure(legs: &[Leg], region: &Region) -> Interval {
    let total = |of: &dyn Fn(&Leg) -> Interval| legs.iter().fold(Interval::ZERO, |sum, leg| sum + of(leg));
    let by_leg = total(&|leg| leg.value(region));
    let [price, shift, _] = region.middle();
    let middle = Region { price: Interval::point(price), vol_shift: Interval::point(shift), ..*region };
    let at_middle = total(&|leg| leg.value(&middle));
    let slope = |sum: (Interval, Interval), leg: &Leg| {
        let (delta, vega) = leg.slopes(region);
        (sum.0 + delta, sum.1 + vega)
    };
    let (delta, vega) = legs.iter().fold((Interval::ZERO, Interval::ZERO), slope);
    let moved = delta * (region.price - middle.price) + vega * (region.vol_shift - middle.vol_shift);
    by_leg.meet(at_middle + moved)
}

/// An enclosure of the portfolio's value over a region cut into `[price, volatility, time]` parts: the more, the tighter.
/// It takes an option's price and derivatives per leg and part.
///
/// # Errors
/// Where a leg or the region has a number out of range, or a count is zero or beyond 2^16.
pub fn bounds(legs: &[Leg], region: &Region, parts: [usize; 3]) -> Result<Interval, ModelError> {
    region.check()?;
    check(legs)?;
    for (field, count) in ["parts of price", "parts of volatility", "parts of time"].into_iter().zip(parts) {
        if !(1..=1 << 16).contains(&count) {
            return Err(ModelError::new(field, count as f64, "from 1 to 65536"));
        }
    }
    let mut found: Option<Interval> = None;
    for i in 0..parts[0] {
        for j in 0..parts[1] {
            for k in 0..parts[2] {
                let part = Region {
                    price: region.price.part(i, parts[0]),
                    vol_shift: region.vol_shift.part(j, parts[1]),
                    elapsed: region.elapsed.part(k, parts[2]),
                    ..*region
                };
                let one = enclosure(legs, &part);
                found = Some(found.map_or(one, |all| all.hull(one)));
            }
        }
    }
    Ok(found.unwrap_or(Interval::ENTIRE))
}

fn check(legs: &[Leg]) -> Result<(), ModelError> {
    legs.iter().enumerate().try_for_each(|(i, leg)| leg.check().map_err(|e| ModelError { index: Some(i), ..e }))
}

/// What is known of a portfolio's value over a region.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Proof {
    /// It is at least the threshold everywhere.
    AtLeast,
    /// It is below the threshold at this `[price, volatility shift, elapsed]`.
    Below([f64; 3]),
    /// The room or the effort given did not suffice to tell.
    Unknown,
}

/// Whether the portfolio is worth at least `threshold` everywhere in a region: the region is halved where it is not
/// clear yet, along the side that matters most. `stack` is room for the halves that wait (30 is plenty); `effort` is how
/// many regions are looked at, at most.
///
/// # Errors
/// Where a leg or the region has a number out of range, the threshold is not finite, or `stack` is empty.
pub fn at_least(
    legs: &[Leg],
    region: &Region,
    threshold: f64,
    stack: &mut [Region],
    effort: usize,
) -> Result<Proof, ModelError> {
    region.check()?;
    check(legs)?;
    finite("threshold", threshold)?;
    if stack.is_empty() {
        return Err(ModelError::new("stack", 0.0, "room for at least one region"));
    }
    stack[0] = *region;
    let mut waiting = 1;
    for _ in 0..effort {
        if waiting == 0 {
            return Ok(Proof::AtLeast);
        }
        waiting -= 1;
        let part = stack[waiting];
        if enclosure(legs, &part).lo() >= threshold {
            continue;
        }
        let middle = part.middle();
        if enclosure(legs, &at(&part, middle)).hi() < threshold {
            return Ok(Proof::Below(middle));
        }
        if waiting + 2 > stack.len() {
            return Ok(Proof::Unknown);
        }
        let Some(halves) = halve(legs, &part) else { return Ok(Proof::Unknown) };
        // The half that may be worth less is looked at first, so that what fails is found early.
        let [first, second] = halves.map(|half| enclosure(legs, &half).lo());
        let [next, last] = if first < second { [1, 0] } else { [0, 1] };
        (stack[waiting], stack[waiting + 1]) = (halves[next], halves[last]);
        waiting += 2;
    }
    Ok(if waiting == 0 { Proof::AtLeast } else { Proof::Unknown })
}

/// One point of a region.
fn at(region: &Region, [price, shift, elapsed]: [f64; 3]) -> Region {
    let point = Interval::point;
    Region { price: point(price), vol_shift: point(shift), elapsed: point(elapsed), ..*region }
}

/// Whether the portfolio is worth at least `threshold` in every scenario of a margin grid, everywhere in a region: what
/// an account under portfolio margin needs for its certificate. `effort` is for each scenario. The answer is that of the
/// first scenario that is not proven; its point is where the scenario takes the market.
///
/// # Errors
/// As [`at_least`] and [`Region::shocked`].
pub fn at_least_in_all(
    legs: &[Leg],
    region: &Region,
    shocks: &[Shock],
    threshold: f64,
    stack: &mut [Region],
    effort: usize,
) -> Result<Proof, ModelError> {
    for (i, shock) in shocks.iter().enumerate() {
        let there = region.shocked(*shock).map_err(|e| ModelError { index: Some(i), ..e })?;
        let proof = at_least(legs, &there, threshold, stack, effort)?;
        if proof != Proof::AtLeast {
            return Ok(proof);
        }
    }
    Ok(Proof::AtLeast)
}

/// Two halves of a region, along the side whose halving tightens the enclosure most: that over which the value varies
/// most while the other two are held in the middle. `None` where no side can be halved.
fn halve(legs: &[Leg], region: &Region) -> Option<[Region; 2]> {
    let middle = at(region, region.middle());
    let sides = [
        Region { price: region.price, ..middle },
        Region { vol_shift: region.vol_shift, ..middle },
        Region { elapsed: region.elapsed, ..middle },
    ];
    let widths = [region.price, region.vol_shift, region.elapsed].map(|side| {
        let inside = side.middle();
        side.lo() < inside && inside < side.hi()
    });
    let mut chosen = None;
    for i in 0..3 {
        let spread = enclosure(legs, &sides[i]).width();
        let better = chosen.is_none_or(|(_, most)| spread > most);
        if widths[i] && better {
            chosen = Some((i, spread));
        }
    }
    let (side, _) = chosen?;
    let half = |n: usize| match side {
        0 => Region { price: region.price.halves()[n], ..*region },
        1 => Region { vol_shift: region.vol_shift.halves()[n], ..*region },
        _ => Region { elapsed: region.elapsed.halves()[n], ..*region },
    };
    Some([half(0), half(1)])
}
