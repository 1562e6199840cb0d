//! Tables: their columns, with unit and meaning, and sheets that take their rows. `docs/summary.md` has them in full.

use crate::exact::Exact;
use core::fmt::Write as _;
use std::io::{self, Write};

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Whole numbers within 64 bits.
    Integer,
    /// Decimal numbers.
    Decimal,
    /// Text.
    Text,
}

/// A column of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds. Any cell may be empty.
    pub kind: Kind,
    /// The unit, where there is one: `s`, `price`, `quantity`, `money`.
    pub unit: &'static str,
}

/// A table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    /// Its name: of its file too.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
}

/// A cell of a row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Decimal(Exact),
    /// Text.
    Text(&'a str),
}

impl From<Exact> for Cell<'_> {
    fn from(value: Exact) -> Self {
        Self::Decimal(value)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell<'_> {
    /// A number beyond the range is its greatest.
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Cell<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Takes the rows of a table.
pub trait Sheet: Sized {
    /// Where it is written to.
    type Out;

    /// Begins a table.
    ///
    /// # Errors
    /// Where writing fails.
    fn begin(table: &'static Table, out: Self::Out) -> io::Result<Self>;

    /// Takes a row: a cell for each column, of its kind or empty.
    ///
    /// # Errors
    /// Where writing fails.
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()>;

    /// Ends the table, and hands over what it was written to.
    ///
    /// # Errors
    /// Where writing fails.
    fn end(self) -> io::Result<Self::Out>;
}

/// A table as CSV (RFC 4180, lines end with `\n`): all digits of a decimal, empty cells empty.
#[derive(Debug)]
pub struct CsvSheet<W> {
    out: W,
    line: String,
}

impl<W: Write> Sheet for CsvSheet<W> {
    type Out = W;

    fn begin(table: &'static Table, mut out: W) -> io::Result<Self> {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        writeln!(out, "{}", names.join(","))?;
        Ok(Self { out, line: String::new() })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                line.push(',');
            }
            let written = match cell {
                Cell::Empty => Ok(()),
                Cell::Integer(value) => write!(line, "{value}"),
                Cell::Decimal(value) => write!(line, "{value}"),
                Cell::Text(text) if text.contains([',', '"', '\n', '\r']) => {
                    write!(line, "\"{}\"", text.replace('"', "\"\""))
                }
                Cell::Text(text) => line.write_str(text),
            };
            written.map_err(io::Error::other)?;
        }
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    fn end(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Columns: `name: Kind "unit"`.
macro_rules! table {
    ($(#[$doc:meta])* $constant:ident = $name:literal { $($column:ident: $kind:ident $unit:literal,)* }) => {
        $(#[$doc])*
        pub const $constant: Table = Table {
            name: $name,
            columns: &[$(Column { name: stringify!($column), kind: Kind::$kind, unit: $unit }),*],
        };
    };
}

table! {
    /// An instrument's prices at the end of each instant that changed one.
    PRICES = "prices" {
        time: Decimal "s", instrument: Text "", last: Decimal "price", mark: Decimal "price", index: Decimal "price",
    }
}

table! {
    /// Liquidations, by instrument closed.
    LIQUIDATIONS = "liquidations" {
        episode: Integer "", pool: Text "", account: Integer "", parent: Integer "", root: Integer "",
        depth: Integer "", cause: Text "", trigger_time: Decimal "s", mark: Decimal "price", equity: Decimal "money",
        maintenance: Decimal "money", first_fill_time: Decimal "s", end_time: Decimal "s", end: Text "",
        instrument: Text "", currency: Text "", quantity: Decimal "quantity", notional: Decimal "money",
        proceeds: Decimal "money", slippage: Decimal "money", fund_delta: Decimal "money",
        adl_quantity: Decimal "quantity", taken_over_quantity: Decimal "quantity",
    }
}

table! {
    /// Steps of losses down the waterfall.
    WATERFALL = "waterfall" {
        time: Decimal "s", event: Text "", episode: Integer "", kind: Text "", account: Integer "",
        counterparty: Integer "", instrument: Text "", currency: Text "", quantity: Decimal "quantity",
        amount: Decimal "money", conceded: Decimal "money",
    }
}

table! {
    /// Matches in a book.
    FILLS = "fills" {
        time: Decimal "s", event: Text "", instrument: Text "", price: Decimal "price", quantity: Decimal "quantity",
        taker_side: Text "", maker: Integer "", maker_order: Text "", maker_left: Decimal "quantity",
        maker_fee: Decimal "money", maker_realised: Decimal "money", taker: Integer "", taker_fee: Decimal "money",
        taker_realised: Decimal "money", currency: Text "", forced: Integer "", episode: Integer "",
    }
}

table! {
    /// What happened to orders, liquidation orders excluded.
    ORDERS = "orders" {
        time: Decimal "s", event: Text "", kind: Text "", instrument: Text "", account: Integer "", order: Text "",
        client: Text "", side: Text "", price: Decimal "price", quantity: Decimal "quantity", reason: Text "",
    }
}

table! {
    /// Moves of marks.
    MARKS = "marks" {
        time: Decimal "s", event: Text "", instrument: Text "", mark: Decimal "price", cause: Text "",
        episode: Integer "",
    }
}

table! {
    /// Positions closed against others by the venue.
    ADL = "adl" {
        time: Decimal "s", event: Text "", episode: Integer "", instrument: Text "", account: Integer "", side: Text "",
        counterparty: Integer "", currency: Text "", quantity: Decimal "quantity", value: Decimal "money",
        conceded: Decimal "money", realised: Decimal "money", counterparty_realised: Decimal "money",
        remainder: Decimal "money",
    }
}

table! {
    /// Accounts at the end, by currency.
    ACCOUNTS = "accounts" {
        account: Integer "", currency: Text "", paid_in: Decimal "money", balance: Decimal "money",
        unrealised: Decimal "money", equity: Decimal "money", profit: Decimal "money", positions: Integer "",
        liquidations: Integer "",
    }
}

table! {
    /// Pending liquidations by price, at each moment of the grid.
    LADDER = "ladder" {
        time: Decimal "s", instrument: Text "", side: Text "", price_from: Decimal "price", price_to: Decimal "price",
        quantity: Decimal "quantity", positions: Integer "",
    }
}

table! {
    /// The book by price, at each moment of the grid.
    BOOK = "book" {
        time: Decimal "s", instrument: Text "", side: Text "", price_from: Decimal "price", price_to: Decimal "price",
        quantity: Decimal "quantity", levels: Integer "",
    }
}

/// The tables that `--tables` writes.
pub const TABLES: [&Table; 9] = [&FILLS, &ORDERS, &MARKS, &LIQUIDATIONS, &WATERFALL, &ADL, &ACCOUNTS, &LADDER, &BOOK];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_it_must() {
        let mut sheet = CsvSheet::begin(&PRICES, Vec::new()).unwrap();
        let cells =
            [Cell::from(Exact::new(-15, 1)), "a,\"b\"".into(), Cell::Empty, 7_u64.into(), Cell::from(None::<u32>)];
        sheet.row(&cells).unwrap();
        let text = String::from_utf8(sheet.end().unwrap()).unwrap();
        assert_eq!(text, "time,instrument,last,mark,index\n-1.5,\"a,\"\"b\"\"\",,7,\n");
    }

    #[test]
    fn columns_have_names_of_their_own() {
        for table in TABLES {
            let mut names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}", table.name);
        }
    }
}
