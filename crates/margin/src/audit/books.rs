//! The engine's books, as the auditor reads them.

use super::{Books, Wallet};
use crate::{Margin, MarginMode, Place};

impl Books for Margin {
    fn amount(&self, wallet: Wallet) -> i128 {
        let known = |account| self.is_open(account);
        let held = |account, instrument| known(account).then(|| self.position(account, instrument)).flatten();
        match wallet {
            Wallet::Cash(a, c) if known(a) && self.has_currency(c) => self.cash(a, c).0,
            Wallet::Size(a, i) => held(a, i).map_or(0, |p| i128::from(p.size().0)),
            Wallet::OpenCost(a, i) => held(a, i).map_or(0, |p| p.cost().0),
            Wallet::Isolated(a, i) => {
                let isolated = held(a, i).filter(|p| p.mode() == MarginMode::Isolated);
                isolated.map_or(0, |p| self.balance(self.pool_of(p)).0)
            }
            Wallet::Fees(c) if self.has_currency(c) => self.ledger().balance(c, Place::Fees).0,
            Wallet::Residue(c) if self.has_currency(c) => self.ledger().balance(c, Place::Residue).0,
            Wallet::Outside(c) if self.has_currency(c) => self.ledger().balance(c, Place::Outside).0,
            Wallet::Clearing(i) => self
                .get_instrument(i)
                .map_or(0, |listed| self.ledger().balance(listed.spec().settlement, Place::Clearing(i)).0),
            Wallet::Cash(..) | Wallet::Fees(_) | Wallet::Residue(_) | Wallet::Outside(_) => 0,
        }
    }
}
