//! What an actor does before the first moment: it opens accounts and pays in, and none of it may be refused.

use crate::actor::{Context, Notice};
use downdraft_types::{AccountId, CurrencyId, Money};
use downdraft_venue::Command;

/// The commands with which an actor set itself up: its first ones.
#[derive(Clone, Debug, Default)]
pub(super) struct SetUp {
    commands: u64,
}

impl SetUp {
    pub(super) fn submit(&mut self, context: &mut Context<'_>, command: Command) -> u64 {
        let submission = context.submit_now(command);
        self.commands = submission + 1;
        submission
    }

    /// Opens an account and pays `money` in: its own, and what it has of a spot market's base currency.
    pub(super) fn open(
        &mut self,
        context: &mut Context<'_>,
        account: AccountId,
        money: [Option<(CurrencyId, Money)>; 2],
    ) {
        self.submit(context, Command::OpenAccount { account });
        for (currency, amount) in money.into_iter().flatten() {
            self.deposit(context, account, currency, amount);
        }
    }

    /// Pays in, unless `amount` is zero.
    pub(super) fn deposit(
        &mut self,
        context: &mut Context<'_>,
        account: AccountId,
        currency: CurrencyId,
        amount: Money,
    ) {
        if !amount.is_zero() {
            self.submit(context, Command::Deposit { account, currency, amount });
        }
    }

    /// Fails the run where the venue refused a command of the set-up. Returns how many others it refused.
    pub(super) fn check(&self, context: &mut Context<'_>, notice: &Notice) -> u64 {
        let mut others = 0;
        for (submission, reason) in &notice.rejected {
            if *submission < self.commands {
                let (number, all) = (submission + 1, self.commands);
                context.fail(format!(
                    "command {number} of the {all} of its set-up: found {reason:?}, expected the instrument's terms and \
                     protections, the capacity and the deposit to allow it"
                ));
            } else {
                others += 1;
            }
        }
        others
    }
}

/// Checks a deposit as a scenario states it.
pub(super) fn check_deposit(field: &str, amount: Money) -> Result<(), String> {
    if amount.is_negative() {
        return Err(format!("{field}: found {amount}, expected at least 0"));
    }
    Ok(())
}

/// Checks an account number as a scenario states it.
pub(super) fn check_account(field: &str, account: AccountId) -> Result<(), String> {
    if account == AccountId::FUND {
        return Err(format!("{field}: found 0, the insurance fund's number, expected at least 1"));
    }
    Ok(())
}

/// Checks a number of a model.
pub(super) fn check_number(field: &str, found: f64, legal: bool, expected: &str) -> Result<(), String> {
    if legal && found.is_finite() {
        return Ok(());
    }
    Err(format!("{field}: found {found}, expected a finite number, {expected}"))
}
