//! Writing a snapshot.

use alloc::vec::Vec;

use downdraft_types::{Price, Qty, Time};

use super::{MAGIC, VERSION};
use crate::book::Book;
use crate::order::{Display, NewOrder, TimeInForce};
use crate::pool::Tag;
use crate::trigger::{Trigger, TriggerBy, Was};

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, n: u8) {
        self.0.push(n);
    }

    fn u32(&mut self, n: u32) {
        self.bytes(&n.to_le_bytes());
    }

    fn u64(&mut self, n: u64) {
        self.bytes(&n.to_le_bytes());
    }

    fn price(&mut self, price: Price) {
        self.bytes(&price.0.to_le_bytes());
    }

    fn optional(&mut self, price: Option<Price>) {
        self.u8(u8::from(price.is_some()));
        if let Some(price) = price {
            self.price(price);
        }
    }

    fn order(&mut self, order: &NewOrder) {
        self.u8(order.side as u8);
        self.u64(order.qty.0);
        self.optional(order.limit);
        self.u8(u8::from(order.to_limit));
        let (tif, time) = match order.tif {
            TimeInForce::Gtc => (0, Time::ZERO),
            TimeInForce::Ioc => (1, Time::ZERO),
            TimeInForce::Fok => (2, Time::ZERO),
            TimeInForce::Gtd(time) => (3, time),
        };
        self.u8(tif);
        self.u64(time.0);
        self.u8(order.post_only as u8);
        self.u64(order.min_qty.0);
        let (display, peak) = match order.display {
            Display::Full => (0, Qty::ZERO),
            Display::Iceberg(peak) => (1, peak),
            Display::Hidden => (2, Qty::ZERO),
        };
        self.u8(display);
        self.u64(peak.0);
        self.u8(order.stp as u8);
        self.u32(order.owner);
    }
}

impl Book {
    /// The whole book as bytes: the same bytes for the same history, whatever the platform. Their layout is in the
    /// source of this function's module; [`Book::restore`] reads them.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.submit(&NewOrder::limit(Side::Buy, Qty(10), Price(102), 1), &mut TradeAll)?;
    /// let bytes = book.save();
    /// let copy = Book::restore(&bytes).expect("a snapshot just taken");
    /// assert_eq!(copy.best_bid(), Some(Price(102)));
    /// assert_eq!(copy.save(), bytes);
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut to = Writer(Vec::new());
        to.bytes(MAGIC);
        to.bytes(&VERSION.to_le_bytes());
        let capacity = self.capacity;
        for n in [capacity.orders, capacity.levels, capacity.window, capacity.owners] {
            to.u32(n);
        }
        for n in [capacity.extras, capacity.hidden_levels, capacity.stops] {
            to.u32(n);
        }
        to.u8(u8::from(self.collecting));
        to.u64(self.now.0);
        to.optional(self.last);
        let triggers = &self.stops.triggers;
        to.optional(triggers.reference(TriggerBy::Mark));
        to.optional(triggers.reference(TriggerBy::Last));
        let (tickets, numbers) = triggers.counts();
        for n in [tickets, numbers, self.extras.tickets(), self.owners.arrivals()] {
            to.u64(n);
        }
        self.save_free_slots(&mut to);
        for ladder in 0..self.ladders.len() {
            self.save_ladder(ladder, &mut to);
        }
        to.u32(triggers.len());
        self.stops.slots(None).for_each(|slot| self.save_stop(slot, &mut to));
        for owner in 0..self.owners.len() {
            to.u32(self.owners.group(owner));
            to.u32(self.owners.orders(owner).count() as u32);
            self.owners.orders(owner).for_each(|slot| to.u32(slot));
        }
        let crc = crc32fast::hash(&to.0);
        to.u32(crc);
        to.0
    }

    fn save_free_slots(&self, to: &mut Writer) {
        let fresh = self.pool.fresh();
        to.u32(fresh);
        let used = || self.pool.free_slots().take_while(|slot| *slot < fresh);
        to.u32(used().count() as u32);
        for slot in used() {
            to.u32(slot);
            to.u32(self.pool.get(slot).tag.generation());
        }
    }

    fn save_ladder(&self, ladder: usize, to: &mut Writer) {
        let levels = || self.ladders[ladder].walk().map(|(_, at)| self.ladders[ladder].get(at));
        to.u32(levels().map(|level| level.count).sum());
        for slot in levels().flat_map(|level| self.queue(level.head)) {
            let order = self.pool.get(slot);
            to.u32(slot);
            to.u32(order.tag.generation());
            to.u32(order.owner);
            to.price(order.price);
            to.u64(order.qty.0);
            to.u64(self.owners.arrival(slot).unwrap_or(0));
            self.save_extra(slot, to);
        }
    }

    fn save_extra(&self, slot: u32, to: &mut Writer) {
        let has = self.pool.get(slot).tag.has(Tag::EXTRA);
        to.u8(u8::from(has));
        if has {
            let extra = self.extras.get(slot);
            to.u64(extra.peak.0);
            to.u64(extra.reserve.0);
            to.u8(u8::from(extra.expires.is_some()));
            if let Some(time) = extra.expires {
                to.u64(time.0);
            }
            to.u64(extra.ticket);
        }
    }

    fn save_stop(&self, slot: u32, to: &mut Writer) {
        let order = self.pool.get(slot);
        let (at, triggers) = (order.prev, &self.stops.triggers);
        to.u32(slot);
        to.u32(order.tag.generation());
        let (by, trigger) = triggers.trigger(at);
        to.u8(by as u8);
        match trigger {
            Trigger::At(price) => {
                to.u8(0);
                to.price(price);
            }
            Trigger::Trailing { offset } => {
                to.u8(1);
                to.u64(offset);
            }
        }
        let (ticket, was) = triggers.record(at);
        to.u64(ticket);
        match was {
            Was::Pending { anchor } => {
                to.u8(0);
                to.optional(anchor);
            }
            Was::Due { number, trigger } => {
                to.u8(1);
                to.u64(number);
                to.bytes(&trigger.to_le_bytes());
            }
        }
        to.order(self.stops.order(at));
        self.save_extra(slot, to);
    }
}
