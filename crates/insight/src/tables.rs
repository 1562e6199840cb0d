//! The tables of a run, written as rows come.

use crate::metrics::{Bin, Metrics, Profile};
use crate::names;
use crate::rows::{LiquidationRow, Moment, PriceRow, Recorder, WaterfallRow};
use crate::table::{
    ACCOUNTS, ADL, BOOK, Cell, CsvSheet, FILLS, LADDER, LIQUIDATIONS, MARKS, ORDERS, PRICES, Sheet, Table, WATERFALL,
};
use crate::units::Units;
use core::fmt::Write as _;
use downdraft_margin::{Margin, MarginMode};
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Price, Qty, Side, Time};
use downdraft_venue::{CancelReason, Event, Venue};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes `prices`, `liquidations` and `waterfall` as CSV. The first failure is kept, and nothing is written after it.
#[derive(Debug)]
pub struct CsvTables<W> {
    units: Units,
    prices: CsvSheet<W>,
    liquidations: CsvSheet<W>,
    waterfall: CsvSheet<W>,
    failure: Option<io::Error>,
}

impl<W: Write> CsvTables<W> {
    /// Begins the tables with their headers. The outputs should be buffered.
    ///
    /// # Errors
    /// Where a header cannot be written.
    pub fn new(units: Units, prices: W, liquidations: W, waterfall: W) -> io::Result<Self> {
        Ok(Self {
            units,
            prices: CsvSheet::begin(&PRICES, prices)?,
            liquidations: CsvSheet::begin(&LIQUIDATIONS, liquidations)?,
            waterfall: CsvSheet::begin(&WATERFALL, waterfall)?,
            failure: None,
        })
    }

    /// Writes out what is buffered, and returns prices, liquidations and waterfall.
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(self) -> io::Result<[W; 3]> {
        self.failure.map_or(Ok(()), Err)?;
        Ok([self.prices.end()?, self.liquidations.end()?, self.waterfall.end()?])
    }

    fn keep(&mut self, written: io::Result<()>) {
        self.failure = self.failure.take().or(written.err());
    }
}

impl<W: Write> Recorder for CsvTables<W> {
    fn price(&mut self, row: &PriceRow) {
        if self.failure.is_none() {
            let written = write_price(&mut self.prices, &self.units, row);
            self.keep(written);
        }
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        if self.failure.is_none() {
            let written = write_liquidation(&mut self.liquidations, &self.units, row);
            self.keep(written);
        }
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        if self.failure.is_none() {
            let written = write_waterfall(&mut self.waterfall, &self.units, row);
            self.keep(written);
        }
    }
}

/// A name in a cell: empty where there is none of that number.
fn instrument(units: &Units, instrument: InstrumentId) -> &str {
    units.instruments.get(instrument.index()).map_or("", |i| i.name.as_str())
}

fn currency(units: &Units, currency: CurrencyId) -> &str {
    units.currencies.get(currency.index()).map_or("", |c| c.name.as_str())
}

fn write_price(sheet: &mut impl Sheet, units: &Units, row: &PriceRow) -> io::Result<()> {
    let mark = |mark: Option<MarkPrice>| Cell::from(mark.map(|mark| units.mark(row.instrument, mark)));
    sheet.row(&[
        Units::seconds(row.time).into(),
        instrument(units, row.instrument).into(),
        row.last.map(|last| units.price(row.instrument, last)).into(),
        mark(row.mark),
        mark(row.index),
    ])
}

fn write_liquidation(sheet: &mut impl Sheet, units: &Units, row: &LiquidationRow) -> io::Result<()> {
    let money = |amount| Cell::from(units.money(row.currency, amount));
    let lots = |qty| Cell::from(row.instrument.map(|i| units.quantity(i, qty)));
    sheet.row(&[
        row.episode.into(),
        row.pool.to_string().as_str().into(),
        row.pool.account().0.into(),
        row.parent.into(),
        row.root.into(),
        row.depth.into(),
        names::cause(&row.kind).into(),
        Units::seconds(row.triggered).into(),
        row.instrument.zip(row.mark).map(|(i, mark)| units.mark(i, mark)).into(),
        money(row.equity),
        money(row.maintenance),
        row.first_fill.map(Units::seconds).into(),
        row.ended.map(Units::seconds).into(),
        row.end.as_ref().map_or("pending", names::end).into(),
        row.instrument.map(|i| instrument(units, i)).into(),
        currency(units, row.currency).into(),
        lots(row.quantity),
        money(row.notional),
        money(row.proceeds),
        money(row.slippage),
        money(row.fund),
        lots(row.deleveraged),
        lots(row.taken_over),
    ])
}

fn write_waterfall(sheet: &mut impl Sheet, units: &Units, row: &WaterfallRow) -> io::Result<()> {
    let money = |amount| units.money(row.currency, amount);
    sheet.row(&[
        Units::seconds(row.time).into(),
        event_id(row.id).as_str().into(),
        row.episode.into(),
        row.kind.name().into(),
        row.account.0.into(),
        row.counterparty.map(|account| account.0).into(),
        row.instrument.map(|i| instrument(units, i)).into(),
        currency(units, row.currency).into(),
        row.instrument.zip(row.quantity).map(|(i, qty)| units.quantity(i, qty)).into(),
        money(row.amount).into(),
        row.conceded.map(money).into(),
    ])
}

fn event_id(id: EventId) -> String {
    format!("{}.{}", id.seq.0, id.index)
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// Writes all the tables of [`TABLES`](crate::table::TABLES), as sheets of one kind. The first failure is kept, and
/// nothing is written after it.
#[derive(Debug)]
pub struct AllTables<S> {
    units: Units,
    fills: S,
    orders: S,
    marks: S,
    liquidations: S,
    waterfall: S,
    adl: S,
    accounts: S,
    ladder: S,
    book: S,
    /// Settlement currencies, by instrument.
    settled_in: Vec<CurrencyId>,
    /// What came in from outside less what went out, and how many liquidations began.
    outside: BTreeMap<(AccountId, CurrencyId), (i128, u64)>,
    failure: Option<io::Error>,
}

impl<S: Sheet> AllTables<S> {
    /// Begins the tables; `out` makes where each is written to.
    ///
    /// # Errors
    /// Where one cannot be made or begun.
    pub fn new(units: Units, mut out: impl FnMut(&'static Table) -> io::Result<S::Out>) -> io::Result<Self> {
        let mut begin = |table: &'static Table| S::begin(table, out(table)?);
        Ok(Self {
            units,
            fills: begin(&FILLS)?,
            orders: begin(&ORDERS)?,
            marks: begin(&MARKS)?,
            liquidations: begin(&LIQUIDATIONS)?,
            waterfall: begin(&WATERFALL)?,
            adl: begin(&ADL)?,
            accounts: begin(&ACCOUNTS)?,
            ladder: begin(&LADDER)?,
            book: begin(&BOOK)?,
            settled_in: Vec::new(),
            outside: BTreeMap::new(),
            failure: None,
        })
    }

    /// Writes the tables of the end, accounts and the profiles of ladder and book, and ends all of them. Returns what
    /// they were written to, in the order of [`TABLES`](crate::table::TABLES).
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(mut self, venue: &Venue, metrics: Option<&Metrics>) -> io::Result<[S::Out; 9]> {
        self.failure.take().map_or(Ok(()), Err)?;
        self.write_accounts(venue.margin())?;
        let instruments = (0..venue.capacity().instruments).map(InstrumentId);
        for (id, series) in instruments.filter_map(|id| Some((id, metrics?.series(id)?))) {
            for Profile { time, ladder, book } in &series.profiles {
                let (units, width) = (&self.units, series.bucket_width);
                write_profile(&mut self.ladder, units, (*time, id), ["long", "short"], ladder, width)?;
                write_profile(&mut self.book, units, (*time, id), ["bid", "ask"], book, width)?;
            }
        }
        Ok([
            self.fills.end()?,
            self.orders.end()?,
            self.marks.end()?,
            self.liquidations.end()?,
            self.waterfall.end()?,
            self.adl.end()?,
            self.accounts.end()?,
            self.ladder.end()?,
            self.book.end()?,
        ])
    }

    fn write_accounts(&mut self, margin: &Margin) -> io::Result<()> {
        for account in margin.accounts() {
            for (number, _) in (0..).zip(&self.units.currencies) {
                let id = CurrencyId(number);
                if !margin.has_currency(id) {
                    continue;
                }
                let holding = Holding::of(margin, account, id);
                let (paid_in, liquidations) = self.outside.get(&(account, id)).copied().unwrap_or_default();
                if holding == Holding::default() && (paid_in, liquidations) == (0, 0) {
                    continue;
                }
                let money = |amount: i128| Cell::from(self.units.money(id, Money(amount)));
                let equity = holding.balance + holding.unrealised;
                self.accounts.row(&[
                    account.0.into(),
                    currency(&self.units, id).into(),
                    money(paid_in),
                    money(holding.balance),
                    money(holding.unrealised),
                    money(equity),
                    money(equity - paid_in),
                    holding.positions.into(),
                    liquidations.into(),
                ])?;
            }
        }
        Ok(())
    }

    fn currency_of(&self, instrument: InstrumentId) -> CurrencyId {
        self.settled_in.get(instrument.index()).copied().unwrap_or_default()
    }

    fn outside(&mut self, account: AccountId, currency: CurrencyId, amount: i128) {
        let (paid_in, _) = self.outside.entry((account, currency)).or_default();
        *paid_in = paid_in.saturating_add(amount);
    }

    fn write_event(&mut self, moment: &Moment, event: &Event) -> io::Result<()> {
        match *event {
            Event::Trade { .. } => self.write_fill(moment, event),
            Event::MarkMoved { instrument: of, mark, kind } => self.marks.row(&[
                Units::seconds(moment.time).into(),
                event_id(moment.id).as_str().into(),
                instrument(&self.units, of).into(),
                self.units.mark(of, mark).into(),
                names::cause(&kind).into(),
                moment.episode.into(),
            ]),
            Event::Deleveraged { .. } => self.write_adl(moment, event),
            _ => match OrderRow::of(event) {
                Some(row) => row.write(&mut self.orders, &self.units, moment),
                None => Ok(()),
            },
        }
    }

    fn write_fill(&mut self, moment: &Moment, event: &Event) -> io::Result<()> {
        let Event::Trade { instrument: of, price, qty, taker_side, maker_order, maker_left, maker, taker, forced } =
            *event
        else {
            return Ok(());
        };
        let settled_in = self.currency_of(of);
        let units = &self.units;
        let money = |amount| Cell::from(units.money(settled_in, amount));
        self.fills.row(&[
            Units::seconds(moment.time).into(),
            event_id(moment.id).as_str().into(),
            instrument(units, of).into(),
            units.price(of, price).into(),
            units.quantity(of, qty).into(),
            side(taker_side).into(),
            maker.account.0.into(),
            maker_order.to_string().as_str().into(),
            units.quantity(of, maker_left).into(),
            money(maker.fee),
            money(maker.realised),
            taker.account.0.into(),
            money(taker.fee),
            money(taker.realised),
            currency(units, settled_in).into(),
            u32::from(forced).into(),
            moment.episode.into(),
        ])
    }

    fn write_adl(&mut self, moment: &Moment, event: &Event) -> io::Result<()> {
        let Event::Deleveraged {
            instrument: of,
            account,
            side: held,
            counterparty,
            qty,
            value,
            conceded,
            remainder,
            realised,
            counterparty_realised,
        } = *event
        else {
            return Ok(());
        };
        let settled_in = self.currency_of(of);
        let units = &self.units;
        let money = |amount| Cell::from(units.money(settled_in, amount));
        self.adl.row(&[
            Units::seconds(moment.time).into(),
            event_id(moment.id).as_str().into(),
            moment.episode.into(),
            instrument(units, of).into(),
            account.0.into(),
            side(held).into(),
            counterparty.0.into(),
            currency(units, settled_in).into(),
            units.quantity(of, qty).into(),
            money(value),
            money(conceded),
            money(realised),
            money(counterparty_realised),
            money(remainder),
        ])
    }
}

impl<S: Sheet> Recorder for AllTables<S> {
    fn listed(&mut self, instrument: InstrumentId, settled_in: CurrencyId) {
        if self.settled_in.len() <= instrument.index() {
            self.settled_in.resize(instrument.index() + 1, CurrencyId::default());
        }
        self.settled_in[instrument.index()] = settled_in;
    }

    fn event(&mut self, moment: &Moment, event: &Event) {
        match *event {
            Event::Deposited { account, currency, amount } => self.outside(account, currency, amount.0),
            Event::Withdrawn { account, currency, amount } => {
                self.outside(account, currency, amount.0.saturating_neg());
            }
            Event::LiquidationTriggered { pool, currency, .. } => {
                self.outside.entry((pool.account(), currency)).or_default().1 += 1;
            }
            _ if self.failure.is_none() => self.failure = self.write_event(moment, event).err(),
            _ => {}
        }
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        if self.failure.is_none() {
            self.failure = write_liquidation(&mut self.liquidations, &self.units, row).err();
        }
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        if self.failure.is_none() {
            self.failure = write_waterfall(&mut self.waterfall, &self.units, row).err();
        }
    }
}

/// What an account has in a currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Holding {
    /// Cash, and the margins of isolated positions.
    balance: i128,
    unrealised: i128,
    positions: u64,
}

impl Holding {
    fn of(margin: &Margin, account: AccountId, currency: CurrencyId) -> Self {
        let mut holding = Self { balance: margin.cash(account, currency).0, unrealised: 0, positions: 0 };
        for position in margin.positions_of(account) {
            let terms = margin.instrument(position.instrument());
            if terms.spec().settlement != currency {
                continue;
            }
            if position.mode() == MarginMode::Isolated {
                holding.balance += margin.balance(margin.pool_of(position)).0;
            }
            holding.unrealised += position.unrealised(terms).0;
            holding.positions += u64::from(!position.size().is_zero());
        }
        holding
    }
}

/// What happened to an order.
#[derive(Clone, Copy, Debug)]
struct OrderRow {
    kind: &'static str,
    instrument: InstrumentId,
    account: AccountId,
    order: Option<downdraft_types::OrderId>,
    client: Option<downdraft_types::ClientOrderId>,
    side: Option<Side>,
    price: Option<Price>,
    quantity: Qty,
    reason: Option<CancelReason>,
}

impl OrderRow {
    fn of(event: &Event) -> Option<Self> {
        let row = |kind, instrument, account, quantity| Self {
            kind,
            instrument,
            account,
            order: None,
            client: None,
            side: None,
            price: None,
            quantity,
            reason: None,
        };
        Some(match *event {
            Event::OrderAccepted { account, client, instrument, side, qty, limit } => {
                Self { client, side: Some(side), price: limit, ..row("accepted", instrument, account, qty) }
            }
            Event::OrderRested { order, account, client, instrument, side, price, qty } => Self {
                order: Some(order),
                client,
                side: Some(side),
                price: Some(price),
                ..row("rested", instrument, account, qty)
            },
            Event::OrderReduced { order, account, instrument, qty } => {
                Self { order: Some(order), ..row("reduced", instrument, account, qty) }
            }
            Event::OrderCancelled { order, account, client, instrument, qty, reason } => {
                Self { order, client, reason: Some(reason), ..row("cancelled", instrument, account, qty) }
            }
            _ => return None,
        })
    }

    fn write(&self, sheet: &mut impl Sheet, units: &Units, moment: &Moment) -> io::Result<()> {
        let mut client = String::new();
        if let Some(number) = self.client {
            write!(client, "{}", number.0).map_err(io::Error::other)?;
        }
        let order = self.order.map(|order| order.to_string());
        sheet.row(&[
            Units::seconds(moment.time).into(),
            event_id(moment.id).as_str().into(),
            self.kind.into(),
            instrument(units, self.instrument).into(),
            self.account.0.into(),
            order.as_deref().into(),
            self.client.map(|_| client.as_str()).into(),
            self.side.map(side).into(),
            self.price.map(|price| units.price(self.instrument, price)).into(),
            units.quantity(self.instrument, self.quantity).into(),
            self.reason.as_ref().map(names::cancel_reason).into(),
        ])
    }
}

/// A profile's bins, of both sides.
fn write_profile(
    sheet: &mut impl Sheet,
    units: &Units,
    (time, id): (Time, InstrumentId),
    names: [&'static str; 2],
    sides: &[Vec<Bin>; 2],
    width: i64,
) -> io::Result<()> {
    for (name, bins) in names.into_iter().zip(sides) {
        for bin in bins {
            let edge = |bucket: i64| units.mark(id, MarkPrice(bucket.saturating_mul(width)));
            sheet.row(&[
                Units::seconds(time).into(),
                instrument(units, id).into(),
                name.into(),
                edge(bin.bucket).into(),
                edge(bin.bucket.saturating_add(1)).into(),
                units.quantity(id, Qty(u64::try_from(bin.lots).unwrap_or(u64::MAX))).into(),
                bin.count.into(),
            ])?;
        }
    }
    Ok(())
}
