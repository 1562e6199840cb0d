//! Running a flow through an engine, with handles written in and the fills digested.

use super::{Engine, Flow, Op, Trade};

/// How many operations ahead [`replay_ahead`] looks.
pub const LOOK_AHEAD: usize = 16;

/// A digest of trades: of each the operation that led to it, the maker, price and lots, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Digest(pub u64);

impl Digest {
    /// Takes in a trade of the operation numbered `at`.
    #[inline]
    pub fn trade(&mut self, at: usize, trade: Trade) {
        let terms = (trade.price as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(trade.lots);
        let parties = u64::from(trade.maker) << 32 ^ at as u64;
        self.0 = (self.0.rotate_left(23) ^ terms.rotate_left(32) ^ parties).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
}

/// A flow with an engine's own handles.
#[derive(Clone, Debug)]
pub struct Resolved<H> {
    /// What fills the book first.
    pub setup: Vec<Op<H>>,
    /// What is measured.
    pub ops: Vec<Op<H>>,
    /// Of the measured operations' trades.
    pub digest: u64,
}

impl<H: Copy> Resolved<H> {
    /// Fills an empty engine with what rests at the start.
    pub fn set_up<E: Engine<Handle = H>>(&self, engine: &mut E) {
        replay(engine, 0, &self.setup);
    }

    /// Runs the measured operations and returns the digest of their trades.
    pub fn replay<E: Engine<Handle = H>>(&self, engine: &mut E) -> u64 {
        replay(engine, self.first_number(), &self.ops)
    }

    /// As [`Resolved::replay`], looking ahead.
    pub fn replay_ahead<E: Engine<Handle = H>>(&self, engine: &mut E) -> u64 {
        replay_ahead(engine, self.first_number(), &self.ops)
    }

    /// The number of the first new order among the measured operations.
    #[must_use]
    pub fn first_number(&self) -> u32 {
        self.setup.len() as u32
    }
}

impl From<&Flow> for Resolved<u32> {
    fn from(flow: &Flow) -> Self {
        Self { setup: flow.setup.clone(), ops: flow.ops.clone(), digest: flow.digest }
    }
}

/// Runs a flow through an empty engine and writes its handles into the operations.
///
/// # Panics
/// Where the engine has no order that the flow says is resting.
#[must_use]
pub fn resolve<E: Engine>(mut engine: E, flow: &Flow) -> Resolved<E::Handle> {
    let (mut handles, mut digest) = (Vec::new(), Digest::default());
    let setup = flow.setup.iter().map(|op| step(&mut engine, &mut handles, op, |_| ())).collect();
    let ops = flow.ops.iter().enumerate();
    let ops = ops.map(|(at, op)| step(&mut engine, &mut handles, op, |trade| digest.trade(at, trade))).collect();
    Resolved { setup, ops, digest: digest.0 }
}

/// Applies an operation by number and returns it by handle; `handles` has an entry for each new order.
pub(super) fn step<E: Engine>(
    engine: &mut E,
    handles: &mut Vec<Option<E::Handle>>,
    op: &Op<u32>,
    filled: impl FnMut(Trade),
) -> Op<E::Handle> {
    let op = op.rename(|number| handles[number as usize].expect("the order rests"));
    let handle = apply(engine, handles.len() as u32, &op, filled);
    if op.is_new() {
        handles.push(handle);
    }
    op
}

/// Applies an operation, whose order has this number if it is new; returns its handle if it is new and rests.
#[inline]
pub fn apply<E: Engine>(
    engine: &mut E,
    number: u32,
    op: &Op<E::Handle>,
    filled: impl FnMut(Trade),
) -> Option<E::Handle> {
    match *op {
        Op::Place { side, price, qty } => return engine.place(number, side, price, qty, filled),
        Op::Take { side, price, qty } => engine.take(number, side, price, qty, filled),
        Op::Market { side, qty } => engine.market(number, side, qty, filled),
        Op::Cancel(order) => engine.cancel(order),
        Op::Reduce { order, by, left } => engine.reduce(order, by, left),
        Op::Replace { order, side, price, qty } => engine.replace(order, side, price, qty, filled),
    }
    None
}

/// Runs operations whose new orders are numbered from `number`; returns the digest of their trades.
#[inline(never)]
pub fn replay<E: Engine>(engine: &mut E, mut number: u32, ops: &[Op<E::Handle>]) -> u64 {
    let mut digest = Digest::default();
    for (at, op) in ops.iter().enumerate() {
        apply(engine, number, op, |trade| digest.trade(at, trade));
        number += u32::from(op.is_new());
    }
    digest.0
}

/// As [`replay`], and tells the engine of each operation [`LOOK_AHEAD`] operations before it.
#[inline(never)]
pub fn replay_ahead<E: Engine>(engine: &mut E, mut number: u32, ops: &[Op<E::Handle>]) -> u64 {
    let mut digest = Digest::default();
    for (at, op) in ops.iter().enumerate() {
        if let Some(later) = ops.get(at + LOOK_AHEAD) {
            engine.hint(later);
        }
        if let Some(later) = ops.get(at + LOOK_AHEAD / 2) {
            engine.hint_again(later);
        }
        apply(engine, number, op, |trade| digest.trade(at, trade));
        number += u32::from(op.is_new());
    }
    digest.0
}
