//! Tables as Parquet files, with the unit of each column in its metadata.
//!
//! Whole numbers are 64-bit integers, text is UTF-8, and decimals are the nearest doubles: the CSV has all their digits.
//! Pages are compressed with zstd. The same rows give the same bytes.

use crate::table::{Cell, Kind, Sheet, Table};
use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows of a batch: what is held in memory.
const BATCH: usize = 8_192;

/// A column's values that are not written yet.
#[derive(Debug)]
enum Values {
    Integer(Int64Builder),
    Decimal(Float64Builder),
    Text(StringBuilder),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Decimal => Self::Decimal(Float64Builder::new()),
            Kind::Text => Self::Text(StringBuilder::new()),
        }
    }

    fn push(&mut self, cell: &Cell<'_>) -> io::Result<()> {
        match (self, *cell) {
            (Self::Integer(values), Cell::Integer(value)) => values.append_value(value),
            (Self::Integer(values), Cell::Empty) => values.append_null(),
            (Self::Decimal(values), Cell::Decimal(value)) => values.append_value(value.to_f64()),
            (Self::Decimal(values), Cell::Empty) => values.append_null(),
            (Self::Text(values), Cell::Text(text)) => values.append_value(text),
            (Self::Text(values), Cell::Empty) => values.append_null(),
            (_, cell) => return Err(io::Error::other(format!("a cell of another kind than its column: {cell:?}"))),
        }
        Ok(())
    }

    fn take(&mut self) -> ArrayRef {
        match self {
            Self::Integer(values) => Arc::new(values.finish()),
            Self::Decimal(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
        }
    }
}

/// A table as a Parquet file.
pub struct ParquetSheet<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: Arc<Schema>,
    columns: Vec<Values>,
    rows: usize,
}

impl<W: Write + Send> ParquetSheet<W> {
    fn flush(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(Values::take).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(io::Error::other)?;
        self.rows = 0;
        self.writer.write(&batch).map_err(failed)
    }
}

impl<W: Write + Send> Sheet for ParquetSheet<W> {
    type Out = W;

    fn begin(table: &'static Table, out: W) -> io::Result<Self> {
        let field = |column: &crate::table::Column| {
            let kind = match column.kind {
                Kind::Integer => DataType::Int64,
                Kind::Decimal => DataType::Float64,
                Kind::Text => DataType::Utf8,
            };
            let field = Field::new(column.name, kind, true);
            match column.unit {
                "" => field,
                // One key only: several would be written in the order of a map without one.
                unit => field.with_metadata([("unit".to_owned(), unit.to_owned())].into_iter().collect()),
            }
        };
        let schema = Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()));
        let compression = Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?);
        let properties = WriterProperties::builder().set_compression(compression).build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(failed)?;
        let columns = table.columns.iter().map(|column| Values::new(column.kind)).collect();
        Ok(Self { writer, schema, columns, rows: 0 })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if cells.len() != self.columns.len() {
            return Err(io::Error::other(format!("{} cells found, {} expected", cells.len(), self.columns.len())));
        }
        self.columns.iter_mut().zip(cells).try_for_each(|(column, cell)| column.push(cell))?;
        self.rows += 1;
        if self.rows == BATCH { self.flush() } else { Ok(()) }
    }

    fn end(mut self) -> io::Result<W> {
        self.flush()?;
        self.writer.into_inner().map_err(failed)
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
