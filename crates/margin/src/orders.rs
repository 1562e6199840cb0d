//! Initial margin: who may place an order, and what may be withdrawn.
//!
//! A position is asked for initial margin on the larger of two notionals: all its account's buys filled, or all
//! its sells. Orders count at their limits. An order is also asked for its fee and, if its limit is worse than the
//! mark, for what it would lose at once, and for margin at the mark where that is more (as Binance's *assuming price*
//! of a sell order). Nobody is asked for less than maintenance.

use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::RATE_ONE;
use crate::ledger::Place;
use crate::pool::{MarginMode, Pool};
use crate::position::Position;
use downdraft_types::arith::{ceil_div, floor_div, mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Price, Qty, Side};

impl Margin {
    /// What an account could withdraw: cross equity, less the initial margin of its cross positions and orders,
    /// less what its isolated positions' orders would still draw from cash and its spot orders pay. Negative when
    /// short.
    #[must_use]
    pub fn free(&self, account: AccountId, currency: CurrencyId) -> Money {
        if self.is_unified(account) {
            return self.unified_free(account, currency);
        }
        let mut free = self.cash(account, currency) - self.reserved(account, currency);
        for position in self.positions_of(account) {
            let instrument = self.instrument(position.instrument);
            if instrument.spec.settlement != currency || instrument.is_spot() {
                continue;
            }
            if position.mode == MarginMode::Cross {
                free += position.unrealised(instrument);
            }
            if self.netted(position).is_none() {
                free -= self.asked(position);
            }
        }
        for underlying in self.portfolios_of(account, None) {
            let (settlement, initial) = self.portfolio_initial(account, underlying, None);
            free -= if settlement == currency { initial } else { Money::ZERO };
        }
        free
    }

    /// What a position asks of its account's cash as initial margin, orders included. An isolated one has its
    /// margin: it asks for what its orders would draw.
    pub(crate) fn asked(&self, position: &Position) -> Money {
        let instrument = self.instrument(position.instrument);
        if instrument.option().is_some() {
            return instrument.option_asked(position);
        }
        let exposure = position.exposure(instrument);
        let lots = Qty(u64::try_from(position.largest()).unwrap_or(u64::MAX));
        let [buys, sells] = position.both_orders().map(|orders| orders.value);
        let (adding, closing) = if position.size.is_negative() { (sells, buys) } else { (buys, sells) };
        let margin = |opened: Money| instrument.margin_in(opened, lots, exposure, position.chosen_initial());
        match (position.mode, position.size.is_zero()) {
            (MarginMode::Cross, _) => {
                margin(exposure).max(Money(ceil_div(position.maintenance_e6(instrument), RATE_ONE)))
            }
            (MarginMode::Isolated, true) => margin(adding.max(closing)),
            (MarginMode::Isolated, false) => {
                let held = instrument.value_at(position.size, instrument.mark).abs();
                let released = self.health(self.pool_of(position)).equity.max(Money::ZERO);
                margin(adding).max(margin((closing - held).max(Money::ZERO)) - released)
            }
        }
    }

    /// Whether an account may place an order for `qty` at `price` or better. One that can only reduce its position
    /// is allowed whatever its margin.
    ///
    /// # Errors
    /// [`MarginError::InLiquidation`], [`MarginError::CapacityReached`], [`MarginError::PositionTooLarge`],
    /// [`MarginError::OpenInterestFull`], [`MarginError::NotionalLimit`] or [`MarginError::InsufficientMargin`].
    pub fn check_order(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        price: Price,
    ) -> Result<(), MarginError> {
        self.can_hold(account, instrument)?;
        let terms = self.instrument(instrument);
        let fresh = Position::new(account, instrument);
        let position = self.position(account, instrument).unwrap_or(&fresh);
        let sound = |pool| self.state_of(pool).is_free();
        let moves_sound_cash = terms.spec.currencies().all(|currency| sound(self.cash_pool(account, currency)));
        if !sound(self.pool_of(position)) || !moves_sound_cash {
            return Err(MarginError::InLiquidation);
        }
        let mut after = position.clone();
        let value = terms.trade_value(qty, price);
        after.add_order(side, qty, value.abs()).ok_or(MarginError::PositionTooLarge)?;
        if after.largest() > i128::from(terms.spec.max_position.0) {
            return Err(MarginError::PositionTooLarge);
        }
        let netted = self.netted(&after);
        // Closing one leg of a hedge may ask for more.
        let relieves = || netted.is_none() || !self.more_asked(&after, position).is_positive();
        if reduces(&after, side) && relieves() {
            return Ok(());
        }
        if terms.is_full(qty, closes(position, side)) {
            return Err(MarginError::OpenInterestFull);
        }
        self.check_notional(&after, position)?;
        if terms.is_spot() && !self.is_unified(account) {
            return self.check_cash(account, &after, side);
        }
        let at_mark = terms.closing_value(side, qty);
        let open_loss = match side {
            _ if terms.is_spot() || netted.is_some() => Money::ZERO,
            Side::Buy => value - at_mark,
            Side::Sell => at_mark - value,
        };
        let open_loss = open_loss.max(Money::ZERO);
        let fee = fee(value, terms.spec.taker_fee.max(terms.spec.maker_fee).max(Ppm::ZERO));
        // Filled beyond the mark, it is held at a mark where it may be worth more than at its limit. And what a unified
        // account would gain at once may count for nothing.
        if !terms.is_spot() && netted.is_none() && (open_loss.is_positive() || self.is_unified(account)) {
            let more = (at_mark.abs() - value.abs()).max(Money::ZERO);
            after.add_order(side, Qty::ZERO, more).ok_or(MarginError::PositionTooLarge)?;
        }
        if self.is_unified(account) {
            return self.check_unified(&after, side, Some((terms.spec.settlement, open_loss + fee)));
        }
        let more = self.more_asked(&after, position);
        let free = self.free(account, terms.spec.settlement) - more - open_loss - fee;
        if free.is_negative() { Err(MarginError::InsufficientMargin) } else { Ok(()) }
    }

    /// How much more initial margin a position asks for with an order more.
    fn more_asked(&self, after: &Position, before: &Position) -> Money {
        let Some(underlying) = self.netted(after) else { return self.asked(after) - self.asked(before) };
        let asked = |after| self.portfolio_initial(before.account, underlying, after).1;
        asked(Some(after)) - asked(None)
    }

    /// Whether an account may take part in a trade off the book, for which no initial margin is asked; in a spot market
    /// it needs what it pays all the same.
    ///
    /// # Errors
    /// [`MarginError::InLiquidation`], [`MarginError::CapacityReached`], [`MarginError::PositionTooLarge`] or
    /// [`MarginError::OpenInterestFull`]; in a spot market as [`Margin::check_order`], and [`MarginError::NotPositive`].
    pub fn check_block(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        value: Money,
    ) -> Result<(), MarginError> {
        self.can_hold(account, instrument)?;
        let terms = self.instrument(instrument);
        if terms.is_spot() {
            return self.check_exchange(account, instrument, side, qty, value);
        }
        let known = |currency| !self.is_unified(account) || self.asset(currency).is_some();
        if !terms.spec.currencies().all(known) {
            return Err(MarginError::NotCollateral);
        }
        let fresh = Position::new(account, instrument);
        let position = self.position(account, instrument).unwrap_or(&fresh);
        if !self.state_of(self.pool_of(position)).is_free() {
            return Err(MarginError::InLiquidation);
        }
        let mut after = position.clone();
        after.add_order(side, qty, Money::ZERO).ok_or(MarginError::PositionTooLarge)?;
        if after.largest() > i128::from(terms.spec.max_position.0) {
            return Err(MarginError::PositionTooLarge);
        }
        if terms.is_full(qty, closes(position, side)) { Err(MarginError::OpenInterestFull) } else { Ok(()) }
    }

    /// How many lots bring a position down to the floor of its maintenance tier; all of it in the lowest.
    ///
    /// # Panics
    /// Where there is no open position.
    #[must_use]
    pub fn above_tier(&self, account: AccountId, instrument: InstrumentId) -> Qty {
        let position = self.position(account, instrument).expect("an open position");
        let terms = self.instrument(instrument);
        let notional = terms.value_at(position.size, terms.mark).abs();
        let held = position.size.quantity();
        let floor = terms.tiers.iter().rev().map(|t| t.floor).find(|floor| *floor < notional);
        let Some(floor) = floor.filter(|floor| floor.is_positive()) else {
            return held;
        };
        let lots = mul_div_ceil((notional - floor).0, held.0.into(), notional.0);
        u64::try_from(lots).map_or(held, |lots| Qty(lots).min(held))
    }

    /// How many lots, closed at the mark, bring a pool that is short back to its maintenance when closing costs
    /// `fee` of their value: `shortfall ÷ (mark × (maintenance rate − fee))`, at most the whole position. Rounded
    /// down: the account keeps the fraction of a lot. None where the pool is healthy, all where closing does not
    /// help.
    ///
    /// Source: Drift v2, `calculate_base_asset_amount_to_cover_margin_shortage`.
    ///
    /// # Panics
    /// Where there is no open position.
    #[must_use]
    pub fn lots_to_cover(&self, account: AccountId, instrument: InstrumentId, fee: Ppm) -> Qty {
        let position = self.position(account, instrument).expect("an open position");
        let terms = self.instrument(instrument);
        let pool = self.pool_of(position);
        let shortfall_e6 = match pool {
            Pool::Unified { .. } => {
                // Rounded up to a whole unit: less than a unit more is closed.
                let slack = Money(floor_div(self.health(pool).slack_e6(), RATE_ONE));
                -self.from_reference(terms.spec.settlement, slack).0 * RATE_ONE
            }
            _ => -self.health(pool).slack_e6(),
        };
        if shortfall_e6 <= 0 {
            return Qty::ZERO;
        }
        let held = position.size.quantity();
        let notional = terms.value_at(position.size, terms.mark).abs();
        let rate = terms.tiers.iter().rev().find(|t| t.floor <= notional).map_or(Ppm::ZERO, |t| t.rate);
        let relief_e6 = notional.0 * (i128::from(rate.0 - fee.0) + terms.form.size.added(held));
        if relief_e6 <= 0 {
            return held;
        }
        let lots = mul_div_floor(shortfall_e6, held.0.into(), relief_e6);
        u64::try_from(lots).map_or(held, |lots| Qty(lots).min(held))
    }

    /// Counts an order that now rests.
    pub fn order_rested(&mut self, account: AccountId, instrument: InstrumentId, side: Side, qty: Qty, price: Price) {
        let value = self.instrument(instrument).trade_value(qty, price).abs();
        let slot = self.slot_or_open(account, instrument);
        self.positions[slot as usize].add_order(side, qty, value).expect("an order that was checked");
    }

    /// Counts `qty` of a resting order, of which `left` stays, out again: filled, reduced or cancelled.
    pub fn order_left(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        (qty, left): (Qty, Qty),
        price: Price,
    ) {
        // As a difference, since the values of parts are rounded on their own.
        let terms = self.instrument(instrument);
        let value = terms.trade_value(qty + left, price).abs() - terms.trade_value(left, price).abs();
        let slot = self.slot_of(account, instrument).expect("a resting order has a position slot");
        self.positions[slot as usize].remove_order(side, qty, value);
    }

    /// Brings money in from outside.
    ///
    /// # Errors
    /// [`MarginError::UnknownAccount`], [`MarginError::UnknownCurrency`], [`MarginError::NotPositive`], or
    /// [`MarginError::LimitReached`] where it would take all deposits past the collateral policy's limit.
    pub fn deposit(&mut self, account: AccountId, currency: CurrencyId, amount: Money) -> Result<(), MarginError> {
        self.check_amount(account, currency, amount)?;
        let held = -self.ledger.balance(currency, Place::Outside);
        if self.asset(currency).and_then(|asset| asset.limit).is_some_and(|limit| held + amount > limit) {
            return Err(MarginError::LimitReached);
        }
        self.ledger.transfer(currency, Place::Outside, Place::Cash(account), amount);
        self.reindex(self.cash_pool(account, currency));
        Ok(())
    }

    /// Takes money outside.
    ///
    /// # Errors
    /// As [`Margin::deposit`], and [`MarginError::InsufficientMargin`] or [`MarginError::InLiquidation`].
    pub fn withdraw(&mut self, account: AccountId, currency: CurrencyId, amount: Money) -> Result<(), MarginError> {
        self.check_amount(account, currency, amount)?;
        let pool = self.cash_pool(account, currency);
        if !self.state_of(pool).is_free() {
            return Err(MarginError::InLiquidation);
        }
        // Invariant 7: the fund has no credit on unrealised profit.
        let cash_short = self.is_fund(account) && self.cash(account, currency) < amount;
        if cash_short || self.free(account, currency) < amount {
            return Err(MarginError::InsufficientMargin);
        }
        self.ledger.transfer(currency, Place::Cash(account), Place::Outside, amount);
        self.reindex(pool);
        Ok(())
    }

    fn check_amount(&self, account: AccountId, currency: CurrencyId, amount: Money) -> Result<(), MarginError> {
        // Far above any instrument's bound, far below what a sum of such amounts could overflow.
        const LARGEST: Money = Money(1 << 100);
        if !self.is_open(account) {
            return Err(MarginError::UnknownAccount);
        }
        if !self.has_currency(currency) {
            return Err(MarginError::UnknownCurrency);
        }
        let held = self.ledger.balance(currency, Place::Outside).abs();
        if !amount.is_positive() || amount > LARGEST || held > LARGEST {
            return Err(MarginError::NotPositive);
        }
        Ok(())
    }

    /// Moves cash into an isolated position's margin, or (negative) out of it.
    ///
    /// # Errors
    /// [`MarginError::NotIsolated`], [`MarginError::InLiquidation`], or [`MarginError::InsufficientMargin`]
    /// where cash is short, or the position would be left below its initial or maintenance margin.
    pub fn move_margin(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        amount: Money,
    ) -> Result<(), MarginError> {
        let position = self.position(account, instrument).ok_or(MarginError::NotIsolated)?;
        let pool = self.pool_of(position);
        let Pool::Isolated { .. } = pool else {
            return Err(MarginError::NotIsolated);
        };
        let currency = self.currency_of(pool);
        let cross = self.cash_pool(account, currency);
        if !self.state_of(pool).is_free() || !self.state_of(cross).is_free() {
            return Err(MarginError::InLiquidation);
        }
        if amount.is_zero() || amount.0.unsigned_abs() > 1 << 100 {
            return Err(MarginError::NotPositive);
        }
        let terms = self.instrument(instrument);
        let notional = terms.value_at(position.size, terms.mark).abs();
        let maintenance = Money(ceil_div(position.maintenance_e6(terms), RATE_ONE));
        let needed =
            terms.initial_margin(position.size.quantity(), notional, position.chosen_initial()).max(maintenance);
        let short = match amount.is_positive() {
            true => self.free(account, currency) < amount,
            false => self.health(pool).equity + amount < needed || self.balance(pool) + amount < Money::ZERO,
        };
        if short {
            return Err(MarginError::InsufficientMargin);
        }
        let place = self.place_of(pool);
        self.ledger.transfer(currency, Place::Cash(account), place, amount);
        self.reindex(pool);
        self.reindex(cross);
        Ok(())
    }
}

/// A fee of `rate` on a trade's `value`, rounded up: a payer pays the fraction of a unit, a rebate loses it.
#[must_use]
pub fn fee(value: Money, rate: Ppm) -> Money {
    Money(ceil_div(value.abs().0 * i128::from(rate.0), RATE_ONE))
}

/// Whether all orders on `side` together close no more than the position.
fn reduces(position: &Position, side: Side) -> bool {
    position.size.side() == Some(side.opposite()) && position.open_orders(side).qty <= position.size.quantity()
}

/// How many lots of its position an account could close on `side`.
fn closes(position: &Position, side: Side) -> Qty {
    if position.size.side() == Some(side.opposite()) { position.size.quantity() } else { Qty::ZERO }
}
