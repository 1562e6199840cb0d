//! Bankruptcy: the value at which closing part of a position uses up exactly its share of the pool's equity.
//!
//! For a pool of one position that is the familiar bankruptcy price. Among several, equity is shared by
//! maintenance margin.
//!
//! Source: dYdX v4, `GetBankruptcyPriceInQuoteQuantums`:
//! `−DNNV − ⌊TNC × |DMMR| ÷ TMMR⌋`.

use crate::engine::Margin;
use crate::instrument::RATE_ONE;
use crate::pool::Pool;
use crate::position::Position;
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, InstrumentId, Money, Ppm, Qty, Side};

/// What of the equity of a pool with several positions answers for one of them, where it is closed first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EquityShare {
    /// A share by maintenance margin (dYdX v4): each position has a bankruptcy price of its own.
    #[default]
    Maintenance,
    /// A share by notional at the mark.
    Notional,
    /// All of it: the position closed first may use up the pool (one bankruptcy price for an account, as where all
    /// available balance answers: Bybit and BitMEX cross margin).
    Whole,
}

impl Margin {
    /// Sets what of a pool's equity answers for one of its positions. No trigger depends on it.
    pub const fn set_equity_share(&mut self, rule: EquityShare) {
        self.equity_rule = rule;
    }

    /// Value of closing `qty` lots of a position at its bankruptcy price, at the present marks: what a long
    /// must be sold for, or a short bought back for, so that its share of the pool's equity becomes zero.
    ///
    /// The share is rounded down, so a long's value is rounded up and a short's down: the account is asked for
    /// the fraction of a unit.
    ///
    /// # Panics
    /// Where there is no such position, or `qty` exceeds it.
    #[must_use]
    pub fn bankruptcy_value(&self, account: AccountId, instrument: InstrumentId, qty: Qty) -> Money {
        let position = self.position(account, instrument).expect("an open position");
        self.bankrupt_at(position, qty, self.share_of(position))
    }

    /// As [`Margin::bankruptcy_value`], where the share of the pool's equity that answers for the position is known.
    pub(crate) fn bankrupt_at(&self, position: &Position, qty: Qty, share: Money) -> Money {
        let held = position.size.quantity();
        assert!(qty <= held && !held.is_zero(), "part of an open position");
        let terms = self.instrument(position.instrument);
        let share = mul_div_floor(share.0, i128::from(qty.0), i128::from(held.0));
        let side = if position.size.is_positive() { Side::Buy } else { Side::Sell };
        let at_mark = terms.closing_value(side, qty);
        if side == Side::Buy { at_mark - Money(share) } else { at_mark + Money(share) }
    }

    /// As [`Margin::bankruptcy_value`], where closing also costs `fee` of the value it is closed at: what a long must be
    /// sold for, or a short bought back for, so that nothing is left when the fee is paid. A long's is rounded up
    /// and a short's down: the account is asked for the fraction of a unit.
    ///
    /// Source: Bybit, *Bankruptcy price*, whose inverse form is `(1 + fee) × Q ÷ (Q ÷ entry + available)`.
    ///
    /// # Panics
    /// As [`Margin::bankruptcy_value`], and where `fee` is negative, or 100% or more.
    #[must_use]
    pub fn bankruptcy_value_with_fee(&self, account: AccountId, instrument: InstrumentId, qty: Qty, fee: Ppm) -> Money {
        assert!(!fee.is_negative() && fee < Ppm::ONE, "a fee below the whole value");
        let kept = self.bankruptcy_value(account, instrument, qty);
        let long = self.position(account, instrument).is_some_and(|p| p.size.is_positive());
        // A seller of something of value, and a buyer of a liability, pay the fee out of what changes hands.
        let of_it = long == kept.is_positive();
        let rate = i128::from(if of_it { Ppm::ONE.0 - fee.0 } else { Ppm::ONE.0 + fee.0 });
        Money(if long { mul_div_ceil(kept.0, RATE_ONE, rate) } else { mul_div_floor(kept.0, RATE_ONE, rate) })
    }

    /// The part of the pool's equity that answers for a position, in its settlement currency, where there are several by
    /// the rule in force; by notional where none of them asks for maintenance margin. Rounded down.
    #[must_use]
    pub fn equity_share(&self, account: AccountId, instrument: InstrumentId) -> Money {
        self.share_of(self.position(account, instrument).expect("an open position"))
    }

    pub(crate) fn share_of(&self, position: &Position) -> Money {
        let pool = self.pool_of(position);
        let health = self.health(pool);
        let unified = matches!(pool, Pool::Unified { .. });
        let settled = |share: Money| {
            let currency = self.instrument(position.instrument).spec.settlement;
            if unified { self.from_reference(currency, share) } else { share }
        };
        if health.positions <= 1 || self.equity_rule == EquityShare::Whole {
            return settled(health.equity);
        }
        let margin = self.pool_positions(pool).any(|p| p.maintenance_e6(self.instrument(p.instrument)) > 0);
        let by_maintenance = self.equity_rule == EquityShare::Maintenance && margin;
        let weight = |p: &Position| {
            let terms = self.instrument(p.instrument);
            let own = if by_maintenance { p.maintenance_e6(terms) } else { terms.value_at(p.size, terms.mark).abs().0 };
            if unified { self.rate(terms.spec.settlement).worth_up(own) } else { own }
        };
        let total: i128 = self.pool_positions(pool).map(weight).sum();
        if total == 0 {
            return settled(Money(health.equity.0.div_euclid(i128::from(health.positions))));
        }
        settled(Money(mul_div_floor(health.equity.0, weight(position), total)))
    }

    /// What the fund gains (negative: pays) when `qty` lots of the position are closed for `proceeds`, rather
    /// than at the bankruptcy price.
    ///
    /// Source: dYdX v4, `GetLiquidationInsuranceFundDelta`.
    #[must_use]
    pub fn over_bankruptcy(&self, account: AccountId, instrument: InstrumentId, qty: Qty, proceeds: Money) -> Money {
        let bankruptcy = self.bankruptcy_value(account, instrument, qty);
        match self.position(account, instrument).and_then(|p| p.size.side()) {
            Some(Side::Buy) => proceeds - bankruptcy,
            _ => bankruptcy - proceeds,
        }
    }

    /// Value at which a liquidation order for `qty` lots is limited: the mark's, less a concession that grows from
    /// nothing at maintenance to `spread` × the position's maintenance where the pool has lost `1 ÷ adjustment` of
    /// its own. The concession is rounded down: the account keeps the fraction of a unit.
    ///
    /// Source: dYdX v4, `GetFillablePrice`:
    /// `(PNNV − clamp(BA × (1 − TNC ÷ TMMR), 0, 1) × SMMR × PMMR) ÷ PS`.
    ///
    /// # Panics
    /// Where there is no such position, `qty` exceeds it, or `adjustment` or `spread` is negative.
    #[must_use]
    pub fn fillable_value(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        qty: Qty,
        adjustment: Ppm,
        spread: Ppm,
    ) -> Money {
        let position = self.position(account, instrument).expect("an open position");
        let held = position.size.quantity();
        assert!(qty <= held && !held.is_zero(), "part of an open position");
        assert!(!adjustment.is_negative() && !spread.is_negative(), "rates that are not negative");
        let terms = self.instrument(instrument);
        let health = self.health(self.pool_of(position));
        let lost_e6 = mul_div_floor(-health.slack_e6(), adjustment.0.into(), RATE_ONE).clamp(0, health.maintenance_e6);
        // A position may ask for more by itself than netted with others.
        let own_e6 = position.maintenance_e6(terms);
        let share_e6 = match health.maintenance_e6.max(own_e6) {
            0 => 0,
            whole_e6 => mul_div_floor(lost_e6, own_e6, whole_e6),
        };
        let (part, whole) = (i128::from(spread.0) * i128::from(qty.0), RATE_ONE * RATE_ONE * i128::from(held.0));
        let concession = mul_div_floor(share_e6, part, whole);
        let side = if position.size.is_positive() { Side::Buy } else { Side::Sell };
        let at_mark = terms.closing_value(side, qty);
        Money(at_mark.0 - i128::from(position.size.0.signum()) * concession)
    }
}
