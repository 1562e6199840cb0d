//! Reading a snapshot. Everything is checked before it is believed.

use downdraft_index::OrderedMap;
use downdraft_types::{Price, Qty, Side, Time};

use super::SnapshotError::{self, Contradiction};
use super::{MAGIC, VERSION};
use crate::book::Book;
use crate::capacity::{BookCapacity, window_of};
use crate::extras::Extra;
use crate::ladder::rank;
use crate::matcher::TradeAll;
use crate::order::{Display, NewOrder, PostOnly, SelfTradePrevention, TimeInForce};
use crate::pool::Tag;
use crate::queue::{Place, kind_of};
use crate::trigger::{Trigger, TriggerBy, Was};

type Read<T> = Result<T, SnapshotError>;

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Length)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Read<u8> {
        self.bytes::<1>().map(|[n]| n)
    }

    /// One of the first `count` numbers.
    fn choice(&mut self, count: u8) -> Read<u8> {
        let n = self.u8()?;
        if n < count { Ok(n) } else { Err(Contradiction("a choice that there is not")) }
    }

    fn flag(&mut self) -> Read<bool> {
        self.choice(2).map(|n| n == 1)
    }

    fn u32(&mut self) -> Read<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Read<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn price(&mut self) -> Read<Price> {
        self.bytes().map(i64::from_le_bytes).map(Price)
    }

    fn optional(&mut self) -> Read<Option<Price>> {
        if self.flag()? { self.price().map(Some) } else { Ok(None) }
    }

    fn order(&mut self) -> Read<NewOrder> {
        let side = Side::BOTH[usize::from(self.choice(2)?)];
        let (qty, limit, to_limit) = (Qty(self.u64()?), self.optional()?, self.flag()?);
        let (tif, time) = (self.choice(4)?, Time(self.u64()?));
        let tif = match tif {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Fok,
            _ => TimeInForce::Gtd(time),
        };
        let post_only = [PostOnly::Off, PostOnly::Reject, PostOnly::Slide][usize::from(self.choice(3)?)];
        let min_qty = Qty(self.u64()?);
        let (display, peak) = (self.choice(3)?, Qty(self.u64()?));
        let display = [Display::Full, Display::Iceberg(peak), Display::Hidden][usize::from(display)];
        let stp = [
            SelfTradePrevention::None,
            SelfTradePrevention::CancelNewest,
            SelfTradePrevention::CancelOldest,
            SelfTradePrevention::CancelBoth,
            SelfTradePrevention::Decrement,
        ][usize::from(self.choice(5)?)];
        Ok(NewOrder {
            limit,
            to_limit,
            tif,
            post_only,
            min_qty,
            display,
            stp,
            ..NewOrder::limit(side, qty, Price(0), self.u32()?)
        })
    }

    fn extra(&mut self) -> Read<Option<Extra>> {
        if !self.flag()? {
            return Ok(None);
        }
        let (peak, reserve) = (Qty(self.u64()?), Qty(self.u64()?));
        let expires = if self.flag()? { Some(Time(self.u64()?)) } else { None };
        Ok(Some(Extra { reserve, peak, expires, ticket: self.u64()? }))
    }

    fn capacity(&mut self) -> Read<BookCapacity> {
        let capacity = BookCapacity {
            orders: self.u32()?,
            levels: self.u32()?,
            window: self.u32()?,
            owners: self.u32()?,
            extras: self.u32()?,
            hidden_levels: self.u32()?,
            stops: self.u32()?,
        };
        let few =
            capacity.orders <= Book::MOST && capacity.levels <= Book::MOST && capacity.hidden_levels <= Book::MOST;
        if few && window_of(capacity.window) == capacity.window {
            Ok(capacity)
        } else {
            Err(Contradiction("capacities that no book has"))
        }
    }
}

const fn require(holds: bool, otherwise: &'static str) -> Read<()> {
    if holds { Ok(()) } else { Err(Contradiction(otherwise)) }
}

impl Book {
    /// A book from the bytes of [`Book::save`]. It goes on exactly as the saved one would have.
    ///
    /// It reserves what the saved book had reserved: whoever reads bytes from strangers looks at
    /// [`Book::saved_capacity`] first.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// let mut bytes = Book::with_capacity(BookCapacity::new(100, 100)).save();
    /// assert_eq!(Book::saved_capacity(&bytes).map(|capacity| capacity.orders), Ok(100));
    /// assert!(Book::restore(&bytes).is_ok());
    /// bytes[20] ^= 1;
    /// assert!(matches!(Book::restore(&bytes), Err(SnapshotError::Checksum(..))));
    /// ```
    ///
    /// # Errors
    /// A [`SnapshotError`] where the bytes are damaged, of another version or contradict themselves.
    pub fn restore(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut from = Self::open(bytes)?;
        let mut book = Self::with_capacity(from.capacity()?);
        book.read_state(&mut from)?;
        book.read_slots(&mut from)?;
        (0..book.ladders.len()).try_for_each(|ladder| book.read_ladder(ladder, &mut from))?;
        let mut tickets = OrderedMap::with_capacity(book.capacity.stops.min(book.capacity.orders) as usize);
        let stops = from.u32()?;
        (0..stops).try_for_each(|_| book.read_stop(&mut tickets, &mut from))?;
        book.read_owners(&mut from)?;
        require(book.collecting || !book.is_crossed(), "bids at or above asks")?;
        if from.0.is_empty() { Ok(book) } else { Err(SnapshotError::Length) }
    }

    /// The capacities of a saved book.
    ///
    /// # Errors
    /// As [`Book::restore`], for the beginning and the checksum.
    pub fn saved_capacity(bytes: &[u8]) -> Result<BookCapacity, SnapshotError> {
        Self::open(bytes)?.capacity()
    }

    /// Looks at the frame, and leaves what is in it.
    fn open(bytes: &[u8]) -> Read<Reader<'_>> {
        let (bytes, crc) = bytes.split_last_chunk::<4>().ok_or(SnapshotError::NotASnapshot)?;
        let mut from = Reader(bytes);
        if from.bytes().ok().as_ref() != Some(MAGIC) {
            return Err(SnapshotError::NotASnapshot);
        }
        let version = u16::from_le_bytes(from.bytes()?);
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let (found, computed) = (u32::from_le_bytes(*crc), crc32fast::hash(bytes));
        if found == computed { Ok(from) } else { Err(SnapshotError::Checksum(found, computed)) }
    }

    fn read_state(&mut self, from: &mut Reader<'_>) -> Read<()> {
        self.collecting = from.flag()?;
        self.now = Time(from.u64()?);
        self.last = from.optional()?;
        let [mark, last] = [from.optional()?, from.optional()?];
        let counts = [from.u64()?, from.u64()?, from.u64()?, from.u64()?];
        // What is counted one by one never comes near the end of 64 bits.
        require(counts.iter().all(|count| *count < 1 << 63), "a count that no book reaches")?;
        let [tickets, numbers, extras, arrivals] = counts;
        self.stops.triggers.restore((tickets, numbers), [last, mark]);
        self.extras.set_tickets(extras);
        self.owners.set_arrivals(arrivals);
        Ok(())
    }

    fn read_slots(&mut self, from: &mut Reader<'_>) -> Read<()> {
        let (fresh, count) = (from.u32()?, from.u32()?);
        require(fresh <= self.capacity.orders && count <= fresh, "more free slots than there are")?;
        self.pool.begin_restore(fresh);
        for _ in 0..count {
            let (slot, generation) = (from.u32()?, from.u32()?);
            require(self.pool.restore_free(slot, generation), "a free slot twice, or a generation too high")?;
        }
        self.pool.end_free(fresh);
        Ok(())
    }

    fn read_ladder(&mut self, ladder: usize, from: &mut Reader<'_>) -> Read<()> {
        let side = if ladder & 1 == 0 { Side::Buy } else { Side::Sell };
        let hidden = ladder as u32 & Tag::HIDDEN;
        let limit = if hidden == 0 { self.capacity.levels } else { self.capacity.hidden_levels };
        let mut before = None;
        for _ in 0..from.u32()? {
            let (slot, generation, owner) = (from.u32()?, from.u32()?, from.u32()?);
            let (price, qty, arrival, extra) = (from.price()?, Qty(from.u64()?), from.u64()?, from.extra()?);
            let kind = side as u32 | hidden | if extra.is_some() { Tag::EXTRA } else { 0 };
            require(!qty.is_zero() && self.owners.knows(owner), "an order without lots, or of an owner too high")?;
            require(hidden == 0 || extra.is_none_or(|extra| extra.peak.is_zero()), "a hidden iceberg")?;
            require(self.pool.restore_used(slot, generation, owner, kind), "a slot twice, or a generation too high")?;
            let (rank, lots) = (rank(side, price), self.read_extra(slot, extra, qty)?);
            require(before <= Some(rank), "levels out of order")?;
            let at = if before == Some(rank) {
                self.ladders[ladder].at(rank)
            } else {
                require(self.ladders[ladder].len() + self.ladders[ladder ^ 1].len() < limit, "too many levels")?;
                self.ladders[ladder].open(rank)
            };
            before = Some(rank);
            let level = self.ladders[ladder].get(at);
            require(level.lots().checked_add(lots).is_some(), "a level of more than 2^64 − 1 lots")?;
            require(self.owners.restore_arrival(level.tail, slot, arrival), "a queue out of order")?;
            self.ladders[ladder].get_mut(at).reserve += lots - qty;
            let place = Place { ladder, rank, at };
            self.append(slot, place, self.pool.get(slot).tag, qty, lots, &mut TradeAll);
            self.owners.set_arrival(slot, arrival);
        }
        Ok(())
    }

    /// Restores an order's extra; returns all its lots.
    fn read_extra(&mut self, slot: u32, extra: Option<Extra>, qty: Qty) -> Read<Qty> {
        let Some(extra) = extra else { return Ok(qty) };
        let is_iceberg = !extra.peak.is_zero();
        require(is_iceberg || extra.reserve.is_zero(), "a reserve without an iceberg")?;
        require(!is_iceberg || qty <= extra.peak, "an iceberg that displays more than it may")?;
        let lots = extra.reserve.checked_add(qty).ok_or(Contradiction("an order of more than 2^64 − 1 lots"))?;
        require(!is_iceberg || Display::are_few(lots, extra.peak), "an iceberg of too many lots")?;
        require(self.extras.restore(slot, extra), "too many extras, or a ticket twice")?;
        Ok(lots)
    }

    fn read_stop(&mut self, tickets: &mut OrderedMap<u64, ()>, from: &mut Reader<'_>) -> Read<()> {
        let (slot, generation) = (from.u32()?, from.u32()?);
        let by = [TriggerBy::Last, TriggerBy::Mark][usize::from(from.choice(2)?)];
        let trigger = match from.choice(2)? {
            0 => Trigger::At(from.price()?),
            _ => Trigger::Trailing { offset: from.u64()? },
        };
        let ticket = from.u64()?;
        require(tickets.insert(ticket, ()) == Ok(None), "too many stops, or a ticket twice")?;
        let was = match from.choice(2)? {
            0 => Was::Pending { anchor: from.optional()? },
            _ => Was::Due { number: from.u64()?, trigger: i128::from_le_bytes(from.bytes()?) },
        };
        let (order, extra) = (from.order()?, from.extra()?);
        let kind = kind_of(&order);
        require(self.check_lasting_terms(&order), "a stop whose order no book would accept")?;
        require((kind & Tag::EXTRA != 0) == extra.is_some(), "an extra of an order that needs none, or none")?;
        require(self.pool.restore_used(slot, generation, order.owner, kind), "a slot twice, or a generation too high")?;
        if let Some(extra) = extra {
            let peak = if let Display::Iceberg(peak) = order.display { peak } else { Qty::ZERO };
            let expires = if let TimeInForce::Gtd(time) = order.tif { Some(time) } else { None };
            let fits = extra.peak == peak && extra.expires == expires && extra.reserve.is_zero();
            require(fits && self.extras.restore(slot, extra), "a stop's extra that is not its order's")?;
        }
        let at = self.keep_stop(slot, &order);
        let restored = self.stops.triggers.restore_stop(at, order.side, (by, trigger), (ticket, was));
        require(restored, "a stop that is not where it must be")
    }

    fn read_owners(&mut self, from: &mut Reader<'_>) -> Read<()> {
        let mut listed = 0;
        for owner in 0..self.owners.len() {
            self.owners.set_group(owner, from.u32()?);
            for _ in 0..from.u32()? {
                let slot = from.u32()?;
                let order = self.pool.slots().get(slot as usize);
                let his = order.filter(|order| order.owner == owner && !order.qty.is_zero());
                require(
                    his.is_some_and(|order| self.owners.restore_listed(owner, order.tag.side(), slot)),
                    "an order in a list that is not its owner's, or twice",
                )?;
                listed += 1;
            }
        }
        let live = if self.owners.are_listed() { self.pool.len() } else { 0 };
        require(listed == live, "an order in no owner's list")
    }
}
