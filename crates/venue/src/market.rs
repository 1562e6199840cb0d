//! One instrument's market: its book, what the venue remembers of each order, and the state of its mark rule,
//! protections and funding.

use crate::command::BookSize;
use crate::dynamic::Dynamic;
use crate::expiry::{IndexMean, SettlementPolicy};
use crate::mark::MarkMaker;
use crate::policy::{FundingPolicy, MarkPolicy, Protections};
use crate::premium::PremiumAverage;
use crate::protect::BreakerWindow;
use downdraft_book::{Book, BookCapacity, PostOnly, Replacement};
use downdraft_types::{AccountId, ClientOrderId, MarkPrice, OrderId, Ppm, Price, Qty, Side, Time};

const NONE: u32 = u32::MAX;

/// What the venue remembers of a resting order, by its slot in the book.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OrderMeta {
    pub(crate) client: Option<ClientOrderId>,
    pub(crate) reduce_only: bool,
    pub(crate) post_only: bool,
    pub(crate) stp: downdraft_book::SelfTradePrevention,
}

impl OrderMeta {
    /// The change of the order to a new price and quantity.
    pub(crate) const fn replacement(&self, price: Price, qty: Qty) -> Replacement {
        let post_only = if self.post_only { PostOnly::Reject } else { PostOnly::Off };
        Replacement { price, qty, post_only, stp: self.stp }
    }
}

/// An order in its account's list.
#[derive(Clone, Copy, Debug, Default)]
struct Linked {
    meta: OrderMeta,
    newer: u32,
    older: u32,
    generation: u32,
}

/// Orders of each account in one book: intrusive lists, newest first.
#[derive(Clone, Debug)]
pub(crate) struct OrderMetas {
    metas: Vec<Linked>,
    newest: Vec<u32>,
}

impl OrderMetas {
    fn with_capacity(orders: u32, accounts: u32) -> Self {
        Self { metas: vec![Linked::default(); orders as usize], newest: vec![NONE; accounts as usize] }
    }

    pub(crate) fn get(&self, order: OrderId) -> &OrderMeta {
        &self.metas[order.slot() as usize].meta
    }

    pub(crate) fn insert(&mut self, account: AccountId, order: OrderId, meta: OrderMeta) {
        let slot = order.slot();
        let older = self.newest[account.index()];
        self.metas[slot as usize] = Linked { meta, newer: NONE, older, generation: order.generation() };
        if older != NONE {
            self.metas[older as usize].newer = slot;
        }
        self.newest[account.index()] = slot;
    }

    pub(crate) fn remove(&mut self, account: AccountId, order: OrderId) -> OrderMeta {
        let Linked { meta, newer, older, .. } = self.metas[order.slot() as usize];
        match newer {
            NONE => self.newest[account.index()] = older,
            newer => self.metas[newer as usize].older = older,
        }
        if older != NONE {
            self.metas[older as usize].newer = newer;
        }
        meta
    }

    /// The account's newest order.
    pub(crate) fn newest(&self, account: AccountId) -> Option<OrderId> {
        match self.newest[account.index()] {
            NONE => None,
            slot => Some(OrderId::new(slot, self.metas[slot as usize].generation)),
        }
    }
}

/// Whether an instrument trades.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// It trades.
    Open,
    /// It is halted, perhaps until a known time.
    Halted(Option<Time>),
    /// Its contract has expired.
    Expired,
}

/// One instrument's market.
#[derive(Clone, Debug)]
pub struct Market {
    pub(crate) book: Book,
    pub(crate) metas: OrderMetas,
    pub(crate) mark_policy: MarkPolicy,
    pub(crate) maker: MarkMaker,
    pub(crate) protections: Protections,
    pub(crate) breaker: BreakerWindow,
    pub(crate) funding: Option<FundingPolicy>,
    pub(crate) premium: PremiumAverage,
    /// What a lagged funding pays next, for its interval.
    pub(crate) announced_rate: Ppm,
    pub(crate) phase: Phase,
    pub(crate) has_mark: bool,
    pub(crate) index: Option<MarkPrice>,
    /// The volatility last reported, by which this underlying's options are marked.
    pub(crate) volatility: Option<Ppm>,
    pub(crate) last: Option<Price>,
    /// Best bid and ask when the mark rule last looked.
    pub(crate) touch: [Option<Price>; 2],
    /// When the venue's own clocks tick next; a tick at another time is stale.
    pub(crate) next_mark_sample: Option<Time>,
    pub(crate) next_premium_sample: Option<Time>,
    pub(crate) next_funding: Option<Time>,
    /// The fund's next step in selling what it took over.
    pub(crate) fund_unwind: Option<(AccountId, Time)>,
    /// The vault's, and which account that was.
    pub(crate) vault_unwind: Option<(AccountId, Time)>,
    /// The mark, and the index, before the present ones.
    pub(crate) previous_mark: Option<MarkPrice>,
    pub(crate) previous_index: Option<MarkPrice>,
    /// Whether only isolated positions may be held.
    pub(crate) isolated_only: bool,
    pub(crate) dynamic: Option<Dynamic>,
    pub(crate) settlement: Option<SettlementPolicy>,
    pub(crate) index_mean: IndexMean,
    pub(crate) next_settlement_sample: Option<Time>,
}

impl Market {
    pub(crate) fn new(size: BookSize, accounts: u32, mark_scale: u32) -> Self {
        Self {
            book: Book::with_capacity(BookCapacity::new(size.orders, size.levels)),
            metas: OrderMetas::with_capacity(size.orders, accounts),
            mark_policy: MarkPolicy::default(),
            maker: MarkMaker::new(MarkPolicy::default().rule, mark_scale),
            protections: Protections::default(),
            breaker: BreakerWindow::new(),
            funding: None,
            premium: PremiumAverage::default(),
            announced_rate: Ppm::ZERO,
            phase: Phase::Open,
            has_mark: false,
            index: None,
            volatility: None,
            last: None,
            touch: [None; 2],
            next_mark_sample: None,
            next_premium_sample: None,
            next_funding: None,
            fund_unwind: None,
            vault_unwind: None,
            previous_mark: None,
            previous_index: None,
            isolated_only: false,
            dynamic: None,
            settlement: None,
            index_mean: IndexMean::default(),
            next_settlement_sample: None,
        }
    }

    /// When an absorber, the fund or the vault, sells next.
    pub(crate) const fn unwind_mut(&mut self, of_fund: bool) -> &mut Option<(AccountId, Time)> {
        if of_fund { &mut self.fund_unwind } else { &mut self.vault_unwind }
    }

    /// The book.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Whether it trades.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The price of the last trade in the book.
    #[must_use]
    pub const fn last(&self) -> Option<Price> {
        self.last
    }

    /// The index last reported.
    #[must_use]
    pub const fn index(&self) -> Option<MarkPrice> {
        self.index
    }

    /// The volatility last reported, in parts per million per square root of a year.
    #[must_use]
    pub const fn volatility(&self) -> Option<Ppm> {
        self.volatility
    }

    /// Best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.book.best_bid(),
            Side::Sell => self.book.best_ask(),
        }
    }

    /// The client's number of a resting order.
    #[must_use]
    pub fn client_of(&self, order: OrderId) -> Option<ClientOrderId> {
        self.book.order(order).and_then(|_| self.metas.get(order).client)
    }
}

impl core::hash::Hash for Market {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for side in Side::BOTH {
            for (price, level) in self.book.depth(side).map(|l| (l.price, l)) {
                (price, level.qty).hash(state);
                for order in self.book.orders_at(side, price) {
                    let Qty(qty) = order.qty;
                    (order.id, order.owner, qty, self.metas.get(order.id).client).hash(state);
                    self.metas.get(order.id).reduce_only.hash(state);
                }
            }
        }
        (self.mark_policy, self.protections, self.funding).hash(state);
        (self.phase, self.has_mark, self.index, self.last, self.touch).hash(state);
        (self.next_mark_sample, self.next_premium_sample, self.next_funding, self.fund_unwind).hash(state);
        (self.vault_unwind, self.previous_mark, self.previous_index, self.isolated_only).hash(state);
        self.maker.hash(state);
        self.breaker.hash(state);
        (self.premium, self.announced_rate).hash(state);
        (self.settlement, self.index_mean, self.next_settlement_sample).hash(state);
        (self.volatility, self.dynamic).hash(state);
    }
}
