//! Policies: the small, named, swappable mechanisms of a venue. Each is an enum arm here and a rule in one
//! file; `liquidation`, `mark` and `protect` hold the rules.

use downdraft_types::{AccountId, Money, Ppm, Span};
use serde::{Deserialize, Serialize};

pub use downdraft_margin::{AdlPolicy, AdlPrice, AdlRanking, EquityShare, Socialising};

/// How accounts below maintenance margin are closed. One policy for the whole venue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LiquidationPolicy {
    /// How a position is sold.
    pub mode: LiquidationMode,
    /// Who takes a pool over before anything of it is sold.
    pub backstop: Option<Backstop>,
    /// The vault: a client's account, named where another policy needs it.
    pub vault: Option<AccountId>,
    /// Where margin left above the bankruptcy price goes.
    pub residual: Residual,
    /// What happens in mode `market` when the fund cannot cover the next match.
    pub on_fund_short: OnFundShort,
    /// Who comes first where a fill, or what is left, asks for more than the pool has.
    pub deficit_order: DeficitOrder,
    /// Who bears what is left of a deficit at the end.
    pub socialising: Socialising,
    /// The order in which accounts crossed by one mark update are closed.
    pub crossed_order: CrossedOrder,
    /// The order in which a cross account's positions are closed.
    pub close_order: CloseOrder,
    /// What is looked at between two steps of a pool's liquidation.
    pub between: Between,
    /// What of a pool's equity answers for one of its positions.
    pub equity_share: EquityShare,
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

impl LiquidationPolicy {
    /// What takes positions over, and by which schedule it sells them: the backstop's, then that of what
    /// bankruptcy-limited orders leave.
    pub fn absorptions(&self) -> impl Iterator<Item = Absorption> + use<> {
        let rest = match self.mode {
            LiquidationMode::BankruptcyLimit { rest: Takeover::Absorbed(absorption) } => Some(absorption),
            _ => None,
        };
        [self.backstop.map(|backstop| backstop.absorption), rest].into_iter().flatten()
    }

    /// Whether a vault has to be named.
    #[must_use]
    pub fn needs_vault(&self) -> bool {
        self.residual == Residual::Vault || self.absorptions().any(|absorption| absorption.by == Absorber::Vault)
    }
}

impl Default for LiquidationPolicy {
    fn default() -> Self {
        Self {
            mode: LiquidationMode::Market,
            backstop: None,
            vault: None,
            residual: Residual::Trader,
            on_fund_short: OnFundShort::Adl,
            deficit_order: DeficitOrder::FundFirst,
            socialising: Socialising::Winners,
            crossed_order: CrossedOrder::ByTrigger,
            close_order: CloseOrder::LargestMaintenance,
            between: Between::Recheck,
            equity_share: EquityShare::Maintenance,
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
    /// Taken over at the bankruptcy price; where the taker cannot, auto-deleveraged.
    Absorbed(Absorption),
    /// Auto-deleveraged.
    Adl,
}

/// Who takes positions over, and how they are sold on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Absorption {
    /// Who.
    pub by: Absorber,
    /// How it sells.
    pub unwind: Unwind,
}

impl Absorption {
    /// By the fund, which sells `fraction` of what it holds every `interval`.
    #[must_use]
    pub const fn by_fund(fraction: Ppm, interval: Span) -> Self {
        Self { by: Absorber::Fund, unwind: Unwind { fraction, interval, book_part: None } }
    }

    /// By the vault, likewise.
    #[must_use]
    pub const fn by_vault(fraction: Ppm, interval: Span) -> Self {
        Self { by: Absorber::Vault, ..Self::by_fund(fraction, interval) }
    }
}

/// Who takes positions over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Absorber {
    /// The instrument's insurance fund (Bybit; Vega's network party).
    Fund,
    /// The vault (Hyperliquid).
    Vault,
}

/// How positions taken over are sold into the book: by immediate-or-cancel orders, one every `interval`.
///
/// Source: Vega protocol specification 0012-POSR, *managing the network's position*.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Unwind {
    /// Part of what is left that is offered per step, rounded up.
    pub fraction: Ppm,
    /// Time between steps.
    pub interval: Span,
    /// At most this part of the lots on the other side of the book, rounded down; `None`: no limit.
    pub book_part: Option<Ppm>,
}

/// A pool whose equity is below a part of its maintenance margin is not sold: its positions go to the absorber, one
/// by one, each at its bankruptcy value, so that what margin it had goes with them. One with negative equity is left
/// to the fund alone.
///
/// Source: Hyperliquid, *Liquidations*: the liquidator vault, below 2/3 of maintenance margin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Backstop {
    /// The part of maintenance margin.
    pub below: Ppm,
    /// By whom, and what then.
    pub absorption: Absorption,
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
    /// It goes to the vault.
    Vault,
}

/// What happens when the fund cannot cover the next match of a `market` liquidation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum OnFundShort {
    /// Matching stops and the rest is auto-deleveraged.
    Adl,
    /// Matching goes on, and the deficit goes down the waterfall.
    Deficit,
}

/// The order in which fund and counterparties are asked for a deficit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum DeficitOrder {
    /// The fund pays, match by match, while it can; then auto-deleveraging.
    FundFirst,
    /// No match below the bankruptcy price: what is left is auto-deleveraged, and the fund pays for what finds nobody.
    AdlFirst,
}

/// What is looked at between two steps of a pool's liquidation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Between {
    /// Its health: it ends as soon as the pool is above maintenance.
    Recheck,
    /// Nothing: a pool that fell is closed to its last position.
    CloseAll,
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
    /// The one with the largest notional at the mark.
    LargestNotional,
    /// By instrument number.
    ByInstrument,
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
