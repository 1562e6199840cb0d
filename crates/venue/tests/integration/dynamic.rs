//! Rates that follow the market, through the venue: volatility, open interest, depth, unwinding, forecast; the schedule;
//! and that a rise alone liquidates.

use crate::stage::{Stage, order, spec};
use downdraft_margin::{InstrumentKind, MarginForm, SizeScale};
use downdraft_types::{InstrumentId, Money, Ppm, Qty, Side, Span, Time};
use downdraft_venue::{CauseKind, Command, DynamicMargin, Event, MarkPolicy, MarkRule, Measure, Rejection};

const PERP: InstrumentId = InstrumentId(0);
const SECOND: u64 = 1_000_000_000;

/// Looked at and moved each second, from 5% to at most 40%, initial twice that.
fn policy(measure: Measure) -> DynamicMargin {
    DynamicMargin {
        measure,
        sample: Span(SECOND),
        period: Span(SECOND),
        rise: Ppm::ONE,
        fall: Ppm::ONE,
        least: Ppm(50_000),
        most: Ppm(400_000),
        initial_over: Ppm(2_000_000),
    }
}

fn set(policy: DynamicMargin) -> Command {
    Command::SetDynamicMargin { instrument: PERP, policy: Some(Box::new(policy)) }
}

fn stage() -> Stage {
    Stage::new(&[(spec(InstrumentKind::Perpetual), 10_000)])
}

/// Maintenance rates as they were set, with the second in which.
fn rates(stage: &Stage) -> Vec<(u64, i64)> {
    let steps = stage.runner.history.as_ref().unwrap();
    let set = steps.iter().flat_map(|step| step.events.iter().map(|(_, _, event)| (step.stamp.time.0 / SECOND, event)));
    set.filter_map(|(second, event)| match event {
        Event::MarginRateSet { maintenance, initial, .. } => {
            assert_eq!(initial.0, (2 * maintenance.0).min(1_000_000));
            Some((second, maintenance.0))
        }
        _ => None,
    })
    .collect()
}

/// `⌈5% × σ ÷ 50%⌉`, from the moves of the mark: a still market halves its variance each half-life.
#[test]
fn a_rate_follows_realised_volatility() {
    let mut stage = stage();
    let measure = Measure::Volatility { half_life: Span(10 * SECOND), base: Ppm(50_000), reference: Ppm(500_000) };
    stage.must(set(policy(measure)));
    stage.until(5 * SECOND);
    assert_eq!(rates(&stage), [(0, 50_000)], "it falls, and 5% is the least");
    stage.index(0, 10_010);
    stage.until(6 * SECOND);
    // By hand: five seconds without a move from 50%, then 0.1% in one second, with w = 2^(−1/10).
    let kept = libm::pow(0.5, 0.1);
    let year = 31_536_000.0;
    let still = 0.25 / year * (kept * kept) * (kept * kept);
    let step = libm::log(10_010.0 / 10_000.0);
    let variance = kept * still + (1.0 - kept) * step * step;
    let expected = (50_000.0 * (variance * year).sqrt() / 0.5).ceil() as i64;
    assert_eq!(rates(&stage), [(0, 50_000), (6, expected)]);
    assert!((100_000..400_000).contains(&expected), "{expected}");
    stage.until(60 * SECOND);
    assert_eq!(rates(&stage).last().unwrap().1, 50_000, "calm again");
}

/// At most 1% up and a tenth of that down at a time, and at each second multiple of the sample only.
#[test]
fn a_schedule_caps_the_speed() {
    let mut stage = stage();
    let measure = Measure::OpenInterest { from: Money(0), to: Money(1_000_000) };
    let policy = DynamicMargin { period: Span(2 * SECOND), rise: Ppm(10_000), fall: Ppm(1_000), ..policy(measure) };
    stage.must(set(policy));
    stage.deposit(1, 10_000_000);
    stage.block(0, 1, 9, 50, 500_000);
    stage.until(5 * SECOND);
    assert_eq!(rates(&stage), [(0, 50_000), (2, 60_000), (4, 70_000)]);
    stage.block(0, 9, 1, 50, 500_000);
    stage.until(8 * SECOND);
    assert_eq!(rates(&stage)[3..], [(6, 69_000), (8, 68_000)]);
}

/// Halfway between the ends, halfway between the rates.
#[test]
fn a_rate_follows_open_interest() {
    let mut stage = stage();
    stage.must(set(policy(Measure::OpenInterest { from: Money(200_000), to: Money(600_000) })));
    stage.deposit(1, 10_000_000);
    stage.block(0, 1, 9, 40, 400_000);
    stage.until(SECOND);
    assert_eq!(rates(&stage), [(0, 50_000), (1, 225_000)]);
}

/// The same book, twice as thin, asks for twice as much; an empty side for the most.
#[test]
fn a_rate_follows_the_books_depth() {
    let mut stage = stage();
    let measure = Measure::Depth { width: Ppm(10_000), base: Ppm(60_000), reference: Qty(100) };
    stage.must(set(policy(measure)));
    stage.until(SECOND);
    for (side, price, qty) in [(Side::Buy, 9_950, 50), (Side::Buy, 9_800, 900), (Side::Sell, 10_050, 200)] {
        stage.must(order(9, 0, side, qty, Some(price)));
    }
    stage.until(2 * SECOND);
    stage.must(order(9, 0, Side::Buy, 50, Some(9_900)));
    stage.until(3 * SECOND);
    assert_eq!(rates(&stage), [(0, 50_000), (1, 400_000), (2, 120_000), (3, 60_000)]);
}

/// Predictive: 100 lots sold into 60 at 9,900 and 20 at 9,500, and the rest lost by a tenth: (60 × 100 + 20 × 500 + 20 ×
/// 1,000) ÷ 1,000,000 = 3.6%, doubled.
#[test]
fn a_rate_follows_the_cost_of_unwinding() {
    let mut stage = stage();
    let (size, part) = (Qty(100), Ppm::ONE);
    stage.must(set(policy(Measure::Unwinding { size, part, beyond: Ppm(100_000), factor: Ppm(2_000_000) })));
    for (side, price, qty) in [(Side::Buy, 9_900, 60), (Side::Buy, 9_500, 20), (Side::Sell, 10_001, 500)] {
        stage.must(order(9, 0, side, qty, Some(price)));
    }
    stage.until(SECOND);
    assert_eq!(rates(&stage), [(0, 50_000), (1, 72_000)]);
}

/// Three standard deviations of 100% a year over 36.5 days: 3 × √0.1 = 94.87%, above the most; over a hundredth of that
/// 9.487%.
#[test]
fn a_rate_follows_a_forecast() {
    let rate = |horizon: u64| {
        let mut stage = stage();
        let (half_life, start, quantile) = (Span(u64::MAX / 4), Ppm(1_000_000), Ppm(3_000_000));
        let horizon = Span(horizon * SECOND);
        stage.must(set(policy(Measure::Forecast { half_life, start, horizon, quantile })));
        stage.until(SECOND);
        rates(&stage).last().unwrap().1
    };
    assert_eq!(rate(3_153_600), 400_000);
    assert_eq!(rate(31_536), 94_869);
}

/// Nothing moves but the rate: who was sound is called, in the order of accounts, for a parameter's sake.
#[test]
fn a_rise_alone_makes_a_margin_call() {
    let mut stage = stage();
    for (account, money) in [(1, 9_000), (2, 30_000)] {
        stage.deposit(account, money);
        stage.block(0, account, 9, 10, 100_000);
    }
    stage.must(set(policy(Measure::OpenInterest { from: Money(0), to: Money(1_400_000) })));
    assert_eq!(stage.fallen(), Vec::<u32>::new());
    stage.until(SECOND);
    // 5% + 35% ÷ 7 = 10%.
    assert_eq!((rates(&stage), stage.fallen()), (vec![(0, 50_000), (1, 100_000)], vec![1]));
    let kind = stage.runner.events().iter().find_map(|(_, _, event)| match event {
        Event::LiquidationTriggered { kind, .. } => Some(*kind),
        _ => None,
    });
    assert_eq!(kind, Some(CauseKind::Parameter));
    assert_eq!(stage.mark(0), 10_000);
    stage.audit();
}

#[test]
fn ended_it_leaves_the_tiers_as_listed() {
    let mut stage = stage();
    stage.must(set(policy(Measure::OpenInterest { from: Money(0), to: Money(1) })));
    stage.deposit(1, 1_000_000);
    stage.block(0, 1, 9, 1, 10_000);
    stage.until(SECOND);
    let least = |stage: &Stage| stage.runner.venue.margin().instrument(PERP).least_rates();
    assert_eq!(least(&stage), (Ppm(400_000), Ppm(800_000)));
    stage.must(Command::SetDynamicMargin { instrument: PERP, policy: None });
    assert_eq!(least(&stage), (Ppm(0), Ppm(0)));
    let pending = stage.runner.pending();
    stage.until(5 * SECOND);
    assert_eq!((pending, stage.runner.pending()), (1, 0), "the clock of the old policy is stale");
    assert_eq!(stage.runner.now(), Time(5 * SECOND));
}

#[test]
fn policies_that_mean_nothing_are_refused() {
    let mut stage = stage();
    let open = Measure::OpenInterest { from: Money(0), to: Money(1) };
    let good = policy(open);
    for wrong in [
        DynamicMargin { sample: Span(0), ..good },
        DynamicMargin { period: Span(0), ..good },
        DynamicMargin { rise: Ppm(-1), ..good },
        DynamicMargin { least: Ppm(400_001), ..good },
        DynamicMargin { most: Ppm(1_000_000), ..good },
        DynamicMargin { initial_over: Ppm(999_999), ..good },
        policy(Measure::OpenInterest { from: Money(1), to: Money(1) }),
        policy(Measure::Depth { width: Ppm(0), base: Ppm(1), reference: Qty(1) }),
        policy(Measure::Depth { width: Ppm(1), base: Ppm(1), reference: Qty(0) }),
        policy(Measure::Unwinding { size: Qty(0), part: Ppm(1), beyond: Ppm(1), factor: Ppm(1) }),
        policy(Measure::Unwinding { size: Qty(1), part: Ppm(1_000_001), beyond: Ppm(1), factor: Ppm(1) }),
        policy(Measure::Volatility { half_life: Span(0), base: Ppm(1), reference: Ppm(1) }),
        policy(Measure::Volatility { half_life: Span(1), base: Ppm(1), reference: Ppm(0) }),
        policy(Measure::Forecast { half_life: Span(1), start: Ppm(1), horizon: Span(0), quantile: Ppm(1) }),
    ] {
        assert_eq!(stage.refused(set(wrong)), Rejection::InvalidPolicy, "{wrong:?}");
    }
    stage.must(set(good));
}

/// A size-scaled form set later may leave no room for the most: the rate stays where it was.
#[test]
fn a_rate_that_the_form_leaves_no_room_for_is_not_set() {
    let mut stage = stage();
    stage.must(set(policy(Measure::OpenInterest { from: Money(0), to: Money(1) })));
    let size = SizeScale { slope: Ppm(900_000), per: Qty(1_000_000) };
    let form = MarginForm { size, ..MarginForm::default() };
    stage.must(Command::SetMarginForm { instrument: PERP, form: Box::new(form) });
    stage.deposit(1, 1_000_000);
    stage.block(0, 1, 9, 1, 10_000);
    stage.until(3 * SECOND);
    assert_eq!(rates(&stage), [(0, 50_000)]);
}

/// A sale of ten lots a second for six seconds into ten lots a level, with six longs of ten lots and more and more margin.
/// Who falls, and how far the mark does.
fn shocked(policy: Option<DynamicMargin>) -> (Vec<u32>, i64) {
    let mut stage = stage();
    let policy_of_mark = MarkPolicy { rule: MarkRule::Last, frozen: false };
    stage.must(Command::SetMarkPolicy { instrument: PERP, policy: policy_of_mark });
    for level in 1..=40 {
        stage.must(order(9, 0, Side::Buy, 10, Some(10_000 - 10 * level)));
    }
    for (account, money) in (1..).zip([6_000, 7_500, 9_000, 12_000, 20_000, 40_000]) {
        stage.deposit(account, money);
        stage.block(0, account, 9, 10, 100_000);
    }
    stage.deposit(8, 1_000_000);
    stage.must(Command::SetDynamicMargin { instrument: PERP, policy: policy.map(Box::new) });
    for second in 1..=6 {
        stage.until(second * SECOND);
        stage.must(order(8, 0, Side::Sell, 10, None));
    }
    stage.until(20 * SECOND);
    stage.audit();
    (stage.fallen(), stage.mark(0))
}

/// The same shock: with margin as listed nobody falls; with margin that follows volatility it calls those whom the fall alone
/// would have left, who sell in turn; with a cap on its speed fewer. By the cost of unwinding the thin book asks for more
/// before the shock.
#[test]
fn the_same_shock_with_and_without() {
    let measure = Measure::Volatility { half_life: Span(4 * SECOND), base: Ppm(50_000), reference: Ppm(1_000_000) };
    let free = policy(measure);
    let capped = DynamicMargin { rise: Ppm(4_000), ..free };
    let (part, size) = (Ppm(500_000), Qty(100));
    let predictive = policy(Measure::Unwinding { size, part, beyond: Ppm(200_000), factor: Ppm(1_000_000) });
    assert_eq!(shocked(None), (vec![], 9_940));
    let (fallen, mark) = shocked(Some(free));
    let (fewer, higher) = shocked(Some(capped));
    assert!(!fewer.is_empty() && fewer.len() < fallen.len(), "{fewer:?} {fallen:?}");
    assert!(mark < higher && higher < 9_940, "{mark} {higher}");
    let (foreseen, _) = shocked(Some(predictive));
    assert!(!foreseen.is_empty(), "{foreseen:?}");
}
