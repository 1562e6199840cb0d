//! Bankruptcy: the value at which closing part of a position uses up exactly its share of the pool's equity.
//!
//! For a pool of one position that is the familiar bankruptcy price. Among several, equity is shared by
//! maintenance margin.
//!
//! Source: dYdX v4, `GetBankruptcyPriceInQuoteQuantums`:
//! `−DNNV − ⌊TNC × |DMMR| ÷ TMMR⌋`.

use crate::engine::Margin;
use downdraft_types::arith::mul_div_floor;
use downdraft_types::{AccountId, InstrumentId, Money, Qty, Side};

impl Margin {
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
        let held = position.size.quantity();
        assert!(qty <= held && !held.is_zero(), "part of an open position");
        let terms = self.instrument(instrument);
        let share = mul_div_floor(self.equity_share(account, instrument).0, i128::from(qty.0), i128::from(held.0));
        let sign = i128::from(position.size.0.signum());
        let at_mark = i128::from(qty.0) * i128::from(terms.mark().0) * i128::from(terms.spec().point_value);
        Money(at_mark - sign * share)
    }

    /// The part of the pool's equity that answers for a position: by maintenance margin where there are
    /// several, by notional where none of them asks for any. Rounded down.
    #[must_use]
    pub fn equity_share(&self, account: AccountId, instrument: InstrumentId) -> Money {
        let position = self.position(account, instrument).expect("an open position");
        let pool = self.pool_of(position);
        let health = self.health(pool);
        if health.positions <= 1 {
            return health.equity;
        }
        let weight = |p: &crate::Position| {
            let terms = self.instrument(p.instrument);
            if health.maintenance_e6 > 0 { p.maintenance_e6(terms) } else { terms.value_at(p.size, terms.mark).abs().0 }
        };
        let total: i128 = self.pool_positions(pool).map(weight).sum();
        if total == 0 {
            return Money(health.equity.0.div_euclid(i128::from(health.positions)));
        }
        Money(mul_div_floor(health.equity.0, weight(position), total))
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
}
