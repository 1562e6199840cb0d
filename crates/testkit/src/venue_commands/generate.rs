//! Commands, most of them sensible, some of them not.

use super::dice::Dice;
use downdraft_margin::{
    CollateralAsset, CollateralPolicy, Contingencies, GridPoint, InstrumentKind, InstrumentSpec, LoanTerms,
    MaintenanceBasis, MarginForm, MarginMode, Netted, OpenInterestScale, OptionTerms, Payoff, Pool, PortfolioPolicy,
    Right, ShortOptionRates, SizeScale, TierSpec, VolatilityMove, VolatilityShock, WeightTier,
};
use downdraft_types::{
    AccountId, ClientOrderId, CurrencyId, InstrumentId, MarkPrice, Money, OrderId, Ppm, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{
    Absorber, Absorption, AdlPolicy, AdlPrice, AdlRanking, Backstop, Between, BookSize, Breaker, Capacity, CloseOrder,
    Command, CrossedOrder, DeficitOrder, DeliveryFee, DynamicMargin, EquityShare, FundingPolicy, FundingRule, Internal,
    LiquidationMode, LiquidationPolicy, MarkPolicy, MarkRule, Measure, OnFundShort, OrderRef, OrderRequest,
    PartialStep, Phase, PremiumRule, PremiumWeights, Protections, Residual, SelfTradePrevention, SettlementPolicy,
    Socialising, Takeover, TimeInForce, Unwind, Venue,
};

/// The option's number.
const OPTION: u16 = 5;

/// Small enough that each of them is reached.
pub const CAPACITY: Capacity = Capacity {
    accounts: 14,
    positions: 60,
    positions_per_account: 6,
    instruments: 8,
    currencies: 3,
    client_orders: 12,
};

/// The account that is the vault, where there is one.
const VAULT: AccountId = AccountId(11);

/// What a generator may look at.
pub struct View<'a> {
    /// The venue that will get the command.
    pub venue: &'a Venue,
    /// The present.
    pub now: Time,
    /// An order that rests, chosen by number.
    pub resting: &'a dyn Fn(u64) -> Option<(InstrumentId, OrderId, AccountId)>,
}

/// The commands that set a world up: three contracts, two spot markets and an option on the first contract, accounts,
/// money, policies. Some accounts are under portfolio margin.
pub fn set_up(dice: &mut Dice<'_>) -> Vec<Command> {
    let base = dice.one_of(&[100, 100, 100, 4, -60]);
    let mut commands = Vec::new();
    for instrument in 0..=OPTION {
        let (spec, book) = (spec(dice, instrument), BookSize { orders: 40, levels: 24 });
        // An inverse contract and a spot market have positive prices only, and an option's are its own.
        let positive = spec.smallest_price().is_some() || instrument == OPTION;
        let base = if positive { i64::abs(base) } else { base };
        let mark = MarkPrice(base * i64::from(spec.mark_scale));
        let instrument = InstrumentId(instrument);
        commands.push(Command::ListInstrument { instrument, spec: Box::new(spec), book });
        commands.push(Command::SetMarkPolicy { instrument, policy: mark_policy(dice) });
        commands.push(Command::SetMark { instrument, mark });
        if dice.once_in(2) {
            commands.push(Command::SetSettlement { instrument, policy: Some(settlement(dice)) });
        }
        if dice.once_in(2) {
            commands.push(Command::ReportIndex { instrument, index: mark });
        }
        if dice.once_in(2) {
            commands.push(Command::SetFunding { instrument, policy: Some(funding(dice)) });
        }
    }
    commands.push(Command::SetCollateral { policy: Box::new(collateral(dice)) });
    let underlying = InstrumentId(dice.one_of(&[0, 0, 0, 3]));
    commands.push(Command::SetPortfolioPolicy { underlying, policy: Some(Box::new(portfolio(dice))) });
    commands.push(Command::ReportVolatility { instrument: underlying, volatility: Ppm(600_000) });
    let policy = liquidation_policy(dice);
    for account in 0..13 {
        let account = AccountId(account);
        commands.push(Command::OpenAccount { account });
        if dice.once_in(3) {
            commands.push(Command::SetUnified { account, unified: true });
        }
        if dice.once_in(3) {
            commands.push(Command::SetPortfolio { account, portfolio: true });
        }
        for currency in (0..3).map(CurrencyId) {
            let amount = Money(i128::from(dice.one_of(&[0, 200, 600, 1_500, 40_000])));
            commands.push(Command::Deposit { account, currency, amount });
        }
    }
    if dice.once_in(2) {
        // Two instruments with a fund of their own, which has money or not.
        let fund = AccountId(12);
        commands.extend([1, 2].map(|n| Command::SetFund { instrument: InstrumentId(n), fund, isolated: false }));
    }
    commands.push(Command::SetLiquidationPolicy { policy: Box::new(policy) });
    commands
}

/// The next command.
pub fn command(dice: &mut Dice<'_>, view: &View<'_>) -> Command {
    let kind = dice.below(149);
    let (account, instrument) = (account(dice), instrument(dice));
    match kind {
        0..=51 => Command::PlaceOrder(order(dice, view, account, instrument)),
        52..=58 => {
            let (account, order) = reference(dice, view, account);
            Command::CancelOrder { account, order }
        }
        59..=65 => {
            let (account, order) = reference(dice, view, account);
            Command::ReplaceOrder { account, order, price: price(dice, view, instrument), qty: qty(dice) }
        }
        66..=68 => {
            let taker = account;
            let (account, order) = reference(dice, view, account);
            Command::ExecuteOrder { account, order, qty: qty(dice), taker }
        }
        69..=73 => Command::Deposit { account, currency: currency(dice), amount: amount(dice) },
        74..=77 => Command::Withdraw { account, currency: currency(dice), amount: amount(dice) },
        78..=81 => {
            let amount = if dice.once_in(2) { amount(dice) } else { Money(-amount(dice).0.saturating_abs()) };
            Command::MoveMargin { account, instrument, amount }
        }
        82..=86 => {
            let mode = dice.one_of(&[MarginMode::Cross, MarginMode::Isolated]);
            let initial = if dice.once_in(2) { None } else { Some(rate(dice)) };
            Command::Configure { account, instrument, mode, initial }
        }
        87..=95 => block(dice, view, account, instrument),
        96..=103 => Command::ReportIndex { instrument, index: mark(dice, view, instrument) },
        104 => Command::SetMark { instrument, mark: mark(dice, view, instrument) },
        105..=107 => Command::SetLiquidationPolicy { policy: Box::new(liquidation_policy(dice)) },
        108..=109 => Command::SetMarkPolicy { instrument, policy: mark_policy(dice) },
        110 => Command::SetProtections { instrument, protections: protections(dice) },
        111 => {
            let policy = if dice.once_in(4) { None } else { Some(funding(dice)) };
            Command::SetFunding { instrument, policy }
        }
        112..=113 => Command::SetTiers { instrument, tiers: tiers(dice).into() },
        114 => Command::Halt { instrument, until: moment(dice, view.now) },
        115..=117 => Command::Reopen { instrument: halted(view).unwrap_or(instrument) },
        118 => Command::OpenAccount { account },
        119 => {
            let book = BookSize { orders: dice.one_of(&[0, 1, 8, u32::MAX]), levels: dice.one_of(&[4, 0, u32::MAX]) };
            Command::ListInstrument { instrument, spec: Box::new(spec(dice, instrument.0)), book }
        }
        120..=121 => Command::Internal(forged(dice, view, account, instrument)),
        // The fund is poor or rich, as it comes.
        140 => Command::SetMarginForm { instrument, form: Box::new(form(dice)) },
        141 => {
            let policy = if dice.once_in(4) { None } else { Some(dynamic(dice)) };
            Command::SetDynamicMargin { instrument, policy: policy.map(Box::new) }
        }
        142 => Command::ReportVolatility { instrument, volatility: volatility(dice) },
        143 => Command::SetSettlement { instrument, policy: Some(settlement(dice)) },
        144..=145 => Command::SetPortfolio { account, portfolio: !dice.once_in(4) },
        146 => Command::ReportVolatility { instrument: InstrumentId(0), volatility: volatility(dice) },
        147 => {
            let underlying = if dice.once_in(4) { instrument } else { InstrumentId(0) };
            let policy = if dice.once_in(8) { None } else { Some(Box::new(portfolio(dice))) };
            Command::SetPortfolioPolicy { underlying, policy }
        }
        148 => {
            let account = if dice.once_in(4) { None } else { Some(account) };
            let limit = if dice.once_in(3) { None } else { Some(Money(i128::from(dice.one_of(&[-1, 0, 400, 5_000])))) };
            Command::SetNotionalLimit { account, currency: currency(dice), limit }
        }
        122 => Command::Deposit { account: AccountId::FUND, currency: currency(dice), amount: amount(dice) },
        123 => Command::Withdraw { account: AccountId::FUND, currency: currency(dice), amount: amount(dice) },
        124 if dice.once_in(4) => Command::SetFund { instrument, fund: account, isolated: dice.once_in(4) },
        124..=127 => Command::PlaceOrder(taking(dice, account, instrument)),
        128..=135 => {
            let market = InstrumentId(dice.one_of(&[3, 3, 4]));
            Command::PlaceOrder(order(dice, view, account, market))
        }
        136..=137 => Command::SetUnified { account, unified: !dice.once_in(4) },
        _ => Command::SetCollateral { policy: Box::new(collateral(dice)) },
    }
}

/// Three currencies, at odd terms now and then.
fn collateral(dice: &mut Dice<'_>) -> CollateralPolicy {
    let odd = dice.once_in(8);
    let mut assets: Vec<CollateralAsset> = (0..3).map(|number| asset(dice, number)).collect();
    if odd {
        match dice.below(4) {
            0 => assets.truncate(2),
            1 => assets[1].market = Some(InstrumentId(dice.one_of(&[0, 4, 9]))),
            2 => assets[0].tiers.clear(),
            _ => assets[2].overdraft = amount(dice),
        }
    }
    let interest_every = if dice.once_in(4) { Some(span(dice)) } else { Some(Span(100)) };
    CollateralPolicy { assets, interest_every }
}

fn asset(dice: &mut Dice<'_>, number: u16) -> CollateralAsset {
    let tier = |floor, weight| WeightTier { floor: Money(floor), weight: Ppm(weight) };
    let loan =
        LoanTerms { initial: Ppm(100_000), maintenance: Ppm(dice.one_of(&[0, 50_000])), interest_e9: 10_000_000 };
    CollateralAsset {
        currency: CurrencyId(number),
        market: (number > 0).then_some(InstrumentId(2 + number)),
        tiers: match number {
            0 => vec![tier(0, 1_000_000)],
            _ => dice.one_of(&[[tier(0, 950_000), tier(1_000, 500_000)], [tier(0, 700_000), tier(500, 0)]]).to_vec(),
        },
        scaled_from: if dice.once_in(4) { Some(Money(10_000)) } else { None },
        limit: if dice.once_in(8) { Some(Money(1_000_000)) } else { None },
        overdraft: Money(i128::from(dice.one_of(&[0, 0, 100]))),
        loan: if dice.once_in(3) { None } else { Some(loan) },
    }
}

/// The first two contracts netted with options, over a small grid.
fn portfolio(dice: &mut Dice<'_>) -> PortfolioPolicy {
    let shape = dice.below(256);
    let part = |bit: u64, part: i64| if shape & bit == 0 { Ppm::ZERO } else { Ppm(part) };
    let beta = dice.one_of(&[Ppm::ONE, Ppm::ONE, Ppm(800_000), Ppm(-500_000), Ppm(20_000_000)]);
    let mut contracts = vec![Netted { instrument: InstrumentId(0), beta: Ppm::ONE }];
    contracts.extend((shape & 1 == 0).then_some(Netted { instrument: InstrumentId(1), beta }));
    let point = |price, volatility, part| GridPoint { price: Ppm(price), volatility, part: Ppm(part) };
    let mut grid = vec![
        point(-150_000, VolatilityMove::Up, 1_000_000),
        point(0, VolatilityMove::Down, 1_000_000),
        point(150_000, VolatilityMove::None, 1_000_000),
        point(600_000, VolatilityMove::Up, 300_000),
    ];
    if dice.once_in(16) {
        grid.push(point(dice.one_of(&[-1_000_000, i64::MAX, i64::MIN]), VolatilityMove::None, 1_000_000));
    }
    PortfolioPolicy {
        settlement: if dice.once_in(16) { currency(dice) } else { CurrencyId(0) },
        contracts,
        grid,
        volatility: VolatilityShock {
            up: Ppm(500_000),
            down: Ppm(250_000),
            short_power: Ppm(300_000),
            long_power: Ppm(500_000),
            floor: if dice.once_in(16) { span(dice) } else { Span(1_000_000) },
        },
        contingencies: Contingencies {
            short_option: part(2, 10_000),
            offsetting: part(4, 6_000),
            contracts: part(8, 10_000),
            options: part(16, 2_000),
        },
        initial_over: if dice.once_in(16) { rate(dice) } else { Ppm(1_250_000) },
    }
}

fn account(dice: &mut Dice<'_>) -> AccountId {
    match dice.below(64) {
        0 => AccountId(dice.one_of(&[13, 14, u32::MAX])),
        n => AccountId(u32::try_from(n % 13).expect("a small number")),
    }
}

fn instrument(dice: &mut Dice<'_>) -> InstrumentId {
    match dice.below(128) {
        n @ 6..=8 => InstrumentId(n as u16),
        9 => InstrumentId(u16::MAX),
        n => InstrumentId([0, 0, 0, 5, 1, 1, 2, 2, 5, 3, 3, 4][n as usize % 12]),
    }
}

fn halted(view: &View<'_>) -> Option<InstrumentId> {
    let is_halted = |id: &InstrumentId| view.venue.market(*id).is_ok_and(|m| matches!(m.phase(), Phase::Halted(_)));
    (0..CAPACITY.instruments).map(InstrumentId).find(is_halted)
}

fn currency(dice: &mut Dice<'_>) -> CurrencyId {
    CurrencyId(dice.one_of(&[0, 0, 0, 0, 1, 1, 1, 2, 3, u16::MAX]))
}

fn qty(dice: &mut Dice<'_>) -> Qty {
    match dice.below(64) {
        0 => Qty(dice.one_of(&[0, 1 << 31, 1 << 40, i64::MAX as u64, u64::MAX])),
        n => Qty(n % 12 + 1),
    }
}

fn amount(dice: &mut Dice<'_>) -> Money {
    match dice.below(64) {
        0 => Money(dice.one_of(&[0, -1, 1 << 60, 1 << 100, i128::MAX, i128::MIN])),
        _ => Money(i128::from(dice.below(400))),
    }
}

fn rate(dice: &mut Dice<'_>) -> Ppm {
    match dice.below(32) {
        0 => Ppm(dice.one_of(&[0, -1, 1_000_001, i64::MAX, i64::MIN])),
        _ => Ppm(dice.one_of(&[1, 500, 10_000, 50_000, 100_000, 300_000, 1_000_000])),
    }
}

fn span(dice: &mut Dice<'_>) -> Span {
    match dice.below(64) {
        0 => Span(dice.one_of(&[0, u64::MAX])),
        n => Span(n * 7),
    }
}

fn moment(dice: &mut Dice<'_>, now: Time) -> Option<Time> {
    match dice.below(16) {
        0 => None,
        1 => Some(Time::ZERO),
        _ => Some(now.saturating_add(span(dice))),
    }
}

fn ticks(dice: &mut Dice<'_>, view: &View<'_>, instrument: InstrumentId) -> i64 {
    let extremes = [i64::MIN, i64::MAX, 0, -1, 1_000, 1_001, -1_000, 2_000, -2_001, i64::MAX / 2];
    if dice.once_in(128) {
        return dice.one_of(&extremes);
    }
    let near = match view.venue.margin().get_instrument(instrument) {
        Some(terms) => terms.mark().0.div_euclid(i64::from(terms.spec().mark_scale)),
        None => 100,
    };
    near.saturating_add(dice.below(13) as i64 - 6)
}

fn price(dice: &mut Dice<'_>, view: &View<'_>, instrument: InstrumentId) -> Price {
    Price(ticks(dice, view, instrument))
}

fn mark(dice: &mut Dice<'_>, view: &View<'_>, instrument: InstrumentId) -> MarkPrice {
    let scale = view.venue.margin().get_instrument(instrument).map_or(1, |i| i64::from(i.spec().mark_scale));
    let fraction = dice.below(scale.unsigned_abs()) as i64;
    let ticks = ticks(dice, view, instrument);
    MarkPrice(ticks.saturating_mul(scale).saturating_add(fraction))
}

fn order(dice: &mut Dice<'_>, view: &View<'_>, account: AccountId, instrument: InstrumentId) -> OrderRequest {
    let shape = dice.below(256);
    OrderRequest {
        account,
        client: if dice.once_in(3) { Some(ClientOrderId(dice.below(6))) } else { None },
        instrument,
        side: dice.one_of(&Side::BOTH),
        qty: qty(dice),
        limit: if shape < 24 { None } else { Some(price(dice, view, instrument)) },
        tif: match shape % 8 {
            _ if (2..24).contains(&shape) => TimeInForce::Ioc,
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        },
        post_only: shape % 16 == 9,
        reduce_only: shape % 11 == 3,
        stp: stp(dice),
    }
}

fn taking(dice: &mut Dice<'_>, account: AccountId, instrument: InstrumentId) -> OrderRequest {
    OrderRequest {
        account,
        client: None,
        instrument,
        side: dice.one_of(&Side::BOTH),
        qty: qty(dice),
        limit: None,
        tif: TimeInForce::Ioc,
        post_only: false,
        reduce_only: false,
        stp: stp(dice),
    }
}

fn stp(dice: &mut Dice<'_>) -> SelfTradePrevention {
    dice.one_of(&[
        SelfTradePrevention::None,
        SelfTradePrevention::CancelNewest,
        SelfTradePrevention::CancelOldest,
        SelfTradePrevention::CancelBoth,
        SelfTradePrevention::Decrement,
    ])
}

fn reference(dice: &mut Dice<'_>, view: &View<'_>, account: AccountId) -> (AccountId, OrderRef) {
    match dice.below(32) {
        0 => (account, OrderRef::Id(InstrumentId(dice.below(7) as u16), OrderId(dice.below(9) << 32 | dice.below(70)))),
        1..=6 => (account, OrderRef::Client(ClientOrderId(dice.below(6)))),
        n => match (view.resting)(dice.below(1 << 16)) {
            // Now and then somebody else's.
            Some((instrument, order, _)) if n == 7 => (account, OrderRef::Id(instrument, order)),
            Some((instrument, order, owner)) => (owner, OrderRef::Id(instrument, order)),
            None => (account, OrderRef::Client(ClientOrderId(0))),
        },
    }
}

fn block(dice: &mut Dice<'_>, view: &View<'_>, buyer: AccountId, instrument: InstrumentId) -> Command {
    let seller = account(dice);
    let qty = qty(dice);
    let cost = match dice.below(64) {
        0 => Money(dice.one_of(&[i128::MAX, i128::MIN, 0, -5])),
        _ => {
            let terms = view.venue.margin().get_instrument(instrument);
            let at = terms.map_or(0, |terms| terms.value_at(Side::Buy.signed(Qty(qty.0.min(1 << 32))), terms.mark()).0);
            Money(at + i128::from(dice.below(41)) - 20)
        }
    };
    Command::BlockTrade { instrument, buyer, seller, qty, cost }
}

/// Requests that the venue did not make. A step of a liquidation that is under way is not among them: the venue
/// counts on whoever runs it to send those back once.
fn forged(dice: &mut Dice<'_>, view: &View<'_>, account: AccountId, instrument: InstrumentId) -> Internal {
    let forged = any_internal(dice, account, instrument);
    let margin = view.venue.margin();
    match forged {
        Internal::Liquidate { pool } if margin.is_known(pool) && margin.is_liquidating(pool) => {
            Internal::Reopen { instrument }
        }
        _ => forged,
    }
}

fn any_internal(dice: &mut Dice<'_>, account: AccountId, instrument: InstrumentId) -> Internal {
    match dice.below(13) {
        10 => Internal::Liquidate { pool: Pool::Unified { account } },
        11 => Internal::Convert { account },
        12 => Internal::ChargeInterest,
        0 => Internal::Liquidate { pool: Pool::Cross { account, currency: currency(dice) } },
        1 => Internal::Liquidate { pool: Pool::Isolated { account, instrument } },
        2 => Internal::Unwind { account, instrument },
        3 => Internal::SampleMark { instrument },
        4 => Internal::SamplePremium { instrument },
        5 => Internal::PayFunding { instrument },
        6 => Internal::Reopen { instrument },
        7 => Internal::SampleSettlement { instrument },
        8 => Internal::StepMargin { instrument },
        _ => Internal::Expire { instrument },
    }
}

fn spec(dice: &mut Dice<'_>, number: u16) -> InstrumentSpec {
    let odd = dice.once_in(16);
    if number == OPTION {
        return option(dice);
    }
    let spot =
        |base| InstrumentKind::Spot { base: CurrencyId(base), lot: if odd { 0 } else { 1 + u64::from(base) * 3 } };
    let inverse = (1..3).contains(&number) && dice.once_in(3);
    let point_value = if inverse { [0, 9_000, 40_003] } else { [1, 1, 3] };
    InstrumentSpec {
        kind: match number % 3 {
            _ if (3..5).contains(&number) => spot(number - 2),
            1 => InstrumentKind::Dated { expiry: Time(1_000 + 1_000 * dice.below(200)) },
            _ => InstrumentKind::Perpetual,
        },
        settlement: CurrencyId(if number == 2 { 1 } else { 0 }),
        mark_scale: if odd { dice.one_of(&[0, u32::MAX]) } else { [1, 10, 4][usize::from(number % 3)] },
        payoff: if inverse { Payoff::Inverse } else { Payoff::Linear },
        point_value: if odd { dice.one_of(&[0, 1, u64::MAX]) } else { point_value[usize::from(number % 3)] },
        max_price: Price(if odd { dice.one_of(&[i64::MAX, 0, i64::MIN, 1_000]) } else { 1_000 }),
        max_order: Qty(if odd { dice.one_of(&[0, u64::MAX]) } else { 1_000 }),
        max_position: Qty(if odd { dice.one_of(&[0, u64::MAX, i64::MAX as u64, 1 << 50]) } else { 2_000 }),
        tiers: tiers(dice),
        maintenance_basis: dice.one_of(&[MaintenanceBasis::Mark, MaintenanceBasis::Mark, MaintenanceBasis::Entry]),
        close_fee: if dice.once_in(4) { rate(dice) } else { Ppm(0) },
        maker_fee: Ppm(dice.one_of(&[0, -200, 300, -200_000])),
        taker_fee: Ppm(dice.one_of(&[0, 500, 900, 20_000])),
    }
}

/// On the first instrument, or on itself.
fn option(dice: &mut Dice<'_>) -> InstrumentSpec {
    let terms = OptionTerms {
        expiry: Time(1_000 + 1_000 * dice.below(200)),
        right: dice.one_of(&[Right::Call, Right::Put]),
        strike: MarkPrice(dice.one_of(&[100, 90, 115, 4, 0])),
        underlying: InstrumentId(dice.one_of(&[0, 0, 0, 3])),
    };
    InstrumentSpec {
        kind: InstrumentKind::Option(terms),
        settlement: CurrencyId(0),
        mark_scale: 1,
        payoff: Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000),
        max_order: Qty(1_000),
        max_position: Qty(2_000),
        tiers: vec![],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(dice.one_of(&[0, -200, 300])),
        taker_fee: Ppm(dice.one_of(&[0, 500, 20_000])),
    }
}

fn tiers(dice: &mut Dice<'_>) -> Vec<TierSpec> {
    let tier = |floor, maintenance, initial| TierSpec {
        floor: Money(floor),
        maintenance: Ppm(maintenance),
        initial: Ppm(initial),
    };
    match dice.below(64) {
        0 => vec![],
        1 => vec![tier(0, 10_000, 5_000)],
        2 => vec![tier(0, 0, 0)],
        3 => vec![tier(0, 1, 1), tier(i128::MAX, 2, 2)],
        4 => vec![tier(0, i64::MAX, i64::MAX)],
        5..=20 => vec![tier(0, 10_000, 20_000)],
        21..=40 => vec![tier(0, 5_000, 10_000), tier(500, 20_000, 50_000), tier(2_000, 60_000, 100_000)],
        _ => vec![tier(0, 20_000, 40_000), tier(1_000, 50_000, 100_000)],
    }
}

fn liquidation_policy(dice: &mut Dice<'_>) -> LiquidationPolicy {
    let mode = match dice.below(16) {
        0..=5 => LiquidationMode::Market,
        6..=8 => LiquidationMode::BankruptcyLimit { rest: Takeover::Absorbed(absorption(dice)) },
        9..=10 => LiquidationMode::BankruptcyLimit { rest: Takeover::Adl },
        11..=12 => LiquidationMode::Partial { step: PartialStep::Fraction(rate(dice)), cooldown: Span(dice.below(60)) },
        13..=14 => LiquidationMode::Partial { step: PartialStep::Tier, cooldown: Span(dice.below(60)) },
        _ => LiquidationMode::Suppressed,
    };
    let choice = dice.below(256);
    LiquidationPolicy {
        mode,
        backstop: match dice.once_in(2) {
            true => Some(Backstop {
                below: if dice.once_in(32) { rate(dice) } else { dice.one_of(&[Ppm(666_667), Ppm::ONE]) },
                absorption: absorption(dice),
            }),
            false => None,
        },
        vault: match dice.below(16) {
            0 => dice.one_of(&[None, Some(AccountId(99))]),
            1..=3 => Some(AccountId(3)),
            _ => Some(VAULT),
        },
        residual: match choice % 4 {
            0 => Residual::Trader,
            1 => Residual::Fund,
            2 => Residual::FundCapped(rate(dice)),
            _ => Residual::Vault,
        },
        deficit_order: if dice.once_in(4) { DeficitOrder::AdlFirst } else { DeficitOrder::FundFirst },
        socialising: dice.one_of(&[
            Socialising::Winners,
            Socialising::Winners,
            Socialising::Holders,
            Socialising::Holders,
            Socialising::Nobody,
        ]),
        between: if dice.once_in(4) { Between::CloseAll } else { Between::Recheck },
        equity_share: dice.one_of(&[EquityShare::Maintenance, EquityShare::Notional, EquityShare::Whole]),
        on_fund_short: if choice & 4 == 0 { OnFundShort::Adl } else { OnFundShort::Deficit },
        crossed_order: if choice & 8 == 0 { CrossedOrder::ByTrigger } else { CrossedOrder::ByAccount },
        close_order: dice.one_of(&[
            CloseOrder::LargestMaintenance,
            CloseOrder::LargestLoss,
            CloseOrder::LargestNotional,
            CloseOrder::ByInstrument,
        ]),
        latency: Span(if choice & 32 == 0 { 0 } else { dice.below(60) }),
        order_interval: Span(if choice & 64 == 0 { 0 } else { dice.below(30) }),
        bound_by_bands: choice & 128 == 0,
        bound_by_halts: !dice.once_in(4),
        adl: AdlPolicy {
            ranking: dice.one_of(&[
                AdlRanking::ProfitTimesLeverage,
                AdlRanking::ProRata,
                AdlRanking::AccountValue,
                AdlRanking::ProRataEquity,
                AdlRanking::RandomStart { seed: 3 },
            ]),
            profitable_only: dice.once_in(2),
            price: dice.one_of(&[
                AdlPrice::Bankruptcy,
                AdlPrice::Bankruptcy,
                AdlPrice::Mark,
                AdlPrice::PreviousMark,
                AdlPrice::PreviousIndex,
                AdlPrice::Entry,
            ]),
        },
    }
}

fn absorption(dice: &mut Dice<'_>) -> Absorption {
    let book_part = if dice.once_in(2) { Some(rate(dice)) } else { None };
    let unwind = Unwind { fraction: rate(dice), interval: Span(1 + dice.below(200)), book_part };
    Absorption { by: dice.one_of(&[Absorber::Fund, Absorber::Vault]), unwind }
}

fn mark_policy(dice: &mut Dice<'_>) -> MarkPolicy {
    let rule = match dice.below(8) {
        0..=1 => MarkRule::Last,
        3..=4 => MarkRule::Mid,
        2 => MarkRule::Model { smile: Ppm(dice.one_of(&[0, 900_000, 1_300_000])), interval: span(dice) },
        5 => MarkRule::EmaMid { interval: span(dice), weight: rate(dice) },
        6 => MarkRule::Median { interval: span(dice), weight: rate(dice) },
        _ => MarkRule::Exogenous,
    };
    MarkPolicy { rule, frozen: dice.once_in(4) }
}

fn protections(dice: &mut Dice<'_>) -> Protections {
    let width = |dice: &mut Dice<'_>| if dice.once_in(8) { rate(dice) } else { Ppm(dice.one_of(&[40_000, 90_000])) };
    Protections {
        band: if dice.once_in(2) { Some(width(dice)) } else { None },
        breaker: match dice.once_in(2) {
            true => Some(Breaker { movement: width(dice), window: span(dice), halt: span(dice) }),
            false => None,
        },
    }
}

fn volatility(dice: &mut Dice<'_>) -> Ppm {
    Ppm(dice.one_of(&[0, 100_000, 600_000, 3_000_000, -1, 100_000_001]))
}

fn form(dice: &mut Dice<'_>) -> MarginForm {
    let shape = dice.below(64);
    let lower = Money(i128::from(dice.below(2_000)));
    MarginForm {
        size: SizeScale { slope: Ppm(dice.one_of(&[0, 100, 40_000, -1])), per: Qty(dice.below(40)) },
        open_interest: OpenInterestScale {
            lower,
            upper: if shape & 1 == 0 { Money::ZERO } else { lower + Money(900) },
        },
        max_open_interest: if shape & 6 == 0 { Some(Qty(dice.below(120))) } else { None },
        option: ShortOptionRates {
            long: if shape & 8 == 0 { Ppm::ONE } else { Ppm(400_000) },
            least: if shape & 48 == 0 { rate(dice) } else { Ppm(100_000) },
            ..ShortOptionRates::default()
        },
    }
}

fn dynamic(dice: &mut Dice<'_>) -> DynamicMargin {
    let (half_life, vol) = (span(dice), volatility(dice));
    let measure = match dice.below(5) {
        0 => Measure::Volatility { half_life, base: rate(dice), reference: vol },
        1 => Measure::OpenInterest { from: Money(400), to: Money(i128::from(dice.below(6_000))) },
        2 => Measure::Depth { width: rate(dice), base: rate(dice), reference: qty(dice) },
        3 => Measure::Unwinding { size: qty(dice), part: rate(dice), beyond: rate(dice), factor: rate(dice) },
        _ => Measure::Forecast { half_life, start: vol, horizon: span(dice), quantile: rate(dice) },
    };
    DynamicMargin {
        measure,
        sample: span(dice),
        period: span(dice),
        rise: rate(dice),
        fall: rate(dice),
        least: Ppm(dice.one_of(&[0, 10_000, 30_000])),
        most: Ppm(dice.one_of(&[30_000, 200_000, 1])),
        initial_over: Ppm(dice.one_of(&[1_000_000, 2_000_000, 0])),
    }
}

fn settlement(dice: &mut Dice<'_>) -> SettlementPolicy {
    let sample = span(dice);
    let count = dice.below(20);
    let cap = if dice.once_in(2) { Some(rate(dice)) } else { None };
    let fee = DeliveryFee { rate: Ppm(dice.one_of(&[0, 250, 30_000, -1])), cap };
    SettlementPolicy { window: Span(sample.0.saturating_mul(count)), sample, fee }
}

fn funding(dice: &mut Dice<'_>) -> FundingPolicy {
    let sane = !dice.once_in(8);
    let interval = if sane { Span(200 + dice.below(256)) } else { span(dice) };
    let shape = dice.below(64);
    FundingPolicy {
        interval,
        sample: if sane { Span(20 + dice.below(100)) } else { span(dice) },
        period: if shape & 1 == 0 { interval } else { Span(interval.0.saturating_mul(dice.below(9))) },
        rule: if shape & 2 == 0 { FundingRule::Damped { damper: rate(dice) } } else { FundingRule::Added },
        interest: rate(dice),
        cap: rate(dice),
        premium: PremiumRule {
            impact: if shape & 4 == 0 { Money::ZERO } else { amount(dice) },
            weights: if shape & 8 == 0 { PremiumWeights::Equal } else { PremiumWeights::Rising },
        },
        lagged: shape & 48 == 0,
    }
}
