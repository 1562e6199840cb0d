//! Order flow for measuring books: three seeded mixes, and what it takes to replay them through any book.
//!
//! An operation names its order by number, in the order of placing. Where an engine's own handle is wanted in
//! the operation, so that looking it up costs nothing, [`resolve`] writes it in: engines are deterministic, so a
//! first run tells the handles of all that follow.
//!
//! ```text
//!   generate(mix, seed) ──► Flow of order numbers ──resolve(engine)──► ops with handles, digest of all fills
//!                                                                        └──► replay(engine): the timed part
//! ```

mod generate;

use crate::floor::Floor;
use crate::naive_book::NaiveBook;
use downdraft_book::{Book, Fill, Matcher, NewOrder, TimeInForce};
use downdraft_types::{OrderId, Price, Qty, Side};

pub use generate::generate;

/// A mix of operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    /// Places and cancels near a slowly wandering middle, one in twenty takes; about so many orders live.
    NearTouch {
        /// Orders live on average.
        live: u32,
    },
    /// Many orders over many levels, placed and cancelled anywhere.
    Resting {
        /// Orders live on average.
        live: u32,
        /// Levels, both sides together.
        levels: u32,
    },
    /// Takers that sweep 100 to 500 levels, and the refill.
    Sweeps,
}

impl Mix {
    /// About 5,000 orders near the touch.
    pub const A: Self = Self::NearTouch { live: 5_000 };
    /// Sweeps and refill.
    pub const C: Self = Self::Sweeps;

    /// So many orders on 10,000 levels.
    #[must_use]
    pub const fn b(live: u32) -> Self {
        Self::Resting { live, levels: 10_000 }
    }
}

/// An operation; `H` names an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op<H> {
    /// Matches within the limit, and rests what is left.
    Place {
        /// Buy or sell.
        side: Side,
        /// The limit.
        price: u32,
        /// Lots.
        qty: u32,
    },
    /// Matches within the limit, and drops what is left. It has a number, too.
    Take {
        /// Buy or sell.
        side: Side,
        /// The limit.
        price: u32,
        /// Lots.
        qty: u32,
    },
    /// Removes a resting order.
    Cancel(H),
    /// Takes lots, fewer than it has, off a resting order.
    Reduce(H, u32),
}

/// Operations on orders by number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// What fills the book first.
    pub setup: Vec<Op<u32>>,
    /// What is measured.
    pub ops: Vec<Op<u32>>,
    /// The most orders ever resting at once.
    pub most_live: u32,
    /// Trades that the measured operations lead to.
    pub fills: u64,
}

/// A book that can be measured. `filled` hears of each maker's slot, price and lots traded.
pub trait Engine: Clone {
    /// How it names a resting order.
    type Handle: Copy;

    /// A number below its capacity that no other resting order has.
    fn slot(handle: Self::Handle) -> u32;

    /// Places a limit order and returns its handle, if it rests.
    fn place(&mut self, side: Side, price: u32, qty: u32, filled: impl FnMut(u32, u32, u32)) -> Option<Self::Handle>;

    /// Takes within a limit.
    fn take(&mut self, side: Side, price: u32, qty: u32, filled: impl FnMut(u32, u32, u32));

    /// Cancels a resting order.
    fn cancel(&mut self, handle: Self::Handle);

    /// Takes lots off a resting order.
    fn reduce(&mut self, handle: Self::Handle, by: u32);
}

/// A flow with an engine's own handles.
#[derive(Clone, Debug)]
pub struct Resolved<E: Engine> {
    /// The engine after the set-up.
    pub engine: E,
    /// What is measured.
    pub ops: Vec<Op<E::Handle>>,
    /// Of every fill, in order: which order, at what price, how many lots.
    pub digest: u64,
}

/// Runs a flow through an engine and writes its handles into the operations.
///
/// # Panics
/// Where the engine has no order that the flow says is resting.
#[must_use]
pub fn resolve<E: Engine>(mut engine: E, flow: &Flow) -> Resolved<E> {
    let mut names = Names { handles: Vec::new(), at_slot: Vec::new(), digest: 0 };
    for op in &flow.setup {
        names.apply(&mut engine, op);
    }
    let after_setup = engine.clone();
    let ops = flow.ops.iter().map(|op| names.apply(&mut engine, op)).collect();
    Resolved { engine: after_setup, ops, digest: names.digest }
}

/// An engine's handles by order number, and back.
struct Names<H> {
    handles: Vec<Option<H>>,
    at_slot: Vec<u32>,
    digest: u64,
}

impl<H: Copy> Names<H> {
    fn apply<E: Engine<Handle = H>>(&mut self, engine: &mut E, op: &Op<u32>) -> Op<H> {
        let Self { handles, at_slot, digest } = self;
        let filled = |slot: u32, price, lots| {
            for number in [at_slot[slot as usize], price, lots] {
                *digest = mix(*digest ^ u64::from(number));
            }
        };
        match *op {
            Op::Place { side, price, qty } => {
                let handle = engine.place(side, price, qty, filled);
                if let Some(handle) = handle {
                    let slot = E::slot(handle) as usize;
                    at_slot.resize(at_slot.len().max(slot + 1), 0);
                    at_slot[slot] = handles.len() as u32;
                }
                handles.push(handle);
                Op::Place { side, price, qty }
            }
            Op::Take { side, price, qty } => {
                engine.take(side, price, qty, filled);
                handles.push(None);
                Op::Take { side, price, qty }
            }
            Op::Cancel(number) => {
                let handle = handles[number as usize].expect("the order rests");
                engine.cancel(handle);
                Op::Cancel(handle)
            }
            Op::Reduce(number, by) => {
                let handle = handles[number as usize].expect("the order rests");
                engine.reduce(handle, by);
                Op::Reduce(handle, by)
            }
        }
    }
}

/// Runs resolved operations; returns Σ price × lots over all fills, modulo 2^64.
pub fn replay<E: Engine>(engine: &mut E, ops: &[Op<E::Handle>]) -> u64 {
    let mut value = 0_u64;
    for op in ops {
        let filled = |_, price, lots| value = value.wrapping_add(u64::from(price) * u64::from(lots));
        match *op {
            Op::Place { side, price, qty } => {
                engine.place(side, price, qty, filled);
            }
            Op::Take { side, price, qty } => engine.take(side, price, qty, filled),
            Op::Cancel(handle) => engine.cancel(handle),
            Op::Reduce(handle, by) => engine.reduce(handle, by),
        }
    }
    value
}

/// The finaliser of MurmurHash3, after an odd increment so that zeros count.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ x >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ x >> 33
}

impl Engine for Floor {
    type Handle = u32;

    fn slot(handle: u32) -> u32 {
        handle
    }

    #[inline]
    fn place(&mut self, side: Side, price: u32, qty: u32, filled: impl FnMut(u32, u32, u32)) -> Option<u32> {
        let left = Self::take(self, side, price, qty, filled);
        (left > 0).then(|| self.rest(side, price, left))
    }

    #[inline]
    fn take(&mut self, side: Side, price: u32, qty: u32, filled: impl FnMut(u32, u32, u32)) {
        Self::take(self, side, price, qty, filled);
    }

    #[inline]
    fn cancel(&mut self, handle: u32) {
        Self::cancel(self, handle);
    }

    #[inline]
    fn reduce(&mut self, handle: u32, by: u32) {
        Self::reduce(self, handle, by);
    }
}

/// Hears of a book's fills as plain numbers.
struct Heard<F>(F);

impl<F: FnMut(u32, u32, u32)> Matcher for Heard<F> {
    #[inline]
    fn filled(&mut self, fill: &Fill) {
        (self.0)(fill.maker.slot(), fill.price.0 as u32, fill.qty.0 as u32);
    }
}

/// The book and its naive twin are driven alike.
macro_rules! impl_engine {
    ($book:ty, $cancel:ident, $reduce:ident) => {
        impl Engine for $book {
            type Handle = OrderId;

            fn slot(handle: OrderId) -> u32 {
                handle.slot()
            }

            #[inline]
            fn place(
                &mut self,
                side: Side,
                price: u32,
                qty: u32,
                filled: impl FnMut(u32, u32, u32),
            ) -> Option<OrderId> {
                let order = NewOrder::limit(side, Qty(u64::from(qty)), Price(i64::from(price)), 0);
                self.submit(&order, &mut Heard(filled)).expect("room for the order").rested
            }

            #[inline]
            fn take(&mut self, side: Side, price: u32, qty: u32, filled: impl FnMut(u32, u32, u32)) {
                let order = NewOrder::limit(side, Qty(u64::from(qty)), Price(i64::from(price)), 0);
                let order = NewOrder { tif: TimeInForce::Ioc, ..order };
                self.submit(&order, &mut Heard(filled)).expect("an immediate order needs no room");
            }

            #[inline]
            fn cancel(&mut self, handle: OrderId) {
                self.$cancel(handle, &mut downdraft_book::TradeAll).expect("the order rests");
            }

            #[inline]
            fn reduce(&mut self, handle: OrderId, by: u32) {
                let by = Qty(u64::from(by));
                self.$reduce(handle, by, &mut downdraft_book::TradeAll).expect("the order has more");
            }
        }
    };
}

impl_engine!(Book, cancel_with, reduce_with);
impl_engine!(NaiveBook, cancel, reduce);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive_book::Fault;
    use downdraft_book::BookCapacity;

    const MIXES: [Mix; 3] = [Mix::NearTouch { live: 60 }, Mix::Resting { live: 200, levels: 50 }, Mix::Sweeps];

    fn capacity(flow: &Flow) -> BookCapacity {
        BookCapacity::new(flow.most_live, flow.most_live)
    }

    #[test]
    fn floor_book_and_twin_fill_alike() {
        for mix in MIXES {
            let flow = generate(mix, 7, 3_000);
            let floor = resolve(Floor::with_capacity(0), &flow);
            let book = resolve(Book::with_capacity(capacity(&flow)), &flow);
            assert!(flow.fills > 100, "{mix:?} trades");
            assert_eq!(floor.digest, book.digest, "{mix:?}");
            let naive = resolve(NaiveBook::new(capacity(&flow), Fault::None), &flow);
            assert_eq!(naive.digest, book.digest, "{mix:?}");
            let (mut a, mut b) = (floor.engine.clone(), book.engine.clone());
            assert_eq!(replay(&mut a, &floor.ops), replay(&mut b, &book.ops), "{mix:?}");
        }
    }

    #[test]
    fn a_digest_sees_a_mistake() {
        let flow = generate(MIXES[0], 7, 3_000);
        let right = resolve(Floor::with_capacity(0), &flow).digest;
        let mut other = flow.clone();
        // One taker takes a lot less.
        let taken = other.ops.iter_mut().find_map(|op| match op {
            Op::Take { qty, .. } if *qty > 1 => Some(qty),
            _ => None,
        });
        *taken.expect("the flow has takers") -= 1;
        assert_ne!(std::panic::catch_unwind(|| resolve(Floor::with_capacity(0), &other).digest).ok(), Some(right));
    }

    #[test]
    fn flows_are_as_their_mix_says() {
        assert_eq!(generate(MIXES[0], 1, 500), generate(MIXES[0], 1, 500));
        assert_ne!(generate(MIXES[0], 1, 500), generate(MIXES[0], 2, 500));
        let flow = generate(Mix::Resting { live: 2_000, levels: 100 }, 3, 20_000);
        assert!((2_000..2_200).contains(&flow.most_live), "{}", flow.most_live);
        let cancels = flow.ops.iter().filter(|op| matches!(op, Op::Cancel(_))).count();
        assert!((8_000..12_000).contains(&cancels), "{cancels}");
        let sweeps = generate(Mix::C, 3, 10_000);
        let takes = sweeps.ops.iter().filter(|op| matches!(op, Op::Take { .. })).count() as u64;
        // Two orders a level.
        assert!((200..=1_000).contains(&(sweeps.fills / takes)), "{} a sweep", sweeps.fills / takes);
    }
}
