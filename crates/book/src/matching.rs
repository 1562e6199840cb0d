//! The match: maker by maker in price-time order, asking the matcher before each.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::book::Book;
use crate::ladder::{Level, price};
use crate::matcher::{CancelCause, Cancelled, Fill, LevelChange, Matcher, Proposal, Verdict};
use crate::order::{End, SelfTradePrevention};
use crate::owners::Owners;
use crate::pool::{NIL, Order, Pool, Tag};
use crate::queue::{Place, tell_closed};

/// An order while it takes.
pub(crate) struct Taker {
    pub side: Side,
    /// The last rank it accepts on the other side.
    pub limit: i64,
    pub stp: SelfTradePrevention,
    pub owner: u32,
}

/// What a taker has come to.
pub(crate) struct Taken {
    pub left: Qty,
    pub decremented: Qty,
    /// Why it is over; `None` while it goes on, or where nothing more meets its limit.
    pub end: Option<End>,
    /// The prices of its first and of its last trade.
    pub prices: Option<(Price, Price)>,
}

impl Taken {
    #[inline]
    pub const fn new(qty: Qty) -> Self {
        Self { left: qty, decremented: Qty::ZERO, end: None, prices: None }
    }
}

/// The order met next.
struct Maker {
    slot: u32,
    /// Lots in the queue.
    shown: Qty,
    /// All its lots, an iceberg's reserve included.
    lots: Qty,
    terms: Proposal,
}

impl Taker {
    #[cold]
    fn shuns(&self, owners: &Owners, owner: u32) -> bool {
        owners.group(self.owner) == owners.group(owner)
    }
}

/// What is left of a queue, and of the taker that meets it.
struct Front {
    head: u32,
    count: u32,
    left: Qty,
}

impl Front {
    /// Matches with one order after the other, as long as they have no extra, are not shunned and trade as proposed.
    /// Returns what the matcher said of the one where it stopped, if it was asked.
    #[inline(always)]
    fn fill<M: Matcher>(
        &mut self,
        pool: &mut Pool,
        owners: &mut Owners,
        shuns: impl Fn(&Owners, u32) -> bool,
        side: Side,
        price: Price,
        matcher: &mut M,
    ) -> Option<Verdict> {
        let (mut unsettled, mut last, are_listed) = (None, NIL, owners.are_listed());
        let (orders, mut slot, mut count, mut left) = (pool.orders_mut(), self.head, self.count, self.left);
        // [`NIL`], where the queue ends, is no slot of any pool.
        while let Some(order) = orders.get_mut(slot as usize) {
            let Order { qty: shown, owner, tag, next, .. } = *order;
            let Some(freed) = tag.freed().filter(|_| !tag.has(Tag::EXTRA) && !shuns(owners, owner)) else { break };
            let (maker, qty) = (OrderId::new(slot, tag.generation()), left.min(shown));
            let verdict = matcher.before(&Proposal { maker, owner, price, qty });
            if verdict != Verdict::Trade {
                unsettled = Some(verdict);
                break;
            }
            if shown > left {
                order.qty = shown - left;
                matcher.filled(&Fill { maker, maker_owner: owner, price, qty: left, maker_remaining: order.qty });
                left = Qty::ZERO;
                break;
            }
            (order.qty, order.tag) = (Qty::ZERO, freed);
            (last, slot) = (slot, next);
            if are_listed {
                owners.remove(owner, side, last);
            }
            count -= 1;
            left -= shown;
            matcher.filled(&Fill { maker, maker_owner: owner, price, qty: shown, maker_remaining: Qty::ZERO });
            if left.is_zero() {
                break;
            }
        }
        if last != NIL {
            pool.release_run(self.head, last, self.count - count);
        }
        (self.head, self.count, self.left) = (slot, count, left);
        unsettled
    }
}

impl Book {
    /// Matches `qty` lots of `taker`.
    pub(crate) fn take<M: Matcher>(&mut self, taker: &Taker, qty: Qty, matcher: &mut M) -> Taken {
        let mut taken = Taken::new(qty);
        loop {
            let verdict = self.sweep_plain(taker, &mut taken, matcher);
            if taken.end.is_some() {
                break;
            }
            let Some(place) = self.front(taker.side.opposite(), taker.limit) else { break };
            self.sweep(taker, place, verdict, &mut taken, matcher);
            if taken.end.is_some() {
                break;
            }
        }
        if let Some((first, last)) = taken.prices {
            self.traded(first, last);
        }
        taken
    }

    /// Matches level by level, where nothing is hidden and self-trades are let pass, as far as it meets nothing out of
    /// the ordinary. Returns what the matcher said of the order where it stopped, if it was asked.
    #[inline(always)]
    fn sweep_plain<M: Matcher>(&mut self, taker: &Taker, taken: &mut Taken, matcher: &mut M) -> Option<Verdict> {
        let side = taker.side.opposite();
        let Self { ladders, pool, owners, .. } = self;
        if taker.stp != SelfTradePrevention::None || ladders[side as usize | Tag::HIDDEN as usize].len() != 0 {
            return None;
        }
        let ladder = &mut ladders[side as usize];
        let (mut first, mut unsettled) = (taken.prices.map(|(first, _)| first), None);
        while let Some(rank) = ladder.best().filter(|rank| *rank <= taker.limit) {
            let (at, price) = (ladder.at(rank), price(side, rank));
            let level = ladder.get_mut(at);
            let mut front = Front { head: level.head, count: level.count, left: taken.left };
            unsettled = front.fill(pool, owners, |_, _| false, side, price, matcher);
            let lots = taken.left - front.left;
            if !lots.is_zero() {
                let first = *first.get_or_insert(price);
                (taken.left, taken.prices) = (front.left, Some((first, price)));
            }
            if front.count == 0 {
                ladder.close(rank, at);
                matcher.level(&LevelChange { side, price, qty: Qty::ZERO, orders: 0 });
                if !front.left.is_zero() {
                    continue;
                }
            } else {
                (level.total, level.head, level.count) = (level.total - lots, front.head, front.count);
                pool.get_mut(front.head).prev = NIL;
                if !front.left.is_zero() {
                    break;
                }
                matcher.level(&LevelChange { side, price, qty: level.total, orders: level.count });
            }
            taken.end = Some(End::Filled);
            break;
        }
        unsettled
    }

    /// The level of a side that is matched first, if its rank is within the limit: at one price what is displayed
    /// goes before what is hidden.
    #[inline]
    pub(crate) fn front(&self, side: Side, limit: i64) -> Option<Place> {
        let shown = &self.ladders[side as usize];
        let hidden = &self.ladders[side as usize | Tag::HIDDEN as usize];
        let (ladder, best) = match hidden.best() {
            Some(best) if shown.best().is_none_or(|shown| best < shown) => (side as usize | Tag::HIDDEN as usize, best),
            _ => (side as usize, shown.best()?),
        };
        (best <= limit).then(|| Place { ladder, rank: best, at: self.ladders[ladder].at(best) })
    }

    /// Matches within one level, until it is empty or the taker is done; `verdict` is what the matcher said of its first
    /// order, if it was asked.
    #[inline(never)]
    fn sweep<M: Matcher>(
        &mut self,
        taker: &Taker,
        place: Place,
        verdict: Option<Verdict>,
        taken: &mut Taken,
        matcher: &mut M,
    ) {
        let price = place.price();
        let mut level = *self.level_at(place);
        let (before, cut, mut verdict) = (taken.left, taken.decremented, verdict);
        while taken.end.is_none() && level.count != 0 {
            if verdict.is_none() {
                verdict = self.fill_level(taker, price, &mut level, taken, matcher);
            }
            if taken.end.is_none() && level.count != 0 {
                self.meet(taker, price, verdict.take(), &mut level, taken, matcher);
            }
        }
        if before - taken.left != taken.decremented - cut {
            let first = taken.prices.map_or(price, |(first, _)| first);
            taken.prices = Some((first, price));
        }
        self.put_back(place, level, matcher);
    }

    /// As [`Front::fill`], with a level's copy.
    #[inline(always)]
    fn fill_level<M: Matcher>(
        &mut self,
        taker: &Taker,
        price: Price,
        level: &mut Level,
        taken: &mut Taken,
        matcher: &mut M,
    ) -> Option<Verdict> {
        let Self { pool, owners, .. } = self;
        let mut front = Front { head: level.head, count: level.count, left: taken.left };
        let may_shun = taker.stp != SelfTradePrevention::None;
        let shuns = |owners: &Owners, owner| may_shun && taker.shuns(owners, owner);
        let unsettled = front.fill(pool, owners, shuns, taker.side.opposite(), price, matcher);
        level.total -= taken.left - front.left;
        (level.head, level.count, taken.left) = (front.head, front.count, front.left);
        if front.left.is_zero() {
            taken.end = Some(End::Filled);
        }
        unsettled
    }

    /// Ends the work on a level's copy.
    #[inline]
    pub(crate) fn put_back<M: Matcher>(&mut self, place: Place, level: Level, matcher: &mut M) {
        if level.count == 0 {
            self.ladders[place.ladder].close(place.rank, place.at);
            return tell_closed(place, matcher);
        }
        self.pool.get_mut(level.head).prev = NIL;
        *self.ladders[place.ladder].get_mut(place.at) = level;
        if place.is_shown() {
            let (side, price) = (place.side(), place.price());
            matcher.level(&LevelChange { side, price, qty: level.total, orders: level.count });
        }
    }

    fn maker(&self, slot: u32, price: Price, left: Qty) -> Maker {
        let Order { qty, owner, tag, .. } = *self.pool.get(slot);
        let lots = if tag.has(Tag::EXTRA) { self.lots(slot) } else { qty };
        let terms = Proposal { maker: OrderId::new(slot, tag.generation()), owner, price, qty: left.min(qty) };
        Maker { slot, shown: qty, lots, terms }
    }

    /// Matches with the first order of a level, whatever it is.
    #[cold]
    fn meet<M: Matcher>(
        &mut self,
        taker: &Taker,
        price: Price,
        verdict: Option<Verdict>,
        level: &mut Level,
        taken: &mut Taken,
        matcher: &mut M,
    ) {
        let maker = self.maker(level.head, price, taken.left);
        if taker.stp != SelfTradePrevention::None && taker.shuns(&self.owners, maker.terms.owner) {
            return self.prevent(taker.stp, &maker, level, taken, matcher);
        }
        let qty = match verdict.unwrap_or_else(|| matcher.before(&maker.terms)) {
            Verdict::Trade => maker.terms.qty,
            Verdict::TradeAtMost(most) if !most.is_zero() => maker.terms.qty.min(most),
            Verdict::CancelMaker => return self.cut(&maker, maker.lots, CancelCause::Verdict, level, matcher),
            Verdict::TradeAtMost(_) | Verdict::Stop => return taken.end = Some(End::Stopped),
        };
        self.take_off_head(level, &maker, qty);
        taken.left -= qty;
        if taken.left.is_zero() {
            taken.end = Some(End::Filled);
        }
        let Proposal { maker: id, owner, price, .. } = maker.terms;
        let maker_remaining = maker.lots - qty;
        matcher.filled(&Fill { maker: id, maker_owner: owner, price, qty, maker_remaining });
        if qty == maker.shown && !maker_remaining.is_zero() {
            self.refill(maker.slot, level, matcher);
        }
    }

    /// Takes `qty` lots off the first order of a level, no more than are in the queue.
    pub(crate) fn trade_head<M: Matcher>(&mut self, place: Place, qty: Qty, matcher: &mut M) {
        let mut level = *self.level_at(place);
        let maker = self.maker(level.head, place.price(), qty);
        self.take_off_head(&mut level, &maker, qty);
        if qty == maker.shown && qty != maker.lots {
            self.refill(maker.slot, &mut level, matcher);
        }
        self.put_back(place, level, matcher);
    }

    /// Two orders of one owner who must not trade with himself.
    #[cold]
    fn prevent<M: Matcher>(
        &mut self,
        stp: SelfTradePrevention,
        maker: &Maker,
        level: &mut Level,
        taken: &mut Taken,
        matcher: &mut M,
    ) {
        use SelfTradePrevention::{CancelBoth, CancelNewest, CancelOldest, Decrement, None};
        let lost = match stp {
            CancelOldest | CancelBoth => maker.lots,
            Decrement => maker.terms.qty,
            CancelNewest | None => Qty::ZERO,
        };
        if stp == Decrement {
            taken.decremented += lost;
            taken.left -= lost;
        }
        if taken.left.is_zero() || matches!(stp, CancelNewest | CancelBoth) {
            taken.end = Some(End::SelfTrade);
        }
        if !lost.is_zero() {
            self.cut(maker, lost, CancelCause::SelfTrade, level, matcher);
        }
    }

    /// Takes `qty` lots off a maker without a trade.
    #[cold]
    fn cut<M: Matcher>(&mut self, maker: &Maker, qty: Qty, cause: CancelCause, level: &mut Level, matcher: &mut M) {
        self.take_off_head(level, maker, qty);
        let Proposal { maker: id, owner, price, .. } = maker.terms;
        let remaining = maker.lots - qty;
        matcher.cancelled(&Cancelled { maker: id, owner, price, qty, remaining, cause });
        if qty == maker.shown && !remaining.is_zero() {
            self.refill(maker.slot, level, matcher);
        }
    }

    /// Takes `qty` lots off the first order of a level: some or all of those in the queue, or all it has.
    fn take_off_head(&mut self, level: &mut Level, maker: &Maker, qty: Qty) {
        if qty == maker.lots {
            level.total -= maker.shown;
            level.reserve -= maker.lots - maker.shown;
            level.count -= 1;
            level.head = self.pool.get(maker.slot).next;
            self.free_slot(maker.slot);
        } else {
            level.total -= qty;
            self.pool.get_mut(maker.slot).qty -= qty;
        }
    }

    /// Shows the next lots of an iceberg at the head of a level, and sends it to the back.
    #[cold]
    pub(crate) fn refill<M: Matcher>(&mut self, slot: u32, level: &mut Level, matcher: &mut M) {
        let extra = self.extras.get_mut(slot);
        let shown = extra.reserve.min(extra.peak);
        extra.reserve -= shown;
        level.reserve -= shown;
        level.total += shown;
        if level.tail != slot {
            level.head = self.pool.get(slot).next;
            self.pool.get_mut(level.head).prev = NIL;
            self.pool.get_mut(level.tail).next = slot;
            let tail = core::mem::replace(&mut level.tail, slot);
            let order = self.pool.get_mut(slot);
            (order.prev, order.next) = (tail, NIL);
        }
        self.pool.get_mut(slot).qty = shown;
        self.owners.arrive(slot);
        matcher.refilled(&self.resting(slot));
    }
}
