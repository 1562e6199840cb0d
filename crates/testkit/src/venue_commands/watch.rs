//! What can be checked from events and requests alone, without looking into the venue.

use downdraft_margin::Pool;
use downdraft_types::{AccountId, ClientOrderId, EventId, InstrumentId, OrderId, Price, Qty, Seq, Side, Time};
use downdraft_venue::{Command, Event, Internal, OrderRef, Request, TimeInForce, TradeSide};
use std::collections::{BTreeMap, BTreeSet};

/// An order that rests, as events tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resting {
    pub account: AccountId,
    pub side: Side,
    pub price: Price,
    pub qty: Qty,
    client: Option<ClientOrderId>,
}

/// A liquidation order whose lots have not all ended.
#[derive(Clone, Copy, Debug)]
struct Forced {
    pool: Pool,
    instrument: InstrumentId,
    side: Side,
    limit: Option<Price>,
    /// Not yet sold in the book.
    open: Qty,
    filled: Qty,
    /// Given up by the book; to be taken over or deleveraged.
    left: Qty,
    /// What a fund or a vault could not sell stays its own.
    may_keep: bool,
}

/// An order that sells collateral for what an account owes.
#[derive(Clone, Copy, Debug)]
struct Sale {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    limit: Option<Price>,
    open: Qty,
    filled: Qty,
}

/// An ordinary taker.
#[derive(Clone, Copy, Debug)]
struct Taker {
    account: AccountId,
    side: Side,
    limit: Option<Price>,
    open: Qty,
    fill_or_kill: bool,
}

/// Follows a venue by its events.
#[derive(Default)]
pub struct Watch {
    /// How many events each command had.
    counts: Vec<u32>,
    now: Time,
    pub resting: BTreeMap<(InstrumentId, OrderId), Resting>,
    /// Pools in liquidation, with the steps that are requested and not applied.
    pub cases: BTreeMap<Pool, u32>,
    /// Pools whose step waits for a reopening.
    parked: BTreeMap<Pool, EventId>,
    taker: Option<Taker>,
    /// Whether the command is a fill-or-kill order.
    fill_or_kill: bool,
    forced: Option<Forced>,
    sale: Option<Sale>,
    /// The pool whose liquidation the command is a step of.
    step: Option<Pool>,
    /// The account that sells what it took over.
    unwinding: Option<AccountId>,
    /// Accounts that are insurance funds, account 0 apart.
    pub funds: BTreeSet<AccountId>,
    rejected: bool,
    /// Orders that the command left in the book, or put there.
    kept: Vec<(InstrumentId, OrderId)>,
}

impl Watch {
    /// A command is about to be applied.
    pub fn begin(&mut self, time: Time, seq: Seq, command: &Command) {
        assert!(time >= self.now, "invariant 5: time never goes back");
        assert_eq!(seq.0, self.counts.len() as u64, "invariant 5: commands are numbered");
        self.now = time;
        self.counts.push(0);
        (self.taker, self.forced, self.sale, self.rejected) = (None, None, None, false);
        self.kept.clear();
        self.fill_or_kill = matches!(command, Command::PlaceOrder(order) if order.tif == TimeInForce::Fok);
        (self.step, self.unwinding) = match command {
            Command::Internal(Internal::Liquidate { pool }) => (Some(*pool), None),
            Command::Internal(Internal::Unwind { account, .. }) => (None, Some(*account)),
            _ => (None, None),
        };
        if let Command::Internal(Internal::Liquidate { pool }) = command
            && let Some(requested) = self.cases.get_mut(pool)
        {
            *requested = requested.saturating_sub(1);
        }
    }

    /// Whether the command was rejected.
    pub const fn rejected(&self) -> bool {
        self.rejected
    }

    /// The order at a place in the order of their numbers.
    pub fn nth_resting(&self, n: u64) -> Option<(InstrumentId, OrderId, AccountId)> {
        let count = self.resting.len() as u64;
        let nth = n.checked_rem(count).and_then(|n| self.resting.iter().nth(n as usize));
        nth.map(|(&(instrument, order), resting)| (instrument, order, resting.account))
    }

    /// A command has been applied.
    pub fn end(&mut self, command: &Command) {
        if let Command::ReplaceOrder { account, order, .. } = command
            && !self.rejected
        {
            self.forget_replaced(*account, *order);
        }
        if let Some(taker) = self.taker.filter(|taker| taker.fill_or_kill) {
            assert!(taker.open.is_zero(), "a fill-or-kill order was filled in part: {taker:?}");
        }
        if let Some(forced) = self.forced.take() {
            assert!(
                forced.open.is_zero() && (forced.left.is_zero() || forced.may_keep),
                "invariant 6: lots under liquidation did not end: {forced:?}"
            );
        }
    }

    /// What was replaced and did not rest again has left the book without an event of its own.
    fn forget_replaced(&mut self, account: AccountId, order: OrderRef) {
        let named = |resting: &Resting, client| resting.account == account && resting.client == Some(client);
        let key = match order {
            OrderRef::Id(instrument, id) => Some((instrument, id)),
            OrderRef::Client(client) => self.resting.iter().find(|(_, r)| named(r, client)).map(|(key, _)| *key),
        };
        if let Some(key) = key.filter(|key| !self.kept.contains(key)) {
            self.resting.remove(&key);
        }
    }

    /// Every case has exactly one step to come, requested or parked.
    pub fn check_cases(&self) {
        for (pool, requested) in &self.cases {
            let parked = u32::from(self.parked.contains_key(pool));
            assert_eq!(requested + parked, 1, "{pool}: steps to come");
        }
    }

    pub fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        let count = self.counts.last_mut().expect("a command is being applied");
        assert_eq!(id.index, *count, "invariant 13: events are numbered");
        *count += 1;
        assert!(parent.is_none_or(|parent| parent < id.index), "invariant 13: a cause comes first");
        assert_eq!(id.seq.0 + 1, self.counts.len() as u64, "invariant 13: an event belongs to its command");
        assert!(!self.rejected, "a rejected command has no other event");
        match *event {
            Event::Rejected { .. } => {
                assert_eq!(id.index, 0, "a rejected command has no other event");
                self.rejected = true;
            }
            Event::OrderAccepted { account, side, qty, limit, .. } => {
                let fill_or_kill = self.fill_or_kill;
                self.taker = Some(Taker { account, side, limit, open: qty, fill_or_kill });
            }
            Event::OrderRested { order, account, client, instrument, side, price, qty } => {
                self.kept.push((instrument, order));
                self.resting.insert((instrument, order), Resting { account, side, price, qty, client });
            }
            Event::OrderReduced { order, instrument, qty, .. } => {
                self.kept.push((instrument, order));
                let resting = self.resting.get_mut(&(instrument, order)).expect("a reduced order rests");
                assert!(qty <= resting.qty && !qty.is_zero());
                resting.qty = qty;
            }
            Event::OrderCancelled { order: Some(order), instrument, qty, account, .. } => {
                let resting = self.resting.remove(&(instrument, order)).expect("a cancelled order rests");
                assert_eq!((resting.qty, resting.account), (qty, account));
            }
            Event::Trade { .. } => self.trade(event),
            Event::LiquidationTriggered { pool, backlog, .. } => {
                assert!(self.cases.insert(pool, 0).is_none(), "{pool} is being liquidated already");
                assert_eq!(backlog as usize, self.cases.len(), "the backlog counts cases");
            }
            Event::LiquidationPostponed { pool } if self.unwinding.is_none() => {
                self.parked.insert(pool, id);
            }
            Event::LiquidationEnded { pool, .. } => {
                assert_eq!(self.cases.remove(&pool), Some(0), "{pool} ends once, without a step to come");
            }
            _ => self.liquidation(event),
        }
    }

    fn trade(&mut self, event: &Event) {
        let Event::Trade { instrument, price, qty, taker_side, maker_order, maker_left, maker, taker, forced } = *event
        else {
            return;
        };
        let TradeSide { account, .. } = maker;
        let key = (instrument, maker_order);
        let resting = self.resting.get_mut(&key).expect("a maker rests");
        assert_eq!((resting.account, resting.side, resting.price), (account, taker_side.opposite(), price));
        assert!(qty <= resting.qty && !qty.is_zero(), "invariant 8: no more than the maker offered");
        resting.qty -= qty;
        assert_eq!(resting.qty, maker_left);
        if maker_left.is_zero() {
            self.resting.remove(&key);
        }
        let (by, side, limit) = match (&mut self.forced, &mut self.taker) {
            _ if self.sale.is_some() => {
                let order = self.sale.as_mut().expect("a sale of collateral");
                assert!(forced && order.instrument == instrument && taker.fee.is_zero());
                order.open -= qty;
                order.filled += qty;
                (order.account, order.side, order.limit)
            }
            (Some(order), _) => {
                assert!(forced && order.instrument == instrument);
                order.open -= qty;
                order.filled += qty;
                (order.pool.account(), order.side, order.limit)
            }
            (None, Some(order)) => {
                assert!(!forced);
                order.open -= qty;
                (order.account, order.side, order.limit)
            }
            // An execution by name.
            (None, None) => (taker.account, taker_side, None),
        };
        assert_eq!((taker.account, taker_side), (by, side));
        assert!(limit.is_none_or(|limit| side.accepts(limit, price)), "invariant 8: the taker's limit");
    }

    fn liquidation(&mut self, event: &Event) {
        match *event {
            Event::LiquidationOrdered { pool, instrument, side, qty, limit, .. } => {
                assert!(self.forced.is_none(), "one liquidation order a step");
                let may_keep = self.unwinding == Some(pool.account());
                assert!(may_keep || self.cases.contains_key(&pool), "{pool} is not being liquidated");
                let (filled, left) = (Qty::ZERO, Qty::ZERO);
                self.forced = Some(Forced { pool, instrument, side, limit, open: qty, filled, left, may_keep });
            }
            Event::LiquidationOrderDone { filled, left, fund_short, .. } => {
                let order = self.forced.as_mut().expect("an order was sent");
                assert_eq!((order.filled, order.open), (filled, left), "invariant 6: filled and left are the order");
                (order.open, order.left) = (Qty::ZERO, left);
                order.may_keep &= !fund_short;
            }
            Event::FundAppointed { fund, .. } => {
                self.funds.insert(fund);
            }
            // By the backstop: the whole position, before any order.
            Event::TakenOver { account, .. } if self.forced.is_none() => {
                let pool = self.step.expect("a step of a liquidation");
                assert_eq!(pool.account(), account);
                assert!(self.cases.contains_key(&pool), "{pool} is not being liquidated");
            }
            Event::TakenOver { account, instrument, side, qty, .. }
            | Event::Deleveraged { account, instrument, side, qty, .. } => {
                let Some(order) = self.forced.as_mut() else {
                    assert!(self.is_fund(account), "only a fund is deleveraged without an order");
                    return;
                };
                assert_eq!(
                    (order.pool.account(), order.instrument, order.side),
                    (account, instrument, side.opposite())
                );
                order.left = order.left.checked_sub(qty).expect("invariant 6: no lot ends twice");
            }
            Event::ConversionOrdered { account, instrument, side, qty, limit, .. } => {
                assert!(self.forced.is_none() && self.sale.is_none(), "one order a step");
                self.sale = Some(Sale { account, instrument, side, limit, open: qty, filled: Qty::ZERO });
            }
            Event::ConversionDone { account, instrument, filled, left, .. } => {
                let order = self.sale.take().expect("a sale was sent");
                assert_eq!((order.account, order.instrument), (account, instrument));
                assert_eq!((order.filled, order.open), (filled, left), "filled and left are the order");
            }
            _ => {}
        }
    }

    fn is_fund(&self, account: AccountId) -> bool {
        account == AccountId::FUND || self.funds.contains(&account)
    }

    pub fn request(&mut self, request: &Request) {
        assert!(request.due >= self.now, "invariant 5: a request in the past");
        let EventId { seq, index } = request.cause;
        let events = self.counts.get(seq.0 as usize).copied();
        assert!(events.is_some_and(|events| index < events), "invariant 13: the cause of a request is an event");
        if let Internal::Liquidate { pool } = request.command {
            if let Some(postponed) = self.parked.remove(&pool) {
                assert_eq!(postponed, request.cause, "invariant 13: a parked step keeps its cause");
            }
            let requested = self.cases.get_mut(&pool).expect("a step is asked for a pool in liquidation");
            *requested += 1;
        }
    }
}
