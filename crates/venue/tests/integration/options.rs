//! Options through the venue: marked by the model, traded in a book, margined by index and mark, settled by the mean of
//! the index; and a margin call by volatility alone.

use crate::stage::{CASH, Stage, order, spec};
use downdraft_margin::{InstrumentKind, InstrumentSpec, OptionTerms, Right};
use downdraft_types::{AccountId, InstrumentId, MarkPrice, Money, Ppm, Side, Span, Time};
use downdraft_venue::{
    Command, DeliveryFee, Event, LiquidationMode, LiquidationPolicy, MarkPolicy, MarkRule, Rejection, SettlementPolicy,
};
use proptest::prelude::*;

const PERP: u16 = 0;
const CALL: u16 = 1;
const PUT: u16 = 2;
const YEAR: u64 = 31_536_000_000_000_000;

fn option(right: Right, strike: i64, expiry: u64) -> InstrumentSpec {
    let terms = OptionTerms { expiry: Time(expiry), right, strike: MarkPrice(strike), underlying: InstrumentId(PERP) };
    InstrumentSpec { tiers: vec![], ..spec(InstrumentKind::Option(terms)) }
}

/// A perpetual, a call and a put at 10,000 that expire in a quarter, marked by the model; the index at 10,000 and the
/// volatility at 60%.
fn stage() -> Stage {
    let mut stage = Stage::new(&[
        (spec(InstrumentKind::Perpetual), 10_000),
        (option(Right::Call, 10_000, YEAR / 4), 1),
        (option(Right::Put, 10_000, YEAR / 4), 1),
    ]);
    for (instrument, smile) in [(CALL, 1_000_000), (PUT, 1_100_000)] {
        let rule = MarkRule::Model { smile: Ppm(smile), interval: Span(YEAR / 100) };
        let policy = MarkPolicy { rule, frozen: false };
        stage.must(Command::SetMarkPolicy { instrument: InstrumentId(instrument), policy });
    }
    stage.index(PERP, 10_000);
    volatility(&mut stage, 600_000);
    stage
}

fn volatility(stage: &mut Stage, volatility: i64) {
    stage.must(Command::ReportVolatility { instrument: InstrumentId(PERP), volatility: Ppm(volatility) });
}

/// At the money, `2N(σ√T ÷ 2) − 1` of the forward: with σ√T = 0.3, 0.119235; with the smile's 0.33, 0.131062.
#[test]
fn marks_are_the_models() {
    let mut stage = stage();
    assert_eq!((stage.mark(CALL), stage.mark(PUT)), (1_192, 1_311));
    volatility(&mut stage, 0);
    assert_eq!((stage.mark(CALL), stage.mark(PUT)), (0, 0));
    stage.index(PERP, 10_400);
    assert_eq!((stage.mark(CALL), stage.mark(PUT), stage.mark(PERP)), (400, 0, 10_400), "what exercise pays");
}

/// With time alone the mark falls: theta, at the venue's clock.
#[test]
fn time_is_looked_at_by_the_clock() {
    let mut stage = stage();
    stage.until(YEAR / 8);
    // The last look was at 12 hundredths of a year: σ√T = 0.6 × √0.13 = 0.216333; 2N(0.108167) − 1 = 0.086138.
    assert_eq!(stage.mark(CALL), 861);
    let by_clock = |event: &Event| {
        matches!(event, Event::MarkMoved { instrument, kind: downdraft_venue::CauseKind::Clock, .. }
            if instrument.0 == CALL)
    };
    assert!(stage.runner.events().iter().filter(|(_, _, event)| by_clock(event)).count() >= 10);
}

/// A seller of ten calls at the model's price, margined for the index as it is: nothing but volatility moves, and it is
/// called. Its position is sold in the option's own book.
#[test]
fn a_jump_in_volatility_alone_makes_a_margin_call() {
    let mut stage = stage();
    let policy = LiquidationPolicy { mode: LiquidationMode::Market, ..LiquidationPolicy::default() };
    stage.must(Command::SetLiquidationPolicy { policy: Box::new(policy) });
    stage.deposit(1, 12_000);
    stage.must(order(9, CALL, Side::Buy, 10, Some(1_192)));
    // Asked: 15% of the index each, 15,000 in all.
    let refused = stage.refused(order(1, CALL, Side::Sell, 10, Some(1_192)));
    assert_eq!(refused, Rejection::InsufficientMargin);
    stage.deposit(1, 3_000);
    stage.must(order(1, CALL, Side::Sell, 10, Some(1_192)));
    assert_eq!((stage.cash(1), stage.cash(9)), (15_000, 1_000_000_000), "a premium is a cost, not a payment");
    stage.must(order(9, CALL, Side::Sell, 10, Some(2_200)));
    // Maintenance is 7,500: it falls when ten calls have gained more than 7,500.
    volatility(&mut stage, 950_000);
    assert_eq!((stage.mark(CALL), stage.fallen()), (1_877, vec![]));
    volatility(&mut stage, 1_000_000);
    assert_eq!((stage.mark(CALL), stage.fallen()), (1_974, vec![1]));
    let kind = stage.runner.events().iter().find_map(|(_, _, event)| match event {
        Event::LiquidationTriggered { kind, .. } => Some(*kind),
        _ => None,
    });
    assert_eq!(kind, Some(downdraft_venue::CauseKind::Volatility));
    let margin = stage.runner.venue.margin();
    assert!(margin.position(AccountId(1), InstrumentId(CALL)).is_some_and(|p| p.size().is_zero()), "bought back");
    assert_eq!(margin.cash(AccountId(1), CASH), Money(15_000 - 10 * (2_200 - 1_192)));
    assert_eq!(stage.mark(PERP), 10_000);
    stage.audit();
}

/// Long a call, short a call at another strike and short the future: one index report moves all three at once, and a pool
/// that is sound at the new index is not looked at in between.
#[test]
fn an_index_moves_all_legs_at_once() {
    let mut stage = Stage::new(&[
        (spec(InstrumentKind::Perpetual), 10_000),
        (option(Right::Call, 10_000, YEAR), 1),
        (option(Right::Call, 9_000, YEAR), 1),
    ]);
    for instrument in [1, 2] {
        let policy = MarkPolicy { rule: MarkRule::Model { smile: Ppm::ONE, interval: Span(YEAR) }, frozen: false };
        stage.must(Command::SetMarkPolicy { instrument: InstrumentId(instrument), policy });
    }
    stage.index(PERP, 10_000);
    volatility(&mut stage, 1);
    // Short ten calls at 9,000 and long ten futures: what the one loses the other gains.
    stage.deposit(1, 16_000);
    stage.block(2, 9, 1, 10, 10_000);
    stage.block(PERP, 1, 9, 10, 100_000);
    for index in [12_000, 10_000, 12_000] {
        stage.index(PERP, index);
        assert_eq!(stage.fallen(), Vec::<u32>::new(), "{index}");
    }
    // Alone, either leg would have fallen: 20,000 against 16,000.
    stage.deposit(2, 16_000);
    stage.index(PERP, 10_000);
    stage.block(2, 9, 2, 10, 10_000);
    stage.index(PERP, 12_000);
    assert_eq!(stage.fallen(), [2]);
}

#[test]
fn a_call_is_settled_by_the_mean_of_the_index() {
    let mut stage = stage();
    let fee = DeliveryFee { rate: Ppm(150), cap: Some(Ppm(125_000)) };
    let policy = Some(SettlementPolicy { window: Span(1_000), sample: Span(250), fee });
    for instrument in [CALL, PUT] {
        stage.must(Command::SetSettlement { instrument: InstrumentId(instrument), policy });
        stage.deposit(u32::from(instrument), 40_000);
    }
    stage.block(CALL, 1, 9, 10, 11_920);
    stage.block(PUT, 9, 2, 10, 13_110);
    stage.until(YEAR / 4 - 600);
    stage.index(PERP, 10_400);
    stage.until(YEAR / 4);
    // Readings: 10,000, and three of 10,400. Paid: 300 each, less 0.015% of ten times the mean.
    assert_eq!((stage.mark(CALL), stage.mark(PUT)), (300, 0));
    assert_eq!(stage.cash(1), 40_000 - 11_920 + 3_000 - 16);
    assert_eq!(stage.cash(2), 40_000 + 13_110, "worthless: no fee");
    assert_eq!(stage.fees(), 16 + 16);
    stage.audit();
    assert_eq!(stage.refused(order(1, CALL, Side::Buy, 1, Some(5))), Rejection::Expired);
}

#[test]
fn without_a_policy_the_index_is_read_once() {
    let mut stage = stage();
    stage.deposit(1, 40_000);
    stage.block(PUT, 1, 9, 10, 13_110);
    stage.index(PERP, 9_000);
    stage.until(YEAR / 4);
    assert_eq!((stage.mark(PUT), stage.cash(1), stage.fees()), (1_000, 40_000 - 13_110 + 10_000, 0));
    stage.audit();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut stage = stage();
    let model = |instrument, smile, interval| Command::SetMarkPolicy {
        instrument: InstrumentId(instrument),
        policy: MarkPolicy { rule: MarkRule::Model { smile: Ppm(smile), interval: Span(interval) }, frozen: false },
    };
    for command in [model(PERP, 1_000_000, 1), model(CALL, 0, 1), model(CALL, 1_000_000, 0), model(CALL, 10_000_001, 1)]
    {
        assert_eq!(stage.refused(command), Rejection::InvalidPolicy);
    }
    let report = |volatility| Command::ReportVolatility { instrument: InstrumentId(PERP), volatility: Ppm(volatility) };
    assert_eq!(stage.refused(report(-1)), Rejection::PriceOutOfRange);
    assert_eq!(stage.refused(report(100_000_001)), Rejection::PriceOutOfRange);
    assert_eq!(stage.refused(order(1, CALL, Side::Buy, 1, Some(0))), Rejection::PriceOutOfRange);
    let mode = downdraft_margin::MarginMode::Isolated;
    let (account, instrument) = (AccountId(1), InstrumentId(CALL));
    let isolated = Command::Configure { account, instrument, mode, initial: None };
    assert_eq!(stage.refused(isolated), Rejection::CrossOnly);
    let listed = |underlying, max_price| {
        let terms = OptionTerms {
            expiry: Time(YEAR),
            right: Right::Call,
            strike: MarkPrice(100),
            underlying: InstrumentId(underlying),
        };
        let max_price = downdraft_types::Price(max_price);
        let spec = InstrumentSpec { tiers: vec![], max_price, ..spec(InstrumentKind::Option(terms)) };
        let book = downdraft_venue::BookSize { orders: 4, levels: 4 };
        Command::ListInstrument { instrument: InstrumentId(3), spec: Box::new(spec), book }
    };
    assert_eq!(stage.refused(listed(2_000, 1_000_000)), Rejection::UnknownInstrument);
    let small = Rejection::Listing(downdraft_margin::ListingError::TooLarge);
    assert_eq!(stage.refused(listed(PERP, 999_999)), small, "the index could be out of the option's range");
    stage.must(listed(PERP, 1_000_000));
    assert_eq!(stage.runner.venue.margin().instrument(InstrumentId(3)).reference(), MarkPrice(10_000));
}

#[derive(Clone, Debug)]
enum Move {
    Index(i64),
    Volatility(i64),
    Time(u64),
    Block(u16, u32, u32, u64),
    Deposit(u32, i128),
    Take(u16, u32, bool, u64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (7_000..14_000_i64).prop_map(Move::Index),
        3 => (0..2_500_000_i64).prop_map(Move::Volatility),
        1 => (0..YEAR / 30).prop_map(Move::Time),
        4 => (0..3_u16, 1..9_u32, 1..9_u32, 1..20_u64).prop_map(|(i, b, s, q)| Move::Block(i, b, s, q)),
        3 => (1..9_u32, 1_000..60_000_i128).prop_map(|(account, amount)| Move::Deposit(account, amount)),
        2 => (1..3_u16, 1..9_u32, any::<bool>(), 1..9_u64).prop_map(|(i, a, buys, q)| Move::Take(i, a, buys, q)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After every command, every pool is healthy by the plain definition or being liquidated, and none that is healthy
    /// fell; the runner checks the index, the auditor the money.
    #[test]
    fn nobody_is_missed_and_nobody_is_called_wrongly(moves in proptest::collection::vec(moves(), 1..80)) {
        let mut stage = stage();
        for step in moves {
            let before = stage.fallen().len();
            match step {
                Move::Index(index) => stage.index(PERP, index),
                Move::Volatility(level) => volatility(&mut stage, level),
                Move::Time(span) => stage.until(stage.runner.now().0 + span),
                Move::Deposit(account, amount) => stage.deposit(account, amount),
                Move::Block(instrument, buyer, seller, qty) if buyer != seller => {
                    let cost = Money(i128::from(stage.mark(instrument)) * i128::from(qty));
                    let (buyer, seller, instrument) = (AccountId(buyer), AccountId(seller), InstrumentId(instrument));
                    let qty = downdraft_types::Qty(qty);
                    stage.runner.run(Command::BlockTrade { instrument, buyer, seller, qty, cost });
                }
                Move::Block(..) => {}
                Move::Take(instrument, account, buys, qty) => {
                    let (side, mark) = (if buys { Side::Buy } else { Side::Sell }, stage.mark(instrument).max(1));
                    stage.runner.run(order(9, instrument, side.opposite(), qty, Some(mark)));
                    stage.runner.run(order(account, instrument, side, qty, Some(mark)));
                }
            }
            let margin = stage.runner.venue.margin();
            for account in margin.accounts().filter(|account| *account != AccountId::FUND) {
                let pool = downdraft_margin::Pool::Cross { account, currency: CASH };
                let (mut equity, mut asked) = (margin.cash(account, CASH).0 * 1_000_000, 0);
                for position in margin.positions_of(account) {
                    let (size, mark) = (i128::from(position.size().0), i128::from(stage.mark(position.instrument().0)));
                    equity += (size * mark - position.cost().0) * 1_000_000;
                    let reference = i128::from(margin.instrument(position.instrument()).reference().0);
                    asked += match (position.instrument().0, size.signum()) {
                        (PERP, _) => size.abs() * mark * 50_000,
                        (_, 1) => size * mark * 1_000_000,
                        (PUT, _) => size.abs() * (reference.max(mark)) * 75_000,
                        _ => size.abs() * reference * 75_000,
                    };
                }
                let state = margin.state_of(pool);
                if state == downdraft_margin::PoolState::Sound {
                    prop_assert!(equity >= asked, "{account} is missed after {step:?}");
                }
            }
            for (_, _, event) in stage.runner.events().iter() {
                if let Event::LiquidationTriggered { equity, maintenance, .. } = event {
                    prop_assert!(equity < maintenance, "called wrongly");
                }
            }
            prop_assert!(stage.fallen().len() >= before);
        }
        stage.audit();
    }
}
