//! Leveraged accounts, drawn from distributions, and the counterparties that hold the other side.

use crate::samplers::Distribution;
use downdraft_margin::InstrumentSpec;
use downdraft_types::{AccountId, InstrumentId, Ppm, Price};

/// Parameters of a [`Population`].
#[derive(Clone, PartialEq, Debug)]
pub struct PopulationConfig {
    /// What is held.
    pub instrument: InstrumentId,
    /// Its terms, as listed.
    pub spec: InstrumentSpec,
    /// The mark at the start, in ticks.
    pub initial_price: Price,
    /// The first account: holders come first, then counterparties, then the one they all trade against at the
    /// start, which ends flat and empty.
    pub first_account: AccountId,
    /// The leveraged accounts.
    pub holders: Holders,
    /// Who holds the other side.
    pub counterparties: Counterparties,
    /// Which holders top up, when and by how much.
    pub top_ups: Option<TopUps>,
}

/// Leveraged accounts.
#[derive(Clone, PartialEq, Debug)]
pub struct Holders {
    /// How many, at least 1.
    pub count: u32,
    /// Probability that an account is long.
    pub long_share: f64,
    /// Notional at entry ÷ margin; at least 1, at most what the instrument's tiers allow.
    pub leverage: Distribution,
    /// Lots, rounded to the nearest, at least 1, at most the instrument's largest position.
    pub size: Distribution,
    /// Entry price relative to the initial price: 0.01 is 1% above it.
    pub entry: Distribution,
    /// Probability that an account's margin is isolated; otherwise cross.
    pub isolated_share: f64,
}

/// Who holds the other side, in cross margin. They share the holders' net position in proportion to sizes drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Counterparties {
    /// How many, at least 1.
    pub count: u32,
    /// Notional at entry ÷ margin; at least 1, at most what the instrument's tiers allow.
    pub leverage: Distribution,
    /// Relative size.
    pub size: Distribution,
    /// Entry price relative to the initial price: 0.01 is 1% above it.
    pub entry: Distribution,
}

/// Holders who add margin when their liquidation comes near.
#[derive(Clone, PartialEq, Debug)]
pub struct TopUps {
    /// Probability that a holder is one who does.
    pub share: f64,
    /// A holder takes note when the mark is within this much of its liquidation price.
    pub within: Ppm,
    /// Seconds until it acts.
    pub delay: Distribution,
    /// Equity ÷ notional at mark that it then restores.
    pub restore: Ppm,
    /// How often at most.
    pub times: u32,
}

/// A population of leveraged accounts.
#[derive(Debug)]
pub struct Population {
    #[expect(dead_code)]
    config: PopulationConfig,
}
