//! The analyzer against venues that run.

mod drive;
mod golden;
mod journal;
mod random;
mod reference;
