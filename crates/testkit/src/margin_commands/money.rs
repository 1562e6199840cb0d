//! Money that comes, goes, and moves between an account's pools.

use super::Step;
use super::trial::{Trial, account_of, instrument_of};
use super::worlds::CURRENCIES;
use downdraft_margin::Pool;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money};

impl Trial {
    /// Returns the pool that the engine judged able to bear the step.
    pub(super) fn move_money(&mut self, step: &Step) -> Option<Pool> {
        match *step {
            Step::Deposit { account, instrument, lots, part } => {
                let (account, id) = (account_of(account), instrument_of(instrument));
                let worth = self.grains(id, lots).1.abs().0 / 1_000_000 * i128::from(part) + i128::from(part % 7);
                let currency = self.engine.instrument(id).spec().settlement;
                self.deposit(account, currency, Money(worth.min(1 << 96)));
                None
            }
            Step::Withdraw { account, currency, part } => {
                self.withdraw(account_of(account), CurrencyId(u16::from(currency) % CURRENCIES), part)
            }
            Step::MoveMargin { account, instrument, part } => {
                self.move_margin(account_of(account), instrument_of(instrument), part)
            }
            Step::Interest => {
                self.engine.charge_interest(|_, _, _| {});
                self.naive.charge_interest();
                None
            }
            _ => unreachable!("{step:?} moves no money"),
        }
    }

    pub(super) fn deposit(&mut self, account: AccountId, currency: CurrencyId, amount: Money) {
        if self.engine.deposit(account, currency, amount).is_ok() {
            self.naive.deposit(account, currency, amount);
        }
    }

    fn withdraw(&mut self, account: AccountId, currency: CurrencyId, part: u16) -> Option<Pool> {
        let amount = Money(self.engine.free(account, currency).0 / 256 * i128::from(part) + i128::from(part % 3));
        self.engine.withdraw(account, currency, amount).ok()?;
        self.naive.deposit(account, currency, -amount);
        Some(self.engine.cash_pool(account, currency))
    }

    fn move_margin(&mut self, account: AccountId, id: InstrumentId, part: i16) -> Option<Pool> {
        let pool = self.naive.pool_of(account, id);
        let currency = self.engine.instrument(id).spec().settlement;
        let of = match pool {
            _ if part > 0 => self.engine.free(account, currency).0,
            Pool::Isolated { .. } => self.naive.balance(pool),
            _ => 0,
        };
        let amount = Money(of.max(0) / 256 * i128::from(part));
        self.engine.move_margin(account, id, amount).ok()?;
        self.naive.move_margin(account, id, amount);
        Some(if amount.is_positive() { self.engine.cash_pool(account, currency) } else { pool })
    }
}
