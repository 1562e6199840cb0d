//! Settlement: what a trade, a funding payment or an expiry does to positions and money.

use crate::delivery::DeliveryFee;
use crate::engine::Margin;
use crate::instrument::RATE_ONE;
use crate::ledger::Place;
use crate::pool::{MarginMode, Pool, PoolState};
use crate::position::{Change, Position};
use downdraft_types::arith::{floor_div, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, Money, Ppm, Qty, Side};

/// One side of a trade to settle.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    /// Whose.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buys or sells.
    pub side: Side,
    /// How many lots.
    pub qty: Qty,
    /// Value of the whole trade.
    pub value: Money,
    /// Fee to pay; negative is a rebate.
    pub fee: Money,
}

/// What settling one side did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The pool it settled in.
    pub pool: Pool,
    /// What happened to the position.
    pub change: Change,
    /// Cash moved into (negative: out of) an isolated margin with it.
    pub margin_moved: Money,
}

/// What the settlement of a position at expiry did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivered {
    /// Whose position.
    pub account: AccountId,
    /// Profit (loss) realised, the fee excluded.
    pub realised: Money,
    /// The delivery fee.
    pub fee: Money,
    /// Cash moved into (negative: out of) an isolated margin with it.
    pub margin_moved: Money,
}

impl Margin {
    /// Settles one side of a trade. The caller settles the other, then calls [`Margin::reindex`] for each pool
    /// (and, where margin moved, for the account's cross pool).
    ///
    /// Realised profit comes from the instrument's clearing account. An isolated position draws initial margin
    /// for what it opens, as far as its account's cross pool can spare it, and releases its share, with the profit, of what it closes; while it is being
    /// liquidated it releases nothing: what is left when it is flat goes home at the end of its liquidation.
    pub fn settle(&mut self, leg: &Leg) -> Settled {
        if let Some(exchanged) = self.instrument(leg.instrument).exchanged(leg.qty) {
            return self.exchange(leg, exchanged);
        }
        let slot = self.slot_or_open(leg.account, leg.instrument);
        let currency = self.instrument(leg.instrument).spec.settlement;
        let position = &mut self.positions[slot as usize];
        let held = position.size.quantity();
        let long = position.size.0.max(0);
        let change = position.trade(leg.side, leg.qty, leg.value);
        let longer = position.size.0.max(0) - long;
        let longs = &mut self.instrument_mut(leg.instrument).longs;
        *longs = longs.checked_add_signed(longer).expect("positions fit the sum that listing allows");
        let pool = self.pool_of(&self.positions[slot as usize]);
        let place = self.place_of(pool);
        let before = self.ledger.balance(currency, place);
        self.ledger.transfer(currency, Place::Clearing(leg.instrument), place, change.realised);
        self.ledger.transfer(currency, place, Place::Fees, leg.fee);
        let margin_moved = match self.positions[slot as usize].mode {
            MarginMode::Cross => Money::ZERO,
            MarginMode::Isolated => self.margin_to_move(slot, &change, held, before),
        };
        self.ledger.transfer(currency, Place::Cash(leg.account), place, margin_moved);
        Settled { pool, change, margin_moved }
    }

    /// Cash to move into an isolated margin after a trade; negative: out of it.
    fn margin_to_move(&self, slot: u32, change: &Change, held: Qty, before: Money) -> Money {
        let position = &self.positions[slot as usize];
        let pool = self.pool_of(position);
        let balance = self.balance(pool);
        if position.state == PoolState::Liquidating && change.opened.is_zero() {
            return Money::ZERO;
        }
        if position.size.is_zero() {
            // What is left goes home; a deficit stays, for the waterfall.
            return -balance.max(Money::ZERO);
        }
        let terms = self.instrument(position.instrument);
        // At the rate of the whole position, so that pieces draw no less than their sum.
        let opened = change.opened_value.abs();
        let kept = position.size.quantity() - change.opened;
        let whole = terms.value_at(Side::Buy.signed(kept), terms.mark).abs() + opened;
        let drawn = terms.margin_in(opened, position.size.quantity(), whole, position.chosen_initial());
        if change.closed.is_zero() || position.state == PoolState::Liquidating {
            return drawn.min(self.spare_cash(position));
        }
        // A flip closed everything, so the whole old margin is released; otherwise the closed share, rounded
        // down, and the profit with it, but never more than there is.
        let share = mul_div_floor(before.0, i128::from(change.closed.0), i128::from(held.0));
        let released = (Money(share) + change.realised).max(Money::ZERO).min(balance.max(Money::ZERO));
        if change.opened.is_zero() { -released } else { (drawn - released).min(self.spare_cash(position)) }
    }

    /// What the cash of a position's account can give away so that its pool stays at maintenance; of a unified
    /// account, no more than there is in the currency.
    fn spare_cash(&self, position: &Position) -> Money {
        let (account, currency) = (position.account, self.instrument(position.instrument).spec.settlement);
        let pool = self.cash_pool(account, currency);
        let spare = Money(floor_div(self.health(pool).slack_e6(), RATE_ONE));
        let spare = match pool {
            Pool::Unified { .. } => self.from_reference(currency, spare).min(self.cash(account, currency)),
            _ => spare,
        };
        spare.max(Money::ZERO)
    }

    /// Brings the triggers of an account up to date after a trade in an instrument: those of its position's pool, and
    /// those of the cash that the trade moved.
    pub fn reindex_party(&mut self, account: AccountId, instrument: InstrumentId) {
        let terms = self.instrument(instrument);
        let (settlement, exchanged) = (terms.spec.settlement, terms.exchanged(Qty::ZERO));
        let own = self.position(account, instrument).map(|position| self.pool_of(position));
        let cash = self.cash_pool(account, settlement);
        let base = exchanged.map(|(base, _)| self.cash_pool(account, base));
        if let Some(own) = own.filter(|own| *own != cash) {
            self.reindex(own);
        }
        self.reindex(cash);
        if let Some(base) = base.filter(|base| *base != cash) {
            self.reindex(base);
        }
    }

    /// Pays `amount` of a currency from a fund into a pool (negative: from the pool to the fund).
    ///
    /// # Panics
    /// Where the fund would go below zero: callers ask first (invariant 7).
    pub fn pay_from_fund(&mut self, fund: AccountId, pool: Pool, currency: CurrencyId, amount: Money) {
        let place = self.place_of(pool);
        self.ledger.transfer(currency, Place::Cash(fund), place, amount);
        assert!(!self.cash(fund, currency).is_negative(), "invariant 7: the fund is never negative");
    }

    /// Pays `amount` of a currency from one pool into another.
    pub fn pay_between(&mut self, from: Pool, to: Pool, currency: CurrencyId, amount: Money) {
        let (from, to) = (self.place_of(from), self.place_of(to));
        self.ledger.transfer(currency, from, to, amount);
    }

    /// Brings a flat isolated pool's remaining money back to cash, and returns how much.
    pub fn release_isolated(&mut self, pool: Pool) -> Money {
        let Pool::Isolated { account, instrument } = pool else {
            return Money::ZERO;
        };
        let flat = self.position(account, instrument).is_none_or(|p| p.size.is_zero());
        let balance = self.balance(pool);
        if !flat || !balance.is_positive() {
            return Money::ZERO;
        }
        let currency = self.currency_of(pool);
        let place = self.place_of(pool);
        self.ledger.transfer(currency, place, Place::Cash(account), balance);
        balance
    }

    /// Pays funding: every position pays `⌈size × mark × rate⌉`, so payers pay and receivers lose the fraction
    /// of a unit, which goes to the residue account. O(positions), in account order. Returns the residue.
    pub fn pay_funding(
        &mut self,
        instrument: InstrumentId,
        rate: Ppm,
        mut each: impl FnMut(AccountId, Money),
    ) -> Money {
        let currency = self.instrument(instrument).spec.settlement;
        let mut residue = Money::ZERO;
        for index in 0..self.holders[instrument.index()].len() {
            let position = &self.positions[self.holders[instrument.index()][index] as usize];
            let terms = self.instrument(instrument);
            let due = terms.valuation().funding(position.size, terms.mark, rate);
            if due.is_zero() {
                continue;
            }
            // A fund pays what it has: it is never negative.
            let account = position.account;
            let due = if self.is_fund(account) { due.min(self.cash(account, currency)) } else { due };
            let place = self.place_of(self.pool_of(position));
            self.ledger.transfer(currency, place, Place::Residue, due);
            residue += due;
            each(account, due);
        }
        self.reindex_instrument(instrument);
        residue
    }

    /// Settles every position of an instrument at its mark, as at expiry, and charges each but the fund's the delivery
    /// `fee`; `each` is told what became of it. What the rounding of their values leaves, never negative, goes to the
    /// residue account and is returned. O(positions), in account order.
    pub fn settle_all(
        &mut self,
        instrument: InstrumentId,
        fee: DeliveryFee,
        mut each: impl FnMut(&Delivered),
    ) -> Money {
        for index in 0..self.holders[instrument.index()].len() {
            let slot = self.holders[instrument.index()][index];
            let size = self.positions[slot as usize].size;
            let Some(side) = size.side() else { continue };
            let terms = self.instrument(instrument);
            let value = terms.closing_value(side, size.quantity());
            let account = self.positions[slot as usize].account;
            let qty = size.quantity();
            // The fund pays no fee, as in a trade: it is never negative.
            let fee = if self.is_fund(account) { Money::ZERO } else { fee.of(terms, size) };
            let settled = self.settle(&Leg { account, instrument, side: side.opposite(), qty, value, fee });
            debug_assert_eq!(self.positions[slot as usize].size, Lots::ZERO);
            let (realised, margin_moved) = (settled.change.realised, settled.margin_moved);
            each(&Delivered { account, realised, fee, margin_moved });
            self.reindex_party(account, instrument);
        }
        let currency = self.instrument(instrument).spec.settlement;
        let residue = self.ledger.balance(currency, Place::Clearing(instrument));
        self.ledger.transfer(currency, Place::Clearing(instrument), Place::Residue, residue);
        residue
    }
}
