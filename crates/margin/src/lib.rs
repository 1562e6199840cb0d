//! Accounts, positions, margin, the risk ladder, the ledger and its auditor, in exact integers.
//!
//! ```text
//!   trades, marks, funding ──► Margin ──► who has fallen below maintenance
//!                               │ │ │
//!                     positions ┘ │ └ ladder (triggers by mark)
//!                               ledger (double entry, knows no positions)
//! ```
//!
//! The engine knows neither a book nor time: [`Margin`] is told of trades and prices by whoever runs it.
#![no_std]

extern crate alloc;

mod adl;
pub mod audit;
mod bankruptcy;
mod cells;
mod certificate;
mod collateral;
mod delivery;
mod engine;
mod error;
mod form;
mod fund;
pub mod funding;
mod holdings;
pub mod instrument;
mod ladder;
mod ledger;
mod limits;
mod listing;
mod marks;
pub mod model;
pub mod oi_margin;
mod option;
mod orders;
mod payoff;
mod pool;
mod portfolio;
mod position;
mod risk;
mod settle;
mod spot;
mod threshold;
mod unified;
mod unified_orders;
mod watch;

pub use adl::{AdlPolicy, AdlPrice, AdlRanking, Candidate, Eligibility, Socialising, adl_score};
pub use bankruptcy::EquityShare;
pub use collateral::{CollateralAsset, CollateralPolicy, LARGEST_ASSET_COUNT, LoanTerms, WeightTier};
pub use delivery::DeliveryFee;
pub use engine::{Margin, MarginCapacity};
pub use error::MarginError;
pub use form::{MarginForm, SizeScale};
pub use fund::Disposal;
pub use instrument::{Instrument, InstrumentKind, InstrumentSpec, ListingError, MaintenanceBasis, TierSpec};
pub use ladder::Ladder;
pub use ledger::{Ledger, Place};
pub use model::black76::Right;
pub use oi_margin::OpenInterestScale;
pub use option::{OptionTerms, ShortOptionRates};
pub use orders::fee;
pub use payoff::{Payoff, Valuation};
pub use pool::{Health, MarginMode, Pool, PoolState};
pub use portfolio::{
    Contingencies, GridPoint, LARGEST_CONTRACT_COUNT, LARGEST_GRID, Netted, PortfolioPolicy, VolatilityMove,
    VolatilityShock,
};
pub use position::{Change, OpenOrders, Position};
pub use settle::{Delivered, Leg, Settled};
pub use threshold::first_below;
pub use unified::Conversion;
pub use watch::{Edges, Outlook};
