//! The match: maker by maker in price-time order, asking the matcher before each.

use downdraft_types::{Price, Qty, Side};

use crate::book::Book;
use crate::matcher::{CancelCause, Cancelled, Fill, Matcher, Proposal, Verdict};
use crate::order::{End, SelfTradePrevention};

/// An order while it takes.
pub(crate) struct Taker {
    pub side: Side,
    pub limit: Option<Price>,
    pub stp: SelfTradePrevention,
    pub owner: u32,
}

/// What a taker has come to.
pub(crate) struct Taken {
    pub left: Qty,
    pub filled: Qty,
    pub decremented: Qty,
    /// Why it is over; `None` while it goes on, or where nothing more meets its limit.
    pub end: Option<End>,
}

/// A maker about to be met.
struct Maker {
    slot: u32,
    qty: Qty,
    terms: Proposal,
}

impl Taker {
    #[inline]
    pub fn accepts(&self, price: Price) -> bool {
        self.limit.is_none_or(|limit| self.side.accepts(limit, price))
    }

    #[inline]
    pub fn shuns(&self, owner: u32) -> bool {
        self.stp != SelfTradePrevention::None && self.owner == owner
    }
}

impl Book {
    /// Matches `qty` lots of `taker`.
    pub(crate) fn take<M: Matcher>(&mut self, taker: &Taker, qty: Qty, matcher: &mut M) -> Taken {
        let mut taken = Taken { left: qty, filled: Qty::ZERO, decremented: Qty::ZERO, end: None };
        while taken.end.is_none() {
            let Some(maker) = self.first_maker(taker, taken.left) else { break };
            if taker.shuns(maker.terms.owner) {
                self.prevent(taker.stp, &maker, &mut taken, matcher);
            } else {
                self.meet(&maker, &mut taken, matcher);
            }
        }
        taken
    }

    /// The order with the highest priority that `taker` accepts.
    #[inline]
    fn first_maker(&self, taker: &Taker, left: Qty) -> Option<Maker> {
        let level = self.levels.get(self.levels.best(taker.side.opposite())?);
        if !taker.accepts(level.price) {
            return None;
        }
        let slot = level.head;
        let order = self.pool.get(slot);
        let (maker, owner) = (self.pool.id(slot), order.owner);
        let terms = Proposal { maker, owner, price: level.price, qty: left.min(order.qty) };
        Some(Maker { slot, qty: order.qty, terms })
    }

    /// Two orders of different owners, or of one that does not mind.
    #[inline]
    fn meet<M: Matcher>(&mut self, maker: &Maker, taken: &mut Taken, matcher: &mut M) {
        let qty = match matcher.before(&maker.terms) {
            Verdict::Trade => maker.terms.qty,
            Verdict::TradeAtMost(most) if !most.is_zero() => maker.terms.qty.min(most),
            Verdict::CancelMaker => return self.cut(maker, maker.qty, CancelCause::Verdict, matcher),
            Verdict::TradeAtMost(_) | Verdict::Stop => return taken.end = Some(End::Stopped),
        };
        self.take_off(maker.slot, qty);
        taken.filled += qty;
        taken.left -= qty;
        if taken.left.is_zero() {
            taken.end = Some(End::Filled);
        }
        let Proposal { maker: id, owner, price, .. } = maker.terms;
        matcher.filled(&Fill { maker: id, maker_owner: owner, price, qty, maker_remaining: maker.qty - qty });
    }

    /// Two orders of one owner who must not trade with himself.
    #[cold]
    fn prevent<M: Matcher>(&mut self, stp: SelfTradePrevention, maker: &Maker, taken: &mut Taken, matcher: &mut M) {
        use SelfTradePrevention::{CancelBoth, CancelNewest, CancelOldest, Decrement, None};
        let lost = match stp {
            CancelOldest | CancelBoth => maker.qty,
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
            self.cut(maker, lost, CancelCause::SelfTrade, matcher);
        }
    }

    /// Takes `qty` lots off a maker without a trade.
    fn cut<M: Matcher>(&mut self, maker: &Maker, qty: Qty, cause: CancelCause, matcher: &mut M) {
        self.take_off(maker.slot, qty);
        let Proposal { maker: id, owner, price, .. } = maker.terms;
        matcher.cancelled(&Cancelled { maker: id, owner, price, qty, remaining: maker.qty - qty, cause });
    }
}
