//! Deribit's portfolio margin, in its plain form: a grid of price moves by volatility moves, futures and options of one
//! underlying netted within it, and contingencies for what the grid does not see.
//!
//! ```text
//!   requirement = max over the grid of −Σ (value moved − value) + futures contingency + options contingency
//!                 + short option contingency
//! ```
//!
//! Sources: Deribit, *Portfolio Margin* (2019: `(30 ÷ d)^0.30 × 38%`; before: `√(30 ÷ d) × 40%`; contingencies of 0.01
//! BTC per net short option per strike, of 1% to 2% of offsetting futures, of 1% of options' underlying); Dederi, *Risk
//! control rules* (0.6% of index notional).

use super::book::{Expiry, VolMove};
use super::error::{ModelError, finite, not_negative, positive};
use super::surface::{TermShock, YEAR_SECONDS};

/// Futures of one expiry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Future {
    /// Price.
    pub price: f64,
    /// Units of the underlying: negative is short.
    pub amount: f64,
}

/// `index × e^(rate × days ÷ 365)`: a future's theoretical price from an annual basis rate.
#[must_use]
pub fn future_price(index: f64, rate: f64, days: f64) -> f64 {
    index * libm::exp(rate * days * 86_400.0 / YEAR_SECONDS)
}

/// The grid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Grid<'a> {
    /// Relative price moves: −0.15 to 0.15, say.
    pub moves: &'a [f64],
    /// Volatility moves by term; each price move is tried with volatility up, unmoved and down.
    pub vol: TermShock,
}

/// The rule's volatility move of 2019, up and down alike.
pub const VOL_2019: TermShock =
    TermShock { up: 0.38, down: 0.38, short_power: 0.3, long_power: 0.3, floor_seconds: 86_400.0 };

/// The rule's volatility move before that.
pub const VOL_BEFORE_2019: TermShock =
    TermShock { up: 0.4, down: 0.4, short_power: 0.5, long_power: 0.5, floor_seconds: 86_400.0 };

impl Grid<'_> {
    /// # Errors
    /// Where there is no move, or a number is not finite or out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.moves.is_empty() {
            return Err(ModelError::new("moves", 0.0, "at least one move"));
        }
        for (i, found) in self.moves.iter().enumerate() {
            if !(found.is_finite() && *found > -1.0) {
                return Err(ModelError::at("moves", i, *found, "a finite number above -1"));
            }
        }
        self.vol.check()
    }

    /// Profit (negative: loss) of futures and options at one point of the grid.
    #[must_use]
    pub fn profit(&self, futures: &[Future], expiries: &[Expiry<'_>], price_move: f64, vol: VolMove) -> f64 {
        let plain = futures.iter().fold(0.0, |sum, future| sum + future.amount * future.price * price_move);
        let of = |expiry: &Expiry<'_>| {
            let factor = match vol {
                VolMove::Up => self.vol.factor_up(expiry.seconds),
                VolMove::Down => self.vol.factor_down(expiry.seconds),
                _ => 1.0,
            };
            let discount = expiry.discount();
            let now = expiry.value(1.0, discount, |leg| leg.vol);
            expiry.value(1.0 + price_move, discount, |leg| leg.vol * factor) - now
        };
        expiries.iter().fold(plain, |sum, expiry| sum + of(expiry))
    }

    /// The largest loss over the grid, zero where nothing loses.
    #[must_use]
    pub fn largest_loss(&self, futures: &[Future], expiries: &[Expiry<'_>]) -> f64 {
        let mut worst = 0.0_f64;
        for price_move in self.moves {
            for vol in [VolMove::Up, VolMove::None, VolMove::Down] {
                worst = worst.min(self.profit(futures, expiries, *price_move, vol));
            }
        }
        -worst
    }
}

/// What the grid does not see.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Contingencies {
    /// Per unit of the underlying net short in one strike, in units of the underlying.
    pub short_option: f64,
    /// Part of the futures that offset each other across expiries.
    pub offsetting_futures: f64,
    /// Part of the notional of all futures, whichever way.
    pub gross_futures: f64,
    /// Part of the options' underlying, whichever way.
    pub options: f64,
}

impl Contingencies {
    /// Nothing at all.
    pub const NONE: Self = Self { short_option: 0.0, offsetting_futures: 0.0, gross_futures: 0.0, options: 0.0 };

    /// # Errors
    /// Where a number is not finite or is negative.
    pub fn check(&self) -> Result<(), ModelError> {
        not_negative("short_option", self.short_option)?;
        not_negative("offsetting_futures", self.offsetting_futures)?;
        not_negative("gross_futures", self.gross_futures)?;
        not_negative("options", self.options).map(|_| ())
    }

    /// Of `net` options in one strike, calls and puts together, in units of the underlying.
    #[must_use]
    pub fn of_strike(&self, net: f64) -> f64 {
        (-net).max(0.0) * self.short_option
    }

    /// Of futures, in units of the underlying: longs and shorts of different expiries offset as far as the smaller
    /// side reaches.
    #[must_use]
    pub fn of_futures(&self, futures: &[Future]) -> f64 {
        let long = futures.iter().fold(0.0, |sum, future| sum + future.amount.max(0.0));
        let short = futures.iter().fold(0.0, |sum, future| sum + (-future.amount).max(0.0));
        long.min(short) * self.offsetting_futures + (long + short) * self.gross_futures
    }

    /// Of `gross` options, long and short, in units of the underlying.
    #[must_use]
    pub fn of_options(&self, gross: f64) -> f64 {
        gross * self.options
    }
}

/// Grid and contingencies.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DeribitPm<'a> {
    /// The grid.
    pub grid: Grid<'a>,
    /// The contingencies.
    pub contingencies: Contingencies,
    /// What initial margin multiplies maintenance margin by.
    pub initial_factor: f64,
}

impl DeribitPm<'_> {
    /// Initial and maintenance margin, in money; `index` is the underlying's price. Never negative.
    ///
    /// # Errors
    /// Where a parameter, or a number of a position, is not finite or out of range.
    pub fn margin(&self, index: f64, futures: &[Future], expiries: &[Expiry<'_>]) -> Result<(f64, f64), ModelError> {
        self.grid.check()?;
        self.contingencies.check()?;
        positive("initial_factor", self.initial_factor)?;
        positive("index", index)?;
        for (i, future) in futures.iter().enumerate() {
            let with_index = |error: ModelError| ModelError { index: Some(i), ..error };
            not_negative("futures.price", future.price).map_err(with_index)?;
            finite("futures.amount", future.amount).map_err(with_index)?;
        }
        expiries.iter().try_for_each(Expiry::check)?;
        let short = expiries.iter().fold(0.0, |sum, e| sum + self.contingencies.of_strike(-e.naked_shorts()));
        let gross = expiries.iter().fold(0.0, |sum, e| sum + e.gross());
        let units = short + self.contingencies.of_futures(futures) + self.contingencies.of_options(gross);
        let maintenance = self.grid.largest_loss(futures, expiries) + units * index;
        Ok((maintenance * self.initial_factor, maintenance))
    }
}
