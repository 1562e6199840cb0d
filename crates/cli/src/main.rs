//! The `downdraft` command line.

mod args;
mod cascade;
mod compare;
mod contributions;
mod fork;
mod inspect;
mod library;
mod output;
mod progress;
mod record;
mod replay;
mod report;
mod resilience;
mod run;
mod screen;
mod study;
mod tables;

use args::{Arguments, Task};
use clap::Parser;
use output::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Replay(options) => replay::replay(&options),
        Task::Fork(options) => fork::fork(&options),
        Task::Compare(options) => compare::compare(&options),
        Task::Study(options) => study::study(&options),
        Task::Check(options) => library::check(&options),
        Task::Scenarios => library::scenarios(),
        Task::Show { name } => library::show(&name),
        Task::Report(options) => report::report(&options),
        Task::Inspect(options) => inspect::inspect(&options),
        Task::Resilience(options) => resilience::resilience(&options),
    };
    match done {
        Ok(code) => code,
        // Whoever read our output has seen enough.
        Err(Failure::PipeClosed) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("downdraft: {failure}");
            failure.code()
        }
    }
}
