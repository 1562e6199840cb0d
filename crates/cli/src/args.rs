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
    /// Print the records of a journal, a line each
    ///
    /// Times are in seconds, prices in ticks, marks in parts of a tick, quantities in lots, money in the smallest
    /// unit of its currency.
    Inspect(Inspect),
}

/// How tables are written.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableFormat {
    /// A text file each, all digits
    Csv,
    /// A Parquet file each, compressed, with units in the columns' metadata
    #[cfg(feature = "parquet")]
    Parquet,
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
    /// Write the full tables too, into DIR/tables: fills, orders, marks, liquidations, waterfall, adl, accounts, ladder
    /// and book
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, default_missing_value = "csv")]
    pub tables: Option<TableFormat>,
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
    /// Print a cascade as a tree instead: the number of its first liquidation, or `largest`
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to", "kind", "limit"])]
    pub cascade: Option<String>,
    /// With --cascade: also what came about through others, makers who withdrew or the clock of an averaged mark
    #[arg(long, requires = "cascade")]
    pub mediated: bool,
    /// With --mediated: how long after a liquidation dealt with an account its commands count as a reaction
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "mediated")]
    pub reaction: Option<Time>,
}
