//! `run --tables`: all tables of a run, in the format asked for.

use crate::args::TableFormat;
use crate::output::{Failure, clear, create_directory};
use downdraft_insight::metrics::Metrics;
use downdraft_insight::rows::{LiquidationRow, Moment, Recorder, WaterfallRow};
use downdraft_insight::table::{CsvSheet, TABLES};
use downdraft_insight::{AllTables, Units};
use downdraft_types::{CurrencyId, InstrumentId};
use downdraft_venue::{Event, Venue};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

type CsvFile = CsvSheet<BufWriter<File>>;
#[cfg(feature = "parquet")]
type ParquetFile = downdraft_insight::ParquetSheet<File>;

/// Takes away the tables of an earlier run.
pub fn clear_tables(directory: &Path) -> Result<(), Failure> {
    TABLES.iter().try_for_each(|table| {
        let files = ["csv", "parquet"].map(|extension| format!("{}.{extension}", table.name));
        clear(directory, &files.each_ref().map(String::as_str))
    })
}

/// The tables, as files in a directory of their own.
pub enum Tables {
    Csv(Box<AllTables<CsvFile>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<AllTables<ParquetFile>>),
}

impl Tables {
    /// Makes the directory and begins the files.
    pub fn begin(format: TableFormat, units: Units, directory: &Path) -> Result<Self, Failure> {
        format.check()?;
        create_directory(directory)?;
        let create = |name: &str, extension: &str| File::create(directory.join(format!("{name}.{extension}")));
        let begun = match format {
            TableFormat::Csv => AllTables::new(units, |table| {
                create(table.name, "csv").map(|file| BufWriter::with_capacity(1 << 16, file))
            })
            .map(|tables| Self::Csv(Box::new(tables))),
            #[cfg(feature = "parquet")]
            TableFormat::Parquet => AllTables::new(units, |table| create(table.name, "parquet"))
                .map(|tables| Self::Parquet(Box::new(tables))),
            #[cfg(not(feature = "parquet"))]
            TableFormat::Parquet => unreachable!("checked above"),
        };
        begun.map_err(|error| Failure::file("write", directory, &error))
    }

    /// Writes what is known at the end only, and ends the files.
    pub fn finish(self, venue: &Venue, metrics: Option<&Metrics>) -> io::Result<()> {
        match self {
            Self::Csv(tables) => tables.finish(venue, metrics).map(|_| ()),
            #[cfg(feature = "parquet")]
            Self::Parquet(tables) => tables.finish(venue, metrics).map(|_| ()),
        }
    }

    fn recorder(&mut self) -> &mut dyn Recorder {
        match self {
            Self::Csv(tables) => tables.as_mut(),
            #[cfg(feature = "parquet")]
            Self::Parquet(tables) => tables.as_mut(),
        }
    }
}

impl Recorder for Tables {
    fn listed(&mut self, instrument: InstrumentId, settled_in: CurrencyId) {
        self.recorder().listed(instrument, settled_in);
    }

    fn event(&mut self, moment: &Moment, event: &Event) {
        self.recorder().event(moment, event);
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        self.recorder().liquidation(row);
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        self.recorder().waterfall(row);
    }
}
