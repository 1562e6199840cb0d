use super::{CASH, Ear, PERP, START, add, list, spec, world};
use downdraft_margin::{MarginMode, Pool};
use downdraft_sim::actors::{Balancing, Explicit, ExplicitConfig, Holding};
use downdraft_types::{AccountId, InstrumentId, Lots, MarkPrice, Money};
use downdraft_venue::MarkRule;
use std::collections::BTreeSet;

const OTHER: InstrumentId = InstrumentId(1);

const fn holding(account: u32, instrument: InstrumentId, size: i64, value: i128, margin: i128) -> Holding {
    Holding {
        account: AccountId(account),
        instrument,
        size: Lots(size),
        value: Money(value),
        margin: Money(margin),
        mode: MarginMode::Cross,
    }
}

const fn isolated(holding: Holding) -> Holding {
    Holding { mode: MarginMode::Isolated, ..holding }
}

/// One lot at the mark is worth 6000.
fn config(holdings: Vec<Holding>) -> ExplicitConfig {
    let mark = MarkPrice(2 * START.0);
    ExplicitConfig {
        portfolio: BTreeSet::new(),
        instruments: vec![(PERP, spec(), mark), (OTHER, spec(), mark)],
        holdings,
        pivot: AccountId(50),
        balancing: None,
    }
}

fn given() -> Vec<Holding> {
    vec![
        // Deep under water, and saved only by its profit in the other instrument.
        holding(7, PERP, 100, 900_000, 20_000),
        holding(7, OTHER, -100, 900_000, 20_000),
        isolated(holding(8, PERP, -30, 180_001, 12_345)),
        isolated(holding(8, OTHER, 130, 779_999, 500_001)),
        holding(9, PERP, -70, 419_999, 100_000),
        holding(9, OTHER, -30, 180_007, 0),
    ]
}

#[test]
fn stands_as_given() {
    let mut world = world(1, 0, MarkRule::Last);
    list(&mut world, OTHER, MarkRule::Last);
    add(&mut world, "venue", 0, Explicit::new(config(given())).unwrap());
    let ear = Ear::of(&mut world);
    assert_eq!((ear.rejections(), ear.liquidations()), (0, vec![]));
    let margin = world.venue().margin();
    for holding in given() {
        let position = margin.position(holding.account, holding.instrument).unwrap();
        assert_eq!(
            (position.size(), position.cost().abs(), position.mode()),
            (holding.size, holding.value, holding.mode)
        );
        if holding.mode == MarginMode::Isolated {
            assert_eq!(margin.balance(margin.pool_of(position)), holding.margin);
        }
    }
    let cash = |account| margin.balance(Pool::Cross { account: AccountId(account), currency: CASH }).0;
    assert_eq!([cash(7), cash(8), cash(9), cash(50)], [40_000, 0, 100_000, 0]);
}

#[test]
fn positions_that_do_not_net_need_a_balancing_account() {
    let mut uneven = config(given());
    uneven.holdings[4].size = Lots(-60);
    assert_eq!(
        Explicit::new(uneven.clone()).unwrap_err(),
        "positions in instrument 0: found a sum of 10 lots, expected 0; name a balancing account"
    );
    uneven.balancing = Some(Balancing { account: AccountId(30), margin: Money(5_000) });
    let actor = Explicit::new(uneven.clone()).unwrap();
    let added = actor.holdings().iter().find(|holding| holding.account == AccountId(30));
    assert_eq!(added, Some(&holding(30, PERP, -10, 60_000, 5_000)));
    let mut world = world(1, 0, MarkRule::Last);
    list(&mut world, OTHER, MarkRule::Last);
    add(&mut world, "venue", 0, actor);
    assert_eq!(Ear::of(&mut world).rejections(), 0);

    uneven.balancing = Some(Balancing { account: AccountId(9), margin: Money(5_000) });
    assert!(Explicit::new(uneven).unwrap_err().starts_with("balancing.account: found 9, which holds a position"));
}

#[test]
fn a_wrong_position_is_named() {
    let refused = |change: fn(&mut Vec<Holding>)| {
        let mut holdings = given();
        change(&mut holdings);
        Explicit::new(config(holdings)).unwrap_err()
    };
    for (error, change) in [
        (
            "position of account 7 in instrument 0: size: found 0 lots",
            (|h| h[0].size = Lots(0)) as fn(&mut Vec<Holding>),
        ),
        ("position of account 7 in instrument 0: value: found -1", |h| h[0].value = Money(-1)),
        ("position of account 7 in instrument 1: margin: found -1", |h| h[1].margin = Money(-1)),
        ("position of account 7 in instrument 1: margin: found 1267650600228229401496703205376, expected less", |h| {
            h[1].margin = Money(1 << 100);
        }),
        ("position of account 7: found instrument 2, expected a listed one", |h| h[0].instrument = InstrumentId(2)),
        ("position of account 50 in instrument 0: found on the pivot", |h| h[0].account = AccountId(50)),
        ("position of account 0 in instrument 0: account: found 0", |h| h[0].account = AccountId(0)),
        ("position of account 8 in instrument 0: found a second position", |h| h[4].account = AccountId(8)),
        // A twentieth of the entry value, 9001, is asked for.
        ("position of account 8 in instrument 0: margin: found 9000, expected initial margin", |h| {
            h[2].margin = Money(9_000)
        }),
        ("position of account 8 in instrument 0: equity at the first mark", |h| h[2].value = Money(170_000)),
        ("account 7: equity at the first mark: found 23999, expected maintenance margin, 24000", |h| {
            h[0].value = Money(916_001)
        }),
    ] {
        let found = refused(change);
        assert!(found.starts_with(error), "found {found}, expected {error}");
    }
}
