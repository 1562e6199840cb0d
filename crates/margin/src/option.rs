//! European options: cash-settled on an index, margined as futures are.
//!
//! An option's mark is its price, and its ledger that of a linear contract: a trade costs its value, a position keeps the
//! sum of what it cost, and profit is realised when it is closed. Nothing is paid at the trade; what a premium paid in
//! cash would have done to equity, the cost does, to the unit: `cash − cost + value` either way. So money is conserved by
//! the same rule as everywhere. A buyer must have the premium all the same: a long asks for its whole value as initial
//! margin, which its own value covers, and no more than it.
//!
//! A long's maintenance is a part of its value, all of it by default: it offsets nothing. A short's is a part of the
//! *index*, or, for a put, of its own mark where that is more. So a short depends on two prices, and its pool has a box of
//! them (`certificate`).
//!
//! Source: Deribit, *Standard Margin*: initial `max(15% − out of the money ÷ index, 10%)`, maintenance 7.5%, of the index,
//! above the mark; a put's at least 7.5% of its mark.

use crate::engine::Margin;
use crate::instrument::{Instrument, InstrumentKind, RATE_ONE};
use crate::model::black76::{Right, Terms};
use crate::model::surface::YEAR_SECONDS;
use crate::position::Position;
use downdraft_types::arith::{ceil_div, mul_div_ceil};
use downdraft_types::{InstrumentId, Lots, MarkPrice, Money, Ppm, Qty, Side, Time};

/// A listed option.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OptionTerms {
    /// The moment of settlement.
    pub expiry: Time,
    /// To buy, or to sell.
    pub right: Right,
    /// In mark increments, as the index of the underlying and the option's own mark are.
    pub strike: MarkPrice,
    /// The instrument whose index it is settled on; it has the same mark increment. It may be the option itself.
    pub underlying: InstrumentId,
}

impl OptionTerms {
    /// What exercise pays at `index`, in mark increments.
    #[must_use]
    pub fn payoff(&self, index: MarkPrice) -> MarkPrice {
        let inside = match self.right {
            Right::Call => index.0.saturating_sub(self.strike.0),
            Right::Put => self.strike.0.saturating_sub(index.0),
        };
        MarkPrice(inside.max(0))
    }

    /// Black-76 at the forward `index`, with a volatility (parts per million per square root of a year) × `smile`, to the
    /// nearest mark increment, ties to even: neither side gains more than half of one. After expiry it is the payoff.
    /// `None` while the index is not positive.
    #[must_use]
    pub fn model_mark(&self, index: MarkPrice, volatility: Ppm, smile: Ppm, now: Time) -> Option<MarkPrice> {
        if !index.is_positive() {
            return None;
        }
        let part = |rate: Ppm| rate.0 as f64 / 1e6;
        let seconds = self.expiry.since(now).0 as f64 / 1e9;
        Some(MarkPrice(libm::rint(self.value(index.0 as f64, part(volatility) * part(smile), seconds)) as i64))
    }

    /// Its value in mark increments, not rounded, with the index at `forward` and so many seconds left; `vol` is a part
    /// of one per square root of a year.
    pub(crate) fn value(&self, forward: f64, vol: f64, seconds: f64) -> f64 {
        let (strike, years) = (self.strike.0 as f64, seconds / YEAR_SECONDS);
        Terms { forward, strike, years, vol, discount: 1.0 }.price(self.right)
    }

    /// How far it is out of the money at `index`.
    fn outside(&self, index: MarkPrice) -> i128 {
        let to_strike = i128::from(self.strike.0) - i128::from(index.0);
        (if self.right == Right::Call { to_strike } else { -to_strike }).max(0)
    }
}

/// What an option asks for: parts of the index, unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ShortOptionRates {
    /// Initial margin of a short at the money.
    pub most: Ppm,
    /// The least of it, far out of the money.
    pub least: Ppm,
    /// Maintenance margin of a short.
    pub maintenance: Ppm,
    /// Of a short put, as a part of its mark, where that is more.
    pub put_mark: Ppm,
    /// Of a long, as a part of its mark: what of its value offsets nothing else.
    pub long: Ppm,
}

impl Default for ShortOptionRates {
    /// Deribit's.
    fn default() -> Self {
        Self {
            most: Ppm(150_000),
            least: Ppm(100_000),
            maintenance: Ppm(75_000),
            put_mark: Ppm(75_000),
            long: Ppm::ONE,
        }
    }
}

impl ShortOptionRates {
    /// Whether all are from 0 to 100%, and initial margin is not below maintenance.
    pub(crate) fn is_legal(&self) -> bool {
        let legal = |rate: &Ppm| (Ppm::ZERO..=Ppm::ONE).contains(rate);
        [self.most, self.least, self.maintenance, self.put_mark, self.long].iter().all(legal)
            && self.maintenance <= self.least
            && self.least <= self.most
    }
}

impl Instrument {
    /// The terms of an option.
    #[must_use]
    pub const fn option(&self) -> Option<&OptionTerms> {
        match &self.spec.kind {
            InstrumentKind::Option(terms) => Some(terms),
            _ => None,
        }
    }

    /// The index that an option's margin is a part of: its underlying's, or its strike before one was reported.
    #[must_use]
    pub const fn reference(&self) -> MarkPrice {
        self.reference
    }

    /// The lines whose maximum is an option's maintenance margin, as `(rate, amount × 10^6)`: `notional × rate − amount`.
    pub(crate) fn option_lines(&self, size: Lots, reference: MarkPrice) -> [Option<(i128, i128)>; 2] {
        let Some(terms) = self.option() else { return [None; 2] };
        let rates = &self.form.option;
        if !size.is_negative() {
            return [Some((rates.long.0.into(), 0)), None];
        }
        let of_index = self.of_index(size.quantity(), rates.maintenance, reference);
        let put = (terms.right == Right::Put).then(|| (rates.put_mark.0.into(), 0));
        [Some((0, -of_index)), put]
    }

    /// What so many lots come to at the index. An index below zero counts as zero.
    pub(crate) fn at_index(&self, lots: i128) -> Money {
        Money(lots * i128::from(self.spec.point_value) * i128::from(self.reference.0.max(0)))
    }

    /// A part of the index of `lots`, × 10^6. An index below zero counts as zero.
    fn of_index(&self, lots: Qty, rate: Ppm, index: MarkPrice) -> i128 {
        i128::from(lots.0) * i128::from(self.spec.point_value) * i128::from(index.0.max(0)) * i128::from(rate.0)
    }

    /// Initial margin of `lots` of an option sold, above their mark, which equity has: rounded up, the account bears the
    /// fraction of a unit.
    #[must_use]
    pub fn short_initial(&self, lots: Qty) -> Money {
        let Some(terms) = self.option() else { return Money::ZERO };
        let rates = &self.form.option;
        let size = i128::from(lots.0) * i128::from(self.spec.point_value);
        let near = self.of_index(lots, rates.most, self.reference) - size * terms.outside(self.reference) * RATE_ONE;
        let asked = near.max(self.of_index(lots, rates.least, self.reference));
        let short = Side::Sell.signed(lots);
        let held = self.maintenance_e6(short, self.value_at(short, self.mark).abs());
        Money(ceil_div(asked.max(held), RATE_ONE))
    }

    /// Initial margin of an option's position with its open orders: what it would ask for with all buys filled, or with
    /// all sells, whichever is more. A long asks for its value, an order to buy for what it would pay.
    pub(crate) fn option_asked(&self, position: &Position) -> Money {
        let [buys, sells] = position.both_orders();
        let size = i128::from(position.size.0);
        let held = self.value_at(position.size, self.mark).max(Money::ZERO);
        let (bought, sold) = (size + i128::from(buys.qty.0), size - i128::from(sells.qty.0));
        // Of orders that close a short first, the part that opens a long, rounded up: the account bears the fraction.
        let opens = i128::from(buys.qty.0).min(bought).max(0);
        let pays = mul_div_ceil(buys.value.0, opens, i128::from(buys.qty.0).max(1));
        let short = |lots: i128| self.short_initial(Qty(u64::try_from((-lots).max(0)).unwrap_or(u64::MAX)));
        (held + Money(pays)).max(short(sold)).max(short(bought))
    }
}

impl Margin {
    /// Puts an option's mark in place, and values it by its underlying's outlook, at a volatility `smile` times the
    /// underlying's. Moves no trigger: where an index moves several marks, all are put in place first, so that no pool is
    /// looked at between them. [`Margin::look_at_options`] must follow before the next command.
    ///
    /// # Panics
    /// As [`Margin::set_mark`].
    pub fn place_option(&mut self, id: InstrumentId, mark: Option<MarkPrice>, smile: Ppm) {
        if let Some(mark) = mark {
            self.set_settlement_mark(id, mark);
        }
        let underlying = self.underlying_of(id).unwrap_or(id);
        let index = self.outlook(underlying).index;
        let terms = self.instrument_mut(id);
        let bends = core::mem::replace(&mut terms.smile, smile) != smile;
        terms.reference = index.unwrap_or(terms.reference);
        self.value_option(id);
        if bends {
            self.refresh_watch(underlying);
        }
    }

    /// Puts the price at which every position of an option is about to be settled in place, and the index that made it. No
    /// trigger moves: settling looks at each of its pools again.
    ///
    /// # Panics
    /// As [`Margin::set_mark`].
    pub fn place_settlement(&mut self, id: InstrumentId, mark: MarkPrice, index: MarkPrice) {
        self.set_settlement_mark(id, mark);
        self.instrument_mut(id).reference = index;
    }
}
