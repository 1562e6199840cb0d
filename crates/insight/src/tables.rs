//! The tables as CSV, written as rows come.

use crate::names;
use crate::rows::{LiquidationRow, PriceRow, Recorder, WaterfallRow};
use crate::units::Units;
use core::fmt::{self, Display};
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice};
use std::io::{self, Write};

/// Columns of `prices.csv`.
pub const PRICES_HEADER: &str = "time,instrument,last,mark,index";

/// Columns of `liquidations.csv`.
pub const LIQUIDATIONS_HEADER: &str = "episode,pool,account,parent,root,depth,cause,trigger_time,mark,equity,\
     maintenance,first_fill_time,end_time,end,instrument,currency,quantity,notional,proceeds,slippage,fund_delta,\
     adl_quantity,taken_over_quantity";

/// Columns of `waterfall.csv`.
pub const WATERFALL_HEADER: &str =
    "time,event,episode,kind,account,counterparty,instrument,currency,quantity,amount,conceded";

/// Writes the three tables. The first failure is kept, and nothing is written after it.
#[derive(Debug)]
pub struct CsvTables<W> {
    print: Print,
    prices: W,
    liquidations: W,
    waterfall: W,
    failure: Option<io::Error>,
}

/// How values are written.
#[derive(Debug)]
struct Print {
    units: Units,
    /// Names as CSV fields.
    instruments: Vec<String>,
    currencies: Vec<String>,
}

impl Print {
    fn instrument(&self, instrument: InstrumentId) -> &str {
        self.instruments.get(instrument.index()).map_or("", String::as_str)
    }

    fn currency(&self, currency: CurrencyId) -> &str {
        self.currencies.get(currency.index()).map_or("", String::as_str)
    }
}

impl<W: Write> CsvTables<W> {
    /// Begins the tables with their headers. The outputs should be buffered.
    ///
    /// # Errors
    /// Where a header cannot be written.
    pub fn new(units: Units, mut prices: W, mut liquidations: W, mut waterfall: W) -> io::Result<Self> {
        writeln!(prices, "{PRICES_HEADER}")?;
        writeln!(liquidations, "{LIQUIDATIONS_HEADER}")?;
        writeln!(waterfall, "{WATERFALL_HEADER}")?;
        let instruments = units.instruments.iter().map(|i| field(&i.name)).collect();
        let currencies = units.currencies.iter().map(|c| field(&c.name)).collect();
        let print = Print { units, instruments, currencies };
        Ok(Self { print, prices, liquidations, waterfall, failure: None })
    }

    /// Writes out what is buffered, and returns prices, liquidations and waterfall.
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(mut self) -> io::Result<[W; 3]> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for out in [&mut self.prices, &mut self.liquidations, &mut self.waterfall] {
            out.flush()?;
        }
        Ok([self.prices, self.liquidations, self.waterfall])
    }

    /// Writes with `row`, unless something failed before.
    fn write(&mut self, row: impl FnOnce(&mut Self) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = row(self).err();
        }
    }
}

impl<W: Write> Recorder for CsvTables<W> {
    fn price(&mut self, row: &PriceRow) {
        self.write(|tables| write_price(&mut tables.prices, &tables.print, row));
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        self.write(|tables| write_liquidation(&mut tables.liquidations, &tables.print, row));
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        self.write(|tables| write_waterfall(&mut tables.waterfall, &tables.print, row));
    }
}

fn write_price(out: &mut impl Write, print: &Print, row: &PriceRow) -> io::Result<()> {
    let (units, instrument) = (&print.units, row.instrument);
    let mark = |price: Option<MarkPrice>| Maybe(price.map(|price| units.mark(instrument, price)));
    let last = Maybe(row.last.map(|last| units.price(instrument, last)));
    let (time, name) = (Units::seconds(row.time), print.instrument(instrument));
    writeln!(out, "{time},{name},{last},{},{}", mark(row.mark), mark(row.index))
}

fn write_liquidation(out: &mut impl Write, print: &Print, row: &LiquidationRow) -> io::Result<()> {
    let units = &print.units;
    let money = |amount| units.money(row.currency, amount);
    let lots = |qty| Maybe(row.instrument.map(|i| units.quantity(i, qty)));
    let (id, pool, account) = (row.episode, row.pool, row.pool.account().0);
    let (parent, root, depth, cause) = (Maybe(row.parent), row.root, row.depth, names::cause(&row.kind));
    write!(out, "{id},{pool},{account},{parent},{root},{depth},{cause},")?;
    let mark = Maybe(row.instrument.zip(row.mark).map(|(i, mark)| units.mark(i, mark)));
    let (triggered, equity, maintenance) = (Units::seconds(row.triggered), money(row.equity), money(row.maintenance));
    let (first_fill, ended) = (Maybe(row.first_fill.map(Units::seconds)), Maybe(row.ended.map(Units::seconds)));
    let end = row.end.as_ref().map_or("pending", names::end);
    write!(out, "{triggered},{mark},{equity},{maintenance},{first_fill},{ended},{end},")?;
    let instrument = Maybe(row.instrument.map(|i| print.instrument(i)));
    let (currency, quantity, notional) = (print.currency(row.currency), lots(row.quantity), money(row.notional));
    write!(out, "{instrument},{currency},{quantity},{notional},")?;
    let (proceeds, slippage, fund) = (money(row.proceeds), money(row.slippage), money(row.fund));
    let (deleveraged, taken_over) = (lots(row.deleveraged), lots(row.taken_over));
    writeln!(out, "{proceeds},{slippage},{fund},{deleveraged},{taken_over}")
}

fn write_waterfall(out: &mut impl Write, print: &Print, row: &WaterfallRow) -> io::Result<()> {
    let units = &print.units;
    let (time, event, episode) = (Units::seconds(row.time), row.id, Maybe(row.episode));
    let (kind, account) = (row.kind.name(), row.account.0);
    write!(out, "{time},{}.{},{episode},{kind},{account},", event.seq.0, event.index)?;
    let counterparty = Maybe(row.counterparty.map(|account| account.0));
    let instrument = Maybe(row.instrument.map(|i| print.instrument(i)));
    let quantity = Maybe(row.instrument.zip(row.quantity).map(|(i, qty)| units.quantity(i, qty)));
    let money = |amount| units.money(row.currency, amount);
    let (currency, amount, conceded) = (print.currency(row.currency), money(row.amount), row.conceded.map(money));
    writeln!(out, "{counterparty},{instrument},{currency},{quantity},{amount},{}", Maybe(conceded))
}

/// A value, or an empty field.
struct Maybe<T>(Option<T>);

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| value.fmt(f))
    }
}

/// A text as a CSV field, quoted where it must be (RFC 4180).
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
