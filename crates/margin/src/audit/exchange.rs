//! Spot trades and what only unified accounts do: interest, and collateral that the fund takes for what it pays.

use super::holding::bounded;
use super::{Auditor, Fault, Leg, agree, positive};
use crate::Pool;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money};

impl Auditor {
    /// Both sides of a spot trade: what was paid one way, what was bought the other, and the fees.
    pub(super) fn exchange(&mut self, instrument: InstrumentId, value: i128, legs: &[Leg; 2]) -> Result<(), Fault> {
        let listing = self.listing(instrument)?;
        let (quote, (base, lot)) = (listing.currency, listing.exchanges.ok_or(Fault::UnknownInstrument(instrument))?);
        for leg in legs {
            let account = leg.party.account;
            self.check_account(account)?;
            agree("realised profit", Some(account), leg.party.realised, 0)?;
            let lots = i128::from(leg.change);
            let paid = bounded(if lots > 0 { value } else { -value })?;
            let amount = lot.checked_mul(lots).ok_or(Fault::Overflow)?;
            let fee = bounded(leg.party.fee.0)?;
            self.pay(Pool::Cross { account, currency: quote }, -paid - fee)?;
            self.pay(Pool::Cross { account, currency: base }, amount)?;
            let fees = &mut self.currency_mut(quote).fees;
            *fees = bounded(*fees + fee)?;
        }
        Ok(())
    }

    pub(super) fn set_unified(&mut self, account: AccountId, unified: bool) -> Result<(), Fault> {
        self.check_account(account)?;
        if !self.is_flat(Pool::Unified { account })? {
            return Err(Fault::PoolNotFlat(Pool::Unified { account }));
        }
        match (self.unified.contains(&account), unified) {
            (false, true) => {
                self.unified.insert(account);
            }
            (true, false) => {
                self.unified.remove(&account);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn charge(&mut self, account: AccountId, currency: CurrencyId, amount: Money) -> Result<(), Fault> {
        self.check_pool(Pool::Unified { account }, currency)?;
        let due = positive(amount)?;
        let owed = -self.cash_of(account, currency).balance;
        if owed <= 0 {
            return Err(Fault::NotPositive { found: owed });
        }
        self.pay(Pool::Cross { account, currency }, -due)?;
        let fees = &mut self.currency_mut(currency).fees;
        *fees = bounded(*fees + due)?;
        Ok(())
    }

    /// The fund takes no more than there is, of an account that has no position left.
    pub(super) fn seize(
        &mut self,
        fund: AccountId,
        account: AccountId,
        currency: CurrencyId,
        amount: Money,
    ) -> Result<(), Fault> {
        if !self.is_fund(fund) {
            return Err(Fault::NotAFund(fund));
        }
        let pool = Pool::Unified { account };
        self.check_pool(pool, currency)?;
        let amount = positive(amount)?;
        if !self.is_flat(pool)? {
            return Err(Fault::PoolNotFlat(pool));
        }
        let held = self.cash_of(account, currency).balance;
        if amount > held {
            return Err(Fault::Amount { what: "collateral", account: Some(account), found: amount, expected: held });
        }
        self.pay(Pool::Cross { account, currency }, -amount)?;
        self.pay(Pool::Cross { account: fund, currency }, amount)
    }

    /// The wallet behind a pool: of a unified account its cash in the currency.
    pub(super) const fn wallet(pool: Pool, currency: CurrencyId) -> Pool {
        match pool {
            Pool::Unified { account } => Pool::Cross { account, currency },
            Pool::Cross { .. } | Pool::Isolated { .. } => pool,
        }
    }
}
