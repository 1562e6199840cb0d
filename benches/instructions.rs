//! Instructions that the book executes on small flows, counted under valgrind: the same on every run of one build,
//! so a few in a hundred more fail.
//!
//! `.ci/instructions` runs it. To set new baselines, put the counts that it prints into the constants below.
#![allow(missing_docs)]

use downdraft_book::Book;
use downdraft_testkit::order_flow::{Mix, Resolved, book, generate, resolve};
use downdraft_types::OrderId;
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use std::hint::black_box;

/// Instructions of 20,000 operations of mix A, the reading of operations and the digest of fills included.
const A: u64 = 3_039_355;
/// Of 20,000 operations of mix B with 20,000 orders resting.
const B: u64 = 2_866_023;
/// Of 20,000 operations of mix C.
const C: u64 = 3_628_644;
/// Above so many hundredths of its baseline a count fails.
const TOLERATED: u64 = 103;

const OPERATIONS: usize = 20_000;

struct Ready {
    book: Book,
    resolved: Resolved<OrderId>,
}

fn ready(mix: Mix) -> Ready {
    let flow = generate(mix, 1, OPERATIONS);
    let (mut ready, resolved) = (book(&flow), resolve(book(&flow), &flow));
    resolved.set_up(&mut ready);
    Ready { book: ready, resolved }
}

fn at_most(baseline: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, baseline * TOLERATED / 100)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark]
#[bench::a(args = (Mix::A), setup = ready, config = at_most(A))]
#[bench::b(args = (Mix::b(20_000)), setup = ready, config = at_most(B))]
#[bench::c(args = (Mix::C), setup = ready, config = at_most(C))]
fn replay(mut ready: Ready) -> Ready {
    black_box(ready.resolved.replay(&mut ready.book));
    ready
}

library_benchmark_group!(name = book_instructions, benchmarks = replay);
main!(library_benchmark_groups = book_instructions);
