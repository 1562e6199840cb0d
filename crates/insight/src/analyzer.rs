//! The analyzer: a stream of commands and events in, rows and counts out.

use crate::episode::{Episode, Episodes, Sale, Trigger, add, add_lots};
use crate::genealogy::{Forest, Lineage, Node};
use crate::histogram::Histogram;
use crate::market::{Market, Purse};
use crate::overshoot::Overshoots;
use crate::ranges::AccountSet;
use crate::rows::{Moment, PriceRow, Recorder, WaterfallKind, WaterfallRow};
use crate::units::Units;
use downdraft_margin::Pool;
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, Money, Qty, Span, Time};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{Command, Event, Internal, Rejection, Stamp};

/// What of a run its events do not tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunInfo {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The software's version.
    pub version: String,
    /// The venue's state at the end.
    pub state_hash: u64,
    /// What was read from recordings and what became of it: `read`, `applied`, then a count for each reason.
    pub feed: Vec<(String, u64)>,
    /// What each actor counted.
    pub actors: Vec<(String, Vec<(String, u64)>)>,
}

/// Makes a [`Summary`](crate::Summary) and tables of what happens.
///
/// For every command in order: [`command`](Self::command), its events by [`event`](Self::event),
/// [`done`](Self::done). At last [`finish`](Self::finish).
#[derive(Clone, Debug)]
pub struct Analyzer<R = ()> {
    pub(crate) units: Units,
    pub(crate) recorder: R,
    pub(crate) auditor: VenueAuditor,
    pub(crate) now: Time,
    pub(crate) markets: Vec<Option<Market>>,
    pub(crate) purses: Vec<Purse>,
    pub(crate) episodes: Episodes,
    pub(crate) counts: Counts,
    pub(crate) lineage: Lineage,
    pub(crate) overshoots: Overshoots,
    /// The instrument that the present command would list.
    listing: Option<(InstrumentId, Market)>,
    /// Instruments with a price changed at this instant.
    changed: Vec<InstrumentId>,
    /// Whether an order was placed: the fund's money before that is its start.
    trading: bool,
}

/// Plain counts.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pub commands: u64,
    pub events: u64,
    pub orders: u64,
    pub fills: u64,
    pub rejections: Vec<(Rejection, u64)>,
    pub halts: u64,
    pub backlog: u32,
    pub liquidated: AccountSet,
    pub liquidation_orders: u64,
    pub liquidation_fills: u64,
    pub trigger_to_fill: Histogram,
    pub deleveraged: AccountSet,
    pub takeovers: u64,
    pub unwind_orders: u64,
    pub conversion_orders: u64,
}

impl Counts {
    fn new(accounts: u32) -> Self {
        Self {
            commands: 0,
            events: 0,
            orders: 0,
            fills: 0,
            rejections: Vec::new(),
            halts: 0,
            backlog: 0,
            liquidated: AccountSet::below(accounts),
            liquidation_orders: 0,
            liquidation_fills: 0,
            trigger_to_fill: Histogram::default(),
            deleveraged: AccountSet::below(accounts),
            takeovers: 0,
            unwind_orders: 0,
            conversion_orders: 0,
        }
    }
}

impl<R: Recorder> Analyzer<R> {
    /// An analyzer of a venue with account numbers below `accounts`.
    #[must_use]
    pub fn new(units: Units, accounts: u32, recorder: R) -> Self {
        let purses = vec![Purse::default(); units.currencies.len()];
        Self {
            units,
            recorder,
            auditor: VenueAuditor::new(accounts),
            now: Time::ZERO,
            markets: Vec::new(),
            purses,
            episodes: Episodes::default(),
            counts: Counts::new(accounts),
            lineage: Lineage::new(accounts),
            overshoots: Overshoots::default(),
            listing: None,
            changed: Vec::new(),
            trading: false,
        }
    }

    /// A command is about to be applied.
    pub fn command(&mut self, stamp: &Stamp, command: &Command) {
        if stamp.time != self.now {
            self.write_prices();
            self.now = stamp.time;
        }
        self.counts.commands += 1;
        self.auditor.command(command);
        self.overshoots.begin();
        match command {
            Command::ListInstrument { instrument, spec, .. } => self.listing = Some((*instrument, Market::new(spec))),
            Command::Internal(Internal::Liquidate { pool }) => self.episodes.step(*pool),
            _ => {}
        }
        let step = self.episodes.current().map(|episode| episode.id);
        self.lineage.command(stamp, command, step);
    }

    /// Sets how long after a forced order dealt with it an account's commands count as a reaction: the one parameter
    /// of mediated ancestry, [`DEFAULT_REACTION`](crate::genealogy::DEFAULT_REACTION) unless told otherwise.
    #[must_use]
    pub const fn with_reaction(mut self, window: Span) -> Self {
        self.lineage.reaction = window;
        self
    }

    /// An event of that command.
    pub fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.counts.events += 1;
        if let Event::FundAppointed { fund, .. } = event {
            self.fund_appointed(*fund);
        }
        self.auditor.observe(event);
        let (before, mark_scale) = match event {
            Event::MarkMoved { instrument, .. } => {
                self.market(*instrument).map_or((None, 1), |m| (m.mark, m.valuation.mark_scale))
            }
            _ => (None, 1),
        };
        self.lineage.event(id, event, before, mark_scale);
        self.overshoot(id.index, parent, event);
        let episode = self.episodes.current().map(|episode| episode.id);
        self.recorder.event(&Moment { time: self.now, id, episode }, event);
        match *event {
            Event::OrderAccepted { .. } => {
                self.counts.orders += 1;
                self.trading = true;
            }
            Event::Trade { instrument, price, forced, .. } => {
                self.counts.fills += 1;
                self.touch(instrument, |market| market.traded(price));
                if forced {
                    self.forced_fill();
                }
            }
            Event::MarkMoved { instrument, mark, .. } => self.touch(instrument, |market| market.marked(mark)),
            Event::IndexReported { instrument, index } => self.touch(instrument, |market| market.indexed(index)),
            Event::Rejected { reason } => self.rejected(reason),
            Event::InstrumentListed { instrument } => self.listed(instrument),
            Event::Deposited { account, currency, amount } if self.auditor.auditor().is_fund(account) => {
                self.fund_paid_in(currency, amount);
            }
            Event::Withdrawn { account, currency, amount } if self.auditor.auditor().is_fund(account) => {
                self.fund_paid_in(currency, Money(amount.0.saturating_neg()));
            }
            Event::Halted { .. } => self.counts.halts += 1,
            _ => self.liquidation(id, parent, event),
        }
    }

    /// The command is done.
    pub fn done(&mut self) {
        if let Some(ended) = self.episodes.done() {
            self.complete(&ended);
            ended.rows(Some(self.now)).for_each(|row| self.recorder.liquidation(&row));
        }
    }

    /// Writes the rows still open.
    pub(crate) fn close(&mut self) {
        self.write_prices();
        let pending = self.episodes.pending();
        pending.iter().flat_map(|episode| episode.rows(None)).for_each(|row| self.recorder.liquidation(&row));
    }

    fn liquidation(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        match *event {
            Event::LiquidationTriggered { pool, currency, kind, equity, maintenance, backlog } => {
                self.counts.backlog = self.counts.backlog.max(backlog);
                self.counts.liquidated.insert(pool.account());
                self.triggered(pool, currency, parent, Trigger { time: self.now, kind, equity, maintenance });
            }
            Event::LiquidationOrdered { instrument, side, .. } => {
                match self.episodes.current() {
                    Some(episode) => {
                        episode.leg(instrument);
                        self.counts.liquidation_orders += 1;
                    }
                    None => self.counts.unwind_orders += 1,
                }
                if let Some(market) = market_mut(&mut self.markets, instrument) {
                    market.order = Some((side, market.mark.unwrap_or_default()));
                }
            }
            Event::ConversionOrdered { instrument, side, .. } => {
                self.counts.conversion_orders += 1;
                if let Some(episode) = self.episodes.current() {
                    episode.leg(instrument);
                    self.counts.liquidation_orders += 1;
                }
                if let Some(market) = market_mut(&mut self.markets, instrument) {
                    market.order = Some((side, market.mark.unwrap_or_default()));
                }
            }
            Event::ConversionDone { account, instrument, filled, value, .. } => {
                if let Some(market) = market_mut(&mut self.markets, instrument) {
                    add_lots(&mut market.converted, filled);
                }
                if self.episodes.current().is_some() {
                    self.sold(Pool::Unified { account }, instrument, filled, value);
                }
            }
            Event::LiquidationOrderDone { pool, instrument, filled, proceeds, .. } => {
                self.sold(pool, instrument, filled, proceeds);
            }
            Event::LiquidationEnded { pool, end } => self.episodes.end(pool, end),
            _ => self.waterfall(id, event),
        }
    }

    fn triggered(&mut self, pool: Pool, currency: CurrencyId, cause: Option<u32>, trigger: Trigger) {
        let marks = self.markets.iter().map(|market| market.as_ref().and_then(|m| m.mark));
        let (episode, parent) = self.episodes.begin(pool, currency, trigger, marks);
        let (through, mediated) = self.lineage.trigger(cause);
        let born = self.lineage.moment();
        self.lineage.nodes.push(Node {
            episode,
            pool,
            parent,
            mediated,
            kind: trigger.kind,
            through: through.map(|(instrument, _)| instrument),
            mark: through.map(|(_, mark)| mark),
            triggered: trigger.time,
            equity: trigger.equity,
            first_fill: None,
            ended: None,
            end: None,
            currency,
            instrument: None,
            quantity: Qty::ZERO,
            deleveraged: Qty::ZERO,
            taken_over: Qty::ZERO,
            legs: 0,
            notional: Money::ZERO,
            slippage: Money::ZERO,
            fund: Money::ZERO,
            born,
            gone: None,
        });
    }

    /// Completes the node of a liquidation that ended.
    fn complete(&mut self, ended: &Episode) {
        let gone = self.lineage.moment();
        if let Some(node) = self.lineage.nodes.get_mut(ended.id as usize - 1) {
            ended.complete(node, Some(self.now));
            node.gone = Some(gone);
        }
    }

    /// The liquidations so far and whose order set off whose.
    #[must_use]
    pub fn forest(&self) -> Forest {
        let mut nodes = self.lineage.nodes.clone();
        for episode in self.episodes.pending() {
            if let Some(node) = nodes.get_mut(episode.id as usize - 1) {
                episode.complete(node, None);
            }
        }
        Forest { nodes }
    }

    /// How much of an instrument's volume, and of its mark's moves, was forced so far.
    #[must_use]
    pub fn forced(&self, instrument: InstrumentId) -> crate::genealogy::Forced {
        self.lineage.forced(instrument)
    }

    fn forced_fill(&mut self) {
        let Some(episode) = self.episodes.current() else { return };
        self.counts.liquidation_fills += 1;
        if let Some(triggered) = episode.filled(self.now) {
            self.counts.trigger_to_fill.record(self.now.since(triggered));
        }
    }

    /// A liquidation order, or one of the fund's, came to an end.
    fn sold(&mut self, pool: Pool, instrument: InstrumentId, quantity: Qty, proceeds: Money) {
        let Some(market) = market_mut(&mut self.markets, instrument) else { return };
        let Some((side, mark)) = market.order.take() else { return };
        let at_mark = market.value(quantity, mark);
        let Some(episode) = self.episodes.current().filter(|episode| episode.pool == pool) else {
            return add_lots(&mut market.unwound, quantity);
        };
        let payoff = market.valuation.payoff;
        let sale = Sale { side, quantity, payoff, at_mark, value: proceeds };
        episode.leg(instrument).sold(&sale);
        add_lots(&mut market.liquidated, quantity);
        let purse = purse_mut(&mut self.purses, market.currency);
        add(&mut purse.notional, payoff.of_notional(at_mark));
        add(&mut purse.proceeds, payoff.of_notional(proceeds));
        add(&mut purse.slippage, sale.slippage());
    }

    fn waterfall(&mut self, id: EventId, event: &Event) {
        let Some(mut row) = self.waterfall_row(id, event) else { return };
        match *event {
            Event::TakenOver { instrument, qty, cost, .. } => {
                self.counts.takeovers += 1;
                let Some(market) = market_mut(&mut self.markets, instrument) else { return };
                add_lots(&mut market.taken_over, qty);
                let notional = market.notional(cost);
                add(&mut purse_mut(&mut self.purses, market.currency).taken_over, notional);
            }
            Event::Deleveraged { instrument, counterparty, qty, value, .. } => {
                self.counts.deleveraged.insert(counterparty);
                let Some(market) = market_mut(&mut self.markets, instrument) else { return };
                add_lots(&mut market.deleveraged, qty);
                let notional = market.notional(value);
                add(&mut purse_mut(&mut self.purses, market.currency).deleveraged, notional);
            }
            _ => {}
        }
        if let Some(episode) = self.episodes.current().filter(|episode| episode.pool.account() == row.account) {
            row.episode = Some(episode.id);
            match *event {
                Event::FundSettled { amount, .. } => add(&mut episode.last_leg().fund, amount),
                Event::TakenOver { instrument, qty, .. } => {
                    add_lots(&mut episode.leg(instrument).taken_over, qty);
                }
                Event::Deleveraged { instrument, qty, .. } => {
                    add_lots(&mut episode.leg(instrument).deleveraged, qty);
                }
                _ => {}
            }
        }
        self.recorder.waterfall(&row);
    }

    /// The row of an event of the waterfall, its episode still unknown.
    fn waterfall_row(&self, id: EventId, event: &Event) -> Option<WaterfallRow> {
        let row = |kind, account, currency, amount| WaterfallRow {
            id,
            time: self.now,
            episode: None,
            kind,
            account,
            counterparty: None,
            instrument: None,
            currency,
            quantity: None,
            amount,
            conceded: None,
        };
        let settled_in = |instrument| self.market(instrument).map(|market| market.currency).unwrap_or_default();
        let notional = |instrument, value| self.market(instrument).map_or(value, |market| market.notional(value));
        Some(match *event {
            Event::Deficit { pool, currency, amount } => row(WaterfallKind::Deficit, pool.account(), currency, amount),
            Event::FundSettled { pool, currency, amount, .. } if amount.is_negative() => {
                row(WaterfallKind::FundPaid, pool.account(), currency, Money(amount.0.saturating_neg()))
            }
            Event::VaultReceived { vault, pool, currency, amount } => WaterfallRow {
                counterparty: Some(vault),
                ..row(WaterfallKind::VaultReceived, pool.account(), currency, amount)
            },
            Event::FundSettled { pool, currency, amount, .. } => {
                row(WaterfallKind::FundReceived, pool.account(), currency, amount)
            }
            Event::TakenOver { taker, account, instrument, qty, cost, .. } => {
                let (kind, counterparty) = match self.auditor.auditor().is_fund(taker) {
                    true => (WaterfallKind::FundTookOver, None),
                    false => (WaterfallKind::VaultTookOver, Some(taker)),
                };
                WaterfallRow {
                    counterparty,
                    instrument: Some(instrument),
                    quantity: Some(qty),
                    ..row(kind, account, settled_in(instrument), notional(instrument, cost))
                }
            }
            Event::Deleveraged { instrument, account, counterparty, qty, value, conceded, .. } => WaterfallRow {
                counterparty: Some(counterparty),
                instrument: Some(instrument),
                quantity: Some(qty),
                conceded: Some(conceded),
                ..row(WaterfallKind::Deleveraged, account, settled_in(instrument), notional(instrument, value))
            },
            Event::Socialised { pool, payer, currency, amount } => WaterfallRow {
                counterparty: Some(payer.account()),
                ..row(WaterfallKind::Socialised, pool.account(), currency, amount)
            },
            Event::Uncovered { pool, currency, amount } => {
                row(WaterfallKind::Uncovered, pool.account(), currency, amount)
            }
            _ => return None,
        })
    }

    fn rejected(&mut self, reason: Rejection) {
        let rejections = &mut self.counts.rejections;
        match rejections.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => rejections.push((reason, 1)),
        }
    }

    fn listed(&mut self, instrument: InstrumentId) {
        let Some((_, market)) = self.listing.take().filter(|(listing, _)| *listing == instrument) else { return };
        if self.markets.len() <= instrument.index() {
            self.markets.resize_with(instrument.index() + 1, || None);
        }
        purse_mut(&mut self.purses, market.currency);
        self.recorder.listed(instrument, market.currency);
        self.markets[instrument.index()] = Some(market);
    }

    /// What a new fund brings with it.
    fn fund_appointed(&mut self, fund: AccountId) {
        let auditor = self.auditor.auditor();
        if auditor.is_fund(fund) {
            return;
        }
        let cash: Vec<_> = auditor.currencies().map(|currency| (currency, auditor.cash(fund, currency))).collect();
        cash.into_iter().for_each(|(currency, amount)| self.fund_paid_in(currency, amount));
    }

    fn fund_paid_in(&mut self, currency: CurrencyId, amount: Money) {
        let trading = self.trading;
        let purse = purse_mut(&mut self.purses, currency);
        add(if trading { &mut purse.fund_deposited } else { &mut purse.fund_start }, amount);
    }

    /// Changes an instrument's prices, and notes it if that was the first time at this instant.
    fn touch(&mut self, instrument: InstrumentId, change: impl FnOnce(&mut Market)) {
        let Some(market) = market_mut(&mut self.markets, instrument) else { return };
        let noted = market.changed;
        change(market);
        if market.changed && !noted {
            self.changed.push(instrument);
        }
    }

    fn write_prices(&mut self) {
        self.changed.sort_unstable();
        for instrument in self.changed.drain(..) {
            let Some(market) = market_mut(&mut self.markets, instrument) else { continue };
            market.changed = false;
            let (last, mark, index) = (market.last, market.mark, market.index);
            self.recorder.price(&PriceRow { time: self.now, instrument, last, mark, index });
        }
    }

    pub(crate) fn market(&self, instrument: InstrumentId) -> Option<&Market> {
        self.markets.get(instrument.index()).and_then(Option::as_ref)
    }
}

fn market_mut(markets: &mut [Option<Market>], instrument: InstrumentId) -> Option<&mut Market> {
    markets.get_mut(instrument.index()).and_then(Option::as_mut)
}

fn purse_mut(purses: &mut Vec<Purse>, currency: CurrencyId) -> &mut Purse {
    if purses.len() <= currency.index() {
        purses.resize_with(currency.index() + 1, Purse::default);
    }
    &mut purses[currency.index()]
}
