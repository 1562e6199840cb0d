//! Prints the floor, our book and its peers side by side, and where a peer's fills differ from the oracle's.
//!
//! ```console
//! cargo run --release                # in benches/peers: all mixes
//! cargo run --release -- A           # one: A, B, C, Leftovers
//! ```
//!
//! The environment is that of the book's own bench; by default there are 200,000 operations, and 100,000 orders
//! rest in mix B.

use downdraft_benches::race::{Contender, Course, Foresight, chosen, from_environment, race};
use downdraft_peers::{LACKS, Lobster, Matchcore, OrderbookRs, Verdict, verdict};
use downdraft_testkit::alloc::Counting;
use downdraft_testkit::order_flow::{ByNumber, Engine, Mix, Resolved, book, floor};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let operations = from_environment("DOWNDRAFT_BENCH_OPS", 200_000) as usize;
    let resting = from_environment("DOWNDRAFT_BENCH_RESTING", 100_000) as u32;
    for (peer, lacks) in LACKS {
        println!("{peer} lacks {lacks}");
    }
    for name in chosen(&["A", "B", "C", "Leftovers"]) {
        let mix = match name {
            "A" => Mix::A,
            "B" => Mix::b(resting),
            "C" => Mix::C,
            _ => Mix::Leftovers { live: 5_000 },
        };
        side_by_side(&Course::new(name, mix, operations));
    }
}

fn side_by_side(course: &Course) {
    let (flow, numbers) = (&course.flow, &Resolved::from(&course.flow));
    let mut contenders = vec![contender("floor", || ByNumber::new(floor(flow), flow), numbers).reference()];
    contenders.push(contender("downdraft", || ByNumber::new(book(flow), flow), numbers));
    let verdicts = [
        ("matchcore 0.4", verdict(Matchcore::new(flow), flow)),
        ("orderbook-rs 0.15", verdict(OrderbookRs::new(), flow)),
        ("lobster 0.7", verdict(Lobster::new(flow), flow)),
    ];
    for (name, verdict) in &verdicts {
        match (verdict, *name) {
            (Verdict::Panicked, _) => {}
            (_, "matchcore 0.4") => contenders.push(contender(name, || Matchcore::new(flow), numbers)),
            (_, "orderbook-rs 0.15") => contenders.push(contender(name, OrderbookRs::new, numbers)),
            _ => contenders.push(contender(name, || Lobster::new(flow), numbers)),
        }
    }
    for standing in race(course, &contenders).iter().take(2) {
        assert!(standing.agrees, "mix {}: every fill of {} is the oracle's, in order", course.name, standing.name);
    }
    println!("fills beside the oracle's, the set-up's operations counted first:");
    for (name, verdict) in verdicts {
        match verdict {
            Verdict::Agrees => println!("  {name} agrees"),
            Verdict::Differs(difference) => println!("  {name} differs first at {difference}"),
            Verdict::Panicked => println!("  {name} panicked, and was not timed"),
        }
    }
}

/// All are driven by the flow's order numbers, with whatever table they need.
fn contender<'a, E: Engine<Handle = u32> + 'a>(
    name: &'static str,
    make: impl Fn() -> E + Copy + 'a,
    numbers: &'a Resolved<u32>,
) -> Contender<'a> {
    Contender::new(name, make, numbers, Foresight::None).timed(make, numbers)
}
