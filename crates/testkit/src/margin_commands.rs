//! Commands for a margin engine as plain data, made from any bytes, and the trial that drives the engine and its naive
//! model with them and compares the whole risk index after each.
//!
//! ```text
//!   bytes, a property test ──► steps ──► trial ──► engine ──► fallen, triggers, boxes ──┐
//!                                          └─────► naive model, which looks at everyone ┴─► the same?
//! ```
//!
//! Numbers are relative: accounts and instruments modulo their count, sizes in the instrument's own grain, prices
//! around its mark. So nearly any bytes are commands that do something.

mod bytes;
mod compare;
mod dealing;
mod money;
mod prices;
mod resolve;
mod terms;
mod trial;
mod worlds;

pub use trial::Trial;
pub use worlds::World;

/// A command of a trial.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a variant's sentence says what its fields are")]
pub enum Step {
    /// Money worth `part`/10^6 of `lots` grains at mark.
    Deposit { account: u8, instrument: u8, lots: u16, part: u32 },
    /// This part of what is free, in 256ths; a little more than all of it too.
    Withdraw { account: u8, currency: u8, part: u16 },
    /// A trade off the book.
    Trade { buyer: u8, seller: u8, instrument: u8, lots: u16, offset: i8, fee: i16 },
    /// An order at a limit; where it is accepted it trades at once, or rests.
    Order { account: u8, instrument: u8, buys: bool, lots: u16, offset: i8, rests: bool },
    /// The oldest resting order leaves.
    Cancel,
    /// The mark moves by parts per million.
    Walk { instrument: u8, by: i32 },
    /// The mark jumps anywhere in its range; the shift keeps most jumps small.
    Jump { instrument: u8, to: i64, shift: u8 },
    /// Funding at a rate in parts per million.
    Funding { instrument: u8, rate: i32 },
    /// Other tiers: rates as listed times (1 + `raise` ÷ 16).
    Tiers { instrument: u8, raise: u8 },
    /// Rates that rise with size and open interest; a raise of all tiers by hand of the venue, in parts per million.
    Form { instrument: u8, slope: u16, per: u16, scaled: bool },
    /// The least maintenance rate of a tier, and half the least initial rate.
    Least { instrument: u8, least: u32 },
    /// An option's mark and its index move together, by parts per million.
    Index { instrument: u8, by: i32, mark: i32 },
    /// The volatility of an option's underlying, in parts per million.
    Volatility { instrument: u8, to: u32 },
    /// Hours pass for the options of an option's underlying.
    Time { instrument: u8, hours: u16 },
    /// Portfolio margin for an account, or not.
    Portfolio { account: u8, portfolio: bool },
    /// A portfolio margin with contingencies or without, or none.
    Grid { contingent: Option<bool> },
    /// Mode and leverage.
    Configure { account: u8, instrument: u8, isolated: bool, initial: Option<u32> },
    /// Isolated margin moves by a part of the free cash, or of the margin, in 256ths.
    MoveMargin { account: u8, instrument: u8, part: i16 },
    /// Every position is closed at the mark.
    Expire { instrument: u8 },
    /// Something is done about a pool in liquidation.
    Resolve { which: u8, how: Resolution },
    /// All of an account's currencies answer for all its positions, or each for its own.
    Unify { account: u8, unified: bool },
    /// Interest on what unified accounts owe.
    Interest,
    /// Weights of collateral: as in the policy, less `cut` percent.
    Haircut { cut: u8 },
    /// A sale of collateral for what an account owes, at the mark.
    Convert { account: u8, all: bool },
}

/// What is done about a pool in liquidation.
#[derive(Clone, Copy, Debug)]
pub enum Resolution {
    /// Liquidation ends whatever the pool's health.
    End,
    /// Money comes in, then liquidation ends.
    Rescue,
    /// Its positions are closed at mark; a deficit is left as it is.
    Close,
}

/// What happened in a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Steps carried out.
    pub steps: u64,
    /// Pools that fell below maintenance.
    pub fallen: u64,
    /// Triggers of pools of one position found equal to the model's, once after each step.
    pub triggers: u64,
    /// Boxes of pools of several prices looked into, once after each step.
    pub boxes: u64,
}

/// Fuzz body: the first byte chooses a world, the others become steps of a [`Trial`].
///
/// # Panics
/// As [`Trial::apply`].
pub fn run_margin_differential(bytes: &[u8]) {
    tallied_margin_differential(bytes);
}

/// As [`run_margin_differential`]; tells what happened.
///
/// # Panics
/// As [`Trial::apply`].
pub fn tallied_margin_differential(bytes: &[u8]) -> Tally {
    let [world, bytes @ ..] = bytes else { return Tally::default() };
    let world = World::ALL[usize::from(world % 3)];
    // So few that a fuzzer's time goes into steps.
    let mut trial = Trial::new(world).with_corners(16);
    for step in bytes::steps_from(world, bytes) {
        trial.apply(&step);
    }
    trial.tally()
}
