//! Where an engine's fills are not the oracle's.

use super::replay::apply;
use super::{Engine, Flow, Op, Oracle, Trade};
use std::fmt;

/// The first operation whose fills differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Which of the operations, from 0, the set-up's included.
    pub at: usize,
    /// What it was, its order by number.
    pub op: Op<u32>,
    /// The number that a new order has.
    pub number: u32,
    /// The oracle's fills.
    pub expected: Vec<Trade>,
    /// The engine's.
    pub found: Vec<Trade>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, op, number, expected, found } = self;
        let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
        write!(f, "operation {at}, {op:?}")?;
        if op.is_new() {
            write!(f, ", order {number}")?;
        }
        write!(f, ": expected {} fills, found {}; ", expected.len(), found.len())?;
        write!(f, "fill {same}: expected {}, found {}", Shown(expected.get(same)), Shown(found.get(same)))
    }
}

struct Shown<'a>(Option<&'a Trade>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Trade { maker, price, lots }) => write!(f, "{lots} lots at {price} of order {maker}"),
            None => f.write_str("none"),
        }
    }
}

/// Runs a flow through an empty engine and the oracle, side by side, up to the first operation whose fills differ.
pub fn first_difference<E: Engine<Handle = u32>>(mut engine: E, flow: &Flow) -> Option<Difference> {
    let (mut oracle, mut number) = (Oracle::default(), 0);
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for (at, op) in flow.setup.iter().chain(&flow.ops).enumerate() {
        expected.clear();
        found.clear();
        apply(&mut oracle, number, op, |trade| expected.push(trade));
        apply(&mut engine, number, op, |trade| found.push(trade));
        if expected != found {
            return Some(Difference { at, op: *op, number, expected, found });
        }
        number += u32::from(op.is_new());
    }
    None
}
