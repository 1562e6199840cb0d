//! Latency: bounds, first in first out, and what is refused.

use downdraft_sim::latency::{Channel, Latencies, Latency};
use downdraft_sim::random::Streams;
use downdraft_types::{Span, Time};
use proptest::prelude::*;

fn delays(latency: Latency) -> Vec<u64> {
    let stream = Streams::new(5).stream("trader", "latency");
    (0..20_000).map(|ordinal| latency.sample(&mut stream.draw(ordinal)).0).collect()
}

#[test]
fn delays_keep_to_their_distribution() {
    assert!(delays(Latency::constant(Span(7))).iter().all(|&delay| delay == 7));

    let uniform = delays(Latency::Uniform { low: Span(10), high: Span(12) });
    for delay in 10..=12 {
        let count = uniform.iter().filter(|&&found| found == delay).count();
        assert!((6_300..7_030).contains(&count), "{delay} ns came {count} times");
    }
    assert!(uniform.iter().all(|delay| (10..=12).contains(delay)));

    let cap = Span(3_000_000);
    let mut tail = delays(Latency::LogNormal { median: Span::from_millis(1), sigma: 0.6, cap: Some(cap) });
    tail.sort_unstable();
    assert!((985_000..1_015_000).contains(&tail[10_000]), "median {}", tail[10_000]);
    assert_eq!(*tail.last().unwrap(), cap.0);
}

#[test]
fn extremes_do_not_overflow() {
    assert!(delays(Latency::Uniform { low: Span(0), high: Span(u64::MAX) }).iter().any(|&delay| delay > u64::MAX / 2));
    assert!(delays(Latency::LogNormal { median: Span(u64::MAX), sigma: 1e9, cap: None }).contains(&u64::MAX));
}

proptest! {
    #[test]
    fn a_channel_is_first_in_first_out(messages in proptest::collection::vec((0..100_u64, 0..1_000_u64), 1..50)) {
        let mut channel = Channel::default();
        let (mut sent, mut last) = (Time::ZERO, Time::ZERO);
        for (gap, delay) in messages {
            sent = sent + Span(gap);
            let arrives = channel.deliver(sent + Span(delay));
            // As early as its own delay and the message before it allow.
            prop_assert_eq!(arrives, last.max(sent + Span(delay)));
            last = arrives;
        }
    }
}

#[test]
fn scenarios_name_latencies() {
    let text = "
        orders = { kind = 'log-normal', median_ns = 250_000, sigma = 0.4, cap_ns = 5_000_000 }
        market_data = { kind = 'uniform', low_ns = 1, high_ns = 2 }
    ";
    let latencies: Latencies = toml::from_str(text).unwrap();
    let orders = Latency::LogNormal { median: Span(250_000), sigma: 0.4, cap: Some(Span(5_000_000)) };
    assert_eq!(latencies, Latencies { orders, data: Latency::Uniform { low: Span(1), high: Span(2) } });
    assert_eq!(latencies.validate(), Ok(()));
    assert_eq!(toml::from_str::<Latencies>(&toml::to_string(&latencies).unwrap()).unwrap(), latencies);
    assert_eq!(toml::from_str::<Latencies>("").unwrap(), Latencies::default());
    let error = toml::from_str::<Latencies>("orders = { kind = 'constant', delay = 5 }").unwrap_err();
    assert!(error.to_string().contains("delay_ns"), "{error}");
}

#[test]
fn wrong_parameters_are_named() {
    let latencies = |data| Latencies { orders: Latency::default(), data };
    let refused = |latency| latencies(latency).validate().unwrap_err();
    assert_eq!(
        refused(Latency::Uniform { low: Span(3), high: Span(2) }),
        "market_data.high_ns: found 2, expected at least low_ns, that is 3"
    );
    assert_eq!(
        refused(Latency::LogNormal { median: Span(0), sigma: 0.1, cap: None }),
        "market_data.median_ns: found 0, expected above 0"
    );
    assert_eq!(
        refused(Latency::LogNormal { median: Span(1), sigma: f64::NAN, cap: None }),
        "market_data.sigma: found NaN, expected a finite number, at least 0"
    );
    assert_eq!(
        refused(Latency::LogNormal { median: Span(9), sigma: 0.1, cap: Some(Span(8)) }),
        "market_data.cap_ns: found 8, expected at least median_ns, that is 9"
    );
}
