//! Rows of the tables, in the engine's units, and who takes them.

use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Price, Qty, Time};
use downdraft_venue::{CauseKind, Event, LiquidationEnd};

/// Takes rows as they are complete, in order of time.
pub trait Recorder {
    /// An instrument was listed.
    fn listed(&mut self, instrument: InstrumentId, settled_in: CurrencyId) {
        let _ = (instrument, settled_in);
    }

    /// Any event, as it happens.
    fn event(&mut self, moment: &Moment, event: &Event) {
        let _ = (moment, event);
    }

    /// An instant changed an instrument's prices.
    fn price(&mut self, row: &PriceRow) {
        let _ = row;
    }

    /// A liquidation ended, or the run did before it.
    fn liquidation(&mut self, row: &LiquidationRow) {
        let _ = row;
    }

    /// A loss went a step down the waterfall, or the fund received something.
    fn waterfall(&mut self, row: &WaterfallRow) {
        let _ = row;
    }
}

/// Keeps nothing.
impl Recorder for () {}

/// Two that take the same rows.
impl<A: Recorder, B: Recorder> Recorder for (A, B) {
    fn listed(&mut self, instrument: InstrumentId, settled_in: CurrencyId) {
        self.0.listed(instrument, settled_in);
        self.1.listed(instrument, settled_in);
    }

    fn event(&mut self, moment: &Moment, event: &Event) {
        self.0.event(moment, event);
        self.1.event(moment, event);
    }

    fn price(&mut self, row: &PriceRow) {
        self.0.price(row);
        self.1.price(row);
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        self.0.liquidation(row);
        self.1.liquidation(row);
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        self.0.waterfall(row);
        self.1.waterfall(row);
    }
}

/// One that may not be there.
impl<R: Recorder> Recorder for Option<R> {
    fn listed(&mut self, instrument: InstrumentId, settled_in: CurrencyId) {
        self.iter_mut().for_each(|recorder| recorder.listed(instrument, settled_in));
    }

    fn event(&mut self, moment: &Moment, event: &Event) {
        self.iter_mut().for_each(|recorder| recorder.event(moment, event));
    }

    fn price(&mut self, row: &PriceRow) {
        self.iter_mut().for_each(|recorder| recorder.price(row));
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        self.iter_mut().for_each(|recorder| recorder.liquidation(row));
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        self.iter_mut().for_each(|recorder| recorder.waterfall(row));
    }
}

/// Where an event stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// When.
    pub time: Time,
    /// The event.
    pub id: EventId,
    /// The liquidation whose step it is part of.
    pub episode: Option<u64>,
}

/// An instrument's prices at the end of an instant that changed one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriceRow {
    /// When.
    pub time: Time,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Price of the last trade in the book.
    pub last: Option<Price>,
    /// The mark.
    pub mark: Option<MarkPrice>,
    /// The index as last reported.
    pub index: Option<MarkPrice>,
}

/// One instrument closed in one liquidation, from trigger to end. A pool that closed nothing has one row without
/// an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiquidationRow {
    /// The liquidation's number, from 1 in order of trigger.
    pub episode: u64,
    /// The pool.
    pub pool: downdraft_margin::Pool,
    /// The liquidation whose order triggered this one.
    pub parent: Option<u64>,
    /// The first liquidation of the cascade.
    pub root: u64,
    /// 1 of a root, 1 more than its parent's of others.
    pub depth: u32,
    /// What put the pool below its line.
    pub kind: CauseKind,
    /// When.
    pub triggered: Time,
    /// The pool's equity then.
    pub equity: Money,
    /// Its maintenance margin then.
    pub maintenance: Money,
    /// The currency of all amounts.
    pub currency: CurrencyId,
    /// What was closed.
    pub instrument: Option<InstrumentId>,
    /// Its mark when the liquidation was triggered.
    pub mark: Option<MarkPrice>,
    /// The liquidation's first fill in a book.
    pub first_fill: Option<Time>,
    /// When it ended; `None` where the run ended first.
    pub ended: Option<Time>,
    /// How it ended.
    pub end: Option<LiquidationEnd>,
    /// Sold (or bought back) in the book.
    pub quantity: Qty,
    /// Value of that at the marks at which the orders were sent.
    pub notional: Money,
    /// Value of that as filled.
    pub proceeds: Money,
    /// What the fills were worse than the mark.
    pub slippage: Money,
    /// What the insurance fund received; negative: paid.
    pub fund: Money,
    /// Closed by auto-deleveraging.
    pub deleveraged: Qty,
    /// Taken over by the fund.
    pub taken_over: Qty,
}

/// A step of the loss waterfall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaterfallRow {
    /// The event.
    pub id: EventId,
    /// When.
    pub time: Time,
    /// The liquidation it belongs to; `None` of the fund's own unwinding.
    pub episode: Option<u64>,
    /// What happened.
    pub kind: WaterfallKind,
    /// Whose loss.
    pub account: AccountId,
    /// Who bore it or was closed against, if it was a client.
    pub counterparty: Option<AccountId>,
    /// The instrument closed.
    pub instrument: Option<InstrumentId>,
    /// The currency.
    pub currency: CurrencyId,
    /// The quantity closed.
    pub quantity: Option<Qty>,
    /// Amount, or value of what was closed.
    pub amount: Money,
    /// What the counterparty gave up against the mark; negative: gained.
    pub conceded: Option<Money>,
}

/// A kind of step of the loss waterfall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaterfallKind {
    /// A pool's deficit arose.
    Deficit,
    /// The fund paid.
    FundPaid,
    /// The fund received.
    FundReceived,
    /// A fund took a position over.
    FundTookOver,
    /// The vault took a position over.
    VaultTookOver,
    /// The vault received residual margin.
    VaultReceived,
    /// A position was closed against another.
    Deleveraged,
    /// A winner paid.
    Socialised,
    /// Nobody paid.
    Uncovered,
}

impl WaterfallKind {
    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deficit => "deficit",
            Self::FundPaid => "fund-paid",
            Self::FundReceived => "fund-received",
            Self::FundTookOver => "fund-took-over",
            Self::VaultTookOver => "vault-took-over",
            Self::VaultReceived => "vault-received",
            Self::Deleveraged => "deleveraged",
            Self::Socialised => "socialised",
            Self::Uncovered => "uncovered",
        }
    }
}
