//! Many small books in one process, each operation in a random one of them.

use super::replay::{apply, step};
use super::{Digest, Engine, Flow, Mix, Op, Oracle, generate};
use downdraft_sim::random::Streams;

/// A flow for each of many books, and whose turn it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManyBooks {
    /// Each book's operations, in order.
    pub flows: Vec<Flow>,
    /// The book of each operation.
    pub turns: Vec<u32>,
    /// Of the measured operations' trades.
    pub digest: u64,
}

/// An operation in one of many books.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step<H> {
    /// Which book.
    pub book: u32,
    /// The number that a new order has in its book.
    pub number: u32,
    /// What is done there.
    pub op: Op<H>,
}

/// So many operations of a mix, each in a random one of so many books.
#[must_use]
pub fn generate_many(mix: Mix, books: u32, seed: u64, count: usize) -> ManyBooks {
    let mut dice = Streams::new(seed).stream("order-flow", "turns").draw(0);
    let turns: Vec<u32> = (0..count).map(|_| dice.below(u64::from(books)) as u32).collect();
    let mut counts = vec![0; books as usize];
    for book in &turns {
        counts[*book as usize] += 1;
    }
    let flows = counts.iter().map(|count| generate(mix, dice.next_u64(), *count)).collect();
    let mut many = ManyBooks { flows, turns, digest: 0 };
    let (mut oracles, steps) = resolve_many(|_| Oracle::default(), &many);
    many.digest = replay_many(&mut oracles, &steps);
    many
}

/// Returns an engine for each book, filled with what rests there first, and the operations with their handles.
///
/// # Panics
/// Where an engine has no order that its flow says is resting.
#[must_use]
pub fn resolve_many<E: Engine>(make: impl Fn(&Flow) -> E, many: &ManyBooks) -> (Vec<E>, Vec<Step<E::Handle>>) {
    let mut engines = Vec::with_capacity(many.flows.len());
    let mut named = Vec::with_capacity(many.flows.len());
    for flow in &many.flows {
        let (mut engine, mut tried, mut handles) = (make(flow), make(flow), Vec::new());
        for op in &flow.setup {
            let op = step(&mut tried, &mut handles, op, |_| ());
            apply(&mut engine, handles.len() as u32 - 1, &op, |_| ());
        }
        let mut ops = Vec::with_capacity(flow.ops.len());
        for op in &flow.ops {
            ops.push((handles.len() as u32, step(&mut tried, &mut handles, op, |_| ())));
        }
        named.push(ops.into_iter());
        engines.push(engine);
    }
    let steps = many.turns.iter().map(|book| {
        let (number, op) = named[*book as usize].next().expect("as many operations as turns");
        Step { book: *book, number, op }
    });
    (engines, steps.collect())
}

/// Runs operations in many books; returns the digest of their trades.
#[inline(never)]
pub fn replay_many<E: Engine>(engines: &mut [E], steps: &[Step<E::Handle>]) -> u64 {
    let mut digest = Digest::default();
    for (at, Step { book, number, op }) in steps.iter().enumerate() {
        apply(&mut engines[*book as usize], *number, op, |trade| digest.trade(at, trade));
    }
    digest.0
}
