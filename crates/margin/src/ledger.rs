//! The double-entry ledger. It knows accounts and money, nothing of positions or prices.
//!
//! Every movement is a [`Ledger::transfer`] from one named place to another, so per currency the sum of all
//! places is zero at all times: what is outside is minus what is inside.

use alloc::vec;
use alloc::vec::Vec;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money};

/// A place where money is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// An account's cash; account 0's is the insurance fund.
    Cash(AccountId),
    /// The margin of an isolated position, by position slot.
    Isolated(u32),
    /// Fees collected.
    Fees,
    /// What rounding left.
    Residue,
    /// The clearing account of an instrument: minus the sum of its open positions' signed costs.
    Clearing(InstrumentId),
    /// The world outside the venue.
    Outside,
}

/// All money, per currency.
#[derive(Clone, Debug, Hash)]
pub struct Ledger {
    currencies: usize,
    /// By account, then currency.
    cash: Vec<Money>,
    /// By position slot.
    isolated: Vec<Money>,
    /// By currency.
    fees: Vec<Money>,
    residue: Vec<Money>,
    outside: Vec<Money>,
    /// By instrument.
    clearing: Vec<Money>,
}

impl Ledger {
    pub(crate) fn with_capacity(accounts: usize, currencies: usize, instruments: usize, positions: usize) -> Self {
        Self {
            currencies,
            cash: vec![Money::ZERO; accounts * currencies],
            isolated: vec![Money::ZERO; positions],
            fees: vec![Money::ZERO; currencies],
            residue: vec![Money::ZERO; currencies],
            outside: vec![Money::ZERO; currencies],
            clearing: vec![Money::ZERO; instruments],
        }
    }

    /// The balance of a place. An instrument's clearing account and an isolated margin hold one currency only.
    #[inline]
    #[must_use]
    pub fn balance(&self, currency: CurrencyId, place: Place) -> Money {
        match place {
            Place::Cash(account) => self.cash[account.index() * self.currencies + currency.index()],
            Place::Isolated(slot) => self.isolated[slot as usize],
            Place::Fees => self.fees[currency.index()],
            Place::Residue => self.residue[currency.index()],
            Place::Clearing(instrument) => self.clearing[instrument.index()],
            Place::Outside => self.outside[currency.index()],
        }
    }

    fn balance_mut(&mut self, currency: CurrencyId, place: Place) -> &mut Money {
        match place {
            Place::Cash(account) => &mut self.cash[account.index() * self.currencies + currency.index()],
            Place::Isolated(slot) => &mut self.isolated[slot as usize],
            Place::Fees => &mut self.fees[currency.index()],
            Place::Residue => &mut self.residue[currency.index()],
            Place::Clearing(instrument) => &mut self.clearing[instrument.index()],
            Place::Outside => &mut self.outside[currency.index()],
        }
    }

    /// Moves `amount` (negative: the other way) from one place to another.
    #[inline]
    pub(crate) fn transfer(&mut self, currency: CurrencyId, from: Place, to: Place, amount: Money) {
        *self.balance_mut(currency, from) -= amount;
        *self.balance_mut(currency, to) += amount;
    }

    /// How many currencies there are.
    #[must_use]
    pub fn currencies(&self) -> impl ExactSizeIterator<Item = CurrencyId> + use<> {
        (0..self.currencies).map(|c| CurrencyId(u16::try_from(c).expect("currencies fit their id")))
    }
}
