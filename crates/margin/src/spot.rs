//! Spot trades: one currency for another, at once. There is no position, only cash; a resting order keeps what it
//! would pay. Without a unified account nothing may be borrowed, so an order needs the cash itself.

use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::{Instrument, InstrumentKind};
use crate::ledger::Place;
use crate::orders::fee;
use crate::position::{Change, OpenOrders, Position};
use crate::settle::{Leg, Settled};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Qty, Side};

impl Instrument {
    /// The currency that a spot market trades, and how much of it `qty` lots are.
    #[must_use]
    pub fn exchanged(&self, qty: Qty) -> Option<(CurrencyId, Money)> {
        match self.spec().kind {
            InstrumentKind::Spot { base, lot } => Some((base, Money(i128::from(lot) * i128::from(qty.0)))),
            _ => None,
        }
    }

    /// Whether it is a spot market.
    pub(crate) const fn is_spot(&self) -> bool {
        matches!(self.spec().kind, InstrumentKind::Spot { .. })
    }

    /// What orders of a spot market on one side would pay at most, the fee included: currency and amount.
    pub(crate) fn paid_for(&self, side: Side, orders: OpenOrders) -> Option<(CurrencyId, Money)> {
        let (base, amount) = self.exchanged(orders.qty)?;
        let spec = self.spec();
        let dearest = spec.taker_fee.max(spec.maker_fee).max(Ppm::ZERO);
        Some(match side {
            Side::Buy => (spec.settlement, orders.value + fee(orders.value, dearest)),
            Side::Sell => (base, amount),
        })
    }
}

impl Margin {
    /// Settles one side of a spot trade. Both currencies pass through the outside, where the other side's meet them.
    pub(crate) fn exchange(&mut self, leg: &Leg, (base, amount): (CurrencyId, Money)) -> Settled {
        let currency = self.instrument(leg.instrument).spec().settlement;
        let cash = Place::Cash(leg.account);
        let sign = if leg.side == Side::Buy { 1 } else { -1 };
        self.ledger.transfer(currency, cash, Place::Outside, Money(leg.value.0 * sign));
        self.ledger.transfer(base, Place::Outside, cash, Money(amount.0 * sign));
        self.ledger.transfer(currency, cash, Place::Fees, leg.fee);
        let pool = self.cash_pool(leg.account, currency);
        Settled { pool, change: Change::default(), margin_moved: Money::ZERO }
    }

    /// A trade's fee as far as it can be paid: pieces of a spot order round their fees up on their own, so that the
    /// last of them may find too little left, and nothing may be borrowed for it. Other trades' fees stay.
    #[must_use]
    pub fn affordable_fee(&self, leg: &Leg) -> Money {
        let terms = self.instrument(leg.instrument);
        if terms.exchanged(leg.qty).is_none() || self.is_unified(leg.account) {
            return leg.fee;
        }
        let cash = self.cash(leg.account, terms.spec().settlement);
        let after = if leg.side == Side::Buy { cash - leg.value } else { cash + leg.value };
        leg.fee.min(after.max(Money::ZERO))
    }

    /// What an account's spot orders would pay of a currency.
    pub(crate) fn reserved(&self, account: AccountId, currency: CurrencyId) -> Money {
        let paid = |position: &Position| -> Money {
            let terms = self.instrument(position.instrument);
            let of = |side| terms.paid_for(side, position.open_orders(side));
            Side::BOTH.into_iter().filter_map(of).filter(|(of, _)| *of == currency).map(|(_, paid)| paid).sum()
        };
        self.positions_of(account).map(paid).sum()
    }

    /// Whether an account may trade in a spot market off the book.
    ///
    /// # Errors
    /// As [`Margin::check_block`].
    pub(crate) fn check_exchange(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        value: Money,
    ) -> Result<(), MarginError> {
        let terms = self.instrument(instrument);
        let free = |currency| self.state_of(self.cash_pool(account, currency)).is_free();
        if !value.is_positive() {
            return Err(MarginError::NotPositive);
        }
        if !terms.spec().currencies().all(free) {
            return Err(MarginError::InLiquidation);
        }
        let fresh = Position::new(account, instrument);
        let mut after = self.position(account, instrument).unwrap_or(&fresh).clone();
        after.add_order(side, qty, value).ok_or(MarginError::PositionTooLarge)?;
        if after.open_orders(side).qty > terms.spec().max_position {
            return Err(MarginError::PositionTooLarge);
        }
        if self.is_unified(account) {
            self.check_unified(&after, side, None)
        } else {
            self.check_cash(account, &after, side)
        }
    }

    /// Whether a separate account has the cash for a spot order on top of those it has.
    ///
    /// # Errors
    /// [`MarginError::InsufficientMargin`].
    pub(crate) fn check_cash(&self, account: AccountId, after: &Position, side: Side) -> Result<(), MarginError> {
        let terms = self.instrument(after.instrument);
        let before = self.position(account, after.instrument).map(|p| p.open_orders(side)).unwrap_or_default();
        let paid = |orders| terms.paid_for(side, orders).expect("an order in a spot market");
        let (currency, all) = paid(after.open_orders(side));
        let more = all - paid(before).1;
        let unreserved = self.cash(account, currency) - self.reserved(account, currency);
        let enough = more <= self.free(account, currency).min(unreserved);
        if enough { Ok(()) } else { Err(MarginError::InsufficientMargin) }
    }
}
