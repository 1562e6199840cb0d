//! The event queue against a binary heap, in the hold model: take the next entry, schedule another.
//!
//! `cargo bench -p downdraft-benches --bench queue`

use criterion::{BenchmarkId, Criterion, Throughput};
use downdraft_benches::measure::{CpuTime, criterion, side_by_side, time};
use downdraft_sim::queue::EventQueue;
use downdraft_sim::random::Streams;
use downdraft_types::{Seq, Time};
use slab::Slab;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A payload of about a command's size.
type Payload = [u64; 6];

const HOLDS: u64 = 200_000;

/// Something to hold entries in, in the total order `(time, seq)`.
trait Queue: Default {
    fn push(&mut self, time: Time, payload: Payload);
    fn pop(&mut self) -> (Time, Payload);
}

impl Queue for EventQueue<Payload> {
    fn push(&mut self, time: Time, payload: Payload) {
        Self::push(self, time, payload).expect("not in the past");
    }

    fn pop(&mut self) -> (Time, Payload) {
        let (time, _, payload) = Self::pop(self).expect("an entry is pending");
        (time, payload)
    }
}

/// The standard heap with its payloads inline.
#[derive(Default)]
struct InlineHeap {
    heap: BinaryHeap<Reverse<(Time, Seq, Payload)>>,
    next: u64,
}

impl Queue for InlineHeap {
    fn push(&mut self, time: Time, payload: Payload) {
        self.heap.push(Reverse((time, Seq(self.next), payload)));
        self.next += 1;
    }

    fn pop(&mut self) -> (Time, Payload) {
        let Reverse((time, _, payload)) = self.heap.pop().expect("an entry is pending");
        (time, payload)
    }
}

/// The standard heap of keys, its payloads in a slab.
#[derive(Default)]
struct KeyHeap {
    heap: BinaryHeap<Reverse<(Time, Seq, u32)>>,
    payloads: Slab<Payload>,
    next: u64,
}

impl Queue for KeyHeap {
    fn push(&mut self, time: Time, payload: Payload) {
        let slot = self.payloads.insert(payload) as u32;
        self.heap.push(Reverse((time, Seq(self.next), slot)));
        self.next += 1;
    }

    fn pop(&mut self) -> (Time, Payload) {
        let Reverse((time, _, slot)) = self.heap.pop().expect("an entry is pending");
        (time, self.payloads.remove(slot as usize))
    }
}

/// A queue held at a number of entries, with exponential delays so long that one entry falls due every 100 ns.
struct Held<Q> {
    queue: Q,
    delays: Vec<u64>,
    next: usize,
}

impl<Q: Queue> Held<Q> {
    fn new(pending: u64) -> Self {
        let mut dice = Streams::new(1).stream("queue", "delays").draw(0);
        let delays = (0..4_096).map(|_| dice.exponential(pending as f64 * 100.0) as u64).collect();
        let mut held = Self { queue: Q::default(), delays, next: 0 };
        for n in 0..pending {
            let delay = held.delay();
            held.queue.push(Time(delay), [n; 6]);
        }
        held.run(pending);
        held
    }

    fn delay(&mut self) -> u64 {
        self.next = (self.next + 1) % self.delays.len();
        self.delays[self.next]
    }

    fn run(&mut self, holds: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..holds {
            let (time, payload) = self.queue.pop();
            sum ^= payload[0] ^ time.0;
            let due = Time(time.0 + self.delay());
            self.queue.push(due, payload);
        }
        sum
    }
}

fn hold(criterion: &mut Criterion<CpuTime>, name: &str, pending: u64) {
    let mut ours = Held::<EventQueue<Payload>>::new(pending);
    let mut keys = Held::<KeyHeap>::new(pending);
    let mut inline = Held::<InlineHeap>::new(pending);
    for _ in 0..3 {
        let sums = [ours.run(HOLDS), keys.run(HOLDS), inline.run(HOLDS)];
        assert!(sums.iter().all(|sum| *sum == sums[0]), "all three pop the same entries");
    }
    side_by_side(
        &format!("hold {name} pending"),
        HOLDS,
        &mut [
            ("queue", &mut || time(|| ours.run(HOLDS))),
            ("heap of keys", &mut || time(|| keys.run(HOLDS))),
            ("heap with payloads", &mut || time(|| inline.run(HOLDS))),
        ],
    );
    let mut group = criterion.benchmark_group("queue");
    group.throughput(Throughput::Elements(HOLDS));
    group.bench_function(BenchmarkId::new("queue", name), |b| b.iter(|| ours.run(HOLDS)));
    group.bench_function(BenchmarkId::new("heap-of-keys", name), |b| b.iter(|| keys.run(HOLDS)));
    group.bench_function(BenchmarkId::new("heap-with-payloads", name), |b| b.iter(|| inline.run(HOLDS)));
    group.finish();
}

fn main() {
    let mut criterion = criterion();
    for (name, pending) in [("1k", 1_000), ("100k", 100_000), ("1M", 1_000_000)] {
        hold(&mut criterion, name, pending);
    }
    criterion.final_summary();
}
