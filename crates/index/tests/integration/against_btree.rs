use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use downdraft_index::{Full, OrderedMap};
use proptest::prelude::*;

/// Applies one step to both and compares what it returned.
fn step<const B: usize>(
    map: &mut OrderedMap<u16, u32, B>,
    model: &mut BTreeMap<u16, u32>,
    op: u8,
    key: u16,
    value: u32,
) {
    match op % 9 {
        0 => {
            let full = model.len() == map.capacity() && !model.contains_key(&key);
            let there = model.get(&key).copied();
            assert_eq!(map.insert_new(key, value), if full { Err(Full) } else { Ok(there) });
            if !full {
                model.entry(key).or_insert(value);
            }
        }
        1..=3 => {
            let full = model.len() == map.capacity() && !model.contains_key(&key);
            let expected = if full { Err(Full) } else { Ok(model.insert(key, value)) };
            assert_eq!(map.insert(key, value), expected);
        }
        4..=6 => assert_eq!(map.remove(&key), model.remove(&key)),
        7 => remove_leading(map, model, key / 8),
        _ => {
            let (found, expected) = (map.get_mut(&key), model.get_mut(&key));
            assert_eq!(found, expected);
            if let (Some(found), Some(expected)) = (found, expected) {
                (*found, *expected) = (value, value);
            }
        }
    }
}

/// Removes all keys up to `last`, as many at a time as the map likes.
fn remove_leading<const B: usize>(map: &mut OrderedMap<u16, u32, B>, model: &mut BTreeMap<u16, u32>, last: u16) {
    let mut shown = Vec::new();
    loop {
        let before = shown.len();
        let takes = |key: &u16, value: &u32| {
            let taken = *key <= last;
            if taken {
                shown.push((*key, *value));
            }
            taken
        };
        let taken = map.remove_leading(takes);
        assert_eq!(taken, shown.len() - before);
        map.check_invariants();
        if taken == 0 {
            break;
        }
    }
    let kept = model.split_off(&(last + 1));
    assert!(shown.into_iter().eq(core::mem::replace(model, kept)));
}

fn compare<const B: usize>(map: &OrderedMap<u16, u32, B>, model: &BTreeMap<u16, u32>, key: u16) {
    map.check_invariants();
    let pair = |(k, v): (&u16, &u32)| (*k, *v);
    assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(map.get(&key), model.get(&key).copied());
    assert_eq!(map.first(), model.first_key_value().map(pair));
    assert_eq!(map.last(), model.last_key_value().map(pair));
    assert_eq!(map.next_after(&key), model.range((Excluded(key), Unbounded)).next().map(pair));
    assert_eq!(map.next_before(&key), model.range(..key).next_back().map(pair));
    assert!(map.iter().eq(model.iter().map(pair)));
    assert!(map.iter().rev().eq(model.iter().map(pair).rev()));
    assert!(map.range_from(&key).eq(model.range(key..).map(pair)));
    assert!(map.range_from(&key).rev().eq(model.range(key..).map(pair).rev()));
}

fn trial<const B: usize>(capacity: usize, steps: &[(u8, u16, u32)], keys: u16) {
    let mut map = OrderedMap::<u16, u32, B>::with_capacity_and_fanout(capacity);
    let mut model = BTreeMap::new();
    for &(op, key, value) in steps {
        step(&mut map, &mut model, op, key % keys, value);
        compare(&map, &model, key % keys);
    }
    let copy = map.clone();
    compare(&copy, &model, 0);
    map.clear();
    compare(&map, &BTreeMap::new(), 0);
}

/// Fills to capacity in the given order, refuses one more, churns at capacity, then empties in another order.
fn fill_and_empty<const B: usize>(order: &[u16], churn: &[(u16, u16)], other: &[u16]) {
    let spare = order.len() / 4;
    let capacity = order.len() - spare;
    let mut map = OrderedMap::<u16, u32, B>::with_capacity_and_fanout(capacity);
    let mut model = BTreeMap::new();
    for key in &order[..capacity] {
        assert_eq!(map.insert(*key, 1), Ok(None));
        model.insert(*key, 1);
    }
    compare(&map, &model, 0);
    for key in &order[capacity..] {
        assert_eq!(map.insert(*key, 1), Err(Full));
    }
    for (out, into) in churn {
        let (out, into) = (order[*out as usize % order.len()], order[*into as usize % order.len()]);
        assert_eq!(map.remove(&out), model.remove(&out));
        step(&mut map, &mut model, 0, into, 2);
        map.check_invariants();
    }
    // From full again, since a churn may have left holes.
    for key in order {
        step(&mut map, &mut model, 0, *key, 3);
    }
    assert_eq!(map.len(), capacity);
    compare(&map, &model, 0);
    for key in other {
        assert_eq!(map.remove(key), model.remove(key));
        map.check_invariants();
    }
    assert!(map.is_empty());
}

fn two_orders(max: u16) -> impl Strategy<Value = (Vec<u16>, Vec<u16>)> {
    (1..max).prop_flat_map(|n| {
        let all: Vec<u16> = (0..n).collect();
        (Just(all.clone()).prop_shuffle(), Just(all).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_steps_with_small_nodes(
        capacity in 0_usize..120,
        steps in prop::collection::vec(any::<(u8, u16, u32)>(), 0..400),
    ) {
        trial::<4>(capacity, &steps, 160);
        trial::<5>(capacity, &steps, 160);
    }

    #[test]
    fn random_steps_with_the_default_nodes(
        capacity in 0_usize..600,
        steps in prop::collection::vec((0_u8..6, any::<u16>(), any::<u32>()), 0..1_200),
    ) {
        trial::<64>(capacity, &steps, 900);
    }

    #[test]
    fn every_order_fills_and_empties_with_small_nodes(
        orders in two_orders(300),
        churn in prop::collection::vec(any::<(u16, u16)>(), 0..300),
    ) {
        fill_and_empty::<4>(&orders.0, &churn, &orders.1);
        fill_and_empty::<7>(&orders.0, &churn, &orders.1);
    }

    #[test]
    fn every_order_fills_and_empties_with_the_default_nodes(
        orders in two_orders(2_000),
        churn in prop::collection::vec(any::<(u16, u16)>(), 0..200),
    ) {
        fill_and_empty::<64>(&orders.0, &churn, &orders.1);
    }
}

#[test]
fn ascending_and_descending_fills_reach_capacity() {
    let (up, down): (Vec<u16>, Vec<u16>) = ((0..3_000).collect(), (0..3_000).rev().collect());
    fill_and_empty::<64>(&up, &[], &down);
    fill_and_empty::<64>(&down, &[], &up);
    fill_and_empty::<4>(&up, &[], &up);
    fill_and_empty::<4>(&down, &[], &down);
}

#[test]
fn tuple_keys_with_unit_values() {
    let mut triggers = OrderedMap::<(i64, u32), ()>::with_capacity(4);
    for key in [(i64::MIN, 7), (i64::MAX, 0), (0, u32::MAX), (0, 1)] {
        assert_eq!(triggers.insert(key, ()), Ok(None));
    }
    let from_zero: Vec<_> = triggers.range_from(&(0, 0)).map(|(key, ())| key).collect();
    assert_eq!(from_zero, [(0, 1), (0, u32::MAX), (i64::MAX, 0)]);
}

#[test]
fn debug_prints_a_map() {
    let mut map = OrderedMap::with_capacity(2);
    assert_eq!((map.insert(2, 'b'), map.insert(1, 'a')), (Ok(None), Ok(None)));
    assert_eq!(format!("{map:?}"), "{1: 'a', 2: 'b'}");
}
