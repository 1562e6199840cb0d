//! The probe: an observer that makes the [`Outcome`] of a run. Its memory grows with accounts, instruments and
//! liquidations, not with the length of the run.

use crate::outcome::{AccountOutcome, Cascades, Closing, Extremes, MarketOutcome, Outcome, PATH_POINTS, PurseOutcome};
use downdraft_insight::overshoot::{Receipt, Receipts};
use downdraft_margin::{InstrumentSpec, MaintenanceBasis, Pool, Valuation};
use downdraft_sim::world::Observer;
use downdraft_types::arith::compare_products;
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Price, Qty, Time};
use downdraft_venue::{Command, Event, Internal, Origin, Stamp, TradeSide, Venue};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the outcome of a run. Shown every command, event and end of a command, in order; then
/// [`Probe::finish`].
#[derive(Clone, Debug)]
pub struct Probe {
    end: Time,
    now: Time,
    origin: Origin,
    outcome: Outcome,
    lanes: Vec<Option<Lane>>,
    /// By currency, then account: paid in and not taken out.
    paid_in: Vec<Vec<i128>>,
    /// By currency, then account.
    deficits: Vec<BTreeMap<AccountId, i128>>,
    /// By account.
    opened_by: Vec<Option<Origin>>,
    liquidations: BTreeMap<AccountId, u32>,
    deleveraged: BTreeMap<AccountId, u64>,
    /// Who receives what deleveraged accounts concede beyond deficits.
    receipts: Receipts,
    /// What they concede so.
    overshoot: BTreeMap<(AccountId, CurrencyId), i128>,
    active: BTreeMap<Pool, Episode>,
    /// The liquidation whose step is being taken, and whether it has ended.
    current: Option<(Pool, Episode, bool)>,
    /// Pools that fell in this command: their positions are looked at when it is done.
    fallen: Vec<(Pool, i128, i128)>,
    /// Insurance funds, account 0 apart.
    funds: BTreeSet<AccountId>,
    /// Currencies in which the fund took a position over in this command.
    took_over: Vec<CurrencyId>,
    listing: Option<(InstrumentId, Box<InstrumentSpec>)>,
}

/// An instrument: what is needed of its terms, and how far its path is written.
#[derive(Clone, Debug)]
struct Lane {
    valuation: Valuation,
    written: usize,
    last: Option<MarkPrice>,
    traded: bool,
    /// The liquidation order in the book: its quantity, and that quantity's value at the bankruptcy price.
    order: Option<(Qty, Money)>,
}

/// A liquidation under way.
#[derive(Clone, Copy, Debug)]
struct Episode {
    root: usize,
    depth: u32,
    triggered: Time,
    filled: bool,
    closing: Option<usize>,
}

impl Probe {
    /// A probe of a run that ends at `end`: its price path is kept in steps of that time.
    #[must_use]
    pub fn new(end: Time) -> Self {
        Self {
            end,
            now: Time::ZERO,
            origin: Origin::Outside,
            outcome: Outcome::default(),
            lanes: Vec::new(),
            paid_in: Vec::new(),
            deficits: Vec::new(),
            opened_by: vec![Some(Origin::Outside)],
            liquidations: BTreeMap::new(),
            deleveraged: BTreeMap::new(),
            receipts: Receipts::default(),
            overshoot: BTreeMap::new(),
            active: BTreeMap::new(),
            current: None,
            fallen: Vec::new(),
            funds: BTreeSet::new(),
            took_over: Vec::new(),
            listing: None,
        }
    }

    /// The outcome, of a run that left the venue so.
    #[must_use]
    pub fn finish(mut self, venue: &Venue) -> Outcome {
        for (lane, market) in self.lanes.iter_mut().zip(&mut self.outcome.markets) {
            if let (Some(lane), Some(market)) = (lane, market) {
                lane.write(market, PATH_POINTS);
            }
        }
        self.outcome.state_hash = venue.state_hash();
        self.outcome.accounts = self.opened_by.iter().map(|origin| origin.map(|by| self.account(by))).collect();
        let currencies = self.outcome.purses.len();
        for (account, outcome) in (0_u32..).map(AccountId).zip(&mut self.outcome.accounts) {
            let Some(outcome) = outcome else { continue };
            outcome.gains = (0..currencies)
                .map(|currency| {
                    let paid_in = self.paid_in[currency].get(account.index()).copied().unwrap_or(0);
                    equity(venue, account, CurrencyId(currency as u16)) - paid_in
                })
                .collect();
            outcome.deficits =
                self.deficits.iter().map(|deficits| deficits.get(&account).copied().unwrap_or(0)).collect();
            outcome.liquidations = self.liquidations.get(&account).copied().unwrap_or(0);
            outcome.deleveraged = self.deleveraged.get(&account).copied().unwrap_or(0);
            let currencies = (0_u16..).map(CurrencyId).take(self.outcome.purses.len());
            let overshoot = |currency| self.overshoot.get(&(account, currency)).copied().unwrap_or(0);
            outcome.overshoot = currencies.map(overshoot).collect();
        }
        for (currency, purse) in (0_u16..).map(CurrencyId).zip(&mut self.outcome.purses) {
            purse.fund_end = all_funds(&self.funds, |fund| venue.margin().cash(fund, currency).0);
        }
        self.outcome
    }

    const fn account(&self, opened_by: Origin) -> AccountOutcome {
        AccountOutcome {
            opened_by,
            gains: Vec::new(),
            deficits: Vec::new(),
            liquidations: 0,
            deleveraged: 0,
            overshoot: Vec::new(),
        }
    }

    fn purse(&mut self, currency: CurrencyId) -> &mut PurseOutcome {
        if self.outcome.purses.len() <= currency.index() {
            self.outcome.purses.resize(currency.index() + 1, PurseOutcome::default());
            self.paid_in.resize(currency.index() + 1, Vec::new());
            self.deficits.resize(currency.index() + 1, BTreeMap::new());
        }
        &mut self.outcome.purses[currency.index()]
    }

    fn market(&mut self, instrument: InstrumentId) -> Option<(&mut Lane, &mut MarketOutcome)> {
        let lane = self.lanes.get_mut(instrument.index())?.as_mut()?;
        Some((lane, self.outcome.markets.get_mut(instrument.index())?.as_mut()?))
    }

    /// An account became a fund: what it was paid in so far is the fund's.
    fn appoint(&mut self, fund: AccountId) {
        if self.is_fund(fund) {
            return;
        }
        self.funds.insert(fund);
        for (purse, paid_in) in self.outcome.purses.iter_mut().zip(&self.paid_in) {
            purse.fund_deposited += paid_in.get(fund.index()).copied().unwrap_or(0);
        }
    }

    fn settlement(&self, instrument: InstrumentId) -> CurrencyId {
        let market = self.outcome.markets.get(instrument.index()).and_then(Option::as_ref);
        market.map(|market| market.settlement).unwrap_or_default()
    }

    fn list(&mut self, instrument: InstrumentId) {
        let Some((_, spec)) = self.listing.take().filter(|(listed, _)| *listed == instrument) else { return };
        if self.lanes.len() <= instrument.index() {
            self.lanes.resize(instrument.index() + 1, None);
            self.outcome.markets.resize(instrument.index() + 1, None);
        }
        self.purse(spec.settlement);
        let valuation = spec.valuation();
        self.lanes[instrument.index()] = Some(Lane { valuation, written: 0, last: None, traded: false, order: None });
        self.outcome.markets[instrument.index()] = Some(MarketOutcome {
            settlement: spec.settlement,
            mark_scale: spec.mark_scale,
            tiers: spec.tiers.iter().map(|tier| tier.floor.0).collect(),
            price: None,
            mark: None,
            path: Vec::with_capacity(PATH_POINTS),
            liquidated: 0,
            beyond: 0,
            deleveraged: 0,
            taken_over: 0,
            forced_fills: 0,
        });
    }

    fn is_fund(&self, account: AccountId) -> bool {
        account == AccountId::FUND || self.funds.contains(&account)
    }

    fn pay_in(&mut self, account: AccountId, currency: CurrencyId, amount: i128) {
        let is_fund = self.is_fund(account);
        let purse = self.purse(currency);
        if is_fund {
            purse.fund_deposited += amount;
        }
        let paid_in = &mut self.paid_in[currency.index()];
        if paid_in.len() <= account.index() {
            paid_in.resize(account.index() + 1, 0);
        }
        paid_in[account.index()] += amount;
    }

    /// The fund made (negative: lost) money otherwise than by deposits.
    fn fund_moved(&mut self, currency: CurrencyId, amount: i128, kind: fn(&mut PurseOutcome) -> &mut i128) {
        let purse = self.purse(currency);
        *kind(purse) += amount.abs();
        let made = purse.fund_received - purse.fund_paid + purse.fund_traded;
        purse.fund_need = purse.fund_need.max(-made);
    }

    /// What the fund realised by a trade of its own.
    fn fund_traded(&mut self, instrument: InstrumentId, amount: i128) {
        let currency = self.settlement(instrument);
        let purse = self.purse(currency);
        purse.fund_traded += amount;
        let made = purse.fund_received - purse.fund_paid + purse.fund_traded;
        purse.fund_need = purse.fund_need.max(-made);
    }

    fn trade(&mut self, instrument: InstrumentId, price: Price, [maker, taker]: [TradeSide; 2]) {
        self.outcome.fills += 1;
        let currency = self.settlement(instrument);
        self.purse(currency).fees += maker.fee.0 + taker.fee.0;
        for side in [maker, taker] {
            if !self.is_fund(side.account) {
                continue;
            }
            self.fund_traded(instrument, side.realised.0 - side.fee.0);
        }
        let (end, now) = (self.end, self.now);
        let Some((lane, market)) = self.market(instrument) else { return };
        let mark = MarkPrice(price.0.saturating_mul(i64::from(market.mark_scale)));
        lane.price(market, mark, now, end);
        lane.traded = true;
    }

    /// A fill of a liquidation order of the pool whose step is being taken.
    fn forced(&mut self, instrument: InstrumentId, price: Price, qty: Qty) {
        let now = self.now;
        let Some((_, episode, _)) = &mut self.current else { return };
        if !episode.filled {
            episode.filled = true;
            self.outcome.waits.push(now.since(episode.triggered).0);
        }
        let closing = episode.closing;
        let Some((lane, market)) = self.market(instrument) else { return };
        let value = lane.valuation.trade_value(qty, price);
        market.liquidated += qty.0;
        market.forced_fills += 1;
        let order = lane.order;
        let Some(closing) = closing.and_then(|place| self.outcome.closings.get_mut(place)) else { return };
        closing.filled += qty.0;
        closing.close(qty.0, value.0);
        // Per lot, against the bankruptcy price of the whole order.
        let worse_than = |(ordered, bankruptcy): (Qty, Money)| match closing.sign {
            1 => compare_products(value.0, ordered.0.into(), bankruptcy.0, qty.0.into()).is_lt(),
            _ => compare_products(value.0, ordered.0.into(), bankruptcy.0, qty.0.into()).is_gt(),
        };
        let worse = order.is_some_and(worse_than);
        if worse {
            closing.beyond += qty.0;
            if let Some((_, market)) = self.market(instrument) {
                market.beyond += qty.0;
            }
        }
    }

    /// Lots that left a pool otherwise than through the book.
    fn disposed(
        &mut self,
        (account, instrument): (AccountId, InstrumentId),
        lots: u64,
        value: Money,
        kind: fn(&mut Closing) -> &mut u64,
    ) {
        let Some((pool, Episode { closing: Some(place), .. }, _)) = self.current else { return };
        let Some(closing) = self.outcome.closings.get_mut(place) else { return };
        if pool.account() == account && closing.instrument == instrument {
            *kind(closing) += lots;
            closing.close(lots, value.0);
        }
    }

    fn deficit(&mut self, account: AccountId, currency: CurrencyId, amount: i128) {
        self.purse(currency).deficits += amount;
        *self.deficits[currency.index()].entry(account).or_default() += amount;
    }

    fn begin(&mut self, pool: Pool, equity: Money, maintenance: Money) {
        let cascades: &mut Cascades = &mut self.outcome.cascades;
        cascades.episodes += 1;
        let (root, depth) = match &self.current {
            Some((_, parent, _)) => (parent.root, parent.depth + 1),
            None => {
                cascades.roots += 1;
                cascades.sizes.push(0);
                (cascades.sizes.len() - 1, 1)
            }
        };
        cascades.sizes[root] += 1;
        cascades.depth = cascades.depth.max(depth);
        *self.liquidations.entry(pool.account()).or_default() += 1;
        let episode = Episode { root, depth, triggered: self.now, filled: false, closing: None };
        self.active.insert(pool, episode);
        self.fallen.push((pool, equity.0, maintenance.0));
    }

    /// Notes the position of a pool that fell in this command, which is still whole.
    fn note_position(&mut self, venue: &Venue, (pool, equity, maintenance): (Pool, i128, i128)) {
        let margin = venue.margin();
        let mut positions = margin.pool_positions(pool).filter(|position| !position.size().is_zero());
        let (Some(position), None) = (positions.next(), positions.next()) else {
            self.outcome.mixed += 1;
            return;
        };
        let terms = margin.instrument(position.instrument());
        let size = position.size();
        let value = terms.value_at(size, terms.mark()).0.abs();
        let basis = match terms.spec().maintenance_basis {
            MaintenanceBasis::Mark => value,
            MaintenanceBasis::Entry => position.cost().0.abs(),
        };
        let tiers = &terms.spec().tiers;
        let closing = Closing {
            account: pool.account(),
            instrument: position.instrument(),
            triggered: self.now,
            tier: tiers.iter().rposition(|tier| tier.floor.0 <= basis).unwrap_or(0),
            sign: if size.is_negative() { -1 } else { 1 },
            lots: size.quantity().0,
            at: (terms.valuation(), terms.mark()),
            value,
            equity,
            maintenance,
            filled: 0,
            beyond: 0,
            deleveraged: 0,
            taken_over: 0,
            cost: 0,
        };
        let place = self.outcome.closings.len();
        self.outcome.closings.push(closing);
        if let Some(episode) = self.active.get_mut(&pool) {
            episode.closing = Some(place);
        }
    }

    fn liquidation(&mut self, event: &Event) {
        match *event {
            Event::LiquidationTriggered { pool, equity, maintenance, .. } => self.begin(pool, equity, maintenance),
            Event::LiquidationOrdered { instrument, qty, bankruptcy, .. } => {
                if let Some((lane, _)) = self.market(instrument) {
                    lane.order = Some((qty, bankruptcy));
                }
            }
            Event::LiquidationOrderDone { instrument, fund_short, .. } => {
                let currency = self.settlement(instrument);
                self.purse(currency).fund_refused += u64::from(fund_short);
            }
            Event::LiquidationEnded { pool, .. } => {
                if let Some((current, _, ended)) = &mut self.current {
                    *ended |= *current == pool;
                }
            }
            Event::TakenOver { taker, account, instrument, qty, cost, taker_realised, .. } => {
                if self.is_fund(taker) {
                    self.fund_traded(instrument, taker_realised.0);
                    self.took_over.push(self.settlement(instrument));
                }
                self.disposed((account, instrument), qty.0, cost, |closing| &mut closing.taken_over);
                if let Some((_, market)) = self.market(instrument) {
                    market.taken_over += qty.0;
                }
            }
            Event::Deleveraged {
                instrument,
                account,
                counterparty,
                qty,
                value,
                conceded,
                remainder,
                realised,
                counterparty_realised,
                ..
            } => {
                for (party, made) in [(account, realised), (counterparty, counterparty_realised)] {
                    if self.is_fund(party) {
                        self.fund_traded(instrument, made.0);
                    }
                }
                let currency = self.settlement(instrument);
                self.purse(currency).conceded += conceded.0.max(0);
                self.purse(currency).overshoot += remainder.0;
                *self.deleveraged.entry(counterparty).or_default() += qty.0;
                *self.overshoot.entry((counterparty, currency)).or_default() += remainder.0;
                self.disposed((account, instrument), qty.0, value, |closing| &mut closing.deleveraged);
                if let Some((_, market)) = self.market(instrument) {
                    market.deleveraged += qty.0;
                }
            }
            _ => self.money(event),
        }
    }

    fn money(&mut self, event: &Event) {
        match *event {
            Event::Deficit { pool, currency, amount } => self.deficit(pool.account(), currency, amount.0),
            Event::FundSettled { currency, amount, .. } if amount.is_negative() => {
                self.fund_moved(currency, amount.0, |purse| &mut purse.fund_paid);
            }
            Event::FundSettled { currency, amount, .. } => {
                self.fund_moved(currency, amount.0, |purse| &mut purse.fund_received);
            }
            Event::Socialised { currency, amount, .. } => {
                self.purse(currency).socialised += amount.0;
            }
            Event::Uncovered { currency, amount, .. } => self.purse(currency).uncovered += amount.0,
            Event::FundingPaid { instrument, account, amount } if self.is_fund(account) => {
                self.fund_traded(instrument, -amount.0);
            }
            Event::FundingSettled { instrument, residue, .. } => {
                let currency = self.settlement(instrument);
                self.purse(currency).residue += residue.0;
            }
            Event::Settled { instrument, account, realised, .. } if self.is_fund(account) => {
                self.fund_traded(instrument, realised.0);
            }
            _ => {}
        }
    }
}

/// What all funds have together.
fn all_funds(appointed: &BTreeSet<AccountId>, of: impl Fn(AccountId) -> i128) -> i128 {
    let others = appointed.iter().copied().filter(|fund| *fund != AccountId::FUND);
    [AccountId::FUND].into_iter().chain(others).map(of).sum()
}

/// What an account has in a currency: cash, isolated margins, unrealised profit at the marks.
fn equity(venue: &Venue, account: AccountId, currency: CurrencyId) -> i128 {
    let margin = venue.margin();
    let mut equity = margin.cash(account, currency).0;
    for position in margin.positions_of(account) {
        let terms = margin.instrument(position.instrument());
        if terms.spec().settlement != currency {
            continue;
        }
        equity += position.unrealised(terms).0;
        let pool = margin.pool_of(position);
        if matches!(pool, Pool::Isolated { .. }) {
            equity += margin.balance(pool).0;
        }
    }
    equity
}

impl Lane {
    /// A new price: the path is written up to now first.
    fn price(&mut self, market: &mut MarketOutcome, price: MarkPrice, now: Time, end: Time) {
        let points = PATH_POINTS as u128;
        let step = u128::from(now.0) * points / u128::from(end.0.max(1));
        self.write(market, step.min(points) as usize);
        self.last = Some(price);
        Extremes::extend(&mut market.price, price, now);
    }

    /// Writes the last price into the path up to a step.
    fn write(&mut self, market: &mut MarketOutcome, until: usize) {
        if until > self.written {
            market.path.resize(until, self.last);
            self.written = until;
        }
    }
}

impl Observer for Probe {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.now = stamp.time;
        self.origin = stamp.origin;
        self.outcome.commands += 1;
        self.receipts.begin();
        match command {
            Command::ListInstrument { instrument, spec, .. } => self.listing = Some((*instrument, spec.clone())),
            Command::Internal(Internal::Liquidate { pool }) => {
                self.current = self.active.remove(pool).map(|episode| (*pool, episode, false));
            }
            _ => {}
        }
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.outcome.events += 1;
        match self.receipts.hear(id.index, parent, event) {
            Some(Receipt::Fund(currency, part)) => self.purse(currency).overshoot_to_fund += part.0,
            Some(Receipt::Vault(currency, part)) => self.purse(currency).overshoot_to_vault += part.0,
            None => {}
        }
        match *event {
            Event::OrderAccepted { .. } => self.outcome.orders += 1,
            Event::Trade { instrument, price, qty, maker, taker, forced, .. } => {
                self.trade(instrument, price, [maker, taker]);
                if forced {
                    self.forced(instrument, price, qty);
                }
            }
            Event::MarkMoved { instrument, mark, .. } => {
                let (now, end) = (self.now, self.end);
                let Some((lane, market)) = self.market(instrument) else { return };
                if !lane.traded {
                    lane.price(market, mark, now, end);
                }
                Extremes::extend(&mut market.mark, mark, now);
            }
            Event::InstrumentListed { instrument } => self.list(instrument),
            Event::AccountOpened { account } => {
                if self.opened_by.len() <= account.index() {
                    self.opened_by.resize(account.index() + 1, None);
                }
                self.opened_by[account.index()] = Some(self.origin);
            }
            Event::Deposited { account, currency, amount } => self.pay_in(account, currency, amount.0),
            Event::Withdrawn { account, currency, amount } => self.pay_in(account, currency, -amount.0),
            Event::Halted { .. } => self.outcome.halts += 1,
            Event::FundAppointed { fund, .. } => self.appoint(fund),
            _ => self.liquidation(event),
        }
    }

    fn done(&mut self, venue: &Venue) {
        if let Some((pool, episode, false)) = self.current.take() {
            self.active.insert(pool, episode);
        }
        for place in 0..self.fallen.len() {
            self.note_position(venue, self.fallen[place]);
        }
        self.fallen.clear();
        // A fund takes over only what leaves it solvent at the mark.
        for currency in self.took_over.drain(..) {
            let equity = all_funds(&self.funds, |fund| equity(venue, fund, currency));
            let purse = &mut self.outcome.purses[currency.index()];
            purse.fund_need = purse.fund_need.max(purse.fund_deposited - equity);
        }
    }
}
