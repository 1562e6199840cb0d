//! Looking into the book without changing it.

use downdraft_types::{OrderId, Price, Qty, Side, Time};

use crate::book::Book;
use crate::capacity::BookCapacity;
use crate::ladder::{Walk, price, rank};
use crate::order::Resting;
use crate::pool::{NIL, Pool, Tag};
use crate::queue::Place;

/// A price level as seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DepthLevel {
    /// Its price.
    pub price: Price,
    /// The sum of its orders' displayed quantities.
    pub qty: Qty,
    /// How many displayed orders it has.
    pub orders: u32,
}

/// What taking a quantity would come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cost {
    /// Lots the book holds for it, at most the quantity asked for.
    pub filled: Qty,
    /// Σ price × lots over them, in ticks × lots.
    pub value: i128,
    /// The last price reached; `None` where nothing would trade.
    pub worst: Option<Price>,
}

impl Cost {
    /// The volume-weighted average price in ticks; `None` where nothing would trade.
    #[must_use]
    pub fn average(&self) -> Option<f64> {
        (!self.filled.is_zero()).then(|| self.value as f64 / self.filled.0 as f64)
    }
}

/// What a range of prices holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Within {
    /// Displayed lots: the sum over levels can exceed 64 bits.
    pub qty: u128,
    /// Displayed orders.
    pub orders: u32,
    /// Levels with a displayed order.
    pub levels: u32,
}

/// An order's place in its queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Position {
    /// Orders that trade before it does at its price.
    pub orders: u32,
    /// Their lots. Of an iceberg ahead of a displayed order only those in the queue: the others come behind.
    pub qty: Qty,
}

impl Book {
    /// The highest price bid, as displayed.
    #[inline]
    #[must_use]
    pub fn best_bid(&self) -> Option<Price> {
        self.best(Side::Buy)
    }

    /// The lowest price asked, as displayed.
    #[inline]
    #[must_use]
    pub fn best_ask(&self) -> Option<Price> {
        self.best(Side::Sell)
    }

    /// The best price displayed on a side.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        self.ladders[side as usize].best().map(|rank| price(side, rank))
    }

    /// The displayed levels of a side, best first: the book by price.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (price, lots) in [(100, 5), (100, 7), (98, 3)] {
    ///     book.submit(&NewOrder::limit(Side::Buy, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// let levels: Vec<_> = book.depth(Side::Buy).map(|level| (level.price, level.qty, level.orders)).collect();
    /// assert_eq!(levels, [(Price(100), Qty(12), 2), (Price(98), Qty(3), 1)]);
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn depth(&self, side: Side) -> Depth<'_> {
        Depth { book: self, side, levels: self.ladders[side as usize].walk() }
    }

    /// The displayed level of a side at a price.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (price, lots) in [(100, 5), (100, 7), (98, 3)] {
    ///     book.submit(&NewOrder::limit(Side::Buy, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// assert_eq!(book.level(Side::Buy, Price(100)).map(|level| level.qty), Some(Qty(12)));
    /// assert_eq!(book.level(Side::Buy, Price(99)), None);
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn level(&self, side: Side, price: Price) -> Option<DepthLevel> {
        self.find_place(side as usize, price).map(|place| self.depth_level(place))
    }

    /// The displayed orders of a side at a price, highest priority first.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (price, lots) in [(100, 5), (100, 7), (98, 3)] {
    ///     book.submit(&NewOrder::limit(Side::Buy, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// let lots: Vec<_> = book.orders_at(Side::Buy, Price(100)).map(|order| order.qty).collect();
    /// assert_eq!(lots, [Qty(5), Qty(7)]);
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn orders_at(&self, side: Side, price: Price) -> OrdersAt<'_> {
        self.orders_in(self.find_place(side as usize, price))
    }

    /// The hidden orders of a side at a price, highest priority first.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity { extras: 10, hidden_levels: 10, ..BookCapacity::new(100, 100) });
    /// let ask = |lots, owner| NewOrder::limit(Side::Sell, Qty(lots), Price(100), owner);
    /// book.submit(&NewOrder { display: Display::Hidden, ..ask(9, 1) }, &mut TradeAll)?;
    /// book.submit(&NewOrder { display: Display::Iceberg(Qty(2)), ..ask(8, 2) }, &mut TradeAll)?;
    /// assert_eq!(book.hidden_at(Side::Sell, Price(100)).map(|order| order.owner).collect::<Vec<_>>(), [1]);
    /// assert_eq!(book.level(Side::Sell, Price(100)).map(|level| level.qty), Some(Qty(2)));
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn hidden_at(&self, side: Side, price: Price) -> OrdersAt<'_> {
        self.orders_in(self.find_place(side as usize | Tag::HIDDEN as usize, price))
    }

    /// Every order of a side in the order in which they would be met, hidden ones included: the book by order.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity { extras: 10, hidden_levels: 10, ..BookCapacity::new(100, 100) });
    /// let ask = |lots, owner| NewOrder::limit(Side::Sell, Qty(lots), Price(100), owner);
    /// book.submit(&NewOrder { display: Display::Hidden, ..ask(9, 1) }, &mut TradeAll)?;
    /// book.submit(&NewOrder { display: Display::Iceberg(Qty(2)), ..ask(8, 2) }, &mut TradeAll)?;
    /// let orders: Vec<_> = book.orders(Side::Sell).map(|order| (order.owner, order.displayed, order.qty)).collect();
    /// assert_eq!(orders, [(2, Qty(2), Qty(8)), (1, Qty(0), Qty(9))]);
    /// # Ok::<(), Reject>(())
    /// ```
    pub fn orders(&self, side: Side) -> impl Iterator<Item = Resting> {
        self.walk_all(side).flat_map(|place| self.orders_in(Some(place)))
    }

    /// A resting order.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let id = book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(100), 1), &mut TradeAll)?.rested.expect("rests");
    /// book.submit(&NewOrder::market(Side::Sell, Qty(2), 2), &mut TradeAll)?;
    /// assert_eq!(book.order(id).map(|order| order.qty), Some(Qty(3)));
    /// # Ok::<(), Reject>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<Resting> {
        self.resting_slot(id).ok().map(|slot| self.resting(slot))
    }

    /// How many orders and lots trade before the order does at its price. Linear in the orders ahead of it.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let bid = |owner| NewOrder::limit(Side::Buy, Qty(5), Price(100), owner);
    /// book.submit(&bid(1), &mut TradeAll)?;
    /// let id = book.submit(&bid(2), &mut TradeAll)?.rested.expect("nothing to meet");
    /// assert_eq!(book.position(id), Some(Position { orders: 1, qty: Qty(5) }));
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn position(&self, id: OrderId) -> Option<Position> {
        let slot = self.resting_slot(id).ok()?;
        let order = self.pool.get(slot);
        let mut ahead = Position { orders: 0, qty: Qty::ZERO };
        if order.tag.has(Tag::HIDDEN)
            && let Some(place) = self.find_place(order.tag.side() as usize, order.price)
        {
            let level = self.level_at(place);
            ahead = Position { orders: level.count, qty: level.lots() };
        }
        for before in self.queue(self.level_at(self.place(order)).head).take_while(|before| *before != slot) {
            ahead.orders += 1;
            // A displayed and a hidden level can together exceed 64 bits: no order waits for that many.
            ahead.qty = Qty(ahead.qty.0.saturating_add(self.pool.get(before).qty.0));
        }
        Some(ahead)
    }

    /// Lots that trade before the order does at its price: [`Position::qty`].
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(100), 1), &mut TradeAll)?;
    /// let id = book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(100), 2), &mut TradeAll)?.rested.expect("rests");
    /// book.submit(&NewOrder::market(Side::Sell, Qty(2), 3), &mut TradeAll)?;
    /// assert_eq!(book.quantity_ahead(id), Some(Qty(3)));
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn quantity_ahead(&self, id: OrderId) -> Option<Qty> {
        self.position(id).map(|position| position.qty)
    }

    /// What a taker on `side` would pay or get for `qty` lots within `limit`, whoever owns them; hidden orders and
    /// reserves count.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (price, lots) in [(100, 5), (102, 5)] {
    ///     book.submit(&NewOrder::limit(Side::Sell, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// let cost = book.cost_to_take(Side::Buy, Qty(8), None);
    /// assert_eq!((cost.filled, cost.value, cost.worst), (Qty(8), 806, Some(Price(102))));
    /// assert_eq!(cost.average(), Some(100.75));
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn cost_to_take(&self, side: Side, qty: Qty, limit: Option<Price>) -> Cost {
        let last = !Self::own_rank(side, limit);
        let mut cost = Cost::default();
        for place in self.walk_all(side.opposite()).take_while(|place| place.rank <= last) {
            if cost.filled == qty {
                break;
            }
            let lots = self.level_at(place).lots().min(qty - cost.filled);
            cost.filled += lots;
            // At most 2^64 − 1 lots in all, at prices within 2^63: the sum stays within 2^127.
            cost.value += i128::from(place.price().0) * i128::from(lots.0);
            cost.worst = Some(place.price());
        }
        cost
    }

    /// What is displayed on a side from its best price to `limit`, which is included.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (price, lots) in [(100, 5), (98, 5), (90, 5)] {
    ///     book.submit(&NewOrder::limit(Side::Buy, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// assert_eq!(book.within(Side::Buy, Price(98)), Within { qty: 10, orders: 2, levels: 2 });
    /// assert_eq!(book.within_ticks(Side::Buy, 10).qty, 15);
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn within(&self, side: Side, limit: Price) -> Within {
        let last = rank(side, limit);
        let mut within = Within::default();
        for (_, at) in self.ladders[side as usize].walk().take_while(|(rank, _)| *rank <= last) {
            let level = self.ladders[side as usize].get(at);
            within.qty += u128::from(level.total.0);
            within.orders += level.count;
            within.levels += 1;
        }
        within
    }

    /// What is displayed on a side at most `ticks` from its best price.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (price, lots) in [(100, 5), (98, 7), (97, 3)] {
    ///     book.submit(&NewOrder::limit(Side::Buy, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// assert_eq!(book.within_ticks(Side::Buy, 2), Within { qty: 12, orders: 2, levels: 2 });
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn within_ticks(&self, side: Side, ticks: u64) -> Within {
        match self.ladders[side as usize].best() {
            Some(best) => self.within(side, price(side, best.saturating_add_unsigned(ticks))),
            None => Within::default(),
        }
    }

    /// What is displayed on a side at most `bps` basis points (of 1/10,000) from the middle of best bid and best
    /// ask: bids at or above middle − |middle| × bps / 10,000, asks at or below middle + |middle| × bps / 10,000,
    /// compared exactly. Nothing where a side is empty.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// for (side, price) in [(Side::Buy, 9_990), (Side::Buy, 9_980), (Side::Sell, 10_010)] {
    ///     book.submit(&NewOrder::limit(side, Qty(5), Price(price), 1), &mut TradeAll)?;
    /// }
    /// // Ten basis points of 10,000 are ten ticks.
    /// assert_eq!(book.within_bps(Side::Buy, 10).levels, 1);
    /// assert_eq!(book.within_bps(Side::Buy, 20).levels, 2);
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn within_bps(&self, side: Side, bps: u32) -> Within {
        let [Some(bid), Some(ask)] = Side::BOTH.map(|side| self.best(side)) else { return Within::default() };
        let twice = i128::from(bid.0) + i128::from(ask.0);
        let reach = twice.abs() * i128::from(bps);
        // In units of 1/20,000 tick; the limit is the last whole tick within.
        let limit = match side {
            Side::Buy => -(reach - twice * 10_000).div_euclid(20_000),
            Side::Sell => (twice * 10_000 + reach).div_euclid(20_000),
        };
        let limit = limit.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        self.within(side, Price(limit as i64))
    }

    /// Orders resting, and stops that have not fired.
    #[inline]
    #[must_use]
    pub const fn order_count(&self) -> u32 {
        self.pool.len()
    }

    /// Price levels with a displayed order, both sides together.
    #[inline]
    #[must_use]
    pub const fn level_count(&self) -> u32 {
        self.ladders[0].len() + self.ladders[1].len()
    }

    /// The price of the last trade.
    #[inline]
    #[must_use]
    pub const fn last(&self) -> Option<Price> {
        self.last
    }

    /// The latest time that [`Book::expire`] was told.
    #[inline]
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// What the book reserved at construction; the window as it was rounded.
    #[must_use]
    pub const fn capacity(&self) -> BookCapacity {
        self.capacity
    }

    /// Levels of a side in the order in which they are matched, hidden ones among them.
    pub(crate) fn walk_all(&self, side: Side) -> WalkAll<'_> {
        let ladders = [side as usize, side as usize | Tag::HIDDEN as usize];
        let mut levels = ladders.map(|ladder| self.ladders[ladder].walk());
        let next = levels.each_mut().map(Iterator::next);
        WalkAll { ladders, levels, next }
    }

    pub(crate) const fn queue(&self, head: u32) -> Queue<'_> {
        Queue { pool: &self.pool, next: head }
    }

    fn orders_in(&self, place: Option<Place>) -> OrdersAt<'_> {
        let head = place.map_or(NIL, |place| self.level_at(place).head);
        OrdersAt { book: self, queue: self.queue(head) }
    }

    fn find_place(&self, ladder: usize, price: Price) -> Option<Place> {
        let side = if ladder & 1 == 0 { Side::Buy } else { Side::Sell };
        let rank = rank(side, price);
        self.ladders[ladder].find(rank).map(|at| Place { ladder, rank, at })
    }

    fn depth_level(&self, place: Place) -> DepthLevel {
        let level = self.level_at(place);
        DepthLevel { price: place.price(), qty: level.total, orders: level.count }
    }
}

/// Displayed and hidden levels of a side, merged: at one price the displayed one first.
#[derive(Clone)]
pub(crate) struct WalkAll<'a> {
    ladders: [usize; 2],
    levels: [Walk<'a>; 2],
    next: [Option<(i64, u32)>; 2],
}

impl Iterator for WalkAll<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        let which = match self.next {
            [Some((shown, _)), Some((hidden, _))] => usize::from(hidden < shown),
            [shown, _] => usize::from(shown.is_none()),
        };
        let (rank, at) = self.next[which]?;
        self.next[which] = self.levels[which].next();
        Some(Place { ladder: self.ladders[which], rank, at })
    }
}

/// Slots of a level's orders in priority.
#[derive(Clone)]
pub(crate) struct Queue<'a> {
    pool: &'a Pool,
    next: u32,
}

impl Iterator for Queue<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let slot = self.next;
        (slot != NIL).then(|| {
            self.next = self.pool.get(slot).next;
            slot
        })
    }
}

/// Levels of a side, best first: [`Book::depth`].
#[derive(Clone)]
pub struct Depth<'a> {
    book: &'a Book,
    side: Side,
    levels: Walk<'a>,
}

impl Iterator for Depth<'_> {
    type Item = DepthLevel;

    fn next(&mut self) -> Option<DepthLevel> {
        let (rank, at) = self.levels.next()?;
        Some(self.book.depth_level(Place { ladder: self.side as usize, rank, at }))
    }
}

/// Orders of a level in priority: [`Book::orders_at`].
#[derive(Clone)]
pub struct OrdersAt<'a> {
    book: &'a Book,
    queue: Queue<'a>,
}

impl Iterator for OrdersAt<'_> {
    type Item = Resting;

    fn next(&mut self) -> Option<Resting> {
        self.queue.next().map(|slot| self.book.resting(slot))
    }
}
