//! Unified accounts: all currencies and all cross positions answer for each other, in the reference currency.
//!
//! ```text
//!   equity       Σ over currencies of  counted(cash + unrealised profit) × price
//!   maintenance  Σ over positions of   maintenance × price of its currency,  + what loans ask for
//! ```
//!
//! A falling coin thus liquidates a position whose own contract did not move. Equity is no function of one price, so
//! such an account has a box; see `certificate`.

use crate::certificate::Region;
use crate::collateral::{Amounts, CollateralAsset, LARGEST_WORTH, interest};
use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::InstrumentKind;
use crate::ledger::Place;
use crate::pool::{Health, MarginMode, Pool, PoolState};
use crate::position::Position;
use downdraft_types::arith::ceil_div;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Qty, Side};

/// What interest lets a debt grow to at most.
const LARGEST_DEBT: Money = Money(1 << 100);

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
        if !self.positions_of(account).filter(cross).all(Position::is_idle) {
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

    /// The least equity and the most maintenance that a unified account can have in a region, in the reference currency.
    pub(crate) fn unified_health_in(&self, account: AccountId, region: Region) -> Health {
        let mut health = Health::default();
        let Some(policy) = &self.collateral else { return health };
        let mut amounts: Amounts = policy.assets.iter().map(|asset| self.cash(account, asset.currency)).collect();
        let dearest = |asset: &CollateralAsset| self.rate_at(asset, |market| self.mark_ends(market, region).1);
        let place = |currency| policy.assets.iter().position(|asset| asset.currency == currency);
        let pool = Pool::Unified { account };
        for position in self.pool_positions(pool) {
            let Some(at) = place(self.instrument(position.instrument).spec.settlement) else { continue };
            amounts[at] += self.least_value(position, region) - position.cost;
            health.positions += 1;
        }
        health.maintenance_e6 = self.maintenance_in(pool, region, |currency, amount_e6| {
            place(currency).map_or(0, |at| dearest(&policy.assets[at]).worth_up_e6(amount_e6))
        });
        for (asset, amount) in policy.assets.iter().zip(amounts) {
            let cheapest = self.rate_at(asset, |market| self.mark_ends(market, region).0);
            let dearest = dearest(asset);
            health.equity += Money(asset.value(amount, cheapest, dearest));
            if let (true, Some(loan)) = (amount.is_negative(), asset.loan) {
                health.maintenance_e6 += dearest.worth_up(-amount.0) * i128::from(loan.maintenance.0);
            }
        }
        health
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
