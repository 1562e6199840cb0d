//! The loss waterfall: every deficit ends once, and bad debt reconciles to the unit.

use super::holding::bounded;
use super::{Auditor, Fault, agree, positive};
use crate::Pool;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Qty, Side};

/// What became of losses beyond margin, per currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waterfall {
    /// Bad debt as it arose: what flat pools lacked, what fills of forced orders cost beyond margin, and what
    /// deleveraging took.
    pub deficits: Money,
    /// Paid by the fund, all of it for deficits.
    pub fund_drawn: Money,
    /// Received by the fund from pools.
    pub fund_received: Money,
    /// Given up by counterparties of auto-deleveraging, against the mark.
    pub conceded: Money,
    /// The part of that which no deficit asked for: the overshoot.
    pub remainder: Money,
    /// Gained by counterparties of auto-deleveraging, against the mark.
    pub gained: Money,
    /// Received by vaults from pools, takeovers apart.
    pub vault_received: Money,
    /// Paid by winners, or by all holders.
    pub socialised: Money,
    /// Borne by nobody.
    pub uncovered: Money,
}

impl Waterfall {
    /// Bad debt by who bore it: the deficits, once all have ended.
    #[must_use]
    pub fn bad_debt(&self) -> Money {
        self.fund_drawn + self.conceded - self.remainder + self.socialised + self.uncovered
    }
}

impl Auditor {
    /// What a counterparty gave up against the mark, by closing the position of `side` for `value`.
    pub(super) fn concede(
        &mut self,
        instrument: InstrumentId,
        (account, side, qty, value): (AccountId, Side, Qty, Money),
        counterparty: AccountId,
        (claim, remainder): (Money, Money),
    ) -> Result<(), Fault> {
        // Against a long the counterparty is short: it loses what it was worth at the mark, and what it pays now.
        let (held, paid) =
            if side == Side::Buy { (-i128::from(qty.0), value.0) } else { (i128::from(qty.0), -value.0) };
        let conceded = self.value_at_mark(instrument, held)? + bounded(paid)?;
        agree("conceded", Some(counterparty), claim, conceded)?;
        if remainder.0 < 0 || remainder.0 > conceded.max(0) {
            return Err(Fault::Amount {
                what: "remainder",
                account: Some(account),
                found: remainder.0,
                expected: conceded.max(0),
            });
        }
        self.bear(self.pool(instrument, account)?, conceded.max(0) - remainder.0)?;
        let currency = self.listing(instrument)?.currency;
        let totals = &mut self.currency_mut(currency).waterfall;
        add(&mut totals.conceded, conceded.max(0))?;
        add(&mut totals.remainder, remainder.0)?;
        add(&mut totals.gained, -conceded.min(0))
    }

    pub(super) fn deficit(&mut self, pool: Pool, currency: CurrencyId, amount: Money) -> Result<(), Fault> {
        self.check_pool(pool, currency)?;
        let pool = Self::wallet(pool, currency);
        let amount = positive(amount)?;
        if let Some(&left) = self.deficits.get(&pool) {
            return Err(Fault::OpenDeficit { pool, left });
        }
        self.deficits.insert(pool, amount);
        add(&mut self.currency_mut(currency).waterfall.deficits, amount)
    }

    pub(super) fn settle_fund(
        &mut self,
        fund: AccountId,
        pool: Pool,
        currency: CurrencyId,
        amount: Money,
    ) -> Result<(), Fault> {
        self.check_pool(pool, currency)?;
        let pool = Self::wallet(pool, currency);
        if pool.account() == fund {
            return Err(Fault::SameAccount(fund));
        }
        if !self.is_fund(fund) {
            return Err(Fault::NotAFund(fund));
        }
        let received = bounded(amount.0)?;
        let fund = Pool::Cross { account: fund, currency };
        let balance = self.balance(fund)? + received;
        if received < 0 && balance < 0 {
            return Err(Fault::FundOverdrawn { balance });
        }
        self.bear(pool, (-received).max(0))?;
        let totals = &mut self.currency_mut(currency).waterfall;
        add(&mut totals.fund_drawn, -received.min(0))?;
        add(&mut totals.fund_received, received.max(0))?;
        self.pay(fund, received)?;
        self.pay(pool, -received)
    }

    pub(super) fn pay_vault(
        &mut self,
        vault: AccountId,
        pool: Pool,
        currency: CurrencyId,
        amount: Money,
    ) -> Result<(), Fault> {
        self.check_pool(pool, currency)?;
        self.check_account(vault)?;
        if pool.account() == vault {
            return Err(Fault::SameAccount(vault));
        }
        let amount = positive(amount)?;
        add(&mut self.currency_mut(currency).waterfall.vault_received, amount)?;
        self.pay(Self::wallet(pool, currency), -amount)?;
        self.pay(Pool::Cross { account: vault, currency }, amount)
    }

    pub(super) fn socialise(
        &mut self,
        pool: Pool,
        payer: Pool,
        currency: CurrencyId,
        amount: Money,
    ) -> Result<(), Fault> {
        self.check_pool(pool, currency)?;
        self.check_pool(payer, currency)?;
        if payer == pool {
            return Err(Fault::SameAccount(pool.account()));
        }
        let amount = positive(amount)?;
        if !self.is_flat(pool)? {
            return Err(Fault::PoolNotFlat(pool));
        }
        let (pool, payer) = (Self::wallet(pool, currency), Self::wallet(payer, currency));
        self.bear(pool, amount)?;
        let totals = &mut self.currency_mut(currency).waterfall;
        add(&mut totals.socialised, amount)?;
        self.pay(payer, -amount)?;
        self.pay(pool, amount)
    }

    pub(super) fn uncovered(&mut self, pool: Pool, currency: CurrencyId, amount: Money) -> Result<(), Fault> {
        self.check_pool(pool, currency)?;
        let amount = positive(amount)?;
        if !self.is_flat(pool)? {
            return Err(Fault::PoolNotFlat(pool));
        }
        let pool = Self::wallet(pool, currency);
        self.bear(pool, amount)?;
        agree("uncovered deficit", Some(pool.account()), Money(amount), -self.balance(pool)?)?;
        add(&mut self.currency_mut(currency).waterfall.uncovered, amount)
    }

    /// Takes `amount` off what is left of a pool's deficit.
    fn bear(&mut self, pool: Pool, amount: i128) -> Result<(), Fault> {
        let left = self.deficits.get(&pool).copied().unwrap_or(0);
        if amount > left {
            return Err(Fault::NoDeficit { pool, found: amount, left });
        }
        if amount == left {
            self.deficits.remove(&pool);
        } else {
            self.deficits.insert(pool, left - amount);
        }
        Ok(())
    }
}

fn add(total: &mut Money, amount: i128) -> Result<(), Fault> {
    total.0 = bounded(total.0 + amount)?;
    Ok(())
}
