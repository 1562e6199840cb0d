//! A venue with a few accounts and whatever instruments a test lists. A tick, a lot and a unit of money are 1; every
//! invariant is checked after each command, and the auditor's opinion is asked for by [`Stage::audit`].

use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, Payoff, TierSpec};
use downdraft_testkit::runner::Runner;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Time};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{
    BookSize, Capacity, Command, Event, MarkPolicy, MarkRule, OrderRequest, Rejection, SelfTradePrevention, TimeInForce,
};

pub const CASH: CurrencyId = CurrencyId(0);
const CAPACITY: Capacity =
    Capacity { accounts: 12, positions: 48, positions_per_account: 4, instruments: 4, currencies: 1, client_orders: 8 };

/// Linear contracts, one tier of 5% and 10%, no fees.
pub fn spec(kind: InstrumentKind) -> InstrumentSpec {
    InstrumentSpec {
        kind,
        payoff: Payoff::Linear,
        settlement: CASH,
        mark_scale: 1,
        point_value: 1,
        max_price: Price(1_000_000),
        max_order: Qty(1_000_000),
        max_position: Qty(1_000_000),
        tiers: vec![TierSpec { floor: Money(0), maintenance: Ppm(50_000), initial: Ppm(100_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

pub struct Stage {
    pub runner: Runner,
}

impl Stage {
    /// Instruments by number, each with its first mark, marked by their index; accounts 1 to 9, of which 9 is rich.
    pub fn new(listings: &[(InstrumentSpec, i64)]) -> Self {
        let mut runner = Runner::new(CAPACITY);
        runner.history = Some(Vec::new());
        let mut stage = Self { runner };
        for (number, (spec, mark)) in (0..).zip(listings) {
            let instrument = InstrumentId(number);
            let book = BookSize { orders: 64, levels: 64 };
            stage.must(Command::ListInstrument { instrument, spec: Box::new(spec.clone()), book });
            let policy = MarkPolicy { rule: MarkRule::Exogenous, frozen: false };
            stage.must(Command::SetMarkPolicy { instrument, policy });
            stage.must(Command::SetMark { instrument, mark: MarkPrice(*mark) });
        }
        (1..10).for_each(|account| stage.must(Command::OpenAccount { account: AccountId(account) }));
        stage.deposit(9, 1_000_000_000);
        stage
    }

    fn rejection(&mut self, command: Command) -> Option<Rejection> {
        self.runner.run(command).iter().find_map(|(_, _, event)| match event {
            Event::Rejected { reason } => Some(*reason),
            _ => None,
        })
    }

    pub fn must(&mut self, command: Command) {
        let shown = format!("{command:?}");
        assert_eq!(self.rejection(command), None, "{shown}");
    }

    pub fn refused(&mut self, command: Command) -> Rejection {
        let shown = format!("{command:?}");
        self.rejection(command).unwrap_or_else(|| panic!("accepted: {shown}"))
    }

    pub fn deposit(&mut self, account: u32, amount: i128) {
        self.must(Command::Deposit { account: AccountId(account), currency: CASH, amount: Money(amount) });
    }

    pub fn block(&mut self, instrument: u16, buyer: u32, seller: u32, qty: u64, cost: i128) {
        let (buyer, seller) = (AccountId(buyer), AccountId(seller));
        let (instrument, qty, cost) = (InstrumentId(instrument), Qty(qty), Money(cost));
        self.must(Command::BlockTrade { instrument, buyer, seller, qty, cost });
    }

    pub fn index(&mut self, instrument: u16, index: i64) {
        self.must(Command::ReportIndex { instrument: InstrumentId(instrument), index: MarkPrice(index) });
    }

    pub fn until(&mut self, time: u64) {
        self.runner.run_until(Time(time));
    }

    pub fn cash(&self, account: u32) -> i128 {
        self.runner.venue.margin().cash(AccountId(account), CASH).0
    }

    pub fn fees(&self) -> i128 {
        self.runner.venue.margin().ledger().balance(CASH, downdraft_margin::Place::Fees).0
    }

    pub fn mark(&self, instrument: u16) -> i64 {
        self.runner.venue.margin().instrument(InstrumentId(instrument)).mark().0
    }

    /// Accounts that fell, in order.
    pub fn fallen(&self) -> Vec<u32> {
        let fell = |event: &Event| match event {
            Event::LiquidationTriggered { pool, .. } => Some(pool.account().0),
            _ => None,
        };
        self.runner.events().iter().filter_map(|(_, _, event)| fell(event)).collect()
    }

    /// Rebuilds every wallet from the events so far, and compares.
    pub fn audit(&self) {
        let mut auditor = VenueAuditor::new(CAPACITY.accounts);
        for step in self.runner.history.as_ref().unwrap() {
            auditor.command(&step.command);
            step.events.iter().for_each(|(_, _, event)| auditor.observe(event));
        }
        assert_eq!(auditor.verdict(), Ok(()));
        assert_eq!(auditor.auditor().compare(self.runner.venue.margin()), Ok(()));
        assert_eq!(auditor.auditor().conservation(CASH), Money::ZERO);
    }
}

pub fn order(account: u32, instrument: u16, side: Side, qty: u64, limit: Option<i64>) -> Command {
    let tif = if limit.is_some() { TimeInForce::Gtc } else { TimeInForce::Ioc };
    Command::PlaceOrder(OrderRequest {
        account: AccountId(account),
        client: None,
        instrument: InstrumentId(instrument),
        side,
        qty: Qty(qty),
        limit: limit.map(Price),
        tif,
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::None,
    })
}
