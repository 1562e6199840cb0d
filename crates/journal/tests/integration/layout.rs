//! The layout once more, in plain numbers and without names: what a reader written from `docs/journal.md`
//! would declare. A second encoder, `wincode`, must make the same bytes of it, so that the journal does not
//! hang on one codec.
//!
//! Ids and units are their numbers; an enum whose variants have no fields is its tag, a `u32`.

use crate::arbitrary::Draw;
use downdraft_journal::{Footer, Record, codec};
use proptest::prelude::*;
use serde::Deserialize;
use wincode::{SchemaRead, SchemaWrite};

type Account = u32;
type Instrument = u16;
type Currency = u16;
type Tag = u32;
type Money = i128;
type Time = u64;
type EventId = (u64, u32);
type TradeSide = (Account, Money, Money);
type Tier = (Money, i64, i64);
type Limit = Option<i64>;
type Client = Option<u64>;
type Funding = (u64, u64, u64, FundingRule, (i64, i64, (Money, Tag), bool));
type Dynamic = (Measure, (u64, u64, i64, i64), (i64, i64, i64));
type Unwind = (i64, u64, Option<i64>);
type Grid = Vec<(i64, Tag, i64)>;
type Portfolio = (Currency, Vec<(Instrument, i64)>, Grid, (i64, i64, i64, i64, u64), (i64, i64, i64, i64), i64);

macro_rules! layouts {
    ($(enum $name:ident { $($body:tt)* })*) => {
        $(#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
        enum $name { $($body)* })*
    };
}

layouts! {
    enum PlainRecord { Command(Stamp, Command), Event(Option<u32>, Event) }
    enum Origin { Outside, Actor(u32), Internal }
    enum Pool { Cross(Account, Currency), Isolated(Account, Instrument), Unified(Account) }
    enum OrderRef { Id(Instrument, u64), Client(u64) }
    enum Kind { Perpetual, Dated(Time), Spot(Currency, u64), European(Time, Tag, i64, Instrument) }
    enum FundingRule { Damped(i64), Added }
    enum Measure {
        Volatility(u64, i64, i64), OpenInterest(Money, Money), Depth(i64, i64, u64), Unwinding(u64, i64, i64, i64),
        Forecast(u64, i64, u64, i64),
    }
    enum Mode { Market, BankruptcyLimit(Takeover), Partial(Step, u64), Suppressed }
    enum Takeover { Absorbed(Tag, Unwind), Adl }
    enum Step { Fraction(i64), Tier }
    enum Ranking { ProfitTimesLeverage, ProRata, AccountValue, ProRataEquity, RandomStart(u64) }
    enum Residual { Trader, Fund, FundCapped(i64), Vault }
    enum MarkRule { Last, Mid, EmaMid(u64, i64), Median(u64, i64), Exogenous, Model(i64, u64) }
    enum Internal {
        Liquidate(Pool), Unwind(Account, Instrument), SampleMark(Instrument), SamplePremium(Instrument),
        PayFunding(Instrument), Reopen(Instrument), Expire(Instrument), Convert(Account), ChargeInterest,
        SampleSettlement(Instrument), StepMargin(Instrument),
    }
    enum Command {
        ListInstrument(Instrument, Spec, (u32, u32)),
        SetTiers(Instrument, Vec<Tier>),
        SetMarkPolicy(Instrument, MarkRule, bool),
        SetMark(Instrument, i64),
        SetLiquidationPolicy(LiquidationPolicy),
        SetProtections(Instrument, Option<i64>, Option<(i64, u64, u64)>),
        SetFunding(Instrument, Option<Funding>),
        OpenAccount(Account),
        Configure(Account, Instrument, Tag, Option<i64>),
        Deposit(Account, Currency, Money),
        Withdraw(Account, Currency, Money),
        MoveMargin(Account, Instrument, Money),
        BlockTrade(Instrument, Account, Account, u64, Money),
        PlaceOrder(Account, Client, Instrument, Tag, u64, Limit, Tag, bool, bool, Tag),
        CancelOrder(Account, OrderRef),
        ReplaceOrder(Account, OrderRef, i64, u64),
        ExecuteOrder(Account, OrderRef, u64, Account),
        ReportIndex(Instrument, i64),
        Halt(Instrument, Option<Time>),
        Reopen(Instrument),
        Internal(Internal),
        ReduceOrder(Account, OrderRef, u64),
        SetFund(Instrument, Account, bool),
        SetCollateral(Collateral),
        SetUnified(Account, bool),
        SetSettlement(Instrument, Option<(u64, u64, (i64, Option<i64>))>),
        SetMarginForm(Instrument, (i64, u64), (Money, Money), Option<u64>, (i64, i64, i64, i64, i64)),
        ReportVolatility(Instrument, i64),
        SetDynamicMargin(Instrument, Option<Dynamic>),
        SetPortfolioPolicy(Instrument, Option<Portfolio>),
        SetPortfolio(Account, bool),
        SetNotionalLimit(Option<Account>, Currency, Option<Money>),
    }
    enum Rejection {
        UnknownInstrument, UnknownAccount, UnknownCurrency, UnknownOrder, AccountExists, DuplicateClientOrder,
        Listing(Tag), CapacityReached, NotPositive, OrderTooLarge, PositionTooLarge, PriceOutOfRange,
        PriceOutsideBand, InvalidPolicy, InsufficientMargin, WouldNotReduce, WouldTake, CannotFill,
        MarketCannotRest, NoLiquidity, Halted, InLiquidation, PositionOpen, NotIsolated, Expired, NoMark,
        SameAccount, LevelFull, NothingToDo, CrossNotAllowed, InvalidCollateral, CollateralInUse, NotCollateral,
        DepositLimit, CannotBorrow, OpenInterestFull, CrossOnly, InvalidPortfolio, NotionalLimit,
    }
    enum Event {
        Rejected(Rejection),
        InstrumentListed(Instrument),
        ParameterSet(Option<Instrument>),
        AccountOpened(Account),
        Configured(Account, Instrument, Tag),
        Deposited(Account, Currency, Money),
        Withdrawn(Account, Currency, Money),
        MarginMoved(Account, Instrument, Money),
        OrderAccepted(Account, Client, Instrument, Tag, u64, Limit),
        OrderRested(u64, Account, Client, Instrument, Tag, i64, u64),
        OrderReduced(u64, Account, Instrument, u64),
        OrderCancelled(Option<u64>, Account, Client, Instrument, u64, Tag),
        Trade(Instrument, i64, u64, Tag, u64, u64, TradeSide, TradeSide, bool),
        BlockTraded(Instrument, u64, Money, TradeSide, TradeSide),
        IndexReported(Instrument, i64),
        MarkMoved(Instrument, i64, Tag),
        LiquidationTriggered(Pool, Currency, Tag, Money, Money, u32),
        LiquidationPostponed(Pool),
        LiquidationOrdered(Pool, Instrument, Tag, u64, Limit, Money, Money),
        LiquidationOrderDone(Pool, Instrument, u64, u64, Money, bool),
        TakenOver(Account, Account, Instrument, Tag, u64, Money, Money, Money),
        FundSettled(Account, Pool, Currency, Money),
        Deleveraged(Instrument, Account, Tag, Account, u64, Money, Money, Money, Money, Money),
        Deficit(Pool, Currency, Money),
        Socialised(Pool, Pool, Currency, Money),
        Uncovered(Pool, Currency, Money),
        LiquidationEnded(Pool, Tag),
        Ticked(Instrument),
        FundingPaid(Instrument, Account, Money),
        FundingSettled(Instrument, i64, Money),
        Settled(Instrument, Account, Money, Money),
        Expired(Instrument, i64, Money),
        Halted(Instrument, Option<Time>),
        Reopened(Instrument),
        FundAppointed(Instrument, Account),
        VaultReceived(Account, Pool, Currency, Money),
        UnifiedSet(Account, bool),
        ConversionRequested(Account, Currency, Money),
        ConversionOrdered(Account, Instrument, Tag, u64, Limit, Currency),
        ConversionPostponed(Account),
        ConversionDone(Account, Instrument, u64, u64, Money),
        ConversionEnded(Account),
        CollateralSeized(Account, Account, Currency, Money),
        InterestPaid(Account, Currency, Money),
        InterestCharged,
        VolatilityReported(Instrument, i64),
        MarginRateSet(Instrument, i64, i64),
        PortfolioSet(Account, bool),
    }
}

#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
struct Stamp(u16, Time, u64, Origin, Option<EventId>);

#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
struct Spec(Kind, Tag, Currency, u32, u64, i64, u64, u64, Vec<Tier>, Tag, (i64, i64, i64));

#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
struct Collateral(Vec<Asset>, Option<u64>);

#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
struct Asset(
    Currency,
    Option<Instrument>,
    Vec<(Money, i64)>,
    Option<Money>,
    Option<Money>,
    Money,
    Option<(i64, i64, u32)>,
);

#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
struct LiquidationPolicy(
    Mode,
    Option<(i64, Tag, Unwind)>,
    Option<Account>,
    Residual,
    (Tag, Tag, Tag),
    (Tag, Tag, Tag, Tag),
    (u64, u64, bool, bool),
    (Ranking, bool, Tag),
);

#[derive(PartialEq, Debug, Deserialize, SchemaRead, SchemaWrite)]
struct PlainFooter(u64, u64, u64, Vec<(u16, u64)>);

/// The bytes, read as the plain type, are made again by the other codec, and read by it as the same value.
fn assert_layout<P>(bytes: &[u8])
where
    P: PartialEq + core::fmt::Debug + serde::de::DeserializeOwned + wincode::Serialize<Src = P>,
    P: wincode::DeserializeOwned<Dst = P>,
{
    let plain: P = codec::decode_owned(bytes).expect("the plain layout is the layout");
    assert_eq!(wincode::serialize(&plain).expect("encodes"), bytes, "{plain:?}");
    assert_eq!(wincode::deserialize::<P>(bytes).expect("decodes"), plain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn every_record_has_the_same_bytes_by_another_codec(seed: u64) {
        let record: Record = Draw::new(seed).value();
        assert_layout::<PlainRecord>(&codec::encode(&record));
    }

    #[test]
    fn every_footer_has_the_same_bytes_by_another_codec(seed: u64) {
        let footer: Footer = Draw::new(seed).value();
        assert_layout::<PlainFooter>(&codec::encode(&footer));
    }
}

#[test]
fn every_variant_is_drawn() {
    let mut draw = Draw::new(1);
    for _ in 0..200_000 {
        draw.value::<Record>();
    }
    assert!(draw.seen.contains_key("ListingError"), "the innermost enum is reached");
    for (name, counts) in draw.seen {
        assert!(counts.iter().all(|n| *n > 0), "{name}: {counts:?}");
    }
}
