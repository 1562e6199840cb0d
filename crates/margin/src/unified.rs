//! Unified accounts: all currencies and all cross positions answer for each other, in the reference currency.
//!
//! ```text
//!   equity       Σ over currencies of  counted(cash + unrealised profit) × price
//!   maintenance  Σ over positions of   maintenance × price of its currency,  + what loans ask for
//! ```
//!
//! A falling coin thus liquidates a position whose own contract did not move. Equity is no function of one price, so
//! such an account has a certificate: a box of marks around the present ones within which it is *proven* healthy,
//! since every term is taken at the end of its range that is worse for the account, and every term is monotone in each
//! mark. When a mark leaves the box, the account is looked at again.

use crate::collateral::{CollateralAsset, LARGEST_WORTH, interest};
use crate::engine::{Margin, MarginError};
use crate::instrument::{InstrumentKind, MaintenanceBasis};
use crate::ledger::Place;
use crate::pool::{Health, MarginMode, Pool, PoolState};
use crate::position::Position;
use downdraft_types::arith::ceil_div;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Qty, Side};
use smallvec::SmallVec;

/// How narrow a box may be: each mark by `|mark| ÷ 2^shift`. From this shift on it is a point.
const POINT: u32 = 63;

/// What interest lets a debt grow to at most.
const LARGEST_DEBT: Money = Money(1 << 100);

/// Amounts by asset, in the policy's order.
type Amounts = SmallVec<[Money; 8]>;

impl Margin {
    /// Whether all of an account's currencies answer for all its cross positions.
    #[must_use]
    pub fn is_unified(&self, account: AccountId) -> bool {
        self.account(account).is_some_and(|a| a.unified)
    }

    /// Makes an account unified, or separate again. Its cross positions are flat and without orders, and no cash of
    /// it is below zero.
    ///
    /// # Errors
    /// [`MarginError::UnknownAccount`], [`MarginError::BadCollateral`] without a policy, [`MarginError::PositionOpen`],
    /// [`MarginError::InLiquidation`], or [`MarginError::CapacityReached`] where there is no room for a position slot
    /// per collateral market.
    pub fn set_unified(&mut self, account: AccountId, unified: bool) -> Result<(), MarginError> {
        if self.is_fund(account) || !self.is_open(account) {
            return Err(MarginError::UnknownAccount);
        }
        if self.collateral.is_none() {
            return Err(MarginError::BadCollateral);
        }
        let cross = |p: &&Position| p.mode == MarginMode::Cross;
        let idle = |p: &Position| p.size.is_zero() && p.orders.iter().all(|o| o.qty.is_zero());
        if !self.positions_of(account).filter(cross).all(idle) {
            return Err(MarginError::PositionOpen);
        }
        let sound = |currency| self.state_of(self.cash_pool(account, currency)) == PoolState::Sound;
        let paid = |currency| !self.cash(account, currency).is_negative();
        if !self.ledger.currencies().all(|currency| sound(currency) && paid(currency)) {
            return Err(MarginError::InLiquidation);
        }
        if unified {
            self.open_market_slots(account)?;
        }
        self.account_mut(account).unified = unified;
        for index in 0..self.slots_of(account).len() {
            let slot = self.slots_of(account)[index];
            if self.positions[slot as usize].mode == MarginMode::Cross {
                self.set_triggers(slot, [None; 2]);
            }
        }
        if unified {
            self.reindex(Pool::Unified { account });
        }
        Ok(())
    }

    /// A position slot in every collateral market: its triggers carry the certificate of the currency's price.
    fn open_market_slots(&mut self, account: AccountId) -> Result<(), MarginError> {
        let markets = |engine: &Self, n: usize| engine.collateral.as_ref().and_then(|p| p.assets.get(n)?.market);
        let count = self.collateral.as_ref().map_or(0, |policy| policy.assets.len());
        let missing = |n: &usize| markets(self, *n).is_some_and(|market| self.slot_of(account, market).is_none());
        let missing = (0..count).filter(missing).count();
        let room = self.slots_of(account).len() + missing <= self.capacity.positions_per_account as usize
            && self.positions.len() + missing <= self.capacity.positions as usize;
        if !room {
            return Err(MarginError::CapacityReached);
        }
        for n in 0..count {
            if let Some(market) = markets(self, n) {
                self.slot_or_open(account, market);
            }
        }
        Ok(())
    }

    /// The health of a unified account at the present marks.
    pub(crate) fn unified_health(&self, account: AccountId) -> Health {
        self.unified_bound(account, POINT)
    }

    /// The least equity and the most maintenance that a unified account can have while every mark stays within its
    /// `|mark| ÷ 2^shift` of the present one: exact for a point, a bound for a box. Both in the reference currency.
    fn unified_bound(&self, account: AccountId, shift: u32) -> Health {
        let ends = |id| self.mark_range(id, shift);
        self.unified_health_within(account, &ends)
    }

    /// As [`Margin::unified_bound`], for marks between `ends`.
    pub(crate) fn unified_health_within(
        &self,
        account: AccountId,
        ends: &impl Fn(InstrumentId) -> (MarkPrice, MarkPrice),
    ) -> Health {
        let mut health = Health::default();
        let Some(policy) = &self.collateral else { return health };
        let mut amounts: Amounts = policy.assets.iter().map(|asset| self.cash(account, asset.currency)).collect();
        let dearest = |asset: &CollateralAsset| self.rate_at(asset, |market| ends(market).1);
        for position in self.pool_positions(Pool::Unified { account }) {
            let terms = self.instrument(position.instrument);
            let Some(at) = policy.assets.iter().position(|asset| asset.currency == terms.spec.settlement) else {
                continue;
            };
            let (low, high) = ends(position.instrument);
            let [worth_low, worth_high] = [low, high].map(|mark| terms.value_at(position.size, mark));
            amounts[at] += worth_low.min(worth_high) - position.cost;
            let notional = match terms.spec.maintenance_basis {
                MaintenanceBasis::Mark => worth_low.abs().max(worth_high.abs()),
                MaintenanceBasis::Entry => position.cost.abs(),
            };
            health.maintenance_e6 +=
                dearest(&policy.assets[at]).worth_up_e6(terms.maintenance_e6(position.size, notional));
            health.positions += 1;
        }
        for (asset, amount) in policy.assets.iter().zip(amounts) {
            let [cheapest, dearest] = [self.rate_at(asset, |market| ends(market).0), dearest(asset)];
            health.equity += Money(asset.value(amount, cheapest, dearest));
            if let (true, Some(loan)) = (amount.is_negative(), asset.loan) {
                health.maintenance_e6 += dearest.worth_up(-amount.0) * i128::from(loan.maintenance.0);
            }
        }
        health
    }

    /// The marks within `|mark| ÷ 2^shift` of the present one, as far as they are legal.
    fn mark_range(&self, id: InstrumentId, shift: u32) -> (MarkPrice, MarkPrice) {
        let terms = self.instrument(id);
        let mark = terms.mark;
        let width = if shift >= POINT { 0 } else { mark.0.abs() >> shift };
        let (lowest, highest) = terms.legal_marks();
        let (low, high) = (mark.0.saturating_sub(width), mark.0.saturating_add(width));
        (MarkPrice(low).max(lowest.min(mark)), MarkPrice(high).min(highest.max(mark)))
    }

    /// Gives a healthy unified account the widest box of the form above in which it is proven healthy.
    pub(crate) fn certify(&mut self, account: AccountId) {
        let (mut widest, mut proven) = (1, POINT);
        while widest < proven {
            let middle = widest.midpoint(proven);
            if self.unified_bound(account, middle).is_healthy() {
                proven = middle;
            } else {
                widest = middle + 1;
            }
        }
        self.set_box(account, proven);
    }

    /// Has an insolvent unified account looked at whenever a mark that it depends on moves.
    pub(crate) fn watch(&mut self, pool: Pool) {
        if let Pool::Unified { account } = pool {
            self.set_box(account, POINT);
        }
    }

    fn set_box(&mut self, account: AccountId, shift: u32) {
        for index in 0..self.slots_of(account).len() {
            let slot = self.slots_of(account)[index];
            if self.positions[slot as usize].mode == MarginMode::Cross {
                let triggers = self.leaving(slot, shift);
                self.set_triggers(slot, triggers);
            }
        }
    }

    /// The first marks outside the box, for a slot on which its account's health depends.
    fn leaving(&self, slot: u32, shift: u32) -> [Option<i64>; 2] {
        let position = &self.positions[slot as usize];
        if !self.matters(position) {
            return [None; 2];
        }
        let (lowest, highest) = self.instrument(position.instrument).legal_marks();
        let (low, high) = self.mark_range(position.instrument, shift);
        let falls = (low > lowest).then(|| low.0 - 1);
        [falls, (high < highest).then(|| high.0 + 1)]
    }

    /// Whether the health of a position's unified account depends on its instrument's mark.
    fn matters(&self, position: &Position) -> bool {
        let InstrumentKind::Spot { base, .. } = self.instrument(position.instrument).spec.kind else {
            return !position.size.is_zero();
        };
        let prices = self.asset(base).is_some_and(|asset| asset.market == Some(position.instrument));
        let settled = |p: &Position| self.instrument(p.instrument).spec.settlement == base;
        let pool = Pool::Unified { account: position.account };
        prices && (!self.cash(position.account, base).is_zero() || self.pool_positions(pool).any(settled))
    }

    /// Looks at every unified account again, in account order.
    pub(crate) fn reindex_unified(&mut self) {
        for account in 0..self.capacity.accounts {
            let account = AccountId(account);
            if self.is_unified(account) {
                self.reindex(Pool::Unified { account });
            }
        }
    }

    /// Takes note of an account whose cash is overdrawn where other collateral could be sold for it.
    pub(crate) fn note_overdraft(&mut self, account: AccountId) {
        let noted = self.account(account).is_none_or(|a| a.converting);
        if !noted && self.conversion(account, false).is_some() {
            self.account_mut(account).converting = true;
            self.overdrawn.push(account);
        }
    }

    /// Accounts found overdrawn since this was last cleared, in the order found; see [`Margin::conversion`].
    #[must_use]
    pub fn overdrawn(&self) -> &[AccountId] {
        &self.overdrawn
    }

    /// Forgets the overdrawn accounts: the caller has taken note of them, and will convert.
    pub fn clear_overdrawn(&mut self) {
        self.overdrawn.clear();
    }

    /// Whether a conversion was asked for and not ended.
    #[must_use]
    pub fn is_converting(&self, account: AccountId) -> bool {
        self.account(account).is_some_and(|a| a.converting)
    }

    /// The conversion that was asked for is done, or cannot be: an overdraft may be noted again.
    pub fn end_conversion(&mut self, account: AccountId) {
        self.account_mut(account).converting = false;
    }

    /// Forgets which conversions were asked for, and looks at every unified account again.
    pub fn rearm_conversions(&mut self) {
        for account in 0..self.capacity.accounts {
            self.account_mut(AccountId(account)).converting = false;
        }
        self.reindex_unified();
    }

    /// The next sale of collateral that would bring an account's cash back to zero: of the currencies overdrawn beyond
    /// their allowance (`all`: by anything) the first by number; one that is not the reference currency is bought
    /// for reference currency, which is itself raised by selling the asset with the highest value. `None` where
    /// nothing is overdrawn, or nothing is left that could be sold.
    ///
    /// Lots are rounded up, so that what is owed is covered at the mark, as far as there is enough.
    #[must_use]
    pub fn conversion(&self, account: AccountId, all: bool) -> Option<Conversion> {
        let policy = self.collateral.as_ref()?;
        let reference = self.reference()?;
        let owes = |asset: &&CollateralAsset| {
            let allowed = if all { Money::ZERO } else { asset.overdraft };
            self.cash(account, asset.currency) < -allowed
        };
        let bought = policy.assets.iter().filter(owes).filter(|asset| asset.market.is_some());
        let bought = bought.min_by_key(|asset| asset.currency);
        let own = self.cash(account, reference);
        if let Some(asset) = bought
            && own.is_positive()
        {
            let (instrument, lot) = self.collateral_market(asset)?;
            let owed = -self.cash(account, asset.currency).0;
            let affordable = self.lots_for(instrument, own);
            let qty = lots_up(owed, lot).min(affordable);
            if qty > 0 {
                return Some(Conversion { instrument, side: Side::Buy, qty: Qty(qty), currency: asset.currency });
            }
        }
        let reference_owes = policy.assets.iter().filter(owes).any(|asset| asset.market.is_none());
        let debtor = if reference_owes { Some(reference) } else { bought.map(|asset| asset.currency) }?;
        let owed = match (reference_owes, bought) {
            (true, _) => -own.0,
            (false, Some(asset)) => self.rate(asset.currency).worth_up(-self.cash(account, asset.currency).0) - own.0,
            (false, None) => return None,
        };
        self.dearest_sale(account, owed, debtor)
    }

    /// Sells the asset that is worth most, of those of which there is a lot.
    fn dearest_sale(&self, account: AccountId, owed: i128, currency: CurrencyId) -> Option<Conversion> {
        let policy = self.collateral.as_ref()?;
        let sale = |asset: &CollateralAsset| {
            let (instrument, lot) = self.collateral_market(asset)?;
            let held = self.cash(account, asset.currency).0;
            let lots = u64::try_from(held.max(0) / i128::from(lot)).unwrap_or(u64::MAX);
            let worth = self.rate(asset.currency).worth(held);
            (lots > 0).then_some((worth, instrument, lot, lots, asset.currency))
        };
        let best = policy.assets.iter().filter_map(sale).max_by_key(|sale| (sale.0, core::cmp::Reverse(sale.1)))?;
        let (_, instrument, lot, lots, sold) = best;
        let needed = self.rate(sold).amount_of(owed.max(0)).saturating_add(1);
        Some(Conversion { instrument, side: Side::Sell, qty: Qty(lots_up(needed, lot).min(lots)), currency })
    }

    /// The market of an asset, if it is another than the reference currency, and the size of a lot there.
    fn collateral_market(&self, asset: &CollateralAsset) -> Option<(InstrumentId, u64)> {
        let market = asset.market?;
        match self.instrument(market).spec.kind {
            InstrumentKind::Spot { lot, .. } => Some((market, lot)),
            _ => None,
        }
    }

    /// How many lots `money` buys at the mark.
    fn lots_for(&self, instrument: InstrumentId, money: Money) -> u64 {
        let terms = self.instrument(instrument);
        let per_lot = terms.closing_value(Side::Buy, Qty(1)).0.max(1);
        u64::try_from(money.0.max(0) / per_lot).unwrap_or(u64::MAX)
    }

    /// Charges interest on every unified account's debts: to the fees account, in account order, then by the
    /// policy's order of currencies. An insolvent account is charged nothing more, and no debt grows past 2^100.
    pub fn charge_interest(&mut self, mut each: impl FnMut(AccountId, CurrencyId, Money)) {
        for account in (0..self.capacity.accounts).map(AccountId) {
            let writes_off = self.state_of(Pool::Unified { account }) == PoolState::Insolvent;
            if !self.is_unified(account) || writes_off {
                continue;
            }
            let mut charged = false;
            for n in 0..self.collateral.as_ref().map_or(0, |policy| policy.assets.len()) {
                let Some(asset) = self.collateral.as_ref().and_then(|policy| policy.assets.get(n)) else { continue };
                let (currency, rate) = (asset.currency, asset.loan.map_or(0, |loan| loan.interest_e9));
                let owed = -self.cash(account, currency);
                let due = if owed.is_positive() { interest(owed, rate).min(LARGEST_DEBT - owed) } else { Money::ZERO };
                if due.is_positive() {
                    self.ledger.transfer(currency, Place::Cash(account), Place::Fees, due);
                    each(account, currency, due);
                    charged = true;
                }
            }
            if charged {
                self.reindex(Pool::Unified { account });
            }
        }
    }

    /// What a fund takes of a flat account's remaining assets for `amount` of the reference currency's worth that
    /// it pays: of each in the policy's order, at the mark, rounded up, as far as there is any. Returns what it took
    /// of the first that it took from, to be called again; `None` where there is nothing left.
    pub fn seize(&mut self, fund: AccountId, account: AccountId, worth: Money) -> Option<(CurrencyId, Money, Money)> {
        let policy = self.collateral.as_ref()?;
        let asset = policy.assets.iter().find(|asset| self.cash(account, asset.currency).is_positive())?;
        let (currency, held, rate) = (asset.currency, self.cash(account, asset.currency), self.rate(asset.currency));
        let wanted = Money(rate.amount_of(worth.0).saturating_add(1)).min(held);
        let taken = rate.worth(wanted.0).min(worth.0);
        self.ledger.transfer(currency, Place::Cash(account), Place::Cash(fund), wanted);
        Some((currency, wanted, Money(taken)))
    }

    /// The mark of one instrument, all others staying, at which a unified account first falls below maintenance on
    /// the side where its position loses, found by halving; `None` where the last legal mark does not do it.
    pub(crate) fn unified_liquidation_price(&self, position: &Position) -> Option<MarkPrice> {
        let (lowest, highest) = self.instrument(position.instrument).legal_marks();
        let present = self.instrument(position.instrument).mark;
        let short = |mark: i64| {
            let ends = |id| {
                let mark = if id == position.instrument { MarkPrice(mark) } else { self.instrument(id).mark };
                (mark, mark)
            };
            !self.unified_health_within(position.account, &ends).is_healthy()
        };
        let worst = if position.size.is_positive() { lowest } else { highest };
        let (mut sound, mut fallen) = (i128::from(present.0), i128::from(worst.0));
        if position.size.is_zero() || !short(worst.0) {
            return None;
        }
        while (sound - fallen).abs() > 1 {
            let middle = sound.midpoint(fallen);
            match i64::try_from(middle).is_ok_and(short) {
                true => fallen = middle,
                false => sound = middle,
            }
        }
        i64::try_from(fallen).ok().map(MarkPrice)
    }
}

/// A sale of collateral for what an account owes: an order for its currency's market.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conversion {
    /// The spot market.
    pub instrument: InstrumentId,
    /// Buys what is owed, or sells another asset for reference currency.
    pub side: Side,
    /// How many lots.
    pub qty: Qty,
    /// The currency that is owed.
    pub currency: CurrencyId,
}

/// Lots that hold `amount`, rounded up.
fn lots_up(amount: i128, lot: u64) -> u64 {
    let lots = ceil_div(amount.clamp(0, LARGEST_WORTH), i128::from(lot));
    u64::try_from(lots).unwrap_or(u64::MAX)
}
