//! Funding as the venues define it: what is measured, what is paid, and when.

use crate::stage::{Stage, order, spec};
use downdraft_margin::InstrumentKind;
use downdraft_types::{InstrumentId, Money, Ppm, Side, Span, Time};
use downdraft_venue::{Command, Event, FundingPolicy, FundingRule, OrderRef, PremiumRule, PremiumWeights, Rejection};

const PERP: InstrumentId = InstrumentId(0);

/// Every 101, from 4 samples: one due when funding is paid would count for the next interval.
const PLAIN: FundingPolicy = FundingPolicy {
    interval: Span(101),
    sample: Span(25),
    period: Span(101),
    rule: FundingRule::Damped { damper: Ppm(500) },
    interest: Ppm(100),
    cap: Ppm(7_500),
    premium: PremiumRule { impact: Money::ZERO, weights: PremiumWeights::Equal },
    lagged: false,
};

/// 1 is long 10 lots against 2, at an index of 10,000, and the book's best bid and ask are above it by this much of it, in
/// parts per million, at each sample in turn.
fn rates(policy: FundingPolicy, premiums: &[i64]) -> Vec<i64> {
    let mut stage = Stage::new(&[(spec(InstrumentKind::Perpetual), 10_000)]);
    stage.deposit(1, 1_000_000);
    stage.deposit(2, 1_000_000);
    stage.block(0, 1, 2, 10, 100_000);
    stage.index(0, 10_000);
    stage.must(Command::SetFunding { instrument: PERP, policy: Some(policy) });
    let mut resting = Vec::new();
    for (time, premium) in (0..).zip(premiums) {
        stage.until(time * 25 + 1);
        for order in resting.drain(..) {
            stage.must(Command::CancelOrder { account: downdraft_types::AccountId(9), order });
        }
        let price = 10_000 + premium / 100;
        // A premium is that of the side beyond the index.
        let (bid, ask) = if *premium < 0 { (price - 1, price) } else { (price, price + 1) };
        for (side, price) in [(Side::Buy, bid), (Side::Sell, ask)] {
            stage.must(order(9, 0, side, 1, Some(price)));
        }
        let rested = stage.runner.events().iter().rev().filter_map(|(_, _, event)| match event {
            Event::OrderRested { order, instrument, .. } => Some(OrderRef::Id(*instrument, *order)),
            _ => None,
        });
        resting.extend(rested.take(2));
    }
    let end = premiums.len() as u64 / 4 * 101;
    stage.until(end);
    stage.audit();
    let paid = |event: &Event| match event {
        Event::FundingSettled { rate, .. } => Some(rate.0),
        _ => None,
    };
    assert_eq!(stage.runner.now(), Time(end));
    stage.runner.events().iter().filter_map(|(_, _, event)| paid(event)).collect()
}

const RISE: [i64; 4] = [1_000, 2_000, 3_000, 4_000];

#[test]
fn the_samples_of_an_interval_are_averaged_and_damped() {
    // 2,500, pulled by 500 toward the interest of 100.
    assert_eq!(rates(PLAIN, &RISE), [2_000]);
    assert_eq!(rates(PLAIN, &[300, 300, -100, -100]), [100], "within the damper the rate is the interest");
    assert_eq!(rates(PLAIN, &[-9_000; 4]), [-7_500], "capped");
}

/// Binance: (1·1,000 + 2·2,000 + 3·3,000 + 4·4,000) ÷ 10 = 3,000.
#[test]
fn later_samples_weigh_more_at_binance() {
    let premium = PremiumRule { weights: PremiumWeights::Rising, ..PLAIN.premium };
    assert_eq!(rates(FundingPolicy { premium, ..PLAIN }, &RISE), [2_500]);
}

/// BitMEX: an interval's premium is paid at the end of the next one.
#[test]
fn bitmex_pays_an_interval_later() {
    let premiums: Vec<i64> = RISE.into_iter().chain([0; 4]).chain([-1_000; 4]).collect();
    assert_eq!(rates(FundingPolicy { lagged: true, ..PLAIN }, &premiums), [0, 2_000, 100]);
}

/// dYdX v4: premium and interest are added, are for 8 hours, and an eighth is paid each hour.
#[test]
fn dydx_adds_interest_and_pays_by_the_hour() {
    let policy = FundingPolicy { rule: FundingRule::Added, period: Span(808), cap: Ppm(120_000), ..PLAIN };
    assert_eq!(rates(policy, &RISE), [2_600 / 8]);
    assert_eq!(rates(policy, &[-200; 4]), [-12], "100 ÷ 8, toward zero");
}

/// The same book, in which the best levels are a lot each: for 30,000 the average price is that of three levels.
#[test]
fn an_impact_price_looks_beyond_the_best() {
    let rate = |impact| {
        let mut stage = Stage::new(&[(spec(InstrumentKind::Perpetual), 10_000)]);
        stage.index(0, 10_000);
        [10_090, 10_060, 10_030].into_iter().for_each(|price| stage.must(order(9, 0, Side::Buy, 1, Some(price))));
        stage.must(order(9, 0, Side::Sell, 9, Some(10_100)));
        let premium = PremiumRule { impact: Money(impact), ..PLAIN.premium };
        let policy = FundingPolicy { premium, interest: Ppm(0), rule: FundingRule::Added, cap: Ppm(9_999), ..PLAIN };
        stage.must(Command::SetFunding { instrument: PERP, policy: Some(policy) });
        stage.until(101);
        stage.runner.events().iter().find_map(|(_, _, event)| match event {
            Event::FundingSettled { rate, .. } => Some(rate.0),
            _ => None,
        })
    };
    assert_eq!(rate(0), Some(9_000));
    // 30,180 buys 3 lots.
    assert_eq!(rate(30_180), Some(6_000));
    assert_eq!(rate(1_000_000), Some(0), "the side holds less: it says nothing");
}

#[test]
fn funding_that_means_nothing_is_refused() {
    let inverse = downdraft_margin::InstrumentSpec {
        payoff: downdraft_margin::Payoff::Inverse,
        ..spec(InstrumentKind::Perpetual)
    };
    let mut stage = Stage::new(&[(spec(InstrumentKind::Perpetual), 10_000), (inverse, 10_000)]);
    let premium = |impact| PremiumRule { impact: Money(impact), ..PLAIN.premium };
    for policy in [
        FundingPolicy { period: Span(100), ..PLAIN },
        FundingPolicy { rule: FundingRule::Damped { damper: Ppm(-1) }, ..PLAIN },
        FundingPolicy { premium: premium(-1), ..PLAIN },
        FundingPolicy { premium: premium(1 << 101), ..PLAIN },
        FundingPolicy { cap: Ppm(1_000_001), ..PLAIN },
    ] {
        let command = Command::SetFunding { instrument: PERP, policy: Some(policy) };
        assert_eq!(stage.refused(command), Rejection::InvalidPolicy, "{policy:?}");
    }
    let inverse = |policy| Command::SetFunding { instrument: InstrumentId(1), policy: Some(policy) };
    assert_eq!(stage.refused(inverse(FundingPolicy { premium: premium(1), ..PLAIN })), Rejection::InvalidPolicy);
    stage.must(inverse(PLAIN));
}
