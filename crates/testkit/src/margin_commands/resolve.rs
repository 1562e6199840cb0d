//! What is done about pools in liquidation, and about what accounts owe.

use super::Resolution;
use super::trial::Trial;
use super::worlds::HOUSE;
use downdraft_margin::Pool;
use downdraft_types::{AccountId, Lots, Money, Side};

impl Trial {
    /// What is owed becomes less by a sale at the mark, and none of it is sold that is not there.
    pub(super) fn convert(&mut self, account: AccountId, all: bool) {
        let Some(conversion) = self.engine.conversion(account, all) else { return };
        let (id, side, qty) = (conversion.instrument, conversion.side, conversion.qty);
        let value = self.engine.instrument(id).closing_value(Side::Buy, qty);
        let owed = -self.engine.cash(account, conversion.currency);
        assert!(owed.is_positive(), "{account} owes nothing: {conversion:?}");
        if account == HOUSE || !self.may_trade((HOUSE, side.opposite()), id, qty, value) {
            return;
        }
        let (sold, _) = self.engine.instrument(id).exchanged(qty).expect("a spot market");
        self.trade(
            if side == Side::Buy { [(account, 0), (HOUSE, 0)] } else { [(HOUSE, 0), (account, 0)] },
            id,
            qty,
            value,
        );
        if side == Side::Sell {
            assert!(!self.engine.cash(account, sold).is_negative(), "{account} sold what it had not: {conversion:?}");
        } else {
            assert!(-self.engine.cash(account, sold) < owed, "{account} owes no less: {conversion:?}");
        }
        self.engine.end_conversion(account);
    }

    pub(super) fn resolve(&mut self, which: u8, how: Resolution) {
        let down: Vec<Pool> = self.naive.pools().into_iter().filter(|pool| !self.naive.is_sound(*pool)).collect();
        if down.is_empty() {
            return;
        }
        let pool = down[usize::from(which) % down.len()];
        match how {
            Resolution::End => {}
            Resolution::Rescue => self.rescue(pool),
            Resolution::Close => self.close(pool),
        }
        let flat = self.naive.positions_of(pool).is_empty();
        if flat && self.naive.lacks(pool) && self.naive.slack_e6(pool, None) < 0 {
            self.engine.leave_insolvent(pool);
            self.naive.leave_insolvent(pool);
            return;
        }
        if let Pool::Isolated { account, instrument } = pool {
            let released = self.engine.release_isolated(pool);
            self.naive.move_margin(account, instrument, -released);
            self.engine.reindex_party(account, instrument);
        }
        self.naive.end_liquidation(pool);
        self.engine.end_liquidation(pool);
    }

    fn rescue(&mut self, pool: Pool) {
        let short = Money(-self.naive.slack_e6(pool, None).min(0) / 1_000_000 + 1);
        let currency = self.engine.currency_of(pool);
        let house = Pool::Cross { account: HOUSE, currency };
        self.engine.pay_between(house, pool, currency, short);
        let purse = match pool {
            Pool::Unified { account } => Pool::Cross { account, currency },
            _ => pool,
        };
        self.naive.pay_between(house, purse, short);
        self.engine.reindex(house);
    }

    fn close(&mut self, pool: Pool) {
        for id in self.naive.positions_of(pool) {
            let account = pool.account();
            let size = Lots(i64::try_from(self.naive.size(account, id)).expect("a size within the listing's"));
            let side = size.side().expect("an open position").opposite();
            let terms = self.engine.instrument(id);
            let value = terms.closing_value(side.opposite(), size.quantity());
            if account == HOUSE || !self.may_trade((HOUSE, side.opposite()), id, size.quantity(), value) {
                return;
            }
            let (closing, house) = ((account, 0), (HOUSE, 0));
            let sides = if side == Side::Buy { [closing, house] } else { [house, closing] };
            self.trade(sides, id, size.quantity(), value);
        }
    }
}
