//! The event queue against a sorted map, and directed cases.

use downdraft_sim::queue::{EventQueue, InPast};
use downdraft_testkit::queue_model::{QueueStep, compare_queue, run_queue_differential};
use downdraft_types::{Seq, Time};
use proptest::collection::vec;
use proptest::prelude::*;

fn step() -> impl Strategy<Value = QueueStep> {
    prop_oneof![
        4 => (0..4_u8, 0..12_u8).prop_map(|(steps, shift)| QueueStep::PushAfter { steps, shift }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(steps, shift)| QueueStep::PushAfter { steps, shift }),
        1 => any::<u64>().prop_map(QueueStep::PushAt),
        2 => any::<u16>().prop_map(|of| QueueStep::PushBeside { of }),
        2 => any::<u8>().prop_map(|part| QueueStep::PushBetween { part }),
        2 => Just(QueueStep::PushNow),
        // Low places are the entries about to leave: cancelling those is the hard case.
        2 => (0..3_u16).prop_map(|of| QueueStep::Cancel { of }),
        2 => any::<u16>().prop_map(|of| QueueStep::Cancel { of }),
        1 => any::<u16>().prop_map(|of| QueueStep::CancelTicket { of }),
        2 => Just(QueueStep::Peek),
        5 => Just(QueueStep::Pop),
        2 => (any::<u8>(), 0..12_u8).prop_map(|(steps, shift)| QueueStep::PopUntil { steps, shift }),
        1 => Just(QueueStep::Clone),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_a_sorted_map(steps in vec(step(), 0..400)) {
        compare_queue(steps);
    }

    #[test]
    fn agrees_with_a_sorted_map_on_bytes(bytes in vec(any::<u8>(), 0..600)) {
        run_queue_differential(&bytes);
    }
}

fn drain<T>(queue: &mut EventQueue<T>) -> Vec<T> {
    std::iter::from_fn(|| queue.pop()).map(|(_, _, payload)| payload).collect()
}

#[test]
fn ties_leave_as_they_were_scheduled() {
    let mut queue = EventQueue::new();
    for name in 0..100 {
        queue.push(Time(1_000), name).unwrap();
        queue.push(Time(999 + 7 * (name % 3)), 1_000 + name).unwrap();
    }
    let mut order = Vec::new();
    while let Some((time, seq, _)) = queue.pop() {
        order.push((time, seq));
    }
    assert_eq!(order.len(), 200);
    assert!(order.is_sorted());
}

#[test]
fn the_immediate_lane_never_overtakes() {
    let mut queue = EventQueue::new();
    queue.push(Time(5), "first at 5").unwrap();
    queue.push(Time(5), "second at 5").unwrap();
    queue.push(Time(6), "at 6").unwrap();
    assert_eq!(queue.pop(), Some((Time(5), Seq(0), "first at 5")));
    queue.push_now("at once");
    queue.push(Time(5), "pushed at 5, later").unwrap();
    assert_eq!(drain(&mut queue), ["second at 5", "at once", "pushed at 5, later", "at 6"]);
}

#[test]
fn looking_ahead_leaves_room_before_the_next_entry() {
    let mut queue = EventQueue::new();
    queue.push(Time(1 << 40), "far").unwrap();
    queue.push(Time((1 << 40) + 1), "farther").unwrap();
    assert_eq!(queue.peek_time(), Some(Time(1 << 40)));
    assert_eq!(queue.pop_until(Time((1 << 40) - 1)), None);
    assert_eq!(queue.now(), Time::ZERO);
    queue.push(Time(3), "near").unwrap();
    queue.push_now("now");
    assert_eq!(drain(&mut queue), ["now", "near", "far", "farther"]);
}

#[test]
fn the_past_is_refused() {
    let mut queue = EventQueue::starting_at(Time(100), Seq(7));
    let refused = queue.push(Time(99), ()).unwrap_err();
    assert_eq!(refused, InPast { now: Time(100), found: Time(99) });
    assert_eq!(
        refused.to_string(),
        "time of a queue entry: found 0.000000099s, expected the present 0.000000100s or later"
    );
    assert_eq!(queue.push(Time(100), ()).unwrap().seq, Seq(7));
}

#[test]
fn the_last_moment_is_a_moment() {
    let mut queue = EventQueue::new();
    queue.push(Time::MAX, 1).unwrap();
    queue.push(Time(u64::MAX - 1), 0).unwrap();
    queue.push(Time::MAX, 2).unwrap();
    assert_eq!(queue.pop_until(Time(u64::MAX - 1)).map(|entry| entry.2), Some(0));
    assert_eq!(queue.pop_until(Time::MAX).map(|entry| entry.2), Some(1));
    queue.push_now(3);
    queue.push(Time::MAX, 4).unwrap();
    assert_eq!(drain(&mut queue), [2, 3, 4]);
    assert!(queue.push(Time(0), 5).is_err());
}

#[test]
fn a_ticket_never_names_another_entry() {
    let mut queue = EventQueue::new();
    let old = queue.push(Time(1), "old").unwrap();
    queue.pop();
    // The slot is free again and taken by the next entry.
    let new = queue.push(Time(2), "new").unwrap();
    assert_eq!(queue.cancel(old), None);
    assert_eq!(queue.cancel(new), Some("new"));
    assert_eq!(queue.cancel(new), None);
    assert_eq!((queue.pop(), queue.peek_time()), (None, None));
}

#[test]
fn cancelling_everything_due_at_the_next_instant_reveals_the_one_after() {
    let mut queue = EventQueue::new();
    let tickets: Vec<_> = (0..4).map(|n| queue.push(Time(8), n).unwrap()).collect();
    queue.push(Time(9), 10).unwrap();
    for ticket in tickets {
        queue.cancel(ticket);
    }
    assert_eq!(queue.peek_time(), Some(Time(9)));
    assert_eq!(drain(&mut queue), [10]);
}

#[test]
fn cancelled_entries_do_not_pile_up() {
    let mut queue = EventQueue::new();
    for round in 0..100_000_u64 {
        let ticket = queue.push(Time(1 << 50 | round), [0_u8; 64]).unwrap();
        queue.cancel(ticket).unwrap();
        if round % 1_000 == 0 {
            // Fails where cancelled entries outnumber pending ones by more than a constant.
            queue.check_invariants();
        }
    }
    // Half cancelled far ahead while the other half leaves.
    let far: Vec<_> = (0..1_000).map(|n| queue.push(Time(1 << 50 | n), [0; 64]).unwrap()).collect();
    for n in 0..1_000 {
        queue.push(Time(n), [0; 64]).unwrap();
    }
    for ticket in far {
        assert!(queue.cancel(ticket).is_some());
    }
    while queue.pop().is_some() {
        queue.check_invariants();
    }
}
