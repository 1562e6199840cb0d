//! What the command line takes.

use crate::inspect::parse_time;
use clap::{Args, Parser, Subcommand};
use downdraft_types::Time;
use std::path::PathBuf;

/// Simulates what happens when leverage meets a thin order book.
#[derive(Parser, Debug)]
#[command(name = "downdraft", version, about, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub task: Task,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Task {
    /// Run a scenario, and write its journal, summary and tables
    Run(Run),
    /// Replay a journal and compare every event and the final state
    ///
    /// Exit code 0: complete and equal; 1: diverged, the first difference is named; 2: usage; 3: damaged or
    /// incomplete, verified up to the block named.
    Replay(Replay),
    /// Check a scenario without running it
    Check(Check),
    /// List the built-in scenarios
    Scenarios,
    /// Print a built-in scenario, to start one of your own from
    Show {
        /// Name of a built-in scenario
        name: String,
    },
    /// Write what runs looked like as one HTML page, that needs nothing else
    ///
    /// Several runs are shown beside one another, with what differs between them. Exit code 3: a journal is damaged or
    /// incomplete, and --partial was not given.
    Report(Report),
    /// Print the records of a journal, a line each
    ///
    /// Times are in seconds, prices in ticks, marks in parts of a tick, quantities in lots, money in the smallest
    /// unit of its currency.
    Inspect(Inspect),
}

#[derive(Args, Debug)]
pub struct Run {
    /// Name of a built-in scenario, or path of a TOML file
    #[arg(default_value = downdraft_lab::library::DEFAULT)]
    pub scenario: String,
    /// Change a field of the scenario: fund.USDT=1000, actors.seller.size=500. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Seed of the run instead of the scenario's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to write the files [default: runs/NAME-SEED]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Do not write report.html
    #[arg(long)]
    pub no_report: bool,
    /// Show neither progress nor result
    #[arg(long)]
    pub quiet: bool,
    /// Print the summary as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Replay {
    /// A journal
    pub journal: PathBuf,
}

#[derive(Args, Debug)]
pub struct Report {
    /// Directories of runs, or journals
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Where to write the page [default: report.html beside the journal; of several runs, in this directory]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Show of a journal that is damaged or incomplete what can be read
    #[arg(long)]
    pub partial: bool,
    /// Open the page in a browser
    #[arg(long)]
    pub open: bool,
}

#[derive(Args, Debug)]
pub struct Check {
    /// Name of a built-in scenario, or path of a TOML file
    pub scenario: String,
    /// Change a field of the scenario first. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Inspect {
    /// A journal
    pub journal: PathBuf,
    /// Only from this time on: seconds, or with a unit (250ms, 5s, 2m, 1h)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub from: Option<Time>,
    /// Only up to this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub to: Option<Time>,
    /// Only this kind of command or event: place-order, trade, liquidation-triggered ... May be repeated
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// At most so many lines
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}
