//! A world builder that makes a test read like the example it checks:
//!
//! ```
//! use downdraft_testkit::world::{margin, world};
//!
//! let mut world = world().maintenance(10_000).bids("10@99..90").long("A", 10, 100, margin(20)).fund(1_000).start();
//! world.sell(20);
//! assert_eq!(world.liquidated(), ["A"]);
//! assert_eq!((world.mark(), world.fund()), (97, 990));
//! ```
//!
//! One instrument; one tick, one lot and one unit of money are all 1. `outside` trades with the market, `maker`
//! owns the book, and `winners` holds the other side of every position; all three are rich.

use crate::runner::Runner;
use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, MarginMode, TierSpec};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};
use downdraft_venue::{
    BookSize, Capacity, Command, Event, LiquidationPolicy, MarkPolicy, OrderRequest, SelfTradePrevention, TimeInForce,
};

/// The instrument.
pub const PERP: InstrumentId = InstrumentId(0);
/// The currency.
pub const CASH: CurrencyId = CurrencyId(0);
const OUTSIDE: AccountId = AccountId(1);
const MAKER: AccountId = AccountId(2);
const WINNERS: AccountId = AccountId(3);
const FIRST: u32 = 4;
const RICH: Money = Money(1_000_000_000);

/// Margin of a position.
#[derive(Clone, Copy, Debug)]
pub struct Margin(i128);

/// Margin of a position, in units of money.
#[must_use]
pub const fn margin(amount: i128) -> Margin {
    Margin(amount)
}

struct Holder {
    name: &'static str,
    side: Side,
    qty: u64,
    entry: i64,
    margin: i128,
    mode: MarginMode,
}

/// A world to be.
pub struct Builder {
    maintenance: i64,
    fees: (i64, i64),
    levels: Vec<(Side, u64, i64)>,
    holders: Vec<Holder>,
    winners: i128,
    fund: i128,
    policy: LiquidationPolicy,
    mark_policy: MarkPolicy,
    mark: i64,
    recorded: bool,
}

/// A world with an empty book at mark 100, maintenance margin 1%, no fees, and liquidation at `market` by account.
#[must_use]
pub fn world() -> Builder {
    let policy =
        LiquidationPolicy { crossed_order: downdraft_venue::CrossedOrder::ByAccount, ..LiquidationPolicy::default() };
    Builder {
        maintenance: 10_000,
        fees: (0, 0),
        levels: Vec::new(),
        holders: Vec::new(),
        winners: RICH.0,
        fund: 0,
        policy,
        mark_policy: MarkPolicy::default(),
        mark: 100,
        recorded: false,
    }
}

impl Builder {
    /// Maintenance margin rate, in parts per million.
    #[must_use]
    pub const fn maintenance(mut self, ppm: i64) -> Self {
        self.maintenance = ppm;
        self
    }

    /// The mark at the start.
    #[must_use]
    pub const fn mark(mut self, mark: i64) -> Self {
        self.mark = mark;
        self
    }

    /// Maker and taker fee, in parts per million.
    #[must_use]
    pub const fn fees(mut self, maker: i64, taker: i64) -> Self {
        self.fees = (maker, taker);
        self
    }

    /// Bids: `"10@99..90"` is ten lots at each price from 99 down to 90, `"5@98"` one level; commas separate.
    #[must_use]
    pub fn bids(mut self, levels: &str) -> Self {
        self.levels.extend(parse_levels(levels).map(|(qty, price)| (Side::Buy, qty, price)));
        self
    }

    /// Asks, in the same notation: `"10@101..110"`.
    #[must_use]
    pub fn asks(mut self, levels: &str) -> Self {
        self.levels.extend(parse_levels(levels).map(|(qty, price)| (Side::Sell, qty, price)));
        self
    }

    /// An account that is long, with this margin in all.
    #[must_use]
    pub fn long(self, name: &'static str, qty: u64, entry: i64, margin: Margin) -> Self {
        self.holder(name, Side::Buy, qty, entry, margin, MarginMode::Cross)
    }

    /// An account that is short.
    #[must_use]
    pub fn short(self, name: &'static str, qty: u64, entry: i64, margin: Margin) -> Self {
        self.holder(name, Side::Sell, qty, entry, margin, MarginMode::Cross)
    }

    /// An account with an isolated position.
    #[must_use]
    pub fn isolated(self, name: &'static str, side: Side, qty: u64, entry: i64, margin: Margin) -> Self {
        self.holder(name, side, qty, entry, margin, MarginMode::Isolated)
    }

    /// An account without a position, with this money.
    #[must_use]
    pub fn idle(self, name: &'static str, margin: Margin) -> Self {
        self.holder(name, Side::Buy, 0, 0, margin, MarginMode::Cross)
    }

    /// An account without a position, which is the liquidation policy's vault.
    #[must_use]
    pub fn vault(mut self, margin: Margin) -> Self {
        let account = AccountId(FIRST + u32::try_from(self.holders.len()).expect("few holders"));
        self.policy.vault = Some(account);
        self.idle("vault", margin)
    }

    fn holder(
        mut self,
        name: &'static str,
        side: Side,
        qty: u64,
        entry: i64,
        margin: Margin,
        mode: MarginMode,
    ) -> Self {
        self.holders.push(Holder { name, side, qty, entry, margin: margin.0, mode });
        self
    }

    /// What the other side of all positions has, instead of being rich.
    #[must_use]
    pub const fn winners(mut self, margin: Margin) -> Self {
        self.winners = margin.0;
        self
    }

    /// The insurance fund.
    #[must_use]
    pub const fn fund(mut self, amount: i128) -> Self {
        self.fund = amount;
        self
    }

    /// Changes the liquidation policy.
    #[must_use]
    pub fn liquidation(mut self, change: impl FnOnce(&mut LiquidationPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// Keeps every command with its events, for an analyzer.
    #[must_use]
    pub const fn recorded(mut self) -> Self {
        self.recorded = true;
        self
    }

    /// Changes the mark policy.
    #[must_use]
    pub fn mark_policy(mut self, change: impl FnOnce(&mut MarkPolicy)) -> Self {
        change(&mut self.mark_policy);
        self
    }

    /// Sets the world up.
    ///
    /// # Panics
    /// Where a command of the set-up is rejected.
    #[must_use]
    pub fn start(self) -> World {
        let accounts = FIRST + u32::try_from(self.holders.len()).expect("few holders");
        let capacity = Capacity {
            accounts,
            positions: accounts,
            positions_per_account: 2,
            instruments: 1,
            currencies: 1,
            client_orders: 64,
        };
        let names = self.holders.iter().map(|h| h.name).collect();
        let mut world = World { runner: Runner::new(capacity), names };
        world.runner.history = self.recorded.then(Vec::new);
        world.list(&self);
        for account in 1..accounts {
            world.must(Command::OpenAccount { account: AccountId(account) });
        }
        world.deposit(OUTSIDE, RICH);
        world.deposit(MAKER, RICH);
        if self.winners > 0 {
            world.deposit(WINNERS, Money(self.winners));
        }
        if self.fund > 0 {
            world.deposit(AccountId::FUND, Money(self.fund));
        }
        for (side, qty, price) in &self.levels {
            world.must(order(MAKER, *side, *qty, Some(*price)));
        }
        for (index, holder) in (FIRST..).zip(&self.holders) {
            world.open(AccountId(index), holder);
        }
        world.must(Command::SetLiquidationPolicy { policy: Box::new(self.policy) });
        world.runner.clear_events();
        world
    }
}

/// A world that runs.
pub struct World {
    /// The venue and its queue.
    pub runner: Runner,
    names: Vec<&'static str>,
}

impl World {
    fn list(&mut self, builder: &Builder) {
        let spec = InstrumentSpec {
            kind: InstrumentKind::Perpetual,
            settlement: CASH,
            mark_scale: 1,
            payoff: downdraft_margin::Payoff::Linear,
            point_value: 1,
            max_price: Price(1_000_000),
            max_order: Qty(1_000_000),
            max_position: Qty(1_000_000),
            tiers: vec![TierSpec {
                floor: Money::ZERO,
                maintenance: Ppm(builder.maintenance),
                initial: Ppm(builder.maintenance.max(10_000)),
            }],
            maintenance_basis: MaintenanceBasis::Mark,
            close_fee: Ppm(0),
            maker_fee: Ppm(builder.fees.0),
            taker_fee: Ppm(builder.fees.1),
        };
        let book = BookSize { orders: 1_000, levels: 1_000 };
        self.must(Command::ListInstrument { instrument: PERP, spec: Box::new(spec), book });
        self.must(Command::SetMarkPolicy { instrument: PERP, policy: builder.mark_policy });
        self.must(Command::SetMark { instrument: PERP, mark: MarkPrice(builder.mark) });
    }

    fn deposit(&mut self, account: AccountId, amount: Money) {
        self.must(Command::Deposit { account, currency: CASH, amount });
    }

    fn open(&mut self, account: AccountId, holder: &Holder) {
        if holder.margin > 0 {
            self.deposit(account, Money(holder.margin));
        }
        let mode = holder.mode;
        if holder.qty == 0 {
            return;
        }
        if mode == MarginMode::Isolated {
            // All of the margin becomes the position's: its leverage is chosen to ask for exactly that.
            let notional = i128::from(holder.qty) * i128::from(holder.entry);
            let initial = Ppm(i64::try_from(holder.margin * 1_000_000 / notional).expect("a rate"));
            self.must(Command::Configure { account, instrument: PERP, mode, initial: Some(initial) });
        }
        let cost = Money(i128::from(holder.qty) * i128::from(holder.entry));
        let (buyer, seller) = if holder.side == Side::Buy { (account, WINNERS) } else { (WINNERS, account) };
        self.must(Command::BlockTrade { instrument: PERP, buyer, seller, qty: Qty(holder.qty), cost });
    }

    /// Applies a command now and everything it leads to.
    ///
    /// # Panics
    /// Where it is rejected.
    pub fn must(&mut self, command: Command) {
        let events = self.runner.run(command);
        let rejected = events.iter().find_map(|(_, _, event)| match event {
            Event::Rejected { reason } => Some(*reason),
            _ => None,
        });
        assert_eq!(rejected, None, "a command was rejected");
    }

    /// An outside market sell of `qty` lots, and everything it leads to.
    pub fn sell(&mut self, qty: u64) {
        self.must(order(OUTSIDE, Side::Sell, qty, None));
    }

    /// An outside market buy.
    pub fn buy(&mut self, qty: u64) {
        self.must(order(OUTSIDE, Side::Buy, qty, None));
    }

    /// Sets the mark, and everything that leads to.
    pub fn set_mark(&mut self, mark: i64) {
        self.must(Command::SetMark { instrument: PERP, mark: MarkPrice(mark) });
    }

    /// The mark price.
    #[must_use]
    pub fn mark(&self) -> i64 {
        self.runner.venue.margin().instrument(PERP).mark().0
    }

    /// The fund's balance.
    #[must_use]
    pub fn fund(&self) -> i128 {
        self.runner.venue.margin().fund(CASH).0
    }

    /// An account's number by its holder's name.
    ///
    /// # Panics
    /// For a name that no holder has.
    #[must_use]
    pub fn account(&self, name: &str) -> AccountId {
        let index = self.names.iter().position(|n| *n == name).expect("a holder of that name");
        AccountId(FIRST + u32::try_from(index).expect("few holders"))
    }

    /// An account's name.
    #[must_use]
    pub fn name(&self, account: AccountId) -> &'static str {
        match account {
            AccountId::FUND => "fund",
            OUTSIDE => "outside",
            MAKER => "maker",
            WINNERS => "winners",
            AccountId(n) => self.names[(n - FIRST) as usize],
        }
    }

    /// An account's position.
    #[must_use]
    pub fn size(&self, name: &str) -> i64 {
        self.runner.venue.margin().position(self.account(name), PERP).map_or(0, |p| p.size().0)
    }

    /// An account's cash.
    #[must_use]
    pub fn cash(&self, name: &str) -> i128 {
        self.runner.venue.margin().cash(self.account(name), CASH).0
    }

    /// Who fell below maintenance since the set-up, in order.
    #[must_use]
    pub fn liquidated(&self) -> Vec<&'static str> {
        let triggered = |event: &Event| match event {
            Event::LiquidationTriggered { pool, .. } => Some(self.name(pool.account())),
            _ => None,
        };
        self.runner.events().iter().filter_map(|(_, _, event)| triggered(event)).collect()
    }

    /// Deleveragings since the set-up: who was closed, how many lots, at what value.
    #[must_use]
    pub fn deleveraged(&self) -> Vec<(&'static str, u64, i128)> {
        let of = |event: &Event| match event {
            Event::Deleveraged { account, qty, value, .. } => Some((self.name(*account), qty.0, value.0)),
            _ => None,
        };
        self.runner.events().iter().filter_map(|(_, _, event)| of(event)).collect()
    }

    /// What happened since the set-up, as text.
    #[must_use]
    pub fn trace(&self) -> String {
        crate::trace::trace(self.runner.events(), |account| self.name(account).to_owned())
    }

    fn sum(&self, of: impl Fn(&Event) -> Option<Money>) -> i128 {
        self.runner.events().iter().filter_map(|(_, _, event)| of(event)).sum::<Money>().0
    }

    /// Deficits before the waterfall, in all.
    #[must_use]
    pub fn bad_debt(&self) -> i128 {
        self.sum(|event| if let Event::Deficit { amount, .. } = event { Some(*amount) } else { None })
    }

    /// What deleveraged counterparties gave up against the mark, in all.
    #[must_use]
    pub fn conceded(&self) -> i128 {
        self.sum(|event| if let Event::Deleveraged { conceded, .. } = event { Some(*conceded) } else { None })
    }

    /// The part of that which no deficit asked for.
    #[must_use]
    pub fn overshoot(&self) -> i128 {
        self.sum(|event| if let Event::Deleveraged { remainder, .. } = event { Some(*remainder) } else { None })
    }

    /// What winners paid, in all.
    #[must_use]
    pub fn socialised(&self) -> i128 {
        self.sum(|event| if let Event::Socialised { amount, .. } = event { Some(*amount) } else { None })
    }

    /// What nobody could bear.
    #[must_use]
    pub fn uncovered(&self) -> i128 {
        self.sum(|event| if let Event::Uncovered { amount, .. } = event { Some(*amount) } else { None })
    }

    /// The fund's position.
    #[must_use]
    pub fn fund_size(&self) -> i64 {
        self.runner.venue.margin().position(AccountId::FUND, PERP).map_or(0, |p| p.size().0)
    }

    /// Who caused each liquidation, in order: the account whose liquidation order moved the mark, or `outside`.
    #[must_use]
    pub fn parents(&self) -> Vec<(&'static str, &'static str)> {
        let triggered = self.runner.events().iter().filter_map(|(id, _, event)| match event {
            Event::LiquidationTriggered { pool, .. } => Some((*id, pool.account())),
            _ => None,
        });
        triggered
            .map(|(id, account)| {
                let parent = self.runner.liquidation_behind(id).map_or("outside", |parent| self.name(parent));
                (self.name(account), parent)
            })
            .collect()
    }
}

/// An order: limit orders rest, market orders are immediate.
#[must_use]
pub fn order(account: AccountId, side: Side, qty: u64, limit: Option<i64>) -> Command {
    Command::PlaceOrder(OrderRequest {
        account,
        client: None,
        instrument: PERP,
        side,
        qty: Qty(qty),
        limit: limit.map(Price),
        tif: if limit.is_some() { TimeInForce::Gtc } else { TimeInForce::Ioc },
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::CancelNewest,
    })
}

fn parse_levels(text: &str) -> impl Iterator<Item = (u64, i64)> + '_ {
    text.split(',').flat_map(|part| {
        let (qty, prices) = part.trim().split_once('@').expect("quantity@price");
        let qty = qty.parse().expect("a quantity");
        let (first, last) = prices.split_once("..").unwrap_or((prices, prices));
        let (first, last): (i64, i64) = (first.parse().expect("a price"), last.parse().expect("a price"));
        let step = if first <= last { 1 } else { -1 };
        (0..=(last - first).abs()).map(move |n| (qty, first + n * step))
    })
}
