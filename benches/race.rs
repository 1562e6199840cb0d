//! Books on the same order flow, in turn within one process: what an operation costs each, net of the harness.
//!
//! Each round makes an empty engine, fills it, and times the operations. What an engine that does nothing takes is
//! what reading the operations and digesting costs; it is taken off all others.

use crate::latency::Latencies;
use crate::measure::{ROUNDS, time};
use downdraft_testkit::alloc::{allocations, live_bytes};
use downdraft_testkit::order_flow::{Engine, Flow, Mix, Null, Resolved, generate};
use std::time::Duration;

/// A flow and what it is called.
pub struct Course {
    /// Its short name.
    pub name: &'static str,
    /// How it was made.
    pub mix: Mix,
    /// The operations.
    pub flow: Flow,
}

impl Course {
    /// So many operations of a mix, with the seed that the environment asks for.
    #[must_use]
    pub fn new(name: &'static str, mix: Mix, operations: usize) -> Self {
        Self { name, mix, flow: generate(mix, seed(), operations) }
    }

    fn title(&self) -> String {
        let Self { name, flow, .. } = self;
        let fills = flow.fills as f64 / flow.ops.len() as f64;
        let (count, live, levels) = (flow.ops.len(), flow.most_live, flow.most_levels);
        format!("mix {name}: {count} operations, {fills:.2} fills each, at most {live} resting on {levels} levels")
    }
}

/// `DOWNDRAFT_BENCH_SEED`, or 1.
#[must_use]
pub fn seed() -> u64 {
    from_environment("DOWNDRAFT_BENCH_SEED", 1)
}

/// A number that the environment may set.
///
/// # Panics
/// Where what it sets is not one.
#[must_use]
pub fn from_environment(name: &str, otherwise: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}: found {text}, expected a number")))
}

/// Those of the mixes that the command line or `DOWNDRAFT_BENCH_MIXES` (with commas between) names; all where they
/// name none.
#[must_use]
pub fn chosen(names: &[&'static str]) -> Vec<&'static str> {
    let listed = std::env::var("DOWNDRAFT_BENCH_MIXES").unwrap_or_default();
    let arguments: Vec<String> = std::env::args().skip(1).chain(listed.split(',').map(str::to_owned)).collect();
    let named: Vec<_> = names.iter().copied().filter(|name| arguments.iter().any(|a| a == name)).collect();
    if named.is_empty() { names.to_vec() } else { named }
}

/// Whether an engine hears of operations ahead of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Foresight {
    /// It does not.
    None,
    /// As [`downdraft_testkit::order_flow::replay_ahead`].
    LooksAhead,
}

/// A book in a race.
pub struct Contender<'a> {
    name: &'static str,
    is_reference: bool,
    /// Of its flow's fills, where that is not the course's.
    digest: Option<u64>,
    run: Box<dyn Fn() -> Run + 'a>,
    latencies: Option<Box<dyn Fn() -> Latencies + 'a>>,
}

/// One round of one contender.
struct Run {
    time: Duration,
    allocations: u64,
    /// Bytes held when the book is full.
    bytes: u64,
    digest: u64,
}

impl<'a> Contender<'a> {
    /// A book that `make` makes empty, driven by handle or by number as `resolved` was.
    pub fn new<E: Engine + 'a>(
        name: &'static str,
        make: impl Fn() -> E + 'a,
        resolved: &'a Resolved<E::Handle>,
        foresight: Foresight,
    ) -> Self {
        let run = move || {
            let before = live_bytes();
            let mut engine = make();
            resolved.set_up(&mut engine);
            let bytes = live_bytes().wrapping_sub(before);
            let (before, mut digest) = (allocations(), 0);
            let time = time(|| {
                digest = match foresight {
                    Foresight::None => resolved.replay(&mut engine),
                    Foresight::LooksAhead => resolved.replay_ahead(&mut engine),
                }
            });
            Run { time, allocations: allocations() - before, bytes, digest }
        };
        Self { name, is_reference: false, digest: None, run: Box::new(run), latencies: None }
    }

    /// Ratios of those that follow are to this one.
    #[must_use]
    pub const fn reference(mut self) -> Self {
        self.is_reference = true;
        self
    }

    /// Runs another flow of as many operations: its fills must be that one's.
    #[must_use]
    pub const fn on(mut self, flow: &Flow) -> Self {
        self.digest = Some(flow.digest);
        self
    }

    /// Has each operation timed on its own as well, several times over; the round counts whose market orders took the
    /// least, since what interrupts it takes longer than an operation.
    #[must_use]
    pub fn timed<E: Engine + 'a>(mut self, make: impl Fn() -> E + 'a, resolved: &'a Resolved<E::Handle>) -> Self {
        let round = move |_| {
            let mut engine = make();
            resolved.set_up(&mut engine);
            Latencies::of(&mut engine, resolved.first_number(), &resolved.ops)
        };
        let calmest = move || (0..ROUNDS).map(&round).min_by(|a, b| a.market_ns.total_cmp(&b.market_ns));
        self.latencies = Some(Box::new(move || calmest().expect("there is a round")));
        self
    }
}

/// What a contender came to.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whose.
    pub name: &'static str,
    /// An operation, net of the harness, in ns of the thread's CPU time; the best round.
    pub ns: f64,
    /// Allocations while running the operations, in all.
    pub allocations: u64,
    /// Whether every fill of each round was the oracle's, in order.
    pub agrees: bool,
    is_reference: bool,
    bytes: u64,
    latencies: Option<Latencies>,
}

/// Runs all contenders in turn, several times, and prints their standings; ratios are to the reference above.
///
/// Turns make the ratio hold on a machine whose speed wanders.
pub fn race(course: &Course, contenders: &[Contender<'_>]) -> Vec<Standing> {
    let idle = Resolved::from(&course.flow);
    let null = Contender::new("null", Null::default, &idle, Foresight::None);
    let mut harness = Duration::MAX;
    let mut best: Vec<Option<Run>> = contenders.iter().map(|_| None).collect();
    let mut agrees = vec![true; contenders.len()];
    for _ in 0..ROUNDS {
        harness = harness.min((null.run)().time);
        for ((contender, best), agrees) in contenders.iter().zip(&mut best).zip(&mut agrees) {
            let run = (contender.run)();
            *agrees &= run.digest == contender.digest.unwrap_or(course.flow.digest);
            if best.as_ref().is_none_or(|best| run.time < best.time) {
                *best = Some(run);
            }
        }
    }
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / course.flow.ops.len() as f64;
    let standings = contenders.iter().zip(best).zip(agrees).map(|((contender, run), agrees)| {
        let Run { time, allocations, bytes, .. } = run.expect("there is a round");
        let latencies = contender.latencies.as_ref().map(|latencies| latencies());
        let (name, is_reference, ns) = (contender.name, contender.is_reference, nanos(time) - nanos(harness));
        Standing { name, ns, allocations, agrees, is_reference, bytes, latencies }
    });
    let standings: Vec<Standing> = standings.collect();
    println!("\n{}; {:.1} ns of harness taken off", course.title(), nanos(harness));
    print_standings(course, &standings);
    print_latencies(&standings);
    standings
}

fn print_standings(course: &Course, standings: &[Standing]) {
    let (count, resting) = (course.flow.ops.len() as f64, course.flow.setup.len() as f64);
    let mut reference = f64::NAN;
    println!(
        "{:24} {:>10} {:>8} {:>9} {:>10} {:>12}  fills",
        "", "ns/op", "ratio", "ns/fill", "allocs/op", "bytes/order"
    );
    for Standing { name, ns, allocations, agrees, is_reference, bytes, latencies } in standings {
        if *is_reference {
            reference = *ns;
        }
        let (ratio, allocations, bytes) = (ns / reference, *allocations as f64 / count, *bytes as f64 / resting);
        // Where only market orders trade, their time is that of the fills.
        let per_fill = latencies.as_ref().filter(|_| course.mix == Mix::Sweeps);
        let per_fill = per_fill.map_or("".to_owned(), |l| format!("{:.1}", l.market_ns / course.flow.fills as f64));
        let agrees = if *agrees { "agree" } else { "DIFFER" };
        println!("{name:24} {ns:>10.1} {ratio:>8.2} {per_fill:>9} {allocations:>10.3} {bytes:>12.1}  {agrees}");
    }
}

fn print_latencies(standings: &[Standing]) {
    let timed = || standings.iter().filter_map(|s| Some((s.name, s.latencies.as_ref()?)));
    let Some((_, first)) = timed().next() else { return };
    println!("{:36} {:>9} {:>7} {:>7} {:>7} {:>9}", "ns of one operation", "count", "p50", "p99", "p99.9", "max");
    for (kind, _) in first.kinds() {
        for (name, latencies) in timed() {
            if let Some((_, of)) = latencies.kinds().iter().find(|(other, _)| other == kind) {
                println!("  {:8} {name:24}  {:>9} {of}", format!("{kind:?}").to_lowercase(), of.count);
            }
        }
    }
}
