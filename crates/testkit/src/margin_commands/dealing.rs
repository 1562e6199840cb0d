//! Dealing: trades off the book, and orders that the engine accepts.

use super::Step;
use super::trial::{Resting, Trial, account_of, instrument_of};
use super::worlds::HOUSE;
use downdraft_margin::{Leg, Pool, fee};
use downdraft_types::{AccountId, InstrumentId, Money, Price, Qty, Side};

impl Trial {
    /// Returns the pool that the engine judged able to bear the step.
    pub(super) fn deal(&mut self, step: &Step) -> Option<Pool> {
        match *step {
            Step::Trade { buyer, seller, instrument, lots, offset, fee } => {
                let (buyer, seller, id) = (account_of(buyer), account_of(seller), instrument_of(instrument));
                self.trade_off_the_book((buyer, i128::from(fee)), seller, id, lots, offset);
                None
            }
            Step::Order { account, instrument, buys, lots, offset, rests } => {
                let side = Side::BOTH[usize::from(!buys)];
                self.order(account_of(account), instrument_of(instrument), side, lots, offset, rests)
            }
            Step::Cancel => {
                self.cancel_oldest();
                None
            }
            _ => unreachable!("{step:?} is no dealing"),
        }
    }

    /// Lots in the instrument's grain, and their value at mark.
    pub(super) fn grains(&self, id: InstrumentId, lots: u16) -> (Qty, Money) {
        let terms = self.engine.instrument(id);
        let qty = Qty((terms.spec().max_position.0 / 2_000).max(1) * u64::from(lots.max(1)));
        (qty, terms.value_at(Side::Buy.signed(qty), terms.mark()))
    }

    fn price_near(&self, id: InstrumentId, offset: i8) -> Price {
        let terms = self.engine.instrument(id);
        let tick = terms.mark().0 / i64::from(terms.spec().mark_scale);
        let price = tick + (tick.abs() / 4_096 + 1) * i64::from(offset) / 8;
        let (lowest, highest) = terms.legal_prices();
        Price(price).clamp(lowest, highest)
    }

    /// Whoever is being liquidated only reduces, and nobody passes the largest position.
    pub(super) fn may_trade(
        &self,
        (account, side): (AccountId, Side),
        id: InstrumentId,
        qty: Qty,
        value: Money,
    ) -> bool {
        if self.engine.check_block(account, id, side, qty, value).is_ok() {
            return true;
        }
        let held = self.naive.size(account, id);
        let reduces = (held > 0) == (side == Side::Sell) && held.unsigned_abs() >= u128::from(qty.0);
        !self.naive.is_sound(self.naive.pool_of(account, id)) && reduces
    }

    /// The first of `sides` buys.
    pub(super) fn trade(&mut self, sides: [(AccountId, i128); 2], id: InstrumentId, qty: Qty, value: Money) {
        let legs = [Side::Buy, Side::Sell].map(|side| {
            let (account, fee) = sides[side as usize];
            Leg { account, instrument: id, side, qty, value, fee: Money(fee) }
        });
        for leg in legs {
            let leg = Leg { fee: self.engine.affordable_fee(&leg), ..leg };
            self.engine.settle(&leg);
            self.naive.trade(leg.account, id, leg.side, qty.0.into(), value, leg.fee);
        }
        for leg in legs {
            self.engine.reindex_party(leg.account, id);
        }
    }

    fn trade_off_the_book(
        &mut self,
        (buyer, fee): (AccountId, i128),
        seller: AccountId,
        id: InstrumentId,
        lots: u16,
        offset: i8,
    ) {
        let (qty, _) = self.grains(id, lots);
        let price = self.price_near(id, offset);
        // Off the book, a value need not be that of a price.
        let value = self.engine.instrument(id).trade_value(qty, price) + Money(i128::from(offset) * 3);
        if buyer != seller
            && self.may_trade((buyer, Side::Buy), id, qty, value)
            && self.may_trade((seller, Side::Sell), id, qty, value)
        {
            self.trade([(buyer, fee), (seller, 0)], id, qty, value);
        }
    }

    /// An accepted order that enlarges its position can be filled at its limit at once: what it opens, and the
    /// fee, does not put the cross pool below maintenance. (An isolated margin that opens beyond the mark may.)
    fn order(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        side: Side,
        lots: u16,
        offset: i8,
        rests: bool,
    ) -> Option<Pool> {
        let (qty, _) = self.grains(id, lots);
        let price = self.price_near(id, offset);
        self.engine.check_order(account, id, side, qty, price).ok()?;
        if rests {
            self.engine.order_rested(account, id, side, qty, price);
            self.resting.push(Resting { account, instrument: id, side, qty, price });
            return None;
        }
        let terms = self.engine.instrument(id);
        let value = terms.trade_value(qty, price);
        let fee = fee(value, terms.spec().taker_fee).0;
        let before = self.naive.size(account, id);
        let house = (HOUSE, 0);
        if !self.may_trade((HOUSE, side.opposite()), id, qty, value) || account == HOUSE {
            return None;
        }
        let sides = if side == Side::Buy { [(account, fee), house] } else { [house, (account, fee)] };
        self.trade(sides, id, qty, value);
        let enlarges = self.naive.size(account, id).abs() > before.abs();
        let currency = self.engine.instrument(id).spec().settlement;
        enlarges.then_some(self.engine.cash_pool(account, currency))
    }

    fn cancel_oldest(&mut self) {
        if self.resting.is_empty() {
            return;
        }
        let Resting { account, instrument, side, qty, price } = self.resting.remove(0);
        self.engine.order_left(account, instrument, side, (qty, Qty::ZERO), price);
    }
}
