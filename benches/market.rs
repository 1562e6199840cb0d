//! A recorded run to measure venue and journal with: order flow near the touch, leveraged accounts, a falling
//! index that liquidates some of them.

use downdraft_journal::{Header, MachineEntry};
use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, TierSpec};
use downdraft_sim::queue::EventQueue;
use downdraft_testkit::floor::PRICES;
use downdraft_testkit::order_flow::{Flow, Mix, Op, generate};
use downdraft_types::{
    AccountId, CurrencyId, EventId, InstrumentId, MachineId, MarkPrice, Money, OrderId, Ppm, Price, Qty, Side, Time,
};
use downdraft_venue::{
    BookSize, Capacity, Command, Event, MarkPolicy, MarkRule, OrderRef, OrderRequest, Origin, Request,
    SelfTradePrevention, Sink, Stamp, TimeInForce, Venue,
};

/// The instrument.
pub const PERP: InstrumentId = InstrumentId(0);
/// The price around which the order flow trades.
pub const MIDDLE: i64 = (PRICES / 2) as i64;

const CASH: CurrencyId = CurrencyId(0);
/// Rich accounts that place the orders in turn, from number 1.
const MAKERS: u32 = 64;
const LEVERAGED: u32 = 2_000;
const ACCOUNTS: u32 = 1 + MAKERS + LEVERAGED;
/// One report of the index in so many operations.
const REPORT_EVERY: usize = 50;

/// An applied command and what came of it.
pub struct Recorded {
    /// When, whence and why.
    pub stamp: Stamp,
    /// What.
    pub command: Command,
    /// Each event with its parent.
    pub events: Vec<(Option<u32>, Event)>,
}

/// A run as it was recorded.
pub struct Run {
    /// The commands that set the market up, and then the flow's.
    pub recorded: Vec<Recorded>,
    /// How many of them are set-up.
    pub setup: usize,
    /// The venue's state hash at the end.
    pub state_hash: u64,
}

/// What the venue reserves.
#[must_use]
pub const fn capacity() -> Capacity {
    Capacity {
        accounts: ACCOUNTS,
        positions: ACCOUNTS,
        positions_per_account: 1,
        instruments: 1,
        currencies: 1,
        client_orders: 16,
    }
}

/// The header of a journal of such a run.
#[must_use]
pub fn header() -> Header {
    Header {
        software: "downdraft-benches".to_owned(),
        scenario: String::new(),
        seed: 1,
        machines: vec![MachineEntry::new::<Venue>(MachineId(0), &capacity())],
    }
}

/// A good-till-cancelled limit order.
#[must_use]
pub const fn order(account: AccountId, side: Side, price: i64, qty: u64) -> OrderRequest {
    OrderRequest {
        account,
        client: None,
        instrument: PERP,
        side,
        qty: Qty(qty),
        limit: Some(Price(price)),
        tif: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::None,
    }
}

/// A run over about `operations` operations of mix A.
///
/// # Panics
/// Where the set-up is refused.
#[must_use]
pub fn run(operations: usize) -> Run {
    let flow = generate(Mix::A, 1, operations);
    let mut market = Market::new();
    for command in opening() {
        market.apply(command);
    }
    let refused = market.recorded.iter().any(|r| r.events.iter().any(|(_, e)| matches!(e, Event::Rejected { .. })));
    assert!(!refused, "the set-up is accepted");
    let Flow { setup, ops, .. } = flow;
    market.run_ops(&setup, false);
    let setup = market.recorded.len();
    market.run_ops(&ops, true);
    market.venue.check_invariants();
    Run { setup, state_hash: market.venue.state_hash(), recorded: market.recorded }
}

/// Listing, policies, accounts and the leveraged longs, whose margin is between 3% and 60% of their notional.
fn opening() -> Vec<Command> {
    let spec = InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000_000),
        max_order: Qty(1_000_000_000),
        max_position: Qty(1_000_000_000),
        tiers: vec![TierSpec { floor: Money::ZERO, maintenance: Ppm(5_000), initial: Ppm(10_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(-50),
        taker_fee: Ppm(300),
    };
    let book = BookSize { orders: 20_000, levels: 12_000 };
    let mut commands = vec![
        Command::ListInstrument { instrument: PERP, spec: Box::new(spec), book },
        Command::SetMarkPolicy { instrument: PERP, policy: MarkPolicy { rule: MarkRule::Exogenous, frozen: false } },
        Command::SetMark { instrument: PERP, mark: MarkPrice(MIDDLE) },
    ];
    commands.extend((1..ACCOUNTS).map(|n| Command::OpenAccount { account: AccountId(n) }));
    for n in 0..=MAKERS {
        commands.push(Command::Deposit { account: AccountId(n), currency: CASH, amount: Money(1 << 80) });
    }
    for n in 0..LEVERAGED {
        let account = AccountId(1 + MAKERS + n);
        let notional = 10 * i128::from(MIDDLE);
        let ratio = 30_000 + 570_000 * i128::from(n) / i128::from(LEVERAGED);
        commands.push(Command::Deposit { account, currency: CASH, amount: Money(notional * ratio / 1_000_000) });
        let (seller, qty, cost) = (AccountId(1), Qty(10), Money(notional));
        commands.push(Command::BlockTrade { instrument: PERP, buyer: account, seller, qty, cost });
    }
    commands
}

/// A venue, what waits for it, and what was applied.
struct Market {
    venue: Venue,
    queue: EventQueue<(Command, Origin, Option<EventId>)>,
    recorded: Vec<Recorded>,
    /// Whose each of the flow's orders is, and its id if it came to rest.
    orders: Vec<(AccountId, Option<OrderId>)>,
}

/// What a command led to.
#[derive(Default)]
struct Heard {
    events: Vec<(Option<u32>, Event)>,
    requests: Vec<Request>,
}

impl Sink for Heard {
    fn event(&mut self, _: EventId, parent: Option<u32>, event: &Event) {
        self.events.push((parent, *event));
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}

impl Market {
    fn new() -> Self {
        let venue = Venue::with_capacity(capacity());
        Self { venue, queue: EventQueue::new(), recorded: Vec::new(), orders: Vec::new() }
    }

    /// Applies a command a microsecond after the last, and all that it leads to.
    fn apply(&mut self, command: Command) -> usize {
        let due = Time(self.queue.now().0 + 1_000);
        self.queue.push(due, (command, Origin::Outside, None)).expect("not in the past");
        let at = self.recorded.len();
        while let Some((time, seq, (command, origin, cause))) = self.queue.pop() {
            let mut heard = Heard::default();
            self.venue.apply(time, seq, &command, &mut heard).expect("in order");
            for request in &heard.requests {
                let internal = (Command::Internal(request.command), Origin::Internal, Some(request.cause));
                self.queue.push(request.due, internal).expect("not in the past");
            }
            let stamp = Stamp { machine: MachineId(0), time, seq, origin, cause };
            self.recorded.push(Recorded { stamp, command, events: heard.events });
        }
        at
    }

    /// Orders in turn by all makers, and now and then a report of an index that falls by a twentieth in all.
    fn run_ops(&mut self, ops: &[Op<u32>], reports: bool) {
        for (n, op) in ops.iter().enumerate() {
            if reports && n % REPORT_EVERY == 0 {
                let fallen = MIDDLE * n as i64 / (20 * ops.len() as i64);
                self.apply(Command::ReportIndex { instrument: PERP, index: MarkPrice(MIDDLE - fallen) });
            }
            self.operation(op);
        }
    }

    /// An operation on an order that never came to rest is left out; on one that is gone since, refused.
    fn operation(&mut self, op: &Op<u32>) {
        match *op {
            Op::Place { side, price, qty } => self.place(side, Some(price), qty, TimeInForce::Gtc),
            Op::Take { side, price, qty } => self.place(side, Some(price), qty, TimeInForce::Ioc),
            Op::Market { side, qty } => self.place(side, None, qty, TimeInForce::Ioc),
            Op::Cancel(number) => {
                if let (account, Some(order)) = self.orders[number as usize] {
                    self.apply(Command::CancelOrder { account, order: OrderRef::Id(PERP, order) });
                }
            }
            Op::Reduce { order: number, by, .. } => {
                if let (account, Some(order)) = self.orders[number as usize] {
                    let order = OrderRef::Id(PERP, order);
                    self.apply(Command::ReduceOrder { account, order, by: Qty(u64::from(by)) });
                }
            }
            Op::Replace { order: number, price, qty, .. } => {
                if let (account, Some(order)) = self.orders[number as usize] {
                    let (order, price, qty) = (OrderRef::Id(PERP, order), Price(price), Qty(u64::from(qty)));
                    self.apply(Command::ReplaceOrder { account, order, price, qty });
                }
            }
        }
    }

    /// The next of the makers places an order.
    fn place(&mut self, side: Side, limit: Option<i64>, qty: u32, tif: TimeInForce) {
        let account = AccountId(1 + self.orders.len() as u32 % MAKERS);
        let request = order(account, side, limit.unwrap_or_default(), u64::from(qty));
        let request = OrderRequest { limit: limit.map(Price), tif, ..request };
        let at = self.apply(Command::PlaceOrder(request));
        let rested = self.recorded[at].events.iter().find_map(|(_, event)| match event {
            Event::OrderRested { order, .. } => Some(*order),
            _ => None,
        });
        self.orders.push((account, rested));
    }
}
