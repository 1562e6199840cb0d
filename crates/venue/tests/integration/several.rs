//! Several instruments: whose fund pays, that a loss stays in its risk pool, and in which order an account's positions
//! are closed.

use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, MarginMode, Payoff, TierSpec};
use downdraft_testkit::runner::Runner;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{
    AdlPrice, Between, BookSize, Capacity, CloseOrder, Command, Event, LiquidationMode, LiquidationPolicy,
    OrderRequest, Rejection, SelfTradePrevention, Takeover, TimeInForce,
};

const FIRST: InstrumentId = InstrumentId(0);
const SECOND: InstrumentId = InstrumentId(1);
const CASH: CurrencyId = CurrencyId(0);
const MAKER: AccountId = AccountId(1);
const WINNER: AccountId = AccountId(2);
const A: AccountId = AccountId(3);
const OTHER: AccountId = AccountId(4);
const OWN_FUND: AccountId = AccountId(5);
const RICH: i128 = 1_000_000;

fn spec(payoff: Payoff, point_value: u64, maintenance: i64) -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff,
        point_value,
        max_price: Price(1_000_000),
        max_order: Qty(1_000_000),
        max_position: Qty(1_000_000),
        tiers: vec![TierSpec { floor: Money(0), maintenance: Ppm(maintenance), initial: Ppm(maintenance) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

fn deposit(account: AccountId, amount: i128) -> Command {
    Command::Deposit { account, currency: CASH, amount: Money(amount) }
}

fn block(instrument: InstrumentId, buyer: AccountId, seller: AccountId, qty: u64, cost: i128) -> Command {
    Command::BlockTrade { instrument, buyer, seller, qty: Qty(qty), cost: Money(cost) }
}

fn order(account: AccountId, instrument: InstrumentId, side: Side, qty: u64, price: Option<i64>) -> Command {
    Command::PlaceOrder(OrderRequest {
        account,
        client: None,
        instrument,
        side,
        qty: Qty(qty),
        limit: price.map(Price),
        tif: if price.is_some() { TimeInForce::Gtc } else { TimeInForce::Ioc },
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::None,
    })
}

/// A venue with these instruments at these marks, and five accounts.
struct Several {
    runner: Runner,
}

impl Several {
    fn new(listed: &[(InstrumentSpec, i64)]) -> Self {
        let capacity = Capacity {
            accounts: 6,
            positions: 12,
            positions_per_account: 2,
            instruments: 2,
            currencies: 1,
            client_orders: 0,
        };
        let mut runner = Runner::new(capacity);
        runner.history = Some(Vec::new());
        let mut several = Self { runner };
        for (number, (spec, mark)) in (0..).zip(listed) {
            let instrument = InstrumentId(number);
            let book = BookSize { orders: 100, levels: 100 };
            several.must(Command::ListInstrument { instrument, spec: Box::new(spec.clone()), book });
            several.mark(instrument, *mark);
        }
        (1..6).for_each(|account| several.must(Command::OpenAccount { account: AccountId(account) }));
        several.must(deposit(MAKER, RICH));
        several.must(deposit(WINNER, RICH));
        several
    }

    fn rejected(&mut self, command: Command) -> Option<Rejection> {
        let of = |event: &Event| if let Event::Rejected { reason } = event { Some(*reason) } else { None };
        self.runner.run(command).iter().find_map(|(_, _, event)| of(event))
    }

    fn must(&mut self, command: Command) {
        assert_eq!(self.rejected(command.clone()), None, "{command:?}");
    }

    fn mark(&mut self, instrument: InstrumentId, mark: i64) {
        self.must(Command::SetMark { instrument, mark: MarkPrice(mark) });
    }

    fn policy(&mut self, change: impl FnOnce(&mut LiquidationPolicy)) {
        let mut policy = LiquidationPolicy::default();
        change(&mut policy);
        self.must(Command::SetLiquidationPolicy { policy: Box::new(policy) });
    }

    fn isolate(&mut self, account: AccountId, instrument: InstrumentId) {
        let initial = Some(Ppm(100_000));
        self.must(Command::Configure { account, instrument, mode: MarginMode::Isolated, initial });
    }

    fn cash(&self, account: AccountId) -> i128 {
        self.runner.venue.margin().cash(account, CASH).0
    }

    fn equity(&self, account: AccountId) -> i128 {
        self.runner.venue.margin().equity(account, CASH).0
    }

    fn sum(&self, of: impl Fn(&Event) -> Option<Money>) -> i128 {
        self.runner.events().iter().filter_map(|(_, _, event)| of(event)).sum::<Money>().0
    }

    /// Instruments in the order of the orders that close them, with what is asked at the bankruptcy price.
    fn closed(&self) -> Vec<(InstrumentId, i128)> {
        let of = |event: &Event| match event {
            Event::LiquidationOrdered { instrument, bankruptcy, .. } => Some((*instrument, bankruptcy.0)),
            _ => None,
        };
        self.runner.events().iter().filter_map(|(_, _, event)| of(event)).collect()
    }

    fn audited(&self) {
        let mut auditor = VenueAuditor::new(6);
        for step in self.runner.history.as_ref().unwrap() {
            auditor.command(&step.command);
            step.events.iter().for_each(|(_, _, event)| auditor.observe(event));
            assert_eq!(auditor.verdict(), Ok(()), "{:?}", step.command);
        }
        assert_eq!(auditor.auditor().compare(self.runner.venue.margin()), Ok(()));
    }
}

fn two() -> Several {
    Several::new(&[(spec(Payoff::Linear, 1, 10_000), 100), (spec(Payoff::Linear, 1, 10_000), 100)])
}

/// Ten lots of A, isolated with 100, at 80: 100 are missing. The fund of the first market has 30, its winner 0 in profit
/// that it could give; whoever trades the second loses nothing.
#[test]
fn a_loss_does_not_cross_from_one_risk_pool_to_another() {
    let mut several = two();
    several.must(Command::SetFund { instrument: FIRST, fund: OWN_FUND, isolated: true });
    several.must(deposit(OWN_FUND, 30));
    several.must(deposit(AccountId::FUND, 5_000));
    several.policy(|policy| {
        policy.mode = LiquidationMode::BankruptcyLimit { rest: Takeover::Adl };
        policy.adl.price = AdlPrice::Mark;
    });
    // Nobody may hold the first one as part of a cross account.
    several.must(deposit(A, 400));
    assert_eq!(several.rejected(block(FIRST, A, WINNER, 10, 1_000)), Some(Rejection::CrossNotAllowed));
    assert_eq!(several.rejected(order(A, FIRST, Side::Buy, 1, Some(90))), Some(Rejection::CrossNotAllowed));
    several.isolate(A, FIRST);
    several.isolate(WINNER, FIRST);
    several.must(block(FIRST, A, WINNER, 10, 1_000));
    // The same accounts are in the second market too, and one more.
    several.must(block(SECOND, A, WINNER, 5, 500));
    several.must(deposit(OTHER, 1_000));
    several.must(block(SECOND, OTHER, WINNER, 5, 500));
    let before = [several.cash(A), several.equity(OTHER), several.cash(AccountId::FUND)];
    several.mark(FIRST, 80);
    assert_eq!(several.cash(OWN_FUND), 0, "the market's own fund paid what it had");
    let socialised = several.sum(|e| if let Event::Socialised { amount, .. } = e { Some(*amount) } else { None });
    let uncovered = several.sum(|e| if let Event::Uncovered { amount, .. } = e { Some(*amount) } else { None });
    assert_eq!((socialised, uncovered), (0, 70), "nobody is left in that market");
    assert_eq!([several.cash(A), several.equity(OTHER), several.cash(AccountId::FUND)], before);
    let held = several.runner.venue.margin().position(A, SECOND).map(|p| p.size().0);
    assert_eq!(held, Some(5), "A's other position stands");
    several.audited();
}

/// The same loss of a cross account does cross, through the account: the second position answers for the first.
#[test]
fn a_cross_account_carries_a_loss_to_its_other_positions() {
    let mut several = two();
    several.policy(|_| {});
    several.must(deposit(A, 150));
    several.must(block(FIRST, A, WINNER, 10, 1_000));
    several.must(block(SECOND, A, WINNER, 5, 500));
    several.mark(FIRST, 80);
    let held = |instrument| several.runner.venue.margin().position(A, instrument).map(|p| p.size().0);
    assert_eq!((held(FIRST), held(SECOND)), (Some(0), Some(0)));
    several.audited();
}

/// Two markets share a fund; a third account's money is out of its reach.
#[test]
fn a_group_of_instruments_shares_a_fund() {
    let mut several = two();
    for instrument in [FIRST, SECOND] {
        several.must(Command::SetFund { instrument, fund: OWN_FUND, isolated: false });
    }
    several.must(deposit(OWN_FUND, 100));
    several.must(deposit(AccountId::FUND, 5_000));
    several.policy(|policy| {
        policy.mode = LiquidationMode::BankruptcyLimit { rest: Takeover::Adl };
        policy.adl.price = AdlPrice::Mark;
    });
    several.must(deposit(A, 100));
    several.must(deposit(OTHER, 100));
    several.must(block(FIRST, A, WINNER, 10, 1_000));
    several.must(block(SECOND, OTHER, WINNER, 10, 1_000));
    several.mark(FIRST, 84);
    assert_eq!((several.cash(OWN_FUND), several.cash(AccountId::FUND)), (40, 5_000), "60 for A");
    several.mark(SECOND, 84);
    assert_eq!((several.cash(OWN_FUND), several.cash(AccountId::FUND)), (0, 5_000), "and 40 of 60 for the other");
    several.audited();
}

#[test]
fn a_fund_is_appointed_only_where_nothing_is_at_stake() {
    let mut several = two();
    let appoint = |fund| Command::SetFund { instrument: FIRST, fund, isolated: false };
    assert_eq!(several.rejected(appoint(AccountId(99))), Some(Rejection::UnknownAccount));
    several.must(deposit(OTHER, 100));
    several.must(block(FIRST, OTHER, WINNER, 1, 100));
    assert_eq!(several.rejected(appoint(OTHER)), Some(Rejection::PositionOpen), "it has a position");
    let isolated = Command::SetFund { instrument: FIRST, fund: OWN_FUND, isolated: true };
    assert_eq!(several.rejected(isolated), Some(Rejection::PositionOpen), "cross positions are open");
    several.policy(|policy| policy.vault = Some(OWN_FUND));
    assert_eq!(several.rejected(appoint(OWN_FUND)), Some(Rejection::InvalidPolicy), "it is the vault");
    several.policy(|_| {});
    several.must(appoint(OWN_FUND));
    assert_eq!(several.rejected(order(OWN_FUND, FIRST, Side::Buy, 1, Some(90))), Some(Rejection::UnknownAccount));
    let policy = LiquidationPolicy { vault: Some(OWN_FUND), ..LiquidationPolicy::default() };
    assert_eq!(
        several.rejected(Command::SetLiquidationPolicy { policy: Box::new(policy) }),
        Some(Rejection::InvalidPolicy)
    );
}

/// How much of a deficit is borne by the fund where the contract is settled in dollars, or in the coin. 100 lots are
/// long from 100, worth 10,000 dollars or 100 coins, with a tenth as margin, and the fund has 500 dollars or 5 coins.
/// They are sold into a bid at `bid`.
fn wrong_way(inverse: bool, bid: i64) -> (i128, i128) {
    // A lot is 100 dollars; money is cents, or 10^-4 coins.
    let (spec, margin, fund, cost) = match inverse {
        false => (spec(Payoff::Linear, 100, 50_000), 100_000, 50_000, 1_000_000),
        true => (spec(Payoff::Inverse, 1_000_000, 50_000), 100_000, 50_000, -1_000_000),
    };
    let mut several = Several::new(&[(spec, 100)]);
    several.must(deposit(MAKER, RICH * 1_000));
    several.must(deposit(WINNER, RICH * 1_000));
    several.must(deposit(AccountId::FUND, fund));
    several.policy(|_| {});
    several.must(deposit(A, margin));
    several.must(block(FIRST, A, WINNER, 100, cost));
    several.must(order(MAKER, FIRST, Side::Buy, 101, Some(bid)));
    several.must(order(WINNER, FIRST, Side::Sell, 1, None));
    several.audited();
    let drawn = several.sum(|e| if let Event::FundSettled { amount, .. } = e { Some(-*amount) } else { None });
    (drawn, several.cash(AccountId::FUND))
}

/// A fund in the falling coin: the same fall asks for more of it, and what is left of it is worth less.
#[test]
fn a_fund_held_in_the_falling_coin_falls_with_it() {
    // In dollars, at 86: a loss of 1,400 with a margin of 1,000; 400 of the fund's 500 are drawn.
    assert_eq!(wrong_way(false, 86), (40_000, 10_000));
    // In coins: 10,000 ÷ 86 − 100 = 16.2790 with a margin of 10: 6.279 are asked for, and there are 5. The fund pays for
    // no match at that price, and what it could have paid is worth 430 dollars, not 500.
    assert_eq!(wrong_way(true, 86), (0, 50_000));
    // At 87: 14.9426 − 10 = 4.9426 coins of its 5, where dollars pay 300 of 500.
    assert_eq!(wrong_way(true, 87), (49_426, 574));
    assert_eq!(wrong_way(false, 87), (30_000, 20_000));
}

/// Both positions lose; each order of closing, and what is asked of the position that comes first.
fn closed_first(close_order: CloseOrder) -> Several {
    let mut several = Several::new(&[(spec(Payoff::Linear, 1, 10_000), 100), (spec(Payoff::Linear, 1, 50_000), 100)]);
    several.policy(|policy| {
        policy.close_order = close_order;
        policy.mode = LiquidationMode::BankruptcyLimit { rest: Takeover::Adl };
    });
    several.must(deposit(A, 400));
    // Notional 3000 against 1000, maintenance 30 against 50, a loss of 30 against 360 at the end.
    several.must(block(FIRST, A, WINNER, 30, 3_030));
    several.must(block(SECOND, A, WINNER, 10, 1_000));
    several.mark(SECOND, 64);
    several.audited();
    several
}

#[test]
fn positions_of_an_account_are_closed_in_the_policys_order() {
    let first = |order| closed_first(order).closed()[0].0;
    // At 64: maintenance 30 against 32, notional 3000 against 640.
    assert_eq!(first(CloseOrder::LargestMaintenance), SECOND);
    assert_eq!(first(CloseOrder::LargestLoss), SECOND);
    assert_eq!(first(CloseOrder::LargestNotional), FIRST);
    assert_eq!(first(CloseOrder::ByInstrument), FIRST);
}

/// Two positions of which closing one is enough.
fn between(between: Between) -> Several {
    let mut several = Several::new(&[(spec(Payoff::Linear, 1, 100_000), 100), (spec(Payoff::Linear, 1, 100_000), 100)]);
    several.policy(|policy| policy.between = between);
    several.must(deposit(A, 230));
    several.must(block(FIRST, A, WINNER, 10, 1_000));
    several.must(block(SECOND, A, WINNER, 10, 1_000));
    for instrument in [FIRST, SECOND] {
        several.must(order(MAKER, instrument, Side::Buy, 100, Some(95)));
    }
    // Equity 190 of a maintenance of 196; with the second sold at 95, 140 of 96.
    several.mark(FIRST, 96);
    several.audited();
    several
}

#[test]
fn health_is_looked_at_between_positions_or_not() {
    let held = |several: &Several| {
        [FIRST, SECOND].map(|instrument| several.runner.venue.margin().position(A, instrument).unwrap().size().0)
    };
    let rechecked = between(Between::Recheck);
    assert_eq!((held(&rechecked), rechecked.closed().len()), ([10, 0], 1));
    let whole = between(Between::CloseAll);
    assert_eq!((held(&whole), whole.closed().len(), whole.cash(A)), ([0, 0], 2, 230 - 50 - 50));
}
