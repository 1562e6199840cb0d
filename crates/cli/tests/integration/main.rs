//! The program itself, as a shell runs it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod forks;
mod inspect;
mod readme;
mod replay;
mod report;
mod resilience;
mod run;
mod scenarios;
mod shell;
mod study_page;
