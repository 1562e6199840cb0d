//! Margin pools: what stands for what. A pool is the money that answers for a set of positions, and the unit
//! that is healthy, liquidated or bankrupt.

use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money};

/// How a position is margined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum MarginMode {
    /// By the account's whole cash in the settlement currency (in all currencies, where the account is unified),
    /// together with its other cross positions.
    #[default]
    Cross,
    /// By a margin of its own; a loss stops there.
    Isolated,
}

/// A margin pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Pool {
    /// An account's cash in a currency and its cross positions settled in it.
    Cross {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
    },
    /// One isolated position and its margin.
    Isolated {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
    },
    /// All of an account's cash, whatever the currency, and all its cross positions. Its equity and maintenance are
    /// amounts of the reference currency.
    Unified {
        /// The account.
        account: AccountId,
    },
}

impl Pool {
    /// Whose pool it is.
    #[must_use]
    pub const fn account(self) -> AccountId {
        match self {
            Self::Cross { account, .. } | Self::Isolated { account, .. } | Self::Unified { account } => account,
        }
    }
}

impl core::fmt::Display for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Cross { account, currency } => write!(f, "{account}/{currency}"),
            Self::Isolated { account, instrument } => write!(f, "{account}/{instrument}"),
            Self::Unified { account } => write!(f, "{account}/all"),
        }
    }
}

/// Where a pool stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PoolState {
    /// At or above maintenance.
    #[default]
    Sound,
    /// Fell below maintenance; its liquidation is under way.
    Liquidating,
    /// Below maintenance, and left alone by policy until it is sound again.
    Spared,
    /// Flat, with a deficit that nobody could bear. A deposit that covers it makes the pool sound; a unified one also
    /// a change of prices that does.
    Insolvent,
}

impl PoolState {
    /// Whether its owner may trade and move money.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Sound | Self::Spared)
    }
}

/// A pool at the present marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Balance plus unrealised profit and loss; of a unified pool, what its collateral counts for.
    pub equity: Money,
    /// Maintenance margin × 10^6, before rounding.
    pub maintenance_e6: i128,
    /// How many positions are open in it.
    pub positions: u32,
}

impl Health {
    /// Equity above maintenance, × 10^6. Below zero the pool is to be liquidated.
    #[must_use]
    pub fn slack_e6(&self) -> i128 {
        self.equity.0 * crate::instrument::RATE_ONE - self.maintenance_e6
    }

    /// Whether equity covers maintenance. Exact: no rounding enters.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.slack_e6() >= 0
    }

    /// Maintenance margin, rounded up.
    #[must_use]
    pub fn maintenance(&self) -> Money {
        Money(downdraft_types::arith::ceil_div(self.maintenance_e6, crate::instrument::RATE_ONE))
    }
}
