//! Prices at which a position is liquidated and at which it is bankrupt, for linear and inverse contracts, isolated or
//! cross, with maintenance by tiers at mark or by entry.
//!
//! With `s` = ±1, size `q`, entry `E`, mark `P`, and `A` = all other equity less all other maintenance:
//!
//! ```text
//!   linear    A + s·q(P − E) = max over tiers of (rate·q·P − amount)
//!   inverse   A + s·q(1÷E − 1÷P) = max over tiers of (rate·q÷P − amount)      q in the quote, A in coins
//! ```
//!
//! Each tier gives a price in closed form, and as maintenance is the largest over tiers, the first of them that the
//! mark reaches is the answer.
//!
//! Sources: Binance, *How to Calculate Liquidation Price of USDⓈ-M Futures Contracts*; Bybit help centre, *Liquidation
//! Price (USDT, Inverse)*, *Bankruptcy Price*; OKX and Gate (closing fee in the rate); BitMEX, *Perpetual Contracts
//! Guide*; Hyperliquid documentation, *Liquidations* (two thirds of maintenance).

use super::error::{ModelError, finite, not_negative, positive};
use super::tiers::Tiers;

/// Whether a position gains or loses as the price rises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Direction {
    /// Gains.
    Long,
    /// Loses.
    Short,
}

impl Direction {
    /// 1 for a long, −1 for a short.
    #[must_use]
    pub const fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }
}

/// The notional that maintenance rates multiply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Basis {
    /// At the mark (Binance, OKX, Gate).
    Mark,
    /// At entry (Bybit).
    Entry,
}

/// How the contract pays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Contract {
    /// In the quote currency, by size × price: size in the base.
    Linear,
    /// In the base currency, by size ÷ price: size in the quote.
    Inverse,
}

/// A position and what answers for it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Holding<'a> {
    /// How the contract pays.
    pub contract: Contract,
    /// Long or short.
    pub direction: Direction,
    /// Size, without sign.
    pub size: f64,
    /// Average entry price.
    pub entry: f64,
    /// What is available to it, in the settlement currency, before its own profit and maintenance: its isolated
    /// margin, or for cross margin the wallet balance plus the other positions' profit less their maintenance.
    pub available: f64,
    /// Maintenance tiers.
    pub tiers: Tiers<'a>,
    /// The notional they apply to.
    pub basis: Basis,
    /// Added to the rate of every tier: the closing fee, where a venue reserves it at the mark.
    pub close_fee: f64,
    /// Maintenance in money on top: a closing fee at the bankruptcy price (Bybit).
    pub reserve: f64,
    /// The part of maintenance at which the event happens: 1 for liquidation, 2/3 for Hyperliquid's backstop, 0 for
    /// bankruptcy.
    pub part: f64,
}

impl<'a> Holding<'a> {
    /// A linear position with maintenance at the mark, and nothing reserved.
    #[must_use]
    pub const fn linear(direction: Direction, size: f64, entry: f64, available: f64, tiers: Tiers<'a>) -> Self {
        Self {
            contract: Contract::Linear,
            direction,
            size,
            entry,
            available,
            tiers,
            basis: Basis::Mark,
            close_fee: 0.0,
            reserve: 0.0,
            part: 1.0,
        }
    }

    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        positive("size", self.size)?;
        positive("entry", self.entry)?;
        finite("available", self.available)?;
        not_negative("close_fee", self.close_fee)?;
        not_negative("reserve", self.reserve)?;
        not_negative("part", self.part)?;
        let top = self.tiers.all().iter().fold(0.0_f64, |most, tier| most.max(tier.rate));
        let rate = (top + self.close_fee) * self.part;
        if rate < 1.0 { Ok(()) } else { Err(ModelError::new("rate + close_fee", rate, "less than 1")) }
    }

    /// Equity less the part of maintenance that counts, at a mark.
    #[must_use]
    pub fn slack(&self, mark: f64) -> f64 {
        let sign = self.direction.sign();
        let (profit, notional) = match self.contract {
            Contract::Linear => (sign * self.size * (mark - self.entry), self.size * self.notional_price(mark)),
            Contract::Inverse => {
                (sign * self.size * (1.0 / self.entry - 1.0 / mark), self.size / self.notional_price(mark))
            }
        };
        let maintenance = self.tiers.maintenance(notional) + notional * self.close_fee + self.reserve;
        self.available + profit - self.part * maintenance
    }

    fn notional_price(&self, mark: f64) -> f64 {
        if self.basis == Basis::Entry { self.entry } else { mark }
    }

    /// The mark at which slack is zero, `None` where no positive mark reaches it.
    ///
    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn price(&self) -> Result<Option<f64>, ModelError> {
        self.check()?;
        let sign = self.direction.sign();
        Ok(match self.contract {
            Contract::Linear => {
                self.notional_at_zero(self.size * self.entry, sign).map(|notional| notional / self.size)
            }
            // In coins the notional falls as the price rises: a long is a short of it.
            Contract::Inverse => self.notional_at_zero(self.size / self.entry, -sign).map(|coins| self.size / coins),
        })
    }

    /// The notional at which slack is zero: `available + sign × (notional − entry) = part × maintenance`.
    fn notional_at_zero(&self, entry: f64, sign: f64) -> Option<f64> {
        let owed = |maintenance: f64| sign * entry - self.available + self.part * maintenance;
        let reached = match self.basis {
            Basis::Entry => {
                let maintenance = self.tiers.maintenance(entry) + entry * self.close_fee + self.reserve;
                sign * owed(maintenance)
            }
            Basis::Mark => {
                let of = |rate: f64, amount: f64| {
                    let slope = sign - self.part * (rate + self.close_fee);
                    owed(self.reserve - amount) / slope
                };
                // No maintenance at all is a tier too: below the first one that asks for any.
                let start = of(0.0, 0.0);
                let tiers = self.tiers.all().iter().map(|tier| of(tier.rate, tier.amount));
                tiers.fold(start, |first, at| if sign > 0.0 { first.max(at) } else { first.min(at) })
            }
        };
        (reached > 0.0 && reached.is_finite()).then_some(reached)
    }

    /// The mark at which equity is zero, fees and maintenance aside: `None` where no positive mark reaches it.
    ///
    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn bankruptcy_price(&self) -> Result<Option<f64>, ModelError> {
        Self { part: 0.0, ..*self }.price()
    }
}

/// Bybit's bankruptcy price of an inverse position in cross margin, fee at that price included:
/// `(1 + s × fee) × size ÷ (size ÷ entry + s × available)`.
///
/// # Errors
/// Where a number is not finite or out of range.
pub fn inverse_bankruptcy_with_fee(
    direction: Direction,
    size: f64,
    entry: f64,
    available: f64,
    fee: f64,
) -> Result<Option<f64>, ModelError> {
    let (size, entry) = (positive("size", size)?, positive("entry", entry)?);
    let (available, fee) = (finite("available", available)?, not_negative("fee", fee)?);
    let sign = direction.sign();
    let coins = size / entry + sign * available;
    Ok((coins > 0.0).then(|| (1.0 + sign * fee) * size / coins))
}

/// `price` at the tick that comes first as the market moves against the position: the next one up for a long, down for
/// a short. The account bears the fraction of a tick.
///
/// # Errors
/// Where the price is not finite, or the tick not positive.
pub fn to_tick(direction: Direction, price: f64, tick: f64) -> Result<f64, ModelError> {
    let ticks = finite("price", price)? / positive("tick", tick)?;
    // A price that is a tick but for the last bits is that tick.
    let nearest = libm::round(ticks);
    if (ticks - nearest).abs() <= 1e-9 * nearest.abs().max(1.0) {
        return Ok(nearest * tick);
    }
    Ok(match direction {
        Direction::Long => libm::ceil(ticks),
        Direction::Short => libm::floor(ticks),
    } * tick)
}
