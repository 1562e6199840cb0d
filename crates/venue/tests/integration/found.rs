//! What random commands found, each as the smallest case that shows it.

use downdraft_margin::{InstrumentKind, InstrumentSpec, ListingError, MaintenanceBasis, MarginMode, Pool, TierSpec};
use downdraft_testkit::runner::Runner;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{
    Absorption, BookSize, Capacity, Command, Event, FundingPolicy, FundingRule, Internal, LiquidationMode,
    LiquidationPolicy, MarkPolicy, MarkRule, OrderRequest, PremiumRule, Rejection, SelfTradePrevention, Takeover,
    TimeInForce,
};

const PERP: InstrumentId = InstrumentId(0);
const DATED: InstrumentId = InstrumentId(1);
const USD: CurrencyId = CurrencyId(0);
const EXPIRY: Time = Time(1_000);

fn spec(kind: InstrumentKind) -> InstrumentSpec {
    InstrumentSpec {
        kind,
        settlement: USD,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000),
        max_order: Qty(1_000),
        max_position: Qty(1_000),
        tiers: vec![TierSpec { floor: Money(0), maintenance: Ppm(10_000), initial: Ppm(20_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

fn list(instrument: InstrumentId, spec: InstrumentSpec) -> Command {
    Command::ListInstrument { instrument, spec: Box::new(spec), book: BookSize { orders: 10, levels: 10 } }
}

fn deposit(account: u32, amount: i128) -> Command {
    Command::Deposit { account: AccountId(account), currency: USD, amount: Money(amount) }
}

fn block(instrument: InstrumentId, buyer: u32, seller: u32, qty: u64, price: i64) -> Command {
    let cost = Money(i128::from(qty) * i128::from(price));
    Command::BlockTrade { instrument, buyer: AccountId(buyer), seller: AccountId(seller), qty: Qty(qty), cost }
}

fn order(account: u32, instrument: InstrumentId, side: Side, qty: u64, price: i64) -> Command {
    Command::PlaceOrder(OrderRequest {
        account: AccountId(account),
        client: None,
        instrument,
        side,
        qty: Qty(qty),
        limit: Some(Price(price)),
        tif: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::None,
    })
}

/// A perpetual and a dated contract at mark 100, and accounts 1 to 6, of which 5 and 6 are rich.
fn venue_with(positions: u32, marks: bool) -> Runner {
    let (accounts, positions_per_account) = (7, 2);
    let capacity =
        Capacity { accounts, positions, positions_per_account, instruments: 3, currencies: 1, client_orders: 4 };
    let mut runner = Runner::new(capacity);
    for (instrument, kind) in [(PERP, InstrumentKind::Perpetual), (DATED, InstrumentKind::Dated { expiry: EXPIRY })] {
        runner.run(list(instrument, spec(kind)));
        let policy = MarkPolicy { rule: MarkRule::Exogenous, frozen: false };
        runner.run(Command::SetMarkPolicy { instrument, policy });
        if marks {
            runner.run(Command::SetMark { instrument, mark: MarkPrice(100) });
        }
    }
    for account in 1..accounts {
        runner.run(Command::OpenAccount { account: AccountId(account) });
    }
    runner.run(deposit(5, 1_000_000));
    runner.run(deposit(6, 1_000_000));
    runner
}

fn venue() -> Runner {
    venue_with(20, true)
}

fn index(instrument: InstrumentId, index: i64) -> Command {
    Command::ReportIndex { instrument, index: MarkPrice(index) }
}

/// Applies a command and says why it was rejected, if it was.
fn refusal(runner: &mut Runner, command: Command) -> Option<Rejection> {
    let events = runner.run(command);
    events.iter().find_map(|(_, _, event)| match event {
        Event::Rejected { reason } => Some(*reason),
        _ => None,
    })
}

#[test]
fn a_trade_with_oneself_is_audited() {
    let mut runner = venue();
    for command in [
        block(PERP, 5, 6, 7, 101),
        order(5, PERP, Side::Buy, 3, 100),
        order(5, PERP, Side::Sell, 3, 100),
        order(6, PERP, Side::Sell, 9, 99),
        order(6, PERP, Side::Buy, 9, 99),
    ] {
        assert_eq!(refusal(&mut runner, command), None);
    }
    let mut auditor = VenueAuditor::new(7);
    let listings = [(PERP, InstrumentKind::Perpetual), (DATED, InstrumentKind::Dated { expiry: EXPIRY })];
    let mut listings = listings.into_iter().map(|(instrument, kind)| list(instrument, spec(kind)));
    for (_, _, event) in runner.events() {
        if let Event::InstrumentListed { .. } = event {
            auditor.command(&listings.next().unwrap());
        }
        auditor.observe(event);
    }
    assert_eq!(auditor.verdict(), Ok(()));
    assert_eq!(auditor.auditor().compare(runner.venue.margin()), Ok(()));
}

#[test]
fn the_last_position_slot_is_not_given_twice() {
    let mut runner = venue_with(3, true);
    assert_eq!(refusal(&mut runner, block(PERP, 5, 6, 1, 100)), None);
    assert_eq!(refusal(&mut runner, block(DATED, 5, 6, 1, 100)), Some(Rejection::CapacityReached));
    assert_eq!(refusal(&mut runner, block(PERP, 1, 6, 1, 100)), None, "one more is needed, and one is left");
}

#[test]
fn nothing_is_traded_without_a_mark_or_after_expiry() {
    let mut runner = venue_with(20, false);
    assert_eq!(refusal(&mut runner, block(PERP, 5, 6, 1, 100)), Some(Rejection::NoMark));
    let mut runner = venue();
    runner.run_until(EXPIRY);
    assert_eq!(refusal(&mut runner, block(DATED, 5, 6, 1, 100)), Some(Rejection::Expired));
    let mark = Command::SetMark { instrument: DATED, mark: MarkPrice(1) };
    assert_eq!(refusal(&mut runner, mark), Some(Rejection::Expired));
}

#[test]
fn the_ends_of_the_number_range_are_refused() {
    let mut runner = venue();
    for end in [i64::MIN, i64::MAX] {
        let mark = Command::SetMark { instrument: PERP, mark: MarkPrice(end) };
        assert_eq!(refusal(&mut runner, mark), Some(Rejection::PriceOutOfRange));
        assert_eq!(refusal(&mut runner, index(PERP, end)), Some(Rejection::PriceOutOfRange));
        let policy = Some(FundingPolicy {
            interval: Span(1),
            sample: Span(1),
            period: Span(1),
            rule: FundingRule::Damped { damper: Ppm(0) },
            interest: Ppm(end),
            cap: Ppm(0),
            premium: PremiumRule::default(),
            lagged: false,
        });
        let funding = Command::SetFunding { instrument: PERP, policy };
        assert_eq!(refusal(&mut runner, funding), Some(Rejection::InvalidPolicy));
        let mut fees = spec(InstrumentKind::Perpetual);
        fees.maker_fee = Ppm(end);
        let refused = Some(Rejection::Listing(ListingError::RateOutOfRange));
        assert_eq!(refusal(&mut runner, list(InstrumentId(2), fees)), refused);
    }
    for cost in [i128::MIN, i128::MAX] {
        let (buyer, seller, qty, cost) = (AccountId(5), AccountId(6), Qty(1), Money(cost));
        let block = Command::BlockTrade { instrument: PERP, buyer, seller, qty, cost };
        assert_eq!(refusal(&mut runner, block), Some(Rejection::PriceOutOfRange));
    }
    let (buyer, seller, qty, cost) = (AccountId(5), AccountId(6), Qty(u64::MAX), Money(0));
    let block = Command::BlockTrade { instrument: PERP, buyer, seller, qty, cost };
    assert_eq!(refusal(&mut runner, block), Some(Rejection::PositionTooLarge));
}

#[test]
fn an_order_limit_beyond_what_a_position_may_be_worth_is_not_listed() {
    let mut runner = venue();
    let mut huge = spec(InstrumentKind::Perpetual);
    huge.max_order = Qty(u64::MAX);
    let refused = Some(Rejection::Listing(ListingError::TooLarge));
    assert_eq!(refusal(&mut runner, list(InstrumentId(2), huge)), refused);
    let mut fund_overflows = spec(InstrumentKind::Perpetual);
    fund_overflows.max_position = Qty(1 << 62);
    assert_eq!(refusal(&mut runner, list(InstrumentId(2), fund_overflows)), refused);
}

#[test]
fn requests_that_the_venue_never_made_have_no_effect() {
    let mut runner = venue();
    let unknown = [
        Pool::Cross { account: AccountId(u32::MAX), currency: USD },
        Pool::Cross { account: AccountId(5), currency: CurrencyId(9) },
        Pool::Isolated { account: AccountId(5), instrument: InstrumentId(9) },
    ];
    for pool in unknown {
        let forged = Command::Internal(Internal::Liquidate { pool });
        assert_eq!(refusal(&mut runner, forged), Some(Rejection::NothingToDo));
    }
    for instrument in [PERP, DATED] {
        let forged = Command::Internal(Internal::Expire { instrument });
        assert_eq!(refusal(&mut runner, forged), Some(Rejection::NothingToDo), "it is not due");
    }
}

#[test]
fn the_fund_has_no_credit_on_unrealised_profit() {
    let mut runner = venue();
    let rest = Takeover::Absorbed(Absorption::by_fund(Ppm(1), Span(1_000_000)));
    let mode = LiquidationMode::BankruptcyLimit { rest };
    let policy = LiquidationPolicy { mode, ..LiquidationPolicy::default() };
    runner.run(Command::SetLiquidationPolicy { policy: Box::new(policy) });
    runner.run(deposit(0, 200));
    runner.run(deposit(1, 50));
    runner.run(block(PERP, 1, 6, 10, 100));
    runner.run(index(PERP, 95));
    assert_eq!(runner.venue.margin().position(AccountId::FUND, PERP).map(|p| p.size().0), Some(10));
    runner.run(index(PERP, 200));
    let withdraw = |amount| Command::Withdraw { account: AccountId::FUND, currency: USD, amount: Money(amount) };
    assert_eq!(refusal(&mut runner, withdraw(201)), Some(Rejection::InsufficientMargin));
    assert_eq!(refusal(&mut runner, withdraw(200)), None);
}

#[test]
fn a_fund_that_cannot_pay_at_expiry_is_deleveraged_instead() {
    let mut runner = venue();
    let rest = Takeover::Absorbed(Absorption::by_fund(Ppm(1), Span(1_000_000)));
    let mode = LiquidationMode::BankruptcyLimit { rest };
    let policy = LiquidationPolicy { mode, ..LiquidationPolicy::default() };
    runner.run(Command::SetLiquidationPolicy { policy: Box::new(policy) });
    runner.run(deposit(0, 30));
    runner.run(deposit(1, 50));
    runner.run(block(DATED, 1, 6, 10, 100));
    runner.run(index(DATED, 95));
    // The fund is long 10 at 95 with a cash of 30: at 80 it is short of 120.
    runner.run(index(DATED, 80));
    runner.run_until(EXPIRY);
    assert_eq!(runner.venue.margin().fund(USD), Money(0));
    // The short gives up 120 of its 200.
    assert_eq!(runner.venue.margin().cash(AccountId(6), USD), Money(1_000_000 + 80));
}

#[test]
fn margin_that_comes_home_moves_the_triggers_of_cross_positions() {
    let mut runner = venue();
    let account = AccountId(1);
    let tiers = Box::new([TierSpec { floor: Money(0), maintenance: Ppm(100_000), initial: Ppm(100_000) }]);
    runner.run(Command::SetTiers { instrument: DATED, tiers });
    runner.run(deposit(1, 600));
    runner.run(block(PERP, 1, 6, 10, 100));
    let (instrument, mode) = (DATED, MarginMode::Isolated);
    runner.run(Command::Configure { account, instrument, mode, initial: Some(Ppm(500_000)) });
    runner.run(block(DATED, 1, 6, 10, 100));
    runner.run(order(5, DATED, Side::Buy, 10, 55));
    let before = runner.venue.margin().liquidation_price(account, PERP);
    // Sold at 55: 50 of the 500 come home to the cross pool.
    runner.run(index(DATED, 55));
    let after = runner.venue.margin().liquidation_price(account, PERP);
    assert_eq!((before, after), (Some(MarkPrice(90)), Some(MarkPrice(85))));
    let filed: Vec<_> = runner.venue.margin().ladder(PERP).triggers(Side::Buy).collect();
    assert_eq!(filed, [(MarkPrice(85), account)]);
}

#[test]
fn a_step_that_waits_for_a_market_that_expires_goes_on() {
    let mut runner = venue();
    runner.run(deposit(1, 50));
    runner.run(block(DATED, 1, 6, 10, 100));
    runner.run(Command::Halt { instrument: DATED, until: None });
    runner.run(index(DATED, 90));
    assert_eq!(runner.venue.backlog(), 1);
    runner.run_until(EXPIRY);
    assert_eq!(runner.venue.backlog(), 0);
    assert!(!runner.venue.margin().is_liquidating(Pool::Cross { account: AccountId(1), currency: USD }));
}

#[test]
fn a_contract_without_a_mark_expires_quietly() {
    let mut runner = venue_with(20, false);
    runner.run_until(EXPIRY);
    let expired = Event::Expired { instrument: DATED, mark: MarkPrice(0), residue: Money::ZERO };
    assert!(runner.events().iter().any(|(_, _, event)| *event == expired));
    let mut auditor = VenueAuditor::new(7);
    auditor.command(&list(DATED, spec(InstrumentKind::Dated { expiry: EXPIRY })));
    auditor.observe(&Event::InstrumentListed { instrument: DATED });
    auditor.observe(&expired);
    assert_eq!(auditor.verdict(), Ok(()));
}

#[test]
fn a_halt_that_no_longer_binds_lets_waiting_steps_go_on() {
    let mut runner = venue();
    runner.run(deposit(1, 50));
    runner.run(block(PERP, 1, 6, 10, 100));
    runner.run(Command::Halt { instrument: PERP, until: None });
    runner.run(index(PERP, 90));
    assert_eq!(runner.venue.backlog(), 1);
    let policy = LiquidationPolicy { bound_by_halts: false, ..LiquidationPolicy::default() };
    runner.run(Command::SetLiquidationPolicy { policy: Box::new(policy) });
    assert_eq!(runner.venue.backlog(), 0);
}

#[test]
fn a_fill_or_kill_order_does_not_count_on_reduce_only_makers() {
    let mut runner = venue();
    runner.run(block(PERP, 5, 6, 10, 100));
    let Command::PlaceOrder(resting) = order(5, PERP, Side::Sell, 10, 100) else { unreachable!() };
    for _ in 0..2 {
        // Two orders to reduce ten lots by ten each: only one of them can.
        runner.run(Command::PlaceOrder(OrderRequest { reduce_only: true, ..resting }));
    }
    let Command::PlaceOrder(taking) = order(6, PERP, Side::Buy, 15, 100) else { unreachable!() };
    let fok = Command::PlaceOrder(OrderRequest { tif: TimeInForce::Fok, ..taking });
    assert_eq!(refusal(&mut runner, fok.clone()), Some(Rejection::CannotFill));
    runner.run(order(5, PERP, Side::Sell, 15, 100));
    assert_eq!(refusal(&mut runner, fok), None);
    assert_eq!(runner.venue.margin().position(AccountId(6), PERP).map(|p| p.size().0), Some(5));
}

#[test]
fn a_fund_deleveraged_in_pieces_pays_no_more_than_it_has() {
    let mut runner = venue();
    let rest = Takeover::Absorbed(Absorption::by_fund(Ppm(400_000), Span(10)));
    let mode = LiquidationMode::BankruptcyLimit { rest };
    runner.run(Command::SetLiquidationPolicy {
        policy: Box::new(LiquidationPolicy { mode, ..LiquidationPolicy::default() }),
    });
    runner.run(deposit(0, 10));
    runner.run(deposit(1, 66));
    runner.run(block(PERP, 1, 5, 2, 115));
    runner.run(block(PERP, 1, 6, 5, 94));
    // The fund takes 7 lots at 634. Three of them release 272 of that, but two and one release 182 and 91.
    runner.run(index(PERP, 90));
    assert_eq!(runner.venue.margin().position(AccountId::FUND, PERP).map(|p| p.cost().0), Some(634));
    runner.run(order(6, PERP, Side::Buy, 3, 50));
    runner.run_until(Time(10));
    assert_eq!(runner.venue.margin().position(AccountId::FUND, PERP).map(|p| p.size().0), Some(4));
    assert_eq!(runner.venue.margin().fund(USD), Money(0));
}
