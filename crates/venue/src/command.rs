//! Commands: everything that can be asked of a venue. Genesis is an empty venue; listing, policies, accounts
//! and deposits are commands like any other, so a journal of commands is the whole history.

use crate::dynamic::DynamicMargin;
use crate::expiry::SettlementPolicy;
use crate::policy::{FundingPolicy, LiquidationPolicy, MarkPolicy, Protections};
use downdraft_margin::{CollateralPolicy, InstrumentSpec, MarginForm, MarginMode, Pool, PortfolioPolicy, TierSpec};
use downdraft_types::{
    AccountId, ClientOrderId, CurrencyId, InstrumentId, MarkPrice, Money, OrderId, Ppm, Price, Qty, Side, Time,
};
use serde::{Deserialize, Serialize};

pub use downdraft_book::SelfTradePrevention;

/// How long an order stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeInForce {
    /// Good till cancelled: what does not trade at once rests.
    #[default]
    Gtc,
    /// Immediate or cancel: what does not trade at once is dropped.
    Ioc,
    /// Fill or kill: refused unless the book holds all of it within the limit.
    Fok,
}

impl From<TimeInForce> for downdraft_book::TimeInForce {
    fn from(tif: TimeInForce) -> Self {
        match tif {
            TimeInForce::Gtc => Self::Gtc,
            TimeInForce::Ioc => Self::Ioc,
            TimeInForce::Fok => Self::Fok,
        }
    }
}

/// A command. Those in [`Command::Internal`] are the venue's own requests coming back; all others come from
/// outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Lists an instrument and reserves its book. The one command that allocates.
    ListInstrument {
        /// Its number, below the venue's capacity.
        instrument: InstrumentId,
        /// Its terms.
        spec: Box<InstrumentSpec>,
        /// How many orders and price levels its book can hold.
        book: BookSize,
    },
    /// Changes an instrument's margin tiers: every trigger moves, O(positions).
    SetTiers {
        /// The instrument.
        instrument: InstrumentId,
        /// The new tiers.
        tiers: Box<[TierSpec]>,
    },
    /// Sets how an instrument's mark price is made.
    SetMarkPolicy {
        /// The instrument.
        instrument: InstrumentId,
        /// The policy.
        policy: MarkPolicy,
    },
    /// Sets the mark price itself, as a start before the first trade or report.
    SetMark {
        /// The instrument.
        instrument: InstrumentId,
        /// The price.
        mark: MarkPrice,
    },
    /// Sets how liquidation is done.
    SetLiquidationPolicy {
        /// The policy.
        policy: Box<LiquidationPolicy>,
    },
    /// Sets price band and circuit breaker.
    SetProtections {
        /// The instrument.
        instrument: InstrumentId,
        /// The protections.
        protections: Protections,
    },
    /// Sets or ends the funding of a perpetual.
    SetFunding {
        /// The instrument.
        instrument: InstrumentId,
        /// The policy; `None` ends funding.
        policy: Option<FundingPolicy>,
    },
    /// Opens an account.
    OpenAccount {
        /// Its number, from 1, below the venue's capacity.
        account: AccountId,
    },
    /// Chooses margin mode and leverage for an account's position in an instrument, before it is opened.
    Configure {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// Cross or isolated.
        mode: MarginMode,
        /// Initial margin rate chosen: 1 ÷ leverage. `None`: as much leverage as the tier allows.
        initial: Option<Ppm>,
    },
    /// Brings money from outside; to account 0, into the insurance fund.
    Deposit {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// Takes money outside; refused below initial margin.
    Withdraw {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// Moves cash into an isolated position's margin (negative: out of it, not below initial margin).
    MoveMargin {
        /// The account.
        account: AccountId,
        /// The instrument of the isolated position.
        instrument: InstrumentId,
        /// How much.
        amount: Money,
    },
    /// A trade agreed off the book. Neither fees nor initial margin apply; it moves neither last nor mark.
    BlockTrade {
        /// The instrument.
        instrument: InstrumentId,
        /// Who buys.
        buyer: AccountId,
        /// Who sells.
        seller: AccountId,
        /// How many lots.
        qty: Qty,
        /// What the buyer's new position costs in all: value, not price, so that any average entry is exact.
        cost: Money,
    },
    /// Places an order.
    PlaceOrder(OrderRequest),
    /// Cancels an order.
    CancelOrder {
        /// Whose order.
        account: AccountId,
        /// Which.
        order: OrderRef,
    },
    /// Changes a limit order: a smaller size at the same price keeps its place, anything else loses it.
    ReplaceOrder {
        /// Whose order.
        account: AccountId,
        /// Which.
        order: OrderRef,
        /// The new price.
        price: Price,
        /// The new open quantity.
        qty: Qty,
    },
    /// Executes a resting order by name, whatever its place: how a recording is reconstructed.
    ExecuteOrder {
        /// Whose order.
        account: AccountId,
        /// Which.
        order: OrderRef,
        /// How much of it.
        qty: Qty,
        /// Who takes it.
        taker: AccountId,
    },
    /// An oracle's report of the index.
    ReportIndex {
        /// The instrument.
        instrument: InstrumentId,
        /// The index price.
        index: MarkPrice,
    },
    /// Halts trading in an instrument.
    Halt {
        /// The instrument.
        instrument: InstrumentId,
        /// When it reopens; `None`: when told to.
        until: Option<Time>,
    },
    /// Reopens trading.
    Reopen {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// A request of the venue's own, due.
    Internal(Internal),
    /// Takes a part off a resting order, which keeps its place; all of it, or more, cancels it.
    ReduceOrder {
        /// Whose order.
        account: AccountId,
        /// Which.
        order: OrderRef,
        /// How much.
        by: Qty,
    },
    /// Makes an account the insurance fund of an instrument, for good; those that share one are a group. Account 0 is
    /// the fund of all others.
    SetFund {
        /// The instrument.
        instrument: InstrumentId,
        /// The account: account 0, a fund already, or one with nothing but cash.
        fund: AccountId,
        /// Whether only isolated positions may be held in it, so that no loss leaves it through an account.
        isolated: bool,
    },
    /// Sets which currencies stand for unified accounts' positions, and what they count for.
    SetCollateral {
        /// The policy.
        policy: Box<CollateralPolicy>,
    },
    /// Makes an account unified (all its currencies answer for all its cross positions), or separate again.
    SetUnified {
        /// The account, without open cross positions and orders.
        account: AccountId,
        /// Unified, or separate.
        unified: bool,
    },
    /// Sets how a dated contract is settled; refused once its window has begun.
    SetSettlement {
        /// The instrument.
        instrument: InstrumentId,
        /// The policy; `None`: at its mark, free of charge.
        policy: Option<SettlementPolicy>,
    },
    /// Sets how an instrument's margin rises with size and open interest: every trigger moves, O(positions).
    SetMarginForm {
        /// The instrument.
        instrument: InstrumentId,
        /// The form.
        form: Box<MarginForm>,
    },
    /// A report of an underlying's volatility, by which its options are marked.
    ReportVolatility {
        /// The underlying.
        instrument: InstrumentId,
        /// Per square root of a year, in parts per million.
        volatility: Ppm,
    },
    /// Sets or ends rates that follow the market. Ended, the tiers are again as listed.
    SetDynamicMargin {
        /// The instrument.
        instrument: InstrumentId,
        /// The policy.
        policy: Option<Box<DynamicMargin>>,
    },
    /// Sets or ends portfolio margin for what is netted with an underlying's options: O(accounts).
    SetPortfolioPolicy {
        /// The underlying.
        underlying: InstrumentId,
        /// The policy.
        policy: Option<Box<PortfolioPolicy>>,
    },
    /// Puts an account under portfolio margin, or back under that of each position.
    SetPortfolio {
        /// The account; the other margin must suffice.
        account: AccountId,
        /// Under portfolio margin, or not.
        portfolio: bool,
    },
    /// Sets the most that an account's contracts settled in a currency may come to, with its open orders. Orders that
    /// would enlarge them past it are refused; what is held already stays.
    SetNotionalLimit {
        /// The account; `None`: every account without a limit of its own.
        account: Option<AccountId>,
        /// The currency.
        currency: CurrencyId,
        /// The limit; `None`: none.
        limit: Option<Money>,
    },
}

/// Commands that the venue asks for itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Internal {
    /// Close a margin pool below maintenance, one step.
    Liquidate {
        /// The pool.
        pool: Pool,
    },
    /// Sell part of a position that was taken over.
    Unwind {
        /// Whose: a fund, or the vault.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
    },
    /// The venue's clock for averaged marks.
    SampleMark {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// The venue's clock for the premium.
    SamplePremium {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// Pay funding.
    PayFunding {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// The end of a halt.
    Reopen {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// Settlement of a dated contract.
    Expire {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// Sell a unified account's collateral for what it owes in another currency.
    Convert {
        /// The account.
        account: AccountId,
    },
    /// Charge interest on what unified accounts owe.
    ChargeInterest,
    /// The venue's clock for the settlement price.
    SampleSettlement {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// The venue's clock for rates that follow the market.
    StepMargin {
        /// The instrument.
        instrument: InstrumentId,
    },
}

/// How much a book can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BookSize {
    /// Resting orders.
    pub orders: u32,
    /// Distinct prices with orders.
    pub levels: u32,
}

/// An order as sent in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderRequest {
    /// Whose.
    pub account: AccountId,
    /// The client's own number for it, if it wants to name it later without waiting for ours.
    pub client: Option<ClientOrderId>,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How many lots.
    pub qty: Qty,
    /// The worst price accepted; `None` is a market order.
    pub limit: Option<Price>,
    /// How long it stays.
    pub tif: TimeInForce,
    /// Refused if it would take.
    pub post_only: bool,
    /// Never opens or enlarges a position.
    pub reduce_only: bool,
    /// What happens when it meets an order of the same account.
    pub stp: SelfTradePrevention,
}

/// How an order is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OrderRef {
    /// By the book's number.
    Id(InstrumentId, OrderId),
    /// By the client's own number.
    Client(ClientOrderId),
}
