//! How the mixes are made: the oracle says what trades, so that only resting orders are cancelled.

mod living;
mod market;
mod sweeps;

use super::{Features, Flow, Mix};
use downdraft_sim::random::Streams;
use market::Market;

/// So many operations of a mix, after what fills its book.
#[must_use]
pub fn generate(mix: Mix, seed: u64, count: usize) -> Flow {
    generate_with(mix, Features::default(), seed, count)
}

/// As [`generate`], for a book that knows features: icebergs among the orders lead to other fills.
#[must_use]
pub fn generate_with(mix: Mix, features: Features, seed: u64, count: usize) -> Flow {
    let dice = Streams::new(seed).stream("order-flow", "operations").draw(0);
    let mut market = Market::new(mix, features, dice);
    match mix {
        Mix::Sweeps => market.fill_for_sweeps(),
        Mix::NearTouch { .. }
        | Mix::Leftovers { .. }
        | Mix::Resting { .. }
        | Mix::Far { .. }
        | Mix::Teleport { .. } => {
            market.fill();
        }
    }
    let setup = market.start_measuring();
    while market.measured() < count {
        match mix {
            Mix::Sweeps => market.sweep(count),
            Mix::NearTouch { .. } | Mix::Leftovers { .. } | Mix::Resting { .. } | Mix::Far { .. } => market.step(),
            Mix::Teleport { .. } => market.step_or_jump(),
        }
    }
    market.finish(setup)
}
