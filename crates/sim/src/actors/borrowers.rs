//! Accounts that hold a coin on a loan: leverage without a contract, as at a lending protocol or in spot margin.

use super::set_up::{SetUp, check_account};
use crate::actor::{Actor, Context, Notice};
use crate::random::Stream;
use crate::samplers::Distribution;
use downdraft_margin::{InstrumentKind, InstrumentSpec};
use downdraft_types::arith::ceil_div;
use downdraft_types::{AccountId, InstrumentId, Money, Ppm, Price, Qty};
use downdraft_venue::Command;

/// Parameters of [`Borrowers`].
#[derive(Clone, PartialEq, Debug)]
pub struct BorrowersConfig {
    /// The spot market of the coin, against the currency that is borrowed.
    pub instrument: InstrumentId,
    /// Its terms, as listed.
    pub spec: InstrumentSpec,
    /// The price at which they bought, in ticks.
    pub initial_price: Price,
    /// The first account; the others follow it, and last comes the one that sells them the coin and ends empty.
    pub first_account: AccountId,
    /// How many, at least 1.
    pub count: u32,
    /// What the coin cost ÷ own money; at least 1, at most what the collateral policy lends on.
    pub leverage: Distribution,
    /// Lots held, rounded to the nearest, at least 1, at most the market's largest order.
    pub size: Distribution,
}

/// One borrower at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loan {
    /// Whose.
    pub account: AccountId,
    /// Lots held.
    pub qty: Qty,
    /// What they cost.
    pub value: Money,
    /// Its own money; the rest is owed.
    pub own: Money,
}

/// Borrowers: one actor. Each pays its own money in, becomes unified, and buys its coin off the book at the initial
/// price; what it lacks it owes.
#[derive(Clone, Debug)]
pub struct Borrowers {
    config: BorrowersConfig,
    set_up: SetUp,
    accounts: u64,
}

impl Borrowers {
    /// Borrowers that have not been drawn yet.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn new(config: BorrowersConfig) -> Result<Self, String> {
        config.validate()?;
        Ok(Self { config, set_up: SetUp::default(), accounts: 0 })
    }
}

impl BorrowersConfig {
    /// How many account numbers it uses, from [`BorrowersConfig::first_account`] on.
    #[must_use]
    pub const fn accounts(&self) -> u64 {
        self.count as u64 + 1
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        check_account("first_account", self.first_account)?;
        if self.first_account.0.checked_add(self.count).is_none() {
            return Err(format!("first_account: found {}, expected {} numbers more", self.first_account, self.count));
        }
        if self.count == 0 {
            return Err("count: found 0, expected at least 1".to_owned());
        }
        if !matches!(self.spec.kind, InstrumentKind::Spot { .. }) {
            return Err(format!("instrument: found {:?}, expected a spot market", self.spec.kind));
        }
        if !self.initial_price.is_positive() {
            return Err(format!("initial_price: found {}, expected at least 1", self.initial_price));
        }
        for (field, distribution) in [("leverage", &self.leverage), ("size", &self.size)] {
            distribution.validate().map_err(|error| format!("{field}.{error}"))?;
        }
        Ok(())
    }

    /// Draws the loans, in order of their accounts. `stream` gives the actor's stream for a purpose.
    ///
    /// Own money is rounded up: nobody has more leverage than drawn.
    #[must_use]
    pub fn draw(&self, stream: impl Fn(&str) -> Stream) -> Vec<Loan> {
        let (sizes, stakes) = (stream("borrower.size"), stream("borrower.stake"));
        let valuation = self.spec.valuation();
        let loan = |number: u32| {
            let ordinal = u64::from(number);
            // A conversion to an integer saturates.
            let lots = libm::rint(self.size.sample(&mut sizes.draw(ordinal))) as u64;
            let qty = Qty(lots.clamp(1, self.spec.max_order.0));
            let value = valuation.trade_value(qty, self.initial_price);
            let leverage = self.leverage.sample(&mut stakes.draw(ordinal)).max(1.0);
            let rate = libm::ceil(1e6 / leverage).clamp(1.0, 1e6) as i128;
            let own = Money(ceil_div(value.0 * rate, i128::from(Ppm::ONE.0)));
            Loan { account: AccountId(self.first_account.0 + number), qty, value, own }
        };
        (0..self.count).map(loan).collect()
    }
}

impl Actor for Borrowers {
    fn start(&mut self, context: &mut Context<'_>) {
        let loans = self.config.draw(|purpose| context.stream(purpose));
        let (instrument, settlement) = (self.config.instrument, self.config.spec.settlement);
        let InstrumentKind::Spot { base, lot } = self.config.spec.kind else { return };
        let lots: i128 = loans.iter().map(|loan| i128::from(loan.qty.0)).sum();
        let seller = AccountId(self.config.first_account.0 + self.config.count);
        self.set_up.open(context, seller, [Some((base, Money(lots * i128::from(lot)))), None]);
        for loan in &loans {
            let account = loan.account;
            self.set_up.submit(context, Command::OpenAccount { account });
            self.set_up.submit(context, Command::SetUnified { account, unified: true });
            self.set_up.deposit(context, account, settlement, loan.own);
            let (buyer, qty, cost) = (account, loan.qty, loan.value);
            self.set_up.submit(context, Command::BlockTrade { instrument, buyer, seller, qty, cost });
        }
        let amount: Money = loans.iter().map(|loan| loan.value).sum();
        self.set_up.submit(context, Command::Withdraw { account: seller, currency: settlement, amount });
        self.accounts = loans.len() as u64;
    }

    fn wake(&mut self, _: &mut Context<'_>, _: u64) {}

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        self.set_up.check(context, notice);
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("accounts", self.accounts)]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}
