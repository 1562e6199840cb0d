//! What the command line takes.

use crate::inspect::parse_time;
use crate::output::Failure;
use clap::{Args, Parser, Subcommand};
use downdraft_types::Time;
use std::path::PathBuf;

/// Simulates what happens when leverage meets a thin order book.
#[derive(Parser, Debug)]
#[command(name = "downdraft", version, max_term_width = 100)]
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
    /// Run the same world with one thing changed, and compare
    ///
    /// The base is a scenario, or a run: its directory or its journal. A fork has the base's seed and recorded input
    /// and is executed from the start; with --at the base's world is executed up to that time, and the change takes
    /// effect from then on. Settings that can change with --at: liquidation, fund.CURRENCY, funds.NAME.CURRENCY,
    /// vault.CURRENCY, currencies.NAME.max_notional, portfolio_margin.NAME, and of an instrument tiers, mark, protections,
    /// funding, fund, margin_form and dynamic_margin. Exit code 3: a journal is damaged or incomplete, and --partial was not given.
    Fork(Fork),
    /// Compare runs with the first of them
    ///
    /// Exit code 3: a journal is damaged or incomplete, and --partial was not given.
    Compare(Compare),
    /// Run a scenario over many seeds and values of its fields, and sum up
    Study(Study),
    /// Check a scenario, its set-up by the venue included, without running it
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
    /// Measure how fast a recorded book refills after sweeps, to calibrate background flow to it
    Resilience(Resilience),
}

/// How tables are written.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableFormat {
    /// A text file each, all digits
    Csv,
    /// A Parquet file each, compressed, with units in the columns' metadata: a build with the feature `parquet`
    Parquet,
}

impl TableFormat {
    /// Whether this build writes it.
    pub fn check(self) -> Result<(), Failure> {
        if self == Self::Parquet && !cfg!(feature = "parquet") {
            return Err(Failure::Usage(
                "--tables: found parquet, which this build does not write, expected csv, or a build with `--features parquet`"
                    .to_owned(),
            ));
        }
        Ok(())
    }
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
    /// A journal, or the directory of its run
    pub journal: PathBuf,
    /// Show no progress
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct Fork {
    #[command(flatten)]
    pub base: ForkBase,
    /// What the fork changes: liquidation.mode=suppressed, fund.USDT=1000. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// When it changes: seconds, or with a unit (250ms, 5s, 2m, 1h) [default: from the start]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<Time>,
    /// Remove an account: its margin is made so large that it is never liquidated. May be repeated
    #[arg(long = "without-account", value_name = "ID")]
    pub without: Vec<u32>,
    /// Attribute the outcome to the N largest liquidated accounts and the rest: by leaving each out, and by Shapley value
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=60))]
    pub contributions: Option<u8>,
    /// Attribute it to this account too. May be repeated
    #[arg(long = "contribution-of", value_name = "ID")]
    pub contribution_of: Vec<u32>,
    /// Orders drawn for Shapley values; all are used where that takes no more runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub permutations: u32,
    /// What is attributed: price-fall, bad-debt, fund-paid, liquidated
    #[arg(long, value_name = "MEASURE", default_value = "price-fall")]
    pub measure: String,
    /// Where to write the files [default: runs/NAME-SEED-fork]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the full tables of base and forks too, into DIR/tables/RUN
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, default_missing_value = "csv")]
    pub tables: Option<TableFormat>,
}

/// The base of forks, and how forks are run.
#[derive(Args, Debug)]
pub struct ForkBase {
    /// Name of a built-in scenario, path of a TOML file, directory of a run, or a journal
    pub source: String,
    /// Change a field of the scenario in base and forks alike. May be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub with: Vec<String>,
    /// Seed instead of the scenario's
    #[arg(long)]
    pub seed: Option<u64>,
    /// A built-in fork: suppressed, exogenous-mark, market, bankruptcy-limit-adl, bankruptcy-limit-fund, partial-tier,
    /// partial-fraction, steady-makers, double-fund. May be repeated
    #[arg(long = "counterfactual", value_name = "NAME")]
    pub counterfactuals: Vec<String>,
    /// All built-in forks that change something
    #[arg(long = "counterfactuals")]
    pub all_counterfactuals: bool,
    #[command(flatten)]
    pub recording: Journals,
    /// Take a run's commands as recorded flow, without its scenario's actors
    #[arg(long)]
    pub recorded_flow: bool,
    #[command(flatten)]
    pub batch: Batch,
}

/// Where several runs are run, and what is shown of them.
#[derive(Args, Debug)]
pub struct Batch {
    /// Threads to run on [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub threads: Option<u16>,
    /// Show neither progress nor result
    #[arg(long)]
    pub quiet: bool,
    /// Print the result as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// How journals of runs are read.
#[derive(Args, Debug)]
pub struct Journals {
    /// Where the files are that a run's scenario names [default: the working directory]
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
    /// Take of a journal that is damaged or incomplete what can be read
    #[arg(long)]
    pub partial: bool,
}

#[derive(Args, Debug)]
pub struct Compare {
    /// Directories of runs, or journals; the others are compared with the first
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    #[command(flatten)]
    pub recording: Journals,
    /// Where to write comparison.json and accounts.csv [default: nowhere]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub batch: Batch,
}

#[derive(Args, Debug)]
pub struct Study {
    /// Name of a built-in scenario, or path of a TOML file
    #[arg(default_value = downdraft_lab::library::DEFAULT)]
    pub scenario: String,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub seeds: u64,
    /// The first seed [default: the scenario's]
    #[arg(long, value_name = "SEED")]
    pub first_seed: Option<u64>,
    /// Values of a field: fund.USDT=0,1000000. May be repeated: every combination is run
    #[arg(long, value_name = "PATH=A,B,C")]
    pub vary: Vec<String>,
    /// Change a field of the scenario in all runs. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Count the runs whose largest cascade has more liquidations than this [default: 10,100,1000]
    #[arg(long, value_name = "X", value_delimiter = ',')]
    pub exceeds: Vec<u32>,
    /// Where to write the files [default: runs/NAME-SEED-study]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Do not write study.html
    #[arg(long)]
    pub no_report: bool,
    #[command(flatten)]
    pub batch: Batch,
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
    /// Show neither progress nor where the page is
    #[arg(long)]
    pub quiet: bool,
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
    /// A journal, or the directory of its run
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
    /// Show no progress
    #[arg(long)]
    pub quiet: bool,
    /// With --mediated: how long after a liquidation dealt with an account its commands count as a reaction
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "mediated")]
    pub reaction: Option<Time>,
}

/// Formats of recorded order flow.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordedFormat {
    /// LOBSTER messages
    Lobster,
    /// CME market-by-order in Databento's encoding
    Dbn,
}

#[derive(Args, Debug)]
pub struct Resilience {
    /// A recording, plain, gzip or zstd
    pub recording: PathBuf,
    /// Its format
    #[arg(long)]
    pub format: RecordedFormat,
    /// The tick, in the recording's money: 0.01
    #[arg(long, value_name = "PRICE")]
    pub tick: String,
    /// The lot, in shares or contracts
    #[arg(long, value_name = "SIZE", default_value = "1")]
    pub lot: String,
    /// Of lobster: the order book file, whose first row is what rested before
    #[arg(long, value_name = "FILE")]
    pub book: Option<PathBuf>,
    /// Of dbn: the instrument, where the file has several
    #[arg(long, value_name = "ID")]
    pub instrument_id: Option<u32>,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
}
