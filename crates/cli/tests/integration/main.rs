//! The program itself, as a shell runs it.

mod inspect;
mod replay;
mod run;
mod scenarios;
mod shell;
