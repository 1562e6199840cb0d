//! Policies: the small, named, swappable mechanisms of a venue. Each is an enum arm here and a rule in one
//! file; `liquidation`, `mark` and `protect` hold the rules.

use downdraft_types::{Money, Ppm, Span};
use serde::{Deserialize, Serialize};

pub use downdraft_margin::{AdlPolicy, AdlRanking};

/// How accounts below maintenance margin are closed. One policy for the whole venue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LiquidationPolicy {
    /// How a position is sold.
    pub mode: LiquidationMode,
    /// Where margin left above the bankruptcy price goes.
    pub residual: Residual,
    /// What happens in mode `market` when the fund cannot cover the next match.
    pub on_fund_short: OnFundShort,
    /// The order in which accounts crossed by one mark update are closed.
    pub crossed_order: CrossedOrder,
    /// The order in which a cross account's positions are closed.
    pub close_order: CloseOrder,
    /// From trigger to liquidation order.
    pub latency: Span,
    /// Least time between two liquidation orders: 1 ÷ throughput. Zero: unlimited.
    pub order_interval: Span,
    /// Whether the price band limits liquidation orders.
    pub bound_by_bands: bool,
    /// Whether a halt makes liquidation orders wait.
    pub bound_by_halts: bool,
    /// Auto-deleveraging.
    pub adl: AdlPolicy,
}

impl Default for LiquidationPolicy {
    fn default() -> Self {
        Self {
            mode: LiquidationMode::Market,
            residual: Residual::Trader,
            on_fund_short: OnFundShort::Adl,
            crossed_order: CrossedOrder::ByTrigger,
            close_order: CloseOrder::LargestMaintenance,
            latency: Span::ZERO,
            order_interval: Span::ZERO,
            bound_by_bands: false,
            bound_by_halts: true,
            adl: AdlPolicy::default(),
        }
    }
}

/// How a position under liquidation is sold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum LiquidationMode {
    /// Immediate-or-cancel at any price, while the fund covers each match (dYdX v4).
    Market,
    /// Immediate-or-cancel limited at the bankruptcy price; the rest by `rest` (Bybit, BitMEX).
    BankruptcyLimit {
        /// What happens to what the book did not take.
        rest: Takeover,
    },
    /// As `Market`, a part at a time, until healthy (Binance, Bybit tiers, Drift).
    Partial {
        /// How much each step closes.
        step: PartialStep,
        /// Time between two steps.
        cooldown: Span,
    },
    /// No one is liquidated: the control without a loop.
    Suppressed,
}

/// What happens to the part of a bankruptcy-limited order that did not fill.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Takeover {
    /// The fund takes the position at its bankruptcy price and sells `fraction` of it (of what is left,
    /// rounded up) every `interval`.
    Fund {
        /// Part of the fund's position sold per step.
        fraction: Ppm,
        /// Time between steps.
        interval: Span,
    },
    /// Auto-deleveraged at the bankruptcy price.
    Adl,
}

/// How much a partial liquidation closes at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum PartialStep {
    /// This part of the position as it is now, rounded up.
    Fraction(Ppm),
    /// Down to the floor of its maintenance tier; all of it in the lowest.
    Tier,
}

/// Who receives what a liquidation brings above the bankruptcy price.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Residual {
    /// It stays with the trader.
    Trader,
    /// It goes to the insurance fund.
    Fund,
    /// It goes to the fund, at most this part of each fill's notional (dYdX v4: 0.5%).
    FundCapped(Ppm),
}

/// What happens when the fund cannot cover the next match of a `market` liquidation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum OnFundShort {
    /// Matching stops and the rest is auto-deleveraged.
    Adl,
    /// Matching goes on, and the deficit goes down the waterfall.
    Deficit,
}

/// The order in which accounts crossed by one mark update are closed; ties by account number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum CrossedOrder {
    /// Whose line the mark crossed first.
    ByTrigger,
    /// By account number.
    ByAccount,
}

/// Which position of a cross account is closed first; ties by instrument number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum CloseOrder {
    /// The one that needs most maintenance margin.
    LargestMaintenance,
    /// The one with the largest unrealised loss.
    LargestLoss,
}

/// How an instrument's mark price is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct MarkPolicy {
    /// The rule.
    pub rule: MarkRule,
    /// Held while liquidations are pending, so that a wave settles at one price.
    pub frozen: bool,
}

impl Default for MarkPolicy {
    fn default() -> Self {
        Self { rule: MarkRule::Last, frozen: false }
    }
}

/// The rule of a mark price.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum MarkRule {
    /// The last trade's price, once the taking order is done.
    Last,
    /// Midway between best bid and ask, at each change of the touch; held while a side is empty.
    Mid,
    /// Exponential average of the mid, sampled on the venue's clock.
    EmaMid {
        /// Time between samples.
        interval: Span,
        /// Weight of the newest sample.
        weight: Ppm,
    },
    /// Median of index with funding basis, index plus averaged basis, and last trade (Binance).
    Median {
        /// Time between samples of the basis.
        interval: Span,
        /// Weight of the newest sample.
        weight: Ppm,
    },
    /// The index; our own book has no say: the control without a loop.
    Exogenous,
    /// Of an option: Black-76 at the index of its underlying and that one's reported volatility (Deribit, Derive).
    Model {
        /// The option's volatility ÷ the underlying's: its place on the smile.
        smile: Ppm,
        /// Time between looks at what time alone has done.
        interval: Span,
    },
}

/// What holds an instrument's market together in a fall.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Protections {
    /// Orders priced further than this from the mark are refused (a market order is limited there).
    pub band: Option<Ppm>,
    /// Trading halts when the mark moves too far too fast.
    pub breaker: Option<Breaker>,
}

/// A circuit breaker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Breaker {
    /// A move of the mark of at least this part, from its highest or lowest within the window.
    pub movement: Ppm,
    /// The window.
    pub window: Span,
    /// How long trading stays halted.
    pub halt: Span,
}

/// Funding of a perpetual: longs pay shorts `rate` × notional at mark every `interval` (negative: the reverse).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FundingPolicy {
    /// Time between payments.
    pub interval: Span,
    /// Time between samples of the premium.
    pub sample: Span,
    /// What interest, premium and cap are for, at least the interval; at each payment the interval's part of the rate is
    /// paid (dYdX v4, Hyperliquid: an hour of 8).
    pub period: Span,
    /// How the rate follows from premium and interest.
    pub rule: FundingRule,
    /// Interest per period.
    pub interest: Ppm,
    /// The largest rate per period.
    pub cap: Ppm,
    /// How the premium is measured.
    pub premium: PremiumRule,
    /// Whether what an interval's premium says is paid at the end of the next one (BitMEX), rather than its own. The first
    /// payment is then zero.
    pub lagged: bool,
}

/// How a funding rate follows from premium and interest, before it is capped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum FundingRule {
    /// `premium + clamp(interest − premium, ±damper)` (Binance, BitMEX, Bybit, Hyperliquid: 0.05%).
    Damped {
        /// How far interest may pull the premium.
        damper: Ppm,
    },
    /// `premium + interest` (dYdX v4).
    Added,
}

/// How a premium is measured over an interval.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PremiumRule {
    /// How much is traded, in money, to find the impact prices that are compared with the index; zero: the best prices.
    pub impact: Money,
    /// How the samples of an interval are weighed.
    pub weights: PremiumWeights,
}

/// How the samples of an interval are weighed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum PremiumWeights {
    /// All alike (BitMEX, dYdX v4).
    #[default]
    Equal,
    /// The n-th of an interval n-fold (Binance).
    Rising,
}
