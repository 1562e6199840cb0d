//! The built-in actors. Each is one file, with its parameters, their units and the source of its model; all use
//! the one interface of [`crate::actor`].
//!
//! Configurations hold what the venue counts in: prices in ticks, sizes in lots, money in the currency's
//! smallest unit, rates per second of simulated time. A [`Distribution`](crate::samplers::Distribution) is in the
//! unit of the field it stands in. Every constructor checks its configuration and says which field is wrong,
//! what was found and what was expected.

pub mod background;
pub mod borrowers;
mod explicit;
pub mod maker;
pub mod oracle;
pub mod population;
pub mod recorded;
pub mod shock;

mod opening;
mod own_orders;
mod savers;
mod set_up;

pub use background::{Background, BackgroundConfig, BookSeed};
pub use borrowers::{Borrowers, BorrowersConfig, Loan};
pub use explicit::{Balancing, Explicit, ExplicitConfig, Holding};
pub use maker::{Maker, MakerConfig, Reference};
pub use oracle::{OracleActor, OracleConfig};
pub use population::{Counterparties, Holders, Pledge, Population, PopulationConfig, TopUps};
pub use recorded::{Anchor, Recorded, RecordedConfig, Replay, Seeded, Tape};
pub use shock::{Shock, ShockConfig, ShockOrder};
