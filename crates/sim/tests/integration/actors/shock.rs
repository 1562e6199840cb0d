use super::background::crowd;
use super::{CASH, Ear, PERP, RICH, add, counted, ms, world};
use downdraft_sim::actors::{Background, BackgroundConfig, Shock, ShockConfig, ShockOrder};
use downdraft_types::{AccountId, Price, Qty, Side, Span};
use downdraft_venue::{Command, MarkRule, TimeInForce};

pub fn sale(qty: u64, slices: u32) -> ShockConfig {
    ShockConfig {
        instrument: PERP,
        currency: CASH,
        account: AccountId(10),
        deposit: RICH,
        stock: None,
        side: Side::Sell,
        qty: Qty(qty),
        slices,
        start: ms(5_000),
        interval: Span::from_millis(250),
        order: ShockOrder::Market,
    }
}

fn still() -> Background {
    Background::new(BackgroundConfig { limit_rate: 0.0, market_rate: 0.0, ..crowd() }).expect("legal parameters")
}

#[test]
fn sells_in_slices_as_a_root_cause() {
    let mut world = world(1, 10, MarkRule::Last);
    add(&mut world, "crowd", 0, still());
    add(&mut world, "shock", 2, Shock::new(sale(11, 3)).unwrap());
    let ear = Ear::of(&mut world);
    let orders: Vec<_> = ear
        .commands
        .iter()
        .filter_map(|(stamp, command)| match command {
            Command::PlaceOrder(order) if order.account == AccountId(10) => Some((stamp, order)),
            _ => None,
        })
        .collect();
    let found: Vec<_> = orders.iter().map(|(stamp, order)| (stamp.time, order.qty.0, stamp.cause)).collect();
    assert_eq!(found, [(ms(5_002), 4, None), (ms(5_252), 4, None), (ms(5_502), 3, None)]);
    assert!(orders.iter().all(|(_, order)| order.limit.is_none() && order.tif == TimeInForce::Ioc));
    assert_eq!(world.venue().margin().position(AccountId(10), PERP).unwrap().size().0, -11);
}

#[test]
fn a_limited_shock_stops_at_its_limit() {
    for rests in [false, true] {
        let mut world = world(1, 10, MarkRule::Last);
        add(&mut world, "crowd", 0, still());
        let order = ShockOrder::Limit { price: Price(999), rests };
        add(&mut world, "shock", 0, Shock::new(ShockConfig { order, ..sale(900, 1) }).unwrap());
        let ear = Ear::of(&mut world);
        assert_eq!(world.venue().margin().position(AccountId(10), PERP).unwrap().size().0, -500);
        let asks = &ear.book(ms(6_000))[Side::Sell as usize];
        assert_eq!(asks[0], if rests { (999, 400) } else { (1_001, 500) });
        assert_eq!((counted(&world, "shock", "orders"), counted(&world, "shock", "refused")), (1, 0));
    }
}

#[test]
fn names_the_wrong_field() {
    assert_eq!(Shock::new(sale(3, 4)).unwrap_err(), "slices: found 4, expected 1 to 3, that is at most one per lot");
    assert_eq!(Shock::new(sale(0, 1)).unwrap_err(), "qty: found 0, expected at least 1");
}
