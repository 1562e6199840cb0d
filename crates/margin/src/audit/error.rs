//! What the auditor finds wrong.

use super::Wallet;
use crate::Pool;
use core::fmt;
use downdraft_types::{AccountId, CurrencyId, InstrumentId};

/// A fault, and where it was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditError {
    /// How many records came before.
    pub ordinal: u64,
    /// The kind of record at fault; `None` for a check of all records so far.
    pub record: Option<&'static str>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a record, or with the sum of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An instrument that was not listed.
    UnknownInstrument(InstrumentId),
    /// An instrument listed before.
    ListedTwice(InstrumentId),
    /// An account beyond those the auditor was made for.
    UnknownAccount(AccountId),
    /// A trade of an account with itself.
    SameAccount(AccountId),
    /// Quantities or amounts past what integers hold.
    Overflow,
    /// A quantity, amount, scale or point value that must be positive.
    NotPositive {
        /// What was found.
        found: i128,
    },
    /// An amount that is not what the records before it make it.
    Amount {
        /// Which amount.
        what: &'static str,
        /// Whose, if anyone's.
        account: Option<AccountId>,
        /// What the record says.
        found: i128,
        /// What the auditor says.
        expected: i128,
    },
    /// An amount in another currency than its pool's.
    Currency {
        /// What the record says.
        found: CurrencyId,
        /// What the pool holds.
        expected: CurrencyId,
    },
    /// An isolated margin of a position that is cross.
    NotIsolated(AccountId, InstrumentId),
    /// A pool of all currencies of an account that is separate, or of one currency of one that is unified.
    WrongPool(Pool),
    /// A margin mode changed while there is a position or a margin.
    ModeInUse(AccountId, InstrumentId),
    /// A position that would not shrink, in a trade that only closes.
    NotClosing {
        /// Whose.
        account: AccountId,
        /// Its size.
        size: i128,
        /// The change.
        change: i128,
    },
    /// A deficit socialised or left uncovered while the pool has open positions.
    PoolNotFlat(Pool),
    /// A deficit that was not reported before it was paid or given up, or more of it than was reported.
    NoDeficit {
        /// Whose.
        pool: Pool,
        /// What the record says.
        found: i128,
        /// What is left of the deficit reported.
        left: i128,
    },
    /// A deficit that ended nowhere.
    OpenDeficit {
        /// Whose.
        pool: Pool,
        /// What is left of it.
        left: i128,
    },
    /// An account that was not appointed settles as a fund.
    NotAFund(AccountId),
    /// The fund paid more than it had.
    FundOverdrawn {
        /// What it would hold.
        balance: i128,
    },
    /// Funding paid and never settled, or an instrument settled or paid without a mark.
    Unsettled(InstrumentId),
    /// Positions do not sum to zero.
    PositionsDoNotNet {
        /// In which instrument.
        instrument: InstrumentId,
        /// Their sum.
        sum: i128,
    },
    /// Money came from nowhere, or went there.
    NotConserved {
        /// In which currency.
        currency: CurrencyId,
        /// The sum of all places.
        sum: i128,
    },
    /// Equity does not sum to what came in at some marks.
    EquityNotConserved {
        /// In which currency.
        currency: CurrencyId,
        /// The sum of equity, fees, residue and outside.
        sum: i128,
    },
    /// The books hold another amount than the auditor.
    Books {
        /// Where.
        wallet: Wallet,
        /// What the books say.
        found: i128,
        /// What the auditor says.
        expected: i128,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            Some(name) => write!(f, "record {} ({name}): {}", self.ordinal, self.fault),
            None => write!(f, "after {} records: {}", self.ordinal, self.fault),
        }
    }
}

impl core::error::Error for AuditError {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownInstrument(i) => write!(f, "instrument: found {i}, expected one that is listed"),
            Self::ListedTwice(i) => write!(f, "instrument: found {i}, expected one not listed before"),
            Self::UnknownAccount(a) => write!(f, "account: found {a}, expected one below the auditor's capacity"),
            Self::SameAccount(a) => write!(f, "account: found {a} on both sides, expected two accounts"),
            Self::Overflow => f.write_str("amount: found one past 128 bits or a size past 63"),
            Self::NotPositive { found } => write!(f, "amount: found {found}, expected more than zero"),
            Self::Amount { what, account: Some(a), found, expected } => {
                write!(f, "{what} of {a}: found {found}, expected {expected}")
            }
            Self::Amount { what, account: None, found, expected } => {
                write!(f, "{what}: found {found}, expected {expected}")
            }
            Self::Currency { found, expected } => write!(f, "currency: found {found}, expected {expected}"),
            Self::NotIsolated(a, i) => write!(f, "margin of {a} in {i}: found cross, expected isolated"),
            Self::WrongPool(pool) => write!(f, "pool: found {pool}, expected one of the account's collateral mode"),
            Self::ModeInUse(a, i) => write!(f, "margin mode of {a} in {i}: changed with a position or margin"),
            Self::NotClosing { account, size, change } => {
                write!(f, "change of {account}'s position: found {change} on {size}, expected to shrink it")
            }
            Self::PoolNotFlat(pool) => write!(f, "deficit of {pool}: found open positions, expected none"),
            Self::NoDeficit { pool, found, left } => {
                write!(f, "part of the deficit of {pool}: found {found}, expected at most {left}")
            }
            Self::OpenDeficit { pool, left } => write!(f, "deficit of {pool}: {left} ended nowhere, expected 0"),
            Self::NotAFund(a) => write!(f, "fund: found {a}, expected one that was appointed"),
            Self::FundOverdrawn { balance } => write!(f, "fund: found {balance}, expected at least 0"),
            Self::Unsettled(i) => write!(f, "funding or settlement of {i}: no mark, or funding left open"),
            Self::PositionsDoNotNet { instrument, sum } => {
                write!(f, "sum of positions in {instrument}: found {sum}, expected 0")
            }
            Self::NotConserved { currency, sum } => write!(f, "money in {currency}: found {sum}, expected 0"),
            Self::EquityNotConserved { currency, sum } => {
                write!(f, "equity, fees, residue and outside in {currency}: found {sum}, expected 0")
            }
            Self::Books { wallet, found, expected } => write!(f, "{wallet}: found {found}, expected {expected}"),
        }
    }
}
