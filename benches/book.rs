//! The book against a bare floor, on three mixes of operations.
//!
//! `cargo bench -p downdraft-benches --bench book`; `DOWNDRAFT_BENCH_RESTING=1000000` for mix B at its full size.

use criterion::{BatchSize, Criterion, Throughput};
use downdraft_benches::measure::{CpuTime, criterion, side_by_side, time};
use downdraft_book::{Book, BookCapacity};
use downdraft_testkit::floor::Floor;
use downdraft_testkit::order_flow::{Engine, Mix, Resolved, generate, replay, resolve};

const OPS: usize = 200_000;

fn mix(criterion: &mut Criterion<CpuTime>, name: &str, mix: Mix) {
    let flow = generate(mix, 1, OPS);
    let ops = flow.ops.len() as u64;
    let capacity = BookCapacity::new(flow.most_live, 12_000);
    let book = resolve(Book::with_capacity(capacity), &flow);
    let floor = resolve(Floor::with_capacity(flow.most_live as usize), &flow);
    assert_eq!(book.digest, floor.digest, "mix {name}: every fill is the same, in order");
    let fills = flow.fills as f64 / ops as f64;
    let title = format!("mix {name}, at most {} resting, {fills:.2} fills an operation", flow.most_live);
    side_by_side(&title, ops, &mut [("book", &mut || run(&book)), ("floor", &mut || run(&floor))]);

    let mut group = criterion.benchmark_group(format!("book/{name}"));
    group.throughput(Throughput::Elements(ops));
    group.bench_function("book", |b| {
        b.iter_batched_ref(|| book.engine.clone(), |engine| replay(engine, &book.ops), BatchSize::PerIteration);
    });
    group.bench_function("floor", |b| {
        b.iter_batched_ref(|| floor.engine.clone(), |engine| replay(engine, &floor.ops), BatchSize::PerIteration);
    });
    group.finish();
}

fn run<E: Engine>(resolved: &Resolved<E>) -> std::time::Duration {
    let mut engine = resolved.engine.clone();
    time(|| replay(&mut engine, &resolved.ops))
}

fn main() {
    let resting = std::env::var("DOWNDRAFT_BENCH_RESTING").ok();
    let resting = resting.map_or(100_000, |n| n.parse().expect("DOWNDRAFT_BENCH_RESTING: a number of orders"));
    let mut criterion = criterion();
    mix(&mut criterion, "A", Mix::A);
    mix(&mut criterion, "B", Mix::b(resting));
    mix(&mut criterion, "C", Mix::C);
    criterion.final_summary();
}
