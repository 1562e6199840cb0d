//! Everything that can be refused, decided on a book that does not change.

use downdraft_types::{OrderId, Qty, Side};

use crate::book::Book;
use crate::ladder::{price, rank};
use crate::order::{Display, NewOrder, PostOnly, Reject, Replacement, SelfTradePrevention, TimeInForce};
use crate::pool::{Order, Tag};
use crate::queue::{Place, kind_of};

/// How an accepted order begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// It meets what it crosses.
    pub takes: bool,
    /// The rank of its limit on its own side; the complement is the last rank it accepts on the other.
    pub rank: i64,
    pub level: Destination,
}

/// The level that an order will join.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Destination {
    /// An open one.
    At(u32),
    /// One that will be opened.
    New,
    /// It was not looked for.
    Unknown,
}

/// What a replacement comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// The order keeps its place with so many lots less.
    Shrink(Qty),
    /// It leaves and comes again.
    Move(Plan),
}

impl NewOrder {
    /// Whether only quantity, limit and owner have to be looked at.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.limit.is_some() && matches!(self.tif, TimeInForce::Gtc | TimeInForce::Ioc) && self.has_plain_terms()
    }

    /// Whether only quantity and owner can be wrong with an order that takes and does not rest.
    #[inline(always)]
    pub(crate) fn is_immediate(&self) -> bool {
        matches!(self.tif, TimeInForce::Ioc) && self.has_plain_terms()
    }

    #[inline(always)]
    fn has_plain_terms(&self) -> bool {
        matches!(self.post_only, PostOnly::Off)
            && matches!(self.display, Display::Full)
            && self.min_qty.is_zero()
            && !self.to_limit
    }
}

impl Book {
    /// Whether [`Book::submit`] would accept the order as the book now is.
    ///
    /// What must be filled at once (all of a fill-or-kill order, a minimum quantity) is counted without asking a
    /// matcher: under [`SelfTradePrevention::CancelOldest`] every order of another owner within the limit, under
    /// the other modes those ahead of the owner's first one. Hidden orders and reserves count.
    ///
    /// An order that crosses has a slot for what is left of it, because it empties one that it meets; and a level,
    /// if it meets one of its own sort (displayed or hidden): where none is left and it does not, it is refused,
    /// even if it would trade in full. Likewise what may rest as an iceberg or until a time must find an extra.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(5), Price(101), 1), &mut TradeAll)?;
    /// let bid = NewOrder::limit(Side::Buy, Qty(8), Price(101), 2);
    /// assert_eq!(book.check(&bid), Ok(()));
    /// assert_eq!(book.check(&NewOrder { tif: TimeInForce::Fok, ..bid }), Err(Reject::CannotFill));
    /// assert_eq!(book.check(&NewOrder { min_qty: Qty(6), ..bid }), Err(Reject::CannotFill));
    /// assert_eq!(book.check(&NewOrder { post_only: PostOnly::Reject, ..bid }), Err(Reject::WouldTake));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// In this order: [`Reject::ZeroQuantity`], [`Reject::UnknownOwner`], [`Reject::LimitAlready`],
    /// [`Reject::MarketCannotRest`], [`Reject::BadDisplay`], [`Reject::TooLarge`], [`Reject::Expired`],
    /// [`Reject::InAuction`], [`Reject::NoReference`], [`Reject::WouldTake`], [`Reject::CannotFill`],
    /// [`Reject::CapacityReached`], [`Reject::LevelFull`].
    pub fn check(&self, order: &NewOrder) -> Result<(), Reject> {
        self.decide(order, false).map(|_| ())
    }

    /// `has_slot` says that the order need not find a slot and an extra.
    #[inline]
    pub(crate) fn decide(&self, order: &NewOrder, has_slot: bool) -> Result<Plan, Reject> {
        let rank = match order.limit {
            Some(limit) if order.is_plain() && !self.collecting => {
                self.check_quantity_and_owner(order.qty, order.owner)?;
                rank(order.side, limit)
            }
            _ => self.decide_special(order, has_slot)?,
        };
        self.decide_rest(order, rank, has_slot)
    }

    /// How an order of a known rank begins, if what may rest of it finds room.
    #[inline]
    pub(crate) fn decide_rest(&self, order: &NewOrder, rank: i64, has_slot: bool) -> Result<Plan, Reject> {
        let takes = !self.collecting && self.crosses(order.side, rank);
        if !order.tif.rests() {
            return Ok(Plan { takes, rank, level: Destination::Unknown });
        }
        let ladder = kind_of(order) as usize & (Tag::HIDDEN as usize | 1);
        if takes {
            self.check_room_beside(ladder, rank, self.is_crowded(ladder))?;
            // It has crossed, so its own side will have no level at its price yet.
            return Ok(Plan { takes, rank, level: Destination::New });
        }
        if !has_slot && self.pool.is_full() {
            return Err(Reject::CapacityReached);
        }
        let level = self.check_level(ladder, rank, order.qty, self.is_crowded(ladder))?;
        Ok(Plan { takes, rank, level })
    }

    #[inline]
    pub(crate) fn check_quantity_and_owner(&self, qty: Qty, owner: u32) -> Result<(), Reject> {
        if qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if self.owners.knows(owner) { Ok(()) } else { Err(Reject::UnknownOwner) }
    }

    /// Whether nothing is wrong with an order whatever the book holds and the time is.
    pub(crate) fn check_lasting_terms(&self, order: &NewOrder) -> bool {
        matches!(self.check_terms(order), Ok(()) | Err(Reject::Expired))
    }

    /// What is wrong with an order whatever the book holds.
    pub(crate) fn check_terms(&self, order: &NewOrder) -> Result<(), Reject> {
        self.check_quantity_and_owner(order.qty, order.owner)?;
        if order.to_limit && order.limit.is_some() {
            return Err(Reject::LimitAlready);
        }
        if order.limit.is_none() && !order.to_limit && order.tif.rests() {
            return Err(Reject::MarketCannotRest);
        }
        let bad = !order.display.suits(order.qty) || (order.display != Display::Full && !order.tif.rests());
        if bad {
            return Err(Reject::BadDisplay);
        }
        if order.min_qty > order.qty {
            return Err(Reject::TooLarge);
        }
        match order.tif {
            TimeInForce::Gtd(time) if time <= self.now => Err(Reject::Expired),
            _ => Ok(()),
        }
    }

    /// The rank of an order that is more than a plain limit order.
    #[cold]
    fn decide_special(&self, order: &NewOrder, has_slot: bool) -> Result<i64, Reject> {
        self.check_terms(order)?;
        if self.collecting {
            let waits = order.tif.rests() && order.limit.is_some() && order.min_qty.is_zero();
            if !waits || order.post_only != PostOnly::Off {
                return Err(Reject::InAuction);
            }
        }
        let side = order.side;
        let rank = match self.front(side.opposite(), i64::MAX) {
            Some(best) if order.to_limit => !best.rank,
            None if order.to_limit => return Err(Reject::NoReference),
            _ => Self::own_rank(side, order.limit),
        };
        let rank = self.post(side, rank, order.post_only)?;
        let least = if order.tif == TimeInForce::Fok { order.qty } else { order.min_qty };
        if !least.is_zero() && !self.can_fill(order, rank, least) {
            return Err(Reject::CannotFill);
        }
        if !has_slot && kind_of(order) & Tag::EXTRA != 0 && self.extras.is_full() {
            return Err(Reject::CapacityReached);
        }
        Ok(rank)
    }

    /// The rank that an order comes to which is perhaps only to rest.
    fn post(&self, side: Side, rank: i64, post_only: PostOnly) -> Result<i64, Reject> {
        if post_only == PostOnly::Off || self.collecting || !self.crosses(side, rank) {
            return Ok(rank);
        }
        let best = self.front(side.opposite(), i64::MAX).ok_or(Reject::WouldTake)?;
        match post_only {
            // One rank beyond the one that would still trade.
            PostOnly::Slide => (!best.rank).checked_add(1).ok_or(Reject::WouldTake),
            _ => Err(Reject::WouldTake),
        }
    }

    /// Whether [`Book::replace`] would accept the change as the book now is.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(5), Price(101), 1), &mut TradeAll)?;
    /// let id = book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(99), 2), &mut TradeAll)?.rested.expect("rests");
    /// let change = Replacement { post_only: PostOnly::Reject, ..Replacement::new(Price(101), Qty(5)) };
    /// assert_eq!(book.check_replace(id, &change), Err(Reject::WouldTake));
    /// assert_eq!(book.check_replace(id, &Replacement::new(Price(100), Qty(9))), Ok(()));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// In this order: [`Reject::UnknownOrder`], [`Reject::NotTriggered`], [`Reject::ZeroQuantity`],
    /// [`Reject::InAuction`] for one that is post-only, [`Reject::BadDisplay`] for an iceberg of too many lots,
    /// [`Reject::WouldTake`], [`Reject::CapacityReached`], [`Reject::LevelFull`].
    pub fn check_replace(&self, id: OrderId, change: &Replacement) -> Result<(), Reject> {
        self.decide_replace(id, change).map(|_| ())
    }

    /// The slot of an order that may be replaced so, and what that comes to.
    pub(crate) fn decide_replace(&self, id: OrderId, change: &Replacement) -> Result<(u32, Change), Reject> {
        let slot = self.resting_slot(id)?;
        if change.qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if self.collecting && change.post_only != PostOnly::Off {
            return Err(Reject::InAuction);
        }
        let order = self.pool.get(slot);
        let side = order.tag.side();
        if order.tag.has(Tag::EXTRA) {
            let peak = self.extras.get(slot).peak;
            if !peak.is_zero() && !Display::are_few(change.qty, peak) {
                return Err(Reject::BadDisplay);
            }
        }
        let to = self.post(side, rank(side, change.price), change.post_only)?;
        let lots = self.lots(slot);
        if price(side, to) == order.price && change.qty <= lots {
            return Ok((slot, Change::Shrink(lots - change.qty)));
        }
        self.decide_move(order, lots, to, change.qty).map(|plan| (slot, Change::Move(plan)))
    }

    /// How an order of `lots` lots goes to another place.
    fn decide_move(&self, order: &Order, lots: Qty, rank: i64, qty: Qty) -> Result<Plan, Reject> {
        let (side, ladder, place) = (order.tag.side(), order.tag.ladder(), self.place(order));
        let level = self.level_at(place);
        if place.rank == rank {
            // The level must hold the new quantity beside the others'.
            let fits = (level.lots() - lots).checked_add(qty).is_some();
            let plan = Plan { takes: false, rank, level: Destination::Unknown };
            return if fits { Ok(plan) } else { Err(Reject::LevelFull) };
        }
        // An order alone at its price leaves a level behind.
        let crowded = self.is_crowded(ladder) && level.count > 1;
        let takes = !self.collecting && self.crosses(side, rank);
        if takes {
            self.check_room_beside(ladder, rank, crowded)?;
        } else {
            self.check_level(ladder, rank, qty, crowded)?;
        }
        Ok(Plan { takes, rank, level: Destination::Unknown })
    }

    /// Whether an order of a side and rank meets anything on the other side.
    #[inline]
    pub(crate) fn crosses(&self, side: Side, rank: i64) -> bool {
        let other = side.opposite() as usize;
        self.ladders[other].reaches(!rank) || self.ladders[other | Tag::HIDDEN as usize].reaches(!rank)
    }

    /// Whether no level of a ladder's sort is left.
    #[inline]
    pub(crate) fn is_crowded(&self, ladder: usize) -> bool {
        let limit = if ladder < 2 { self.capacity.levels } else { self.capacity.hidden_levels };
        self.ladders[ladder].len() + self.ladders[ladder ^ 1].len() >= limit
    }

    /// Whether an order that crosses will find a level: a free one, or that of one it meets.
    #[inline]
    fn check_room_beside(&self, ladder: usize, rank: i64, crowded: bool) -> Result<(), Reject> {
        if crowded && !self.ladders[ladder ^ 1].reaches(!rank) { Err(Reject::CapacityReached) } else { Ok(()) }
    }

    /// The level of a rank if there is one, where `qty` can join it, or can have a level of its own; `crowded`
    /// says that no new level can be had.
    #[inline]
    pub(crate) fn check_level(&self, ladder: usize, rank: i64, qty: Qty, crowded: bool) -> Result<Destination, Reject> {
        match self.ladders[ladder].find(rank) {
            Some(at) => match self.ladders[ladder].get(at).lots().checked_add(qty) {
                Some(_) => Ok(Destination::At(at)),
                None => Err(Reject::LevelFull),
            },
            None if crowded => Err(Reject::CapacityReached),
            None => Ok(Destination::New),
        }
    }

    /// Whether the book holds `least` lots for an order to trade.
    fn can_fill(&self, order: &NewOrder, rank: i64, least: Qty) -> bool {
        let mut left = least;
        for place in self.walk_all(order.side.opposite()).take_while(|place| place.rank <= !rank) {
            let (lots, ends) = self.fillable(order, place);
            if lots >= left {
                return true;
            }
            if ends {
                return false;
            }
            left -= lots;
        }
        false
    }

    /// Lots of a level that an order would trade, and whether it would then meet one of its owner and end.
    fn fillable(&self, order: &NewOrder, place: Place) -> (Qty, bool) {
        let level = self.level_at(place);
        if order.stp == SelfTradePrevention::None {
            return (level.lots(), false);
        }
        let group = self.owners.group(order.owner);
        let is_own = |slot: u32| self.owners.group(self.pool.get(slot).owner) == group;
        let queue = || self.queue(level.head);
        if order.stp == SelfTradePrevention::CancelOldest {
            let own: Qty = queue().filter(|slot| is_own(*slot)).map(|slot| self.lots(slot)).sum();
            return (level.lots() - own, false);
        }
        if !queue().any(is_own) {
            return (level.lots(), false);
        }
        // What an iceberg ahead has in reserve comes behind the owner's order.
        (queue().take_while(|slot| !is_own(*slot)).map(|slot| self.pool.get(slot).qty).sum(), true)
    }
}
