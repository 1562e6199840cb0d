//! Who won and who lost: what each account has at the end more than was paid in, by account and by actor.

use super::camera::{Camera, Conceded};
use downdraft_types::{AccountId, CurrencyId, Money};
use downdraft_venue::Venue;
use std::collections::BTreeMap;

/// Accounts listed at either end.
const ENDS: usize = 12;

/// Profit of all accounts in one currency. Insurance funds are not among them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Standing {
    /// By the number of the actor that opened them, plus 1; 0 of those that none did.
    pub classes: Vec<(u32, Class)>,
    /// The best first.
    pub winners: Vec<Account>,
    /// The worst first.
    pub losers: Vec<Account>,
}

/// Accounts of one actor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Class {
    pub accounts: u64,
    pub up: u64,
    pub down: u64,
    pub deposits: Money,
    pub profit: Money,
}

/// An account at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Account {
    pub account: AccountId,
    pub owner: u32,
    /// Deposits less withdrawals.
    pub deposits: Money,
    /// Equity less those: after fees and funding, with unrealised profit at the last mark.
    pub profit: Money,
    /// What deleveraging took of it against the mark.
    pub conceded: Conceded,
}

impl Standing {
    /// The accounts of a venue at the end of a run.
    pub(crate) fn new(camera: &Camera, venue: &Venue, currency: CurrencyId) -> Self {
        let mut classes: BTreeMap<u32, Class> = BTreeMap::new();
        let mut accounts: Vec<Account> = Vec::new();
        for account in venue.margin().accounts().filter(|account| !venue.margin().is_fund(*account)) {
            let purse = camera.purses.get(currency.index());
            let deposits = purse.and_then(|purse| purse.deposits.get(account.index()).copied()).unwrap_or_default();
            let profit = Money(venue.margin().equity(account, currency).0.saturating_sub(deposits.0));
            let owner = camera.owners.get(account.index()).copied().unwrap_or_default();
            let class = classes.entry(owner).or_default();
            class.accounts += 1;
            class.up += u64::from(profit.is_positive());
            class.down += u64::from(profit.is_negative());
            class.deposits.0 = class.deposits.0.saturating_add(deposits.0);
            class.profit.0 = class.profit.0.saturating_add(profit.0);
            if profit != Money::ZERO {
                let conceded = camera.conceded.get(&(account, currency)).copied().unwrap_or_default();
                accounts.push(Account { account, owner, deposits, profit, conceded });
            }
        }
        accounts.sort_unstable_by_key(|entry| (core::cmp::Reverse(entry.profit), entry.account));
        let won = accounts.iter().take_while(|entry| entry.profit.is_positive()).count();
        let (won, lost) = accounts.split_at(won);
        Self {
            classes: classes.into_iter().collect(),
            winners: won.iter().take(ENDS).copied().collect(),
            losers: lost.iter().rev().take(ENDS).copied().collect(),
        }
    }
}
