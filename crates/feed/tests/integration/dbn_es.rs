//! An evening of the E-mini S&P 500 future, and the publisher's own tiny samples.

use crate::{naive::Orders, recordings};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{Body, Compression, ErrorKind, Kind, Position, Source, Steps};
use downdraft_types::{Price, Qty, Side, Time};
use std::collections::{BTreeMap, BTreeSet};

const ES: &str = "dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst";
const ESH4: u32 = 17_077;

fn quarter_points() -> Steps {
    Steps::new(250_000_000, 1).unwrap()
}

#[test]
fn es_is_counted_by_action() {
    let Some(input) = recordings::open(ES) else { return };
    assert_eq!(input.compression(), Compression::Zstd);
    let mut reader = MboReader::new(input, quarter_points(), Some(ESH4)).unwrap();
    assert_eq!((reader.info().version, reader.info().dataset.as_str()), (1, "GLBX.MDP3"));
    assert_eq!(reader.info().symbols, ["ESH4"]);
    let mut auction = [0; 2];
    for record in reader.by_ref() {
        if let Body::Cross { order, .. } = record.unwrap().body {
            auction[usize::from(order.is_some())] += 1;
        }
    }
    let counts = reader.counts();
    println!("{counts:?}");
    let of = |kind| counts.kind(kind);
    assert_eq!(counts.read, 68_792);
    assert_eq!([of(Kind::Add), of(Kind::Reduce), of(Kind::Modify)], [29_216, 17_999, 12_233]);
    // Prints and fills of the auction have no side.
    assert_eq!([of(Kind::Trade) + auction[0], of(Kind::Fill) + auction[1]], [2_973, 6_371]);
    assert_eq!(auction, [1, 35]);
    assert_eq!(counts.by_reason().map(|(_, n)| n).sum::<u64>(), 0);
    assert_eq!((counts.out_of_order, counts.maybe_bad_book), (0, 0));
    assert_eq!(reader.midnight(), Some(1_703_462_400_000_000_000));
}

#[test]
fn es_rebuilds_from_adds_cancels_and_modifies_alone() {
    let Some(input) = recordings::open(ES) else { return };
    let reader = MboReader::new(input, quarter_points(), None).unwrap();
    let mut book = Orders::default();
    let (mut snapshot, mut opened, mut crossed_before, mut crossed_after) = (0, false, 0, 0);
    for record in reader {
        let record = record.unwrap();
        book.apply(&record.body).unwrap_or_else(|complaint| panic!("record {}: {complaint}", record.ordinal));
        if record.snapshot {
            assert_eq!((record.ordinal, record.time), (snapshot, Time::ZERO), "the snapshot comes first");
            assert!(matches!(record.body, Body::Add { .. }) && record.end_of_event);
            snapshot += 1;
        }
        // The auction's print.
        opened |= matches!(record.body, Body::Cross { order: None, .. });
        if record.end_of_event && book.is_crossed() {
            *if opened { &mut crossed_after } else { &mut crossed_before } += 1;
        }
    }
    assert_eq!(snapshot, 8_725);
    assert_eq!((crossed_before, crossed_after), (891, 0));
    assert_eq!(book.orders.len(), 11_217);
    assert_eq!(book.best().map(|(bid, ask)| (bid.0, ask.0)), Some((19_240, 19_241)));
    println!("{snapshot} snapshot orders; crossed before the opening {crossed_before}, after {crossed_after}");
}

/// The rule of the module's documentation: a fill names a resting order on its side, and a cancel or modify of
/// that order follows in the same event.
#[test]
fn es_fills_are_followed_by_their_reductions() {
    let Some(input) = recordings::open(ES) else { return };
    let reader = MboReader::new(input, quarter_points(), None).unwrap();
    let mut book = Orders::default();
    let mut filled = BTreeMap::new();
    let (mut followed, mut refreshed, mut other_price) = (0, 0, 0);
    for record in reader {
        let record = record.unwrap();
        match record.body {
            Body::Fill { order, side, price, qty } => {
                let resting = book.orders.get(&order).expect("a fill names a resting order");
                assert_eq!(resting.0, side);
                other_price += u64::from(resting.1 != price);
                *filled.entry(order).or_insert(0) += qty.0;
            }
            Body::Reduce { order, .. } => {
                followed += u64::from(filled.remove(&order).is_some());
            }
            Body::Modify { order, price, qty, .. } => {
                if let Some(traded) = filled.remove(&order) {
                    followed += 1;
                    let before = book.orders[&order];
                    refreshed += u64::from(price == before.1 && qty.0 + traded != before.2.0);
                }
            }
            _ => {}
        }
        book.apply(&record.body).unwrap();
        assert!(!record.end_of_event || filled.is_empty(), "record {}: {filled:?}", record.ordinal);
    }
    println!("{followed} reductions follow fills, {refreshed} refill an iceberg, {other_price} at another price");
    assert!(followed > 6_000 && refreshed < followed / 50);
}

#[test]
fn samples_of_all_versions_decode_alike() {
    let mut seen = Vec::new();
    for version in 1..=3 {
        let Some(input) = recordings::open(&format!("dbn/schemas/test_data.mbo.v{version}.dbn.zst")) else { return };
        let mut reader = MboReader::new(input, quarter_points(), Some(5482)).unwrap();
        assert_eq!(reader.info().version, version);
        seen.push(reader.by_ref().collect::<Result<Vec<_>, _>>().unwrap());
        assert_eq!(reader.counts().kind(Kind::Reduce), 2);
    }
    assert!(seen[0].len() == 2 && seen.iter().all(|records| *records == seen[0]));
}

#[test]
fn other_schemas_are_refused_by_name() {
    for schema in ["definition", "mbp-10", "trades"] {
        let Some(input) = recordings::open(&format!("dbn/schemas/test_data.{schema}.v3.dbn.zst")) else { return };
        let error = MboReader::new(input, quarter_points(), None).err().unwrap();
        assert_eq!((error.kind, error.position, error.field), (ErrorKind::Unsupported, Position::Header, "schema"));
        assert_eq!(error.to_string(), format!("header: schema: expected mbo (market-by-order), found {schema}"));
    }
}

/// How far the recording keeps the order in which it lists a level's orders: the format has no priority field.
#[test]
fn es_fills_mostly_take_the_front_of_the_queue() {
    let Some(input) = recordings::open(ES) else { return };
    let reader = MboReader::new(input, quarter_points(), None).unwrap();
    let mut book = Orders::default();
    let mut queues: BTreeMap<(Side, Price), Vec<u64>> = BTreeMap::new();
    let mut from_snapshot = BTreeSet::new();
    let mut filled: BTreeMap<u64, Qty> = BTreeMap::new();
    let mut fills = [[0; 2]; 2];
    for record in reader {
        let record = record.unwrap();
        let held = |order| book.orders.get(&order).copied();
        let mut leave = |order, (side, price, _): (Side, Price, Qty)| {
            queues.get_mut(&(side, price)).unwrap().retain(|&queued| queued != order);
        };
        match record.body {
            Body::Add { order, side, price, .. } => {
                queues.entry((side, price)).or_default().push(order);
                from_snapshot.extend(record.snapshot.then_some(order));
            }
            Body::Reduce { order, .. } => leave(order, held(order).unwrap()),
            Body::Modify { order, side, price, qty } => {
                let before = held(order).unwrap();
                // What was filled away and shows again is a refilled iceberg, at the back.
                if price != before.1 || qty > before.2 || (filled.contains_key(&order) && qty == before.2) {
                    leave(order, before);
                    queues.entry((side, price)).or_default().push(order);
                    from_snapshot.remove(&order);
                }
            }
            Body::Fill { order, side, price, qty } if held(order).is_some_and(|held| held.1 == price) => {
                let spent = |queued: &u64| filled.get(queued).is_some_and(|&traded| traded >= held(*queued).unwrap().2);
                let front = queues[&(side, price)].iter().find(|queued| !spent(queued));
                fills[usize::from(from_snapshot.contains(&order))][usize::from(front == Some(&order))] += 1;
                *filled.entry(order).or_default() += qty;
            }
            _ => {}
        }
        book.apply(&record.body).unwrap();
        if record.end_of_event {
            filled.clear();
        }
    }
    let [[passed, front], [snapshot_passed, snapshot_front]] = fills;
    println!(
        "fills of snapshot orders: {snapshot_front} at the front, {snapshot_passed} not; of others {front}, {passed}"
    );
    assert_eq!((snapshot_front, snapshot_passed), (150, 0), "a snapshot lists a level in queue order");
    assert!(passed * 10 < front, "{passed} of {}", passed + front);
}
