//! Random commands for a whole venue, and the trial that drives one with them and checks everything checkable.
//!
//! ```text
//!   dice (bytes or a seed) ──► generate ──► trial ──► venue ──► watch (events), auditor (money), twin (replay)
//!                                 ▲           │
//!                                 └── resting orders, marks
//! ```
//!
//! Prices stay within a few ticks, accounts are few and poor, and capacities small, so that liquidations, takeovers,
//! deleveraging, socialised losses and full tables are frequent.

mod dice;
mod generate;
mod trial;
mod watch;

pub use dice::Dice;
pub use generate::{CAPACITY, View, command, set_up};
pub use trial::{Effort, Tally, Trial};

/// Fuzz body: the bytes choose a world and its commands; every command is followed by every check.
///
/// # Panics
/// Where a check fails.
pub fn run_venue_commands(bytes: &[u8]) {
    let mut trial = Trial::new(Dice::Bytes(bytes), Effort::Everything);
    while trial.step() {}
    trial.finish();
}

/// `worlds` of `commands` random commands each, with the auditor and all invariants after each thousandth and at the
/// end, and the cheap checks after each. Returns what happened in all.
///
/// # Panics
/// Where a check fails.
pub fn run_random_worlds(seed: u64, worlds: u64, commands: u64) -> Tally {
    let mut tally = Tally::default();
    for world in 0..worlds {
        let mut trial = Trial::new(Dice::Seeded(seed.wrapping_mul(1_000_003) ^ world), Effort::Thousandth);
        for _ in 0..commands {
            trial.step();
        }
        tally.add(&trial.finish());
    }
    tally
}
