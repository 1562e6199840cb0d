//! What the auditor answers: conservation, the waterfall's totals, and whether the engine's books agree.

use super::holding::bounded;
use super::{AuditError, Auditor, Currency, Fault, Listing, Waterfall, agree, value};
use core::fmt;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money};

/// A place where money is, in the auditor's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wallet {
    /// An account's cash; account 0's is the insurance fund.
    Cash(AccountId, CurrencyId),
    /// An isolated margin.
    Isolated(AccountId, InstrumentId),
    /// The signed open cost of a position.
    OpenCost(AccountId, InstrumentId),
    /// The size of a position, in lots.
    Size(AccountId, InstrumentId),
    /// Fees collected.
    Fees(CurrencyId),
    /// What rounding left.
    Residue(CurrencyId),
    /// The clearing account of an instrument.
    Clearing(InstrumentId),
    /// The world outside.
    Outside(CurrencyId),
}

impl fmt::Display for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cash(a, c) => write!(f, "cash of {a} in {c}"),
            Self::Isolated(a, i) => write!(f, "isolated margin of {a} in {i}"),
            Self::OpenCost(a, i) => write!(f, "open cost of {a} in {i}"),
            Self::Size(a, i) => write!(f, "size of {a} in {i}"),
            Self::Fees(c) => write!(f, "fees in {c}"),
            Self::Residue(c) => write!(f, "residue in {c}"),
            Self::Clearing(i) => write!(f, "clearing of {i}"),
            Self::Outside(c) => write!(f, "outside in {c}"),
        }
    }
}

/// The books to be audited.
pub trait Books {
    /// What a wallet holds: money, or lots for [`Wallet::Size`]. Zero for what does not exist.
    fn amount(&self, wallet: Wallet) -> i128;
}

impl Auditor {
    /// An account's cash.
    #[must_use]
    pub fn cash(&self, account: AccountId, currency: CurrencyId) -> Money {
        Money(self.cash_of(account, currency).balance)
    }

    /// What the insurance funds hold together.
    #[must_use]
    pub fn fund(&self, currency: CurrencyId) -> Money {
        let appointed = self.funds.iter().copied().filter(|fund| *fund != AccountId::FUND);
        [AccountId::FUND].into_iter().chain(appointed).map(|fund| self.cash(fund, currency)).sum()
    }

    /// A position: its size and its signed open cost.
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> (Lots, Money) {
        self.holding(instrument, account).map_or((Lots::ZERO, Money::ZERO), |h| (Lots(h.size), Money(h.cost)))
    }

    /// The instrument's mark, as last recorded.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<MarkPrice> {
        self.listing(instrument).ok().and_then(|l| l.mark).map(MarkPrice)
    }

    /// The waterfall's totals.
    #[must_use]
    pub fn waterfall(&self, currency: CurrencyId) -> Waterfall {
        self.currencies.get(currency.index()).map(|c| c.waterfall).unwrap_or_default()
    }

    /// The currencies that any record named, or that lie below one.
    pub fn currencies(&self) -> impl Iterator<Item = CurrencyId> + use<'_> {
        (0..=u16::MAX).map(CurrencyId).take(self.currencies.len())
    }

    /// What a wallet holds by the records: money, or lots for [`Wallet::Size`].
    #[must_use]
    pub fn amount(&self, wallet: Wallet) -> i128 {
        let currency = |c: CurrencyId| self.currencies.get(c.index());
        match wallet {
            Wallet::Cash(a, c) => self.cash(a, c).0,
            Wallet::Isolated(a, i) => self.holding(i, a).map_or(0, |h| h.margin),
            Wallet::OpenCost(a, i) => self.position(a, i).1.0,
            Wallet::Size(a, i) => i128::from(self.position(a, i).0.0),
            Wallet::Fees(c) => currency(c).map_or(0, |c| c.fees),
            Wallet::Residue(c) => currency(c).map_or(0, |c| c.residue),
            Wallet::Clearing(i) => self.listing(i).map_or(0, clearing),
            Wallet::Outside(c) => currency(c).map_or(0, |c| c.outside),
        }
    }

    /// Accounts + fund + fees + residue + clearing + outside, clearing being minus the signed open costs of the
    /// positions: zero, or money came from nowhere. O(accounts + positions).
    #[must_use]
    pub fn conservation(&self, currency: CurrencyId) -> Money {
        let clearing = total(self.listed(currency).map(|(_, l)| clearing(l)));
        Money(self.held(currency).wrapping_add(clearing))
    }

    /// Σ equity + fees + residue + outside, with every position valued at the mark that `marks` gives for its
    /// instrument: zero at any marks. `None` where a value leaves 2^120.
    #[must_use]
    pub fn equity(&self, currency: CurrencyId, marks: impl Fn(InstrumentId) -> MarkPrice) -> Option<Money> {
        let mut sum = self.held(currency);
        for (instrument, listing) in self.listed(currency) {
            // Together, so that no value is rounded.
            let mut net = 0_i128;
            for holding in &listing.holdings {
                net += i128::from(holding.size);
                sum = bounded(sum - holding.cost).ok()?;
            }
            sum = bounded(sum + value(listing, net, marks(instrument).0.into()).ok()?).ok()?;
        }
        Some(Money(sum))
    }

    /// Checks what must hold between commands: positions net, money and equity are conserved at two marks, every
    /// deficit and every funding payment has ended somewhere, and the waterfall reconciles to the unit.
    /// O(accounts + positions).
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn check(&self) -> Result<(), AuditError> {
        self.find_fault().map_err(|fault| self.error(fault))
    }

    /// Compares every wallet with the books: of each account below the auditor's capacity, currency by currency
    /// and instrument by instrument.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, books: &impl Books) -> Result<(), AuditError> {
        let same = |wallet: Wallet| {
            let (found, expected) = (books.amount(wallet), self.amount(wallet));
            if found == expected { Ok(()) } else { Err(self.error(Fault::Books { wallet, found, expected })) }
        };
        for currency in self.currencies() {
            [Wallet::Fees(currency), Wallet::Residue(currency), Wallet::Outside(currency)]
                .into_iter()
                .try_for_each(same)?;
            (0..self.accounts).try_for_each(|account| same(Wallet::Cash(AccountId(account), currency)))?;
            for (instrument, _) in self.listed(currency) {
                same(Wallet::Clearing(instrument))?;
                for account in (0..self.accounts).map(AccountId) {
                    same(Wallet::Size(account, instrument))?;
                    same(Wallet::OpenCost(account, instrument))?;
                    same(Wallet::Isolated(account, instrument))?;
                }
            }
        }
        Ok(())
    }

    fn find_fault(&self) -> Result<(), Fault> {
        if let Some((&pool, &left)) = self.deficits.first_key_value() {
            return Err(Fault::OpenDeficit { pool, left });
        }
        for currency in self.currencies() {
            self.check_instruments(currency)?;
            let sum = self.conservation(currency).0;
            if sum != 0 {
                return Err(Fault::NotConserved { currency, sum });
            }
            self.check_equity(currency)?;
            let totals = self.waterfall(currency);
            agree("bad debt", None, totals.bad_debt(), totals.deficits.0)?;
        }
        Ok(())
    }

    fn check_instruments(&self, currency: CurrencyId) -> Result<(), Fault> {
        for (instrument, listing) in self.listed(currency) {
            let sum: i128 = listing.holdings.iter().map(|h| i128::from(h.size)).sum();
            if sum != 0 {
                return Err(Fault::PositionsDoNotNet { instrument, sum });
            }
            if !listing.funding.is_empty() {
                return Err(Fault::Unsettled(instrument));
            }
        }
        Ok(())
    }

    /// At two marks that have nothing to do with the market.
    fn check_equity(&self, currency: CurrencyId) -> Result<(), Fault> {
        for base in [-7, 1_000_003] {
            let marks = |instrument: InstrumentId| MarkPrice(base * (1 + i64::from(instrument.0)));
            let sum = self.equity(currency, marks).ok_or(Fault::Overflow)?.0;
            if sum != 0 {
                return Err(Fault::EquityNotConserved { currency, sum });
            }
        }
        Ok(())
    }

    /// Cash, isolated margins, fees, residue and outside.
    fn held(&self, currency: CurrencyId) -> i128 {
        let of = |c: &Currency| total(c.cash.iter().map(|c| c.balance).chain([c.fees, c.residue, c.outside]));
        let isolated = total(self.listed(currency).flat_map(|(_, l)| &l.holdings).map(|h| h.margin));
        self.currencies.get(currency.index()).map_or(0, of).wrapping_add(isolated)
    }

    fn listed(&self, currency: CurrencyId) -> impl Iterator<Item = (InstrumentId, &Listing)> {
        let all = (0..=u16::MAX).map(InstrumentId).zip(&self.instruments);
        all.filter_map(move |(id, l)| l.as_ref().filter(|l| l.currency == currency).map(|l| (id, l)))
    }

    const fn error(&self, fault: Fault) -> AuditError {
        AuditError { ordinal: self.count, record: None, fault }
    }
}

fn clearing(listing: &Listing) -> i128 {
    total(listing.holdings.iter().map(|h| h.cost)).wrapping_neg()
}

/// A sum whose parts may wrap on the way, and which is right where the whole does not.
fn total(amounts: impl Iterator<Item = i128>) -> i128 {
    amounts.fold(0, i128::wrapping_add)
}
