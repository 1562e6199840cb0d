//! What an account may hold in all: a most for the notional of its contracts settled in a currency.
//!
//! Notional is that of initial margin: of each contract the larger of all buys filled, or all sells, what is held at the
//! mark and orders at their limits; of an option its lots at the index. Spot markets leave no position and have none.

use crate::engine::Margin;
use crate::error::MarginError;
use crate::position::Position;
use alloc::collections::BTreeMap;
use downdraft_types::{AccountId, CurrencyId, Money};

/// Largest notionals. An account's own comes before that of all.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct NotionalLimits {
    every: BTreeMap<CurrencyId, Money>,
    own: BTreeMap<(AccountId, CurrencyId), Money>,
}

impl NotionalLimits {
    fn of(&self, account: AccountId, currency: CurrencyId) -> Option<Money> {
        self.own.get(&(account, currency)).or_else(|| self.every.get(&currency)).copied()
    }
}

impl Margin {
    /// Sets the most notional that an account, or (`None`) every account without a limit of its own, may hold in the
    /// contracts settled in `currency`; `None`: no such limit. What is held already stays, and may be reduced.
    ///
    /// # Errors
    /// [`MarginError::UnknownAccount`], [`MarginError::UnknownCurrency`], or [`MarginError::NotPositive`] where the
    /// limit is negative.
    pub fn set_notional_limit(
        &mut self,
        account: Option<AccountId>,
        currency: CurrencyId,
        limit: Option<Money>,
    ) -> Result<(), MarginError> {
        if account.is_some_and(|account| !self.is_open(account)) {
            return Err(MarginError::UnknownAccount);
        }
        if !self.has_currency(currency) {
            return Err(MarginError::UnknownCurrency);
        }
        if limit.is_some_and(Money::is_negative) {
            return Err(MarginError::NotPositive);
        }
        let limits = &mut self.notional_limits;
        match (account, limit) {
            (None, Some(most)) => limits.every.insert(currency, most),
            (None, None) => limits.every.remove(&currency),
            (Some(account), Some(most)) => limits.own.insert((account, currency), most),
            (Some(account), None) => limits.own.remove(&(account, currency)),
        };
        Ok(())
    }

    /// The most notional that an account may hold in the contracts settled in `currency`; `None`: there is no limit.
    #[must_use]
    pub fn notional_limit(&self, account: AccountId, currency: CurrencyId) -> Option<Money> {
        self.notional_limits.of(account, currency)
    }

    /// What an account's contracts settled in `currency` come to, with its open orders.
    #[must_use]
    pub fn notional(&self, account: AccountId, currency: CurrencyId) -> Money {
        self.notional_with(account, currency, None)
    }

    fn notional_with(&self, account: AccountId, currency: CurrencyId, after: Option<&Position>) -> Money {
        let settled = |p: &&Position| self.instrument(p.instrument).spec.settlement == currency;
        let notionals = self.positions_with(account, after).filter(settled).map(|p| self.notional_of(p).0);
        Money(notionals.sum())
    }

    fn notional_of(&self, position: &Position) -> Money {
        let terms = self.instrument(position.instrument);
        match terms.option() {
            Some(_) => terms.at_index(position.largest()),
            None if terms.is_spot() => Money::ZERO,
            None => position.exposure(terms),
        }
    }

    /// Whether an account may have `after` in place of its position: what enlarges it must leave all within the limit.
    ///
    /// # Errors
    /// [`MarginError::NotionalLimit`].
    pub(crate) fn check_notional(&self, after: &Position, before: &Position) -> Result<(), MarginError> {
        let currency = self.instrument(after.instrument).spec.settlement;
        let Some(most) = self.notional_limit(after.account, currency) else { return Ok(()) };
        let enlarges = self.notional_of(after) > self.notional_of(before);
        let exceeds = enlarges && self.notional_with(after.account, currency, Some(after)) > most;
        if exceeds { Err(MarginError::NotionalLimit) } else { Ok(()) }
    }
}
