//! Events: what happened, in order, each with its cause. The journal, insight and actors read these.

use crate::command::Internal;
use downdraft_margin::{ListingError, MarginMode, Pool};
use downdraft_types::{
    AccountId, ClientOrderId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, OrderId, Ppm, Price, Qty, Side, Time,
};
use serde::{Deserialize, Serialize};

/// Takes what a venue emits. Called in order; nothing is buffered.
pub trait Sink {
    /// An event of the command being applied. `parent` is the index of an earlier event of the same command;
    /// `None`: the command itself is the cause.
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event);
    /// A command that the venue wants applied later.
    fn request(&mut self, request: &Request);
}

/// A sink that forgets.
impl Sink for () {
    fn event(&mut self, _: EventId, _: Option<u32>, _: &Event) {}
    fn request(&mut self, _: &Request) {}
}

/// A command that a venue wants applied to it at `due`, not before now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Request {
    /// When.
    pub due: Time,
    /// The event that led to it.
    pub cause: EventId,
    /// What.
    pub command: Internal,
}

/// Why a command had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Rejection {
    /// No instrument of that number is listed.
    UnknownInstrument,
    /// No account of that number is open.
    UnknownAccount,
    /// The currency's number is past the capacity.
    UnknownCurrency,
    /// No such live order of that account.
    UnknownOrder,
    /// The account number is in use, or is the fund's.
    AccountExists,
    /// A live order of the account has that client number.
    DuplicateClientOrder,
    /// The instrument was not listed, or its tiers not changed.
    Listing(ListingError),
    /// An account, order, level, position or client number past what was reserved.
    CapacityReached,
    /// A quantity or amount that must be positive is not.
    NotPositive,
    /// A quantity past the instrument's largest order.
    OrderTooLarge,
    /// Position and open orders would pass the instrument's largest position.
    PositionTooLarge,
    /// A price beyond the instrument's largest.
    PriceOutOfRange,
    /// A price outside the band around the mark.
    PriceOutsideBand,
    /// A policy whose parameters make no sense: a rate outside 0 to 100%, an interval of zero.
    InvalidPolicy,
    /// Equity would be below initial margin.
    InsufficientMargin,
    /// The order would open or enlarge a position.
    WouldNotReduce,
    /// A post-only order would have taken.
    WouldTake,
    /// A fill-or-kill order could not be filled.
    CannotFill,
    /// A market order cannot rest, or be post-only.
    MarketCannotRest,
    /// Nothing to match a market order with.
    NoLiquidity,
    /// Trading is halted.
    Halted,
    /// The account or position is being liquidated.
    InLiquidation,
    /// The position is open, so its margin mode stays.
    PositionOpen,
    /// The position is not isolated.
    NotIsolated,
    /// The contract has expired.
    Expired,
    /// No mark price yet.
    NoMark,
    /// Buyer and seller, or maker and taker, are one account.
    SameAccount,
    /// A level's total would overflow.
    LevelFull,
    /// An internal command with nothing to do.
    NothingToDo,
    /// The instrument's positions are isolated, and the account's is not.
    CrossNotAllowed,
    /// A collateral policy that makes no sense, or none where one is needed.
    InvalidCollateral,
    /// Unified accounts rely on the collateral policy's currencies and markets.
    CollateralInUse,
    /// A unified account can only have what is collateral.
    NotCollateral,
    /// All accounts' deposits of the currency would pass the collateral policy's limit.
    DepositLimit,
    /// Cash would go below zero in a currency that is not lent.
    CannotBorrow,
    /// Open interest would pass the instrument's largest.
    OpenInterestFull,
    /// An option's position is cross, and has no leverage of its own.
    CrossOnly,
    /// A portfolio margin that makes no sense.
    InvalidPortfolio,
    /// The account's contracts, open orders included, would come to more than its limit.
    NotionalLimit,
}

/// What moved a mark price, or put an account below its line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum CauseKind {
    /// A trade.
    Trade,
    /// A change of the best bid or ask.
    Quote,
    /// The venue's clock: an averaged mark.
    Clock,
    /// An oracle's report.
    Oracle,
    /// A funding payment.
    Funding,
    /// A changed parameter.
    Parameter,
    /// The end of a wave of liquidations, during which the mark was frozen.
    Thaw,
    /// The account's own trade, fee or withdrawal.
    OwnAccount,
    /// A charge of the loss waterfall: ADL or socialised loss.
    Waterfall,
    /// Interest on a loan.
    Interest,
    /// A report of volatility.
    Volatility,
}

/// Why an order left the book, or never rested.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CancelReason {
    /// Its owner asked.
    Requested,
    /// The rest of an immediate-or-cancel or market order.
    Unfilled,
    /// Self-trade prevention.
    SelfTrade,
    /// A reduce-only order with nothing left to reduce.
    ReduceOnly,
    /// Its account is being liquidated.
    Liquidation,
    /// The contract expired.
    Expired,
    /// Replaced: what did not rest again.
    Replaced,
}

/// How the liquidation of a pool ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LiquidationEnd {
    /// The pool is healthy again, with or without a position.
    Recovered,
    /// All positions are closed and no deficit is left.
    Closed,
    /// All positions are closed and a deficit went down the waterfall.
    Bankrupt,
}

/// Who traded, and what it meant for one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TradeSide {
    /// The account.
    pub account: AccountId,
    /// Fee paid; negative is a rebate.
    pub fee: Money,
    /// Profit or loss realised, fee excluded.
    pub realised: Money,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// The command had no effect.
    Rejected {
        /// Why.
        reason: Rejection,
    },
    /// An instrument was listed.
    InstrumentListed {
        /// Which.
        instrument: InstrumentId,
    },
    /// A policy, tier table or other parameter was set.
    ParameterSet {
        /// Whose, `None` for the whole venue.
        instrument: Option<InstrumentId>,
    },
    /// An account was opened.
    AccountOpened {
        /// Which.
        account: AccountId,
    },
    /// Margin mode and leverage were chosen.
    Configured {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// Cross or isolated.
        mode: MarginMode,
    },
    /// Money came in.
    Deposited {
        /// The account; 0 is the fund.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much.
        amount: Money,
    },
    /// Money went out.
    Withdrawn {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much.
        amount: Money,
    },
    /// Cash moved into (negative: out of) an isolated margin, by command or with a trade.
    MarginMoved {
        /// The account.
        account: AccountId,
        /// The position's instrument.
        instrument: InstrumentId,
        /// How much.
        amount: Money,
    },
    /// An order was accepted for matching.
    OrderAccepted {
        /// Whose.
        account: AccountId,
        /// The client's number.
        client: Option<ClientOrderId>,
        /// The instrument.
        instrument: InstrumentId,
        /// The side.
        side: Side,
        /// The quantity.
        qty: Qty,
        /// The limit; `None` for a market order.
        limit: Option<Price>,
    },
    /// What is left of an order rests in the book.
    OrderRested {
        /// Its number.
        order: OrderId,
        /// Whose.
        account: AccountId,
        /// The client's number.
        client: Option<ClientOrderId>,
        /// The instrument.
        instrument: InstrumentId,
        /// The side.
        side: Side,
        /// Its price.
        price: Price,
        /// Its open quantity.
        qty: Qty,
    },
    /// A resting order's open quantity shrank without a trade, and it kept its place.
    OrderReduced {
        /// Its number.
        order: OrderId,
        /// Whose.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// Its open quantity now.
        qty: Qty,
    },
    /// An order, or the rest of one, is gone.
    OrderCancelled {
        /// Its number; `None` if it never rested.
        order: Option<OrderId>,
        /// Whose.
        account: AccountId,
        /// The client's number.
        client: Option<ClientOrderId>,
        /// The instrument.
        instrument: InstrumentId,
        /// What was left of it.
        qty: Qty,
        /// Why.
        reason: CancelReason,
    },
    /// A match in the book.
    Trade {
        /// The instrument.
        instrument: InstrumentId,
        /// The maker's price.
        price: Price,
        /// The quantity.
        qty: Qty,
        /// The side of the taker.
        taker_side: Side,
        /// The maker's order.
        maker_order: OrderId,
        /// What of it is left.
        maker_left: Qty,
        /// The maker.
        maker: TradeSide,
        /// The taker.
        taker: TradeSide,
        /// Whether the taker is a liquidation order, one that sells what was taken over, or a sale of collateral.
        forced: bool,
    },
    /// A trade agreed off the book.
    BlockTraded {
        /// The instrument.
        instrument: InstrumentId,
        /// The quantity.
        qty: Qty,
        /// Its value.
        cost: Money,
        /// The buyer; fees are zero.
        buyer: TradeSide,
        /// The seller.
        seller: TradeSide,
    },
    /// The index was reported.
    IndexReported {
        /// The instrument.
        instrument: InstrumentId,
        /// The index.
        index: MarkPrice,
    },
    /// The mark moved.
    MarkMoved {
        /// The instrument.
        instrument: InstrumentId,
        /// The new mark.
        mark: MarkPrice,
        /// What moved it.
        kind: CauseKind,
    },
    /// A pool fell below maintenance margin; its liquidation was requested.
    LiquidationTriggered {
        /// The pool.
        pool: Pool,
        /// In which its equity and maintenance are: of a unified pool the reference currency.
        currency: CurrencyId,
        /// What put it there.
        kind: CauseKind,
        /// Its equity now.
        equity: Money,
        /// Its maintenance margin now, rounded up.
        maintenance: Money,
        /// Pools waiting for liquidation now, this one included.
        backlog: u32,
    },
    /// A liquidation step waits for its market to reopen.
    LiquidationPostponed {
        /// The pool.
        pool: Pool,
    },
    /// A liquidation order went to the book.
    LiquidationOrdered {
        /// The pool.
        pool: Pool,
        /// The instrument.
        instrument: InstrumentId,
        /// The order's side.
        side: Side,
        /// Its quantity.
        qty: Qty,
        /// Its limit, if any.
        limit: Option<Price>,
        /// Value of that quantity at the mark now.
        notional: Money,
        /// Value of that quantity at the bankruptcy price now.
        bankruptcy: Money,
    },
    /// A liquidation order was not matched further.
    LiquidationOrderDone {
        /// The pool.
        pool: Pool,
        /// The instrument.
        instrument: InstrumentId,
        /// What was filled.
        filled: Qty,
        /// What was not.
        left: Qty,
        /// Value of what was filled.
        proceeds: Money,
        /// Whether it was stopped because the fund could not cover the next match.
        fund_short: bool,
    },
    /// A fund, or the vault, took over a position at its bankruptcy price.
    TakenOver {
        /// By which account.
        taker: AccountId,
        /// From which account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// The side of the position taken: `Buy` for a long.
        side: Side,
        /// How many lots.
        qty: Qty,
        /// At what value.
        cost: Money,
        /// What the account realised.
        realised: Money,
        /// What the taker realised, if it held the opposite.
        taker_realised: Money,
    },
    /// A fund paid for, or received, the difference between a forced fill (or a deleveraging) and the bankruptcy price,
    /// or paid for a deficit.
    FundSettled {
        /// The fund.
        fund: AccountId,
        /// The pool on the other side.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// What the fund received; negative: paid.
        amount: Money,
    },
    /// A position was closed against another by the venue.
    Deleveraged {
        /// The instrument.
        instrument: InstrumentId,
        /// Who was being liquidated (or the fund).
        account: AccountId,
        /// The side of that position: `Buy` for a long.
        side: Side,
        /// Against whom.
        counterparty: AccountId,
        /// How many lots.
        qty: Qty,
        /// At what value.
        value: Money,
        /// What the counterparty gave up against the mark; negative: gained.
        conceded: Money,
        /// The part of that which no deficit asked for: the pool keeps it, or it goes on as residual margin does.
        remainder: Money,
        /// What the account realised.
        realised: Money,
        /// What the counterparty realised.
        counterparty_realised: Money,
    },
    /// A pool's deficit, before fund, winners or anyone bears it.
    Deficit {
        /// The pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// A winner paid part of a deficit.
    Socialised {
        /// Whose deficit.
        pool: Pool,
        /// Who paid.
        payer: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much.
        amount: Money,
    },
    /// A part of a deficit that nobody could bear stays on the account.
    Uncovered {
        /// The pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much.
        amount: Money,
    },
    /// The liquidation of a pool ended.
    LiquidationEnded {
        /// The pool.
        pool: Pool,
        /// How.
        end: LiquidationEnd,
    },
    /// The venue's clock ticked: a sample of the mark's average or of the premium was taken.
    Ticked {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// A position paid (negative: received) funding.
    FundingPaid {
        /// The instrument.
        instrument: InstrumentId,
        /// The account.
        account: AccountId,
        /// How much.
        amount: Money,
    },
    /// Funding was paid by all.
    FundingSettled {
        /// The instrument.
        instrument: InstrumentId,
        /// The rate.
        rate: Ppm,
        /// What rounding left, to the residue account.
        residue: Money,
    },
    /// A position was settled at expiry.
    Settled {
        /// The instrument.
        instrument: InstrumentId,
        /// The account.
        account: AccountId,
        /// What it realised, the fee excluded.
        realised: Money,
        /// The delivery fee.
        fee: Money,
    },
    /// A contract expired; all its positions are settled.
    Expired {
        /// The instrument.
        instrument: InstrumentId,
        /// At which mark.
        mark: MarkPrice,
        /// What the rounding of the positions' values left, to the residue account.
        residue: Money,
    },
    /// Trading was halted.
    Halted {
        /// The instrument.
        instrument: InstrumentId,
        /// Until when, if known.
        until: Option<Time>,
    },
    /// Trading reopened.
    Reopened {
        /// The instrument.
        instrument: InstrumentId,
    },
    /// An account became an instrument's insurance fund.
    FundAppointed {
        /// The instrument.
        instrument: InstrumentId,
        /// The account.
        fund: AccountId,
    },
    /// The vault received what a forced fill, or a deleveraging, brought above the bankruptcy price.
    VaultReceived {
        /// The vault.
        vault: AccountId,
        /// From which pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// An account became unified, or separate again.
    UnifiedSet {
        /// The account.
        account: AccountId,
        /// Unified, or separate.
        unified: bool,
    },
    /// A unified account owes more of a currency than its allowance: other collateral is to be sold.
    ConversionRequested {
        /// The account.
        account: AccountId,
        /// The currency owed.
        currency: CurrencyId,
        /// How much is owed.
        owed: Money,
    },
    /// An order was sent that sells collateral, or buys what is owed.
    ConversionOrdered {
        /// The account.
        account: AccountId,
        /// The currency's market.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// How many lots.
        qty: Qty,
        /// The worst price, where a band sets one.
        limit: Option<Price>,
        /// The currency owed.
        currency: CurrencyId,
    },
    /// A sale of collateral waits for its market to reopen.
    ConversionPostponed {
        /// The account.
        account: AccountId,
    },
    /// That order is done.
    ConversionDone {
        /// The account.
        account: AccountId,
        /// The currency's market.
        instrument: InstrumentId,
        /// Lots traded.
        filled: Qty,
        /// Lots that found nobody.
        left: Qty,
        /// Value of what was traded.
        value: Money,
    },
    /// Nothing more is owed beyond the allowance, or nothing more could be sold.
    ConversionEnded {
        /// The account.
        account: AccountId,
    },
    /// The fund took collateral that could not be sold, for what it paid.
    CollateralSeized {
        /// The fund.
        fund: AccountId,
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much of it.
        amount: Money,
    },
    /// A unified account paid interest on what it owes.
    InterestPaid {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much.
        amount: Money,
    },
    /// Interest was charged to all.
    InterestCharged,
    /// The volatility of an underlying was reported.
    VolatilityReported {
        /// The underlying.
        instrument: InstrumentId,
        /// Per square root of a year, in parts per million.
        volatility: Ppm,
    },
    /// The least rates of an instrument's tiers moved, by its dynamic margin.
    MarginRateSet {
        /// The instrument.
        instrument: InstrumentId,
        /// The least maintenance rate.
        maintenance: Ppm,
        /// The least initial rate.
        initial: Ppm,
    },
    /// An account is under portfolio margin, or no longer.
    PortfolioSet {
        /// The account.
        account: AccountId,
        /// Under portfolio margin, or not.
        portfolio: bool,
    },
}

impl Event {
    /// The accounts that an event concerns, at most two.
    #[must_use]
    pub const fn accounts(&self) -> [Option<AccountId>; 2] {
        match self {
            Self::AccountOpened { account }
            | Self::Configured { account, .. }
            | Self::Deposited { account, .. }
            | Self::Withdrawn { account, .. }
            | Self::MarginMoved { account, .. }
            | Self::OrderAccepted { account, .. }
            | Self::OrderRested { account, .. }
            | Self::OrderReduced { account, .. }
            | Self::OrderCancelled { account, .. }
            | Self::FundingPaid { account, .. }
            | Self::UnifiedSet { account, .. }
            | Self::PortfolioSet { account, .. }
            | Self::ConversionRequested { account, .. }
            | Self::ConversionOrdered { account, .. }
            | Self::ConversionPostponed { account }
            | Self::ConversionDone { account, .. }
            | Self::ConversionEnded { account }
            | Self::InterestPaid { account, .. }
            | Self::Settled { account, .. } => [Some(*account), None],
            Self::FundSettled { fund, pool, .. } => [Some(pool.account()), Some(*fund)],
            Self::TakenOver { account, taker, .. } => [Some(*account), Some(*taker)],
            Self::FundAppointed { fund, .. } => [Some(*fund), None],
            Self::CollateralSeized { account, fund, .. } => [Some(*account), Some(*fund)],
            Self::VaultReceived { vault, pool, .. } => [Some(pool.account()), Some(*vault)],
            Self::Trade { maker, taker, .. } => [Some(maker.account), Some(taker.account)],
            Self::BlockTraded { buyer, seller, .. } => [Some(buyer.account), Some(seller.account)],
            Self::Deleveraged { account, counterparty, .. } => [Some(*account), Some(*counterparty)],
            Self::LiquidationTriggered { pool, .. }
            | Self::LiquidationPostponed { pool }
            | Self::LiquidationOrdered { pool, .. }
            | Self::LiquidationOrderDone { pool, .. }
            | Self::LiquidationEnded { pool, .. }
            | Self::Deficit { pool, .. }
            | Self::Uncovered { pool, .. } => [Some(pool.account()), None],
            Self::Socialised { pool, payer, .. } => [Some(pool.account()), Some(payer.account())],
            _ => [None, None],
        }
    }
}
