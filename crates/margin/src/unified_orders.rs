//! Initial margin of unified accounts: who may place an order, what may be withdrawn, what may be borrowed.
//!
//! Positions ask for initial margin as elsewhere, each amount turned into the reference currency. Of the orders of a
//! spot market either all buys count as filled, or all sells, or none, whichever leaves the account worst.
//!
//! Source of the worst case: Mango v4, *Health, open orders*.

use crate::collateral::{Amounts, CollateralAsset};
use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::{Instrument, RATE_ONE};
use crate::ledger::Place;
use crate::pool::MarginMode;
use crate::position::Position;
use downdraft_types::arith::ceil_div;
use downdraft_types::{AccountId, CurrencyId, Money, Side};

/// What an account would pay at once, beside what an order asks for.
type Paid = Option<(CurrencyId, Money)>;

impl Margin {
    /// Whether a unified account may have `after` in place of its position, paying `paid` at once.
    ///
    /// # Errors
    /// [`MarginError::NotCollateral`], [`MarginError::CannotBorrow`] or [`MarginError::InsufficientMargin`].
    pub(crate) fn check_unified(&self, after: &Position, side: Side, paid: Paid) -> Result<(), MarginError> {
        let (account, terms) = (after.account, self.instrument(after.instrument));
        if !terms.spec.currencies().all(|currency| self.asset(currency).is_some()) {
            return Err(MarginError::NotCollateral);
        }
        if let Some((currency, all)) = terms.paid_for(side, after.open_orders(side)) {
            let before = self.position(account, after.instrument).map(|p| p.open_orders(side)).unwrap_or_default();
            let more = all - terms.paid_for(side, before).map_or(Money::ZERO, |(_, paid)| paid);
            let lends = self.asset(currency).is_some_and(|asset| asset.loan.is_some());
            let has = self.cash(account, currency) - self.reserved(account, currency);
            if !lends && has < more {
                return Err(MarginError::CannotBorrow);
            }
        }
        let short = self.initial_slack(account, Some(after), paid) < 0;
        if short { Err(MarginError::InsufficientMargin) } else { Ok(()) }
    }

    /// What a unified account may take out of a currency: no more than it has there and has not on order, and so that
    /// what stays covers initial margin. Found by halving, as the value of what stays falls with what is taken.
    /// Negative when short, then in the reference currency's worth.
    pub(crate) fn unified_free(&self, account: AccountId, currency: CurrencyId) -> Money {
        let slack = |taken: i128| self.initial_slack(account, None, Some((currency, Money(taken))));
        let short = slack(0);
        if short < 0 {
            return self.from_reference(currency, Money(short)).min(Money(-1));
        }
        let most = self.cash(account, currency) - self.reserved(account, currency);
        let (mut fits, mut exceeds) = (0, most.0.max(0).saturating_add(1));
        while exceeds - fits > 1 {
            let middle = fits.midpoint(exceeds);
            if slack(middle) >= 0 { fits = middle } else { exceeds = middle }
        }
        Money(fits)
    }

    /// Equity less initial margin of a unified account, in the reference currency, after paying `paid` and with
    /// `after` in place of a position.
    fn initial_slack(&self, account: AccountId, after: Option<&Position>, paid: Paid) -> i128 {
        let Some(policy) = &self.collateral else { return 0 };
        let at = |currency| policy.assets.iter().position(|asset| asset.currency == currency);
        let mut amounts: Amounts = policy.assets.iter().map(|asset| self.cash(account, asset.currency)).collect();
        if let Some((currency, paid)) = paid
            && let Some(at) = at(currency)
        {
            amounts[at] -= paid;
        }
        let positions = || self.positions_with(account, after);
        let mut asked = 0;
        for position in positions() {
            let terms = self.instrument(position.instrument);
            let settled_in = at(terms.spec.settlement).filter(|_| !terms.is_spot());
            let Some(n) = settled_in else { continue };
            if position.mode == MarginMode::Cross {
                amounts[n] += position.unrealised(terms);
            }
            if self.netted(position).is_none() {
                asked += self.rate(terms.spec.settlement).worth_up(self.asked(position).0);
            }
        }
        for underlying in self.portfolios_of(account, after) {
            let (currency, initial) = self.portfolio_initial(account, underlying, after);
            asked += self.rate(currency).worth_up(initial.0);
        }
        for position in positions() {
            self.fill_worst(position, self.instrument(position.instrument), &mut amounts);
        }
        let net = policy.assets.iter().zip(&amounts).map(|(asset, amount)| self.initial_net(asset, *amount));
        net.sum::<i128>() - asked
    }

    /// Fills the orders of a spot market on the side that leaves the account worse, or none of them.
    fn fill_worst(&self, position: &Position, terms: &Instrument, amounts: &mut Amounts) {
        let Some(policy) = &self.collateral else { return };
        let [buys, sells] = position.both_orders();
        let (Some((base, bought)), Some((_, sold))) = (terms.exchanged(buys.qty), terms.exchanged(sells.qty)) else {
            return;
        };
        let at = |currency| policy.assets.iter().position(|asset| asset.currency == currency);
        let (Some(base), Some(quote)) = (at(base), at(terms.spec.settlement)) else { return };
        let bid = terms.paid_for(Side::Buy, buys).map_or(Money::ZERO, |(_, paid)| paid);
        let outcomes = [(Money::ZERO, Money::ZERO), (bought, -bid), (-sold, sells.value)];
        let net = |(in_base, in_quote): &(Money, Money)| {
            self.initial_net(&policy.assets[base], amounts[base] + *in_base)
                + self.initial_net(&policy.assets[quote], amounts[quote] + *in_quote)
        };
        if let Some(&(in_base, in_quote)) = outcomes.iter().min_by_key(|outcome| net(outcome)) {
            amounts[base] += in_base;
            amounts[quote] += in_quote;
        }
    }

    /// What an amount of an asset counts for, less the initial margin of a loan.
    fn initial_net(&self, asset: &CollateralAsset, amount: Money) -> i128 {
        let rate = self.rate_at(asset, |market| self.instrument(market).mark());
        let deposits = -self.ledger.balance(asset.currency, Place::Outside);
        let value = asset.initial_value(amount, rate, deposits);
        match asset.loan.filter(|_| amount.is_negative()) {
            Some(loan) => value - ceil_div(rate.worth_up(-amount.0) * i128::from(loan.initial.0), RATE_ONE),
            None => value,
        }
    }
}
