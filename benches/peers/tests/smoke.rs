//! Small flows through every peer.

use downdraft_peers::{Lobster, Matchcore, OrderbookRs, Verdict, verdict};
use downdraft_testkit::order_flow::{ByNumber, Flow, Kind, Mix, book, generate};

fn near() -> Flow {
    generate(Mix::NearTouch { live: 100 }, 7, 2_000)
}

#[test]
fn ours_agrees() {
    let leftovers = generate(Mix::Leftovers { live: 100 }, 7, 2_000);
    for flow in [near(), leftovers] {
        assert_eq!(verdict(ByNumber::new(book(&flow), &flow), &flow), Verdict::Agrees);
    }
}

#[test]
fn peers_fill_as_the_oracle_does_where_nothing_is_changed() {
    let flow = generate(Mix::C, 7, 12_000);
    assert!(flow.fills > 1_000);
    for verdict in [verdict(Matchcore::new(&flow), &flow), verdict(OrderbookRs::new(), &flow)] {
        assert_eq!(verdict, Verdict::Agrees);
    }
}

#[test]
fn a_reduction_that_loses_its_place_is_seen() {
    let flow = near();
    let Verdict::Differs(difference) = verdict(Lobster::new(&flow), &flow) else {
        panic!("lobster cannot reduce an order in its place")
    };
    let before = flow.setup.iter().chain(&flow.ops).take(difference.at);
    assert!(before.filter(|op| op.kind() == Kind::Reduce).count() > 0, "{difference}");
}

#[test]
fn a_trade_through_the_limit_is_seen() {
    let flow = generate(Mix::Leftovers { live: 100 }, 7, 2_000);
    let Verdict::Differs(difference) = verdict(Matchcore::new(&flow), &flow) else {
        panic!("matchcore 0.4 trades beyond the limit of an order that is not filled within it")
    };
    assert!(difference.found.starts_with(&difference.expected), "{difference}");
    assert!(difference.found.len() > difference.expected.len(), "{difference}");
}
