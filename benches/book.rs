//! The book against a bare floor, on mixes of operations.
//!
//! ```console
//! cargo bench -p downdraft-benches --bench book           # all mixes
//! cargo bench -p downdraft-benches --bench book -- A      # one: A, B, C, Leftovers, Far, Teleport, Many, Features
//! ```
//!
//! `DOWNDRAFT_BENCH_MIXES=A,C` chooses several; `DOWNDRAFT_BENCH_SEED`, `DOWNDRAFT_BENCH_OPS` and
//! `DOWNDRAFT_BENCH_RESTING` (orders of mix B) are numbers.

use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use downdraft_benches::measure::{CpuTime, ROUNDS, criterion, time};
use downdraft_benches::race::{Contender, Course, Foresight, chosen, from_environment, race, seed};
use downdraft_testkit::alloc::{Counting, live_bytes};
use downdraft_testkit::order_flow::{
    ByNumber, Engine, Featured, Features, Flow, ManyBooks, Mix, Null, Resolved, book, book_with, book_with_everything,
    floor, generate_many, generate_with, replay_many, resolve, resolve_many,
};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIXES: [&str; 8] = ["A", "B", "C", "Leftovers", "Far", "Teleport", "Many", "Features"];
/// Of a hundred orders so many make use of a feature.
const SHARE: u32 = 5;
/// Owners where they are few.
const OWNERS: u32 = 100;
/// Books of the mix of many.
const BOOKS: u32 = 10_000;
/// Orders live in each of them.
const LIVE_EACH: u32 = 64;

fn main() {
    let operations = from_environment("DOWNDRAFT_BENCH_OPS", 1_000_000) as usize;
    let resting = from_environment("DOWNDRAFT_BENCH_RESTING", 1_000_000) as u32;
    let mut criterion = criterion();
    for name in chosen(&MIXES) {
        let mix = match name {
            "A" => Mix::A,
            "B" => Mix::b(resting),
            "C" => Mix::C,
            "Leftovers" => Mix::Leftovers { live: 5_000 },
            "Far" => Mix::Far { live: 5_000 },
            "Teleport" => Mix::Teleport { live: 1_000 },
            "Features" => {
                [("A", Mix::A), ("B", Mix::b(resting))].iter().for_each(|(name, mix)| features(name, *mix, operations));
                continue;
            }
            _ => {
                many(operations);
                continue;
            }
        };
        one(&mut criterion, &Course::new(name, mix, operations));
    }
    criterion.final_summary();
}

/// One book, with the floor beside it where the floor has the prices.
fn one(criterion: &mut Criterion<CpuTime>, course: &Course) {
    let flow = &course.flow;
    let (make, by_number) = (|| book(flow), || ByNumber::new(book(flow), flow));
    let everything = || book_with_everything(flow);
    let (resolved, listed) = (resolve(make(), flow), resolve(everything(), flow));
    let numbers = Resolved::from(flow);
    let floors = course.mix.fits_the_floor().then(|| resolve(floor(flow), flow));
    let mut contenders = Vec::new();
    if let Some(resolved) = &floors {
        let make = || floor(flow);
        contenders.push(Contender::new("floor", make, resolved, Foresight::None).timed(make, resolved).reference());
    }
    contenders.push(Contender::new("book", make, &resolved, Foresight::None).timed(make, &resolved));
    contenders.push(Contender::new("book, looking ahead", make, &resolved, Foresight::LooksAhead));
    contenders.push(Contender::new("book, owner lists", everything, &listed, Foresight::None));
    if floors.is_some() {
        let make = || ByNumber::new(floor(flow), flow);
        contenders.push(Contender::new("floor, by number", make, &numbers, Foresight::None).reference());
    }
    contenders.push(Contender::new("book, by number", by_number, &numbers, Foresight::None));
    for standing in race(course, &contenders) {
        assert!(standing.agrees, "mix {}: every fill of the {} is the oracle's, in order", course.name, standing.name);
        let ours = standing.name.starts_with("book");
        assert!(!ours || standing.allocations == 0, "mix {}: the {} allocates", course.name, standing.name);
    }

    let mut group = criterion.benchmark_group(format!("book/{}", course.name));
    group.throughput(Throughput::Elements(flow.ops.len() as u64)).sampling_mode(SamplingMode::Flat);
    let filled = || {
        let mut book = make();
        resolved.set_up(&mut book);
        book
    };
    group.bench_function("book", |b| {
        b.iter_batched_ref(filled, |book| resolved.replay(book), BatchSize::PerIteration);
    });
    group.finish();
}

/// What features cost that keep something beside an order: the same flow with and without each. All contenders turn
/// makers into numbers through a table by slot.
fn features(name: &'static str, mix: Mix, operations: usize) {
    let course = Course::new(name, mix, operations);
    let none = Features::default();
    let (timed, icebergs, owners) = (SHARE, SHARE, OWNERS);
    let iced = generate_with(mix, Features { icebergs, ..none }, seed(), operations);
    let each = course.flow.setup.iter().chain(&course.flow.ops).filter(|op| op.is_new()).count() as u32;
    let plain = [
        ("without features", none),
        ("lists of 100 owners", Features { owners, ..none }),
        ("lists, an owner an order", Features { owners: each, ..none }),
        ("5% good till a time", Features { timed, ..none }),
    ];
    let with_icebergs =
        [("5% icebergs", Features { icebergs, ..none }), ("all three", Features { icebergs, timed, owners })];
    let flows = [(&course.flow, &plain[..]), (&iced, &with_icebergs[..])];
    let runs =
        flows.into_iter().flat_map(|(flow, runs)| runs.iter().map(move |(name, features)| (flow, *name, *features)));
    let runs: Vec<_> = runs.map(|(flow, name, of)| (flow, name, of, resolve(Featured::new(flow, of), flow))).collect();
    let contenders = runs.iter().map(|(flow, name, of, resolved)| {
        let contender = Contender::new(name, || Featured::new(flow, *of), resolved, Foresight::None).on(flow);
        if *of == none { contender.reference() } else { contender }
    });
    let contenders: Vec<_> = contenders.collect();
    for standing in race(&course, &contenders) {
        assert!(standing.agrees, "mix {name}, {}: every fill is the oracle's, in order", standing.name);
        assert_eq!(standing.allocations, 0, "mix {name}, {}: the book allocates", standing.name);
    }
}

/// Many small books, each operation in a random one of them.
fn many(operations: usize) {
    let many = generate_many(Mix::NearTouch { live: LIVE_EACH }, BOOKS, seed(), operations);
    let harness = best_of_many(&many, |_| Null::default(), None);
    let ours = best_of_many(&many, book, Some(many.digest));
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / operations as f64;
    println!("\nmix Many: {operations} operations in random ones of {BOOKS} books, {LIVE_EACH} orders live in each");
    println!("book {:.1} ns/op; {:.1} ns of harness taken off", nanos(ours) - nanos(harness), nanos(harness));
    for (orders, levels) in [(0, 0), (LIVE_EACH, LIVE_EACH)] {
        let before = live_bytes();
        let book = book_with(orders, levels);
        let bytes = live_bytes().wrapping_sub(before) + size_of_val(&book) as u64;
        println!("an empty book with room for {orders} orders and {levels} levels: {bytes} bytes");
    }
}

fn best_of_many<E: Engine>(many: &ManyBooks, make: impl Fn(&Flow) -> E, digest: Option<u64>) -> Duration {
    let round = |_| {
        let (mut engines, steps) = resolve_many(&make, many);
        let mut found = 0;
        let taken = time(|| found = replay_many(&mut engines, &steps));
        assert!(digest.is_none_or(|expected| expected == found), "every fill is the oracle's, in order");
        taken
    };
    (0..ROUNDS).map(round).min().expect("there is a round")
}
