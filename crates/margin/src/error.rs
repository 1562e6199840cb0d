//! Why a command is refused.

/// Why the engine refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarginError {
    /// The account number is past the capacity, in use, or the fund's.
    AccountExists,
    /// No such account.
    UnknownAccount,
    /// No such currency.
    UnknownCurrency,
    /// Past what was reserved.
    CapacityReached,
    /// Equity would be below initial margin.
    InsufficientMargin,
    /// The position is open, or has orders, so its mode stays.
    PositionOpen,
    /// The position is not isolated.
    NotIsolated,
    /// The pool is being liquidated.
    InLiquidation,
    /// The amount is zero, negative, or past what money can hold.
    NotPositive,
    /// The rate is outside 0 to 100%.
    RateOutOfRange,
    /// Position and orders would pass the instrument's largest position.
    PositionTooLarge,
    /// A collateral policy makes no sense, or there is none.
    BadCollateral,
    /// Unified accounts rely on the collateral policy's currencies and markets.
    CollateralInUse,
    /// The currency is no collateral, so a unified account cannot have it.
    NotCollateral,
    /// All accounts' deposits of the currency would pass its limit.
    LimitReached,
    /// Cash would go below zero where nothing may be borrowed.
    CannotBorrow,
    /// Open interest would pass the instrument's largest.
    OpenInterestFull,
    /// An option's position is cross, and has no leverage of its own.
    CrossOnly,
    /// A portfolio margin makes no sense.
    BadPortfolio,
    /// The account's contracts, orders included, would come to more than its notional limit.
    NotionalLimit,
}
