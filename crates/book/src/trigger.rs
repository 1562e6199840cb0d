//! Which stop orders are due: triggers against reference prices.
//!
//! Every stop is seen as a buy stop, which a reference price at or above its trigger crosses; a sell stop's prices
//! are mirrored (`p` to `−1 − p`, so that nothing overflows). One *lane* for each side and reference price.
//!
//! ```text
//!   fixed      (lane, trigger, ticket)                               ──┐ first of both, while crossed
//!   trailing   groups of one anchor; next trigger of each group      ──┴──► due, by number
//! ```

mod trailing;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use downdraft_index::OrderedMap;
use downdraft_types::{Price, Side};

use trailing::Trailing;

/// Which reference price crosses a stop's trigger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum TriggerBy {
    /// The book's last trade.
    Last,
    /// What the caller tells: [`Book::set_mark`](crate::Book::set_mark).
    Mark,
}

/// What crosses a stop: a sell stop is crossed at or below its trigger, a buy stop at or above.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Trigger {
    /// A price.
    At(Price),
    /// So many ticks behind the best reference price since the stop was submitted: below the highest for a sell,
    /// above the lowest for a buy. A trigger outside the range of prices is never crossed.
    Trailing {
        /// Ticks.
        offset: u64,
    },
}

/// Where a stop is. Prices are mirrored for sells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Fixed { trigger: i64 },
    Trailing { group: u32, offset: u64 },
    Due { number: u64, trigger: i128 },
}

/// What a restored stop was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Was {
    /// Waiting; of a trailing stop the best reference price since it was submitted.
    Pending { anchor: Option<Price> },
    /// Due, with its number and the trigger that was crossed.
    Due { number: u64, trigger: i128 },
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    lane: u8,
    ticket: u64,
    trigger: Trigger,
    state: State,
}

/// Triggers of stops, which have places below a limit.
pub(crate) struct Triggers {
    /// By place; what is at a place without a stop means nothing.
    waiting: Vec<Waiting>,
    limit: u32,
    fixed: OrderedMap<(u8, i64, u64), u32>,
    trailing: Trailing,
    /// By side and number, so that one side's are found without passing the other's.
    due: OrderedMap<(u8, u64), u32>,
    len: u32,
    tickets: u64,
    numbers: u64,
    references: [Option<Price>; 2],
    /// The lowest trigger of each lane.
    next: [Option<i128>; LANES],
    /// Due stops looked at by iterators.
    #[cfg(test)]
    looked_at: core::cell::Cell<u64>,
}

const LANES: usize = 4;

const fn lane(side: Side, by: TriggerBy) -> u8 {
    side as u8 * 2 + by as u8
}

const fn side_of(lane: u8) -> Side {
    if lane < 2 { Side::Buy } else { Side::Sell }
}

const fn by_of(lane: u8) -> TriggerBy {
    if lane.is_multiple_of(2) { TriggerBy::Last } else { TriggerBy::Mark }
}

const fn due_key(lane: u8, number: u64) -> (u8, u64) {
    (side_of(lane) as u8, number)
}

/// A price as a buy stop's, and back.
const fn mirrored(lane: u8, price: Price) -> i64 {
    match side_of(lane) {
        Side::Buy => price.0,
        Side::Sell => !price.0,
    }
}

impl Clone for Triggers {
    fn clone(&self) -> Self {
        // A derived clone would keep only the length of the reservation.
        let mut waiting = Vec::with_capacity(self.limit as usize);
        waiting.extend_from_slice(&self.waiting);
        let (fixed, trailing, due) = (self.fixed.clone(), self.trailing.clone(), self.due.clone());
        Self {
            waiting,
            fixed,
            trailing,
            due,
            #[cfg(test)]
            looked_at: self.looked_at.clone(),
            ..*self
        }
    }
}

impl Triggers {
    pub fn with_capacity(limit: u32) -> Self {
        Self {
            waiting: Vec::with_capacity(limit as usize),
            limit,
            fixed: OrderedMap::with_capacity(limit as usize),
            trailing: Trailing::with_capacity(limit),
            due: OrderedMap::with_capacity(limit as usize),
            len: 0,
            tickets: 0,
            numbers: 0,
            references: [None; 2],
            next: [None; LANES],
            #[cfg(test)]
            looked_at: core::cell::Cell::new(0),
        }
    }

    pub const fn len(&self) -> u32 {
        self.len
    }

    pub const fn is_full(&self) -> bool {
        self.len == self.limit
    }

    pub const fn due_len(&self) -> u32 {
        self.due.len() as u32
    }

    pub const fn reference(&self, by: TriggerBy) -> Option<Price> {
        self.references[by as usize]
    }

    /// Stops placed, and stops that became due, ever.
    pub const fn counts(&self) -> (u64, u64) {
        (self.tickets, self.numbers)
    }

    /// Begins to watch the stop at a place. A trailing one needs a reference price.
    pub fn insert(&mut self, at: u32, side: Side, by: TriggerBy, trigger: Trigger) {
        let (lane, ticket) = (lane(side, by), self.tickets);
        self.tickets += 1;
        self.put(at, lane, ticket, trigger, self.reference(by));
        if let Some(reference) = self.reference(by) {
            self.cross(lane, mirrored(lane, reference));
        }
    }

    fn put(&mut self, at: u32, lane: u8, ticket: u64, trigger: Trigger, anchor: Option<Price>) {
        let state = match trigger {
            Trigger::At(price) => {
                let trigger = mirrored(lane, price);
                self.fixed.insert((lane, trigger, ticket), at).expect("a stop has room");
                State::Fixed { trigger }
            }
            Trigger::Trailing { offset } => {
                let anchor = mirrored(lane, anchor.expect("a trailing stop has a reference price"));
                State::Trailing { group: self.trailing.insert(at, lane, anchor, offset, ticket), offset }
            }
        };
        self.set(at, Waiting { lane, ticket, trigger, state });
        self.len += 1;
        self.look(lane);
    }

    fn set(&mut self, at: u32, waiting: Waiting) {
        match self.waiting.get_mut(at as usize) {
            Some(place) => *place = waiting,
            None => self.waiting.push(waiting),
        }
    }

    /// Stops watching the stop at a place.
    pub fn remove(&mut self, at: u32) {
        self.take_out(at);
        self.len -= 1;
    }

    fn take_out(&mut self, at: u32) {
        let Waiting { lane, ticket, state, .. } = self.waiting[at as usize];
        let removed = match state {
            State::Fixed { trigger } => self.fixed.remove(&(lane, trigger, ticket)),
            State::Trailing { group, offset } => self.trailing.remove(group, offset, ticket),
            State::Due { number, .. } => self.due.remove(&due_key(lane, number)),
        };
        assert_eq!(removed, Some(at), "invariant 4: a stop is where it says");
        self.look(lane);
    }

    /// Tells a reference price: what it crosses becomes due, in the order in which it is crossed.
    #[inline]
    pub fn update(&mut self, by: TriggerBy, price: Price) {
        self.references[by as usize] = Some(price);
        for side in Side::BOTH {
            let lane = lane(side, by);
            let reference = mirrored(lane, price);
            let Self { trailing, waiting, .. } = self;
            if trailing.lower(lane, reference, |at, group| {
                waiting[at as usize].state = moved(waiting[at as usize].state, group)
            }) {
                self.look(lane);
            }
            self.cross(lane, reference);
        }
    }

    /// Makes due what a reference price crosses in a lane.
    #[inline]
    fn cross(&mut self, lane: u8, reference: i64) {
        while self.next[lane as usize].is_some_and(|next| next <= i128::from(reference)) {
            self.cross_first(lane);
        }
    }

    #[cold]
    fn cross_first(&mut self, lane: u8) {
        let first = self.first_fixed(lane).into_iter().chain(self.trailing.first(lane)).min();
        let (trigger, _, at) = first.expect("a lane with a next trigger has a stop");
        self.take_out(at);
        self.due.insert(due_key(lane, self.numbers), at).expect("a stop has room");
        self.waiting[at as usize].state = State::Due { number: self.numbers, trigger };
        self.numbers += 1;
    }

    /// The first fixed trigger of a lane: trigger, ticket and place.
    fn first_fixed(&self, lane: u8) -> Option<(i128, u64, u32)> {
        let ((found, trigger, ticket), at) = self.fixed.range_from(&(lane, i64::MIN, 0)).next()?;
        (found == lane).then_some((i128::from(trigger), ticket, at))
    }

    fn look(&mut self, lane: u8) {
        let firsts = [self.first_fixed(lane), self.trailing.first(lane)];
        self.next[lane as usize] = firsts.into_iter().flatten().map(|(trigger, ..)| trigger).min();
    }

    /// Takes the stop that has been due for longest.
    pub fn take_due(&mut self) -> Option<u32> {
        let at = self.due_in_order(None).next()?;
        self.remove(at);
        Some(at)
    }

    pub fn is_due(&self, at: u32) -> bool {
        matches!(self.waiting[at as usize].state, State::Due { .. })
    }

    pub fn trigger(&self, at: u32) -> (TriggerBy, Trigger) {
        let Waiting { lane, trigger, .. } = self.waiting[at as usize];
        (by_of(lane), trigger)
    }

    /// The present trigger, at the ends of the range of prices where it is beyond them.
    pub fn trigger_price(&self, at: u32) -> Price {
        let Waiting { lane, state, .. } = self.waiting[at as usize];
        let trigger = match state {
            State::Fixed { trigger } => i128::from(trigger),
            State::Trailing { group, offset } => i128::from(self.trailing.anchor(group)) + i128::from(offset),
            State::Due { trigger, .. } => trigger,
        };
        let trigger = trigger.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        Price(mirrored(lane, Price(trigger)))
    }

    /// Places of the stops of a side, or of both: the due ones in their order, then by side, reference price and
    /// fixed before trailing: fixed ones in the order in which they would be crossed, trailing ones those of the
    /// nearest anchor first.
    pub fn iter(&self, side: Option<Side>) -> impl Iterator<Item = u32> {
        let wanted = move |lane: u8| side.is_none_or(|side| side == side_of(lane));
        let lanes = (0..LANES as u8).filter(move |lane| wanted(*lane));
        self.due_in_order(side).chain(lanes.flat_map(|lane| {
            let fixed = self.fixed.range_from(&(lane, i64::MIN, 0)).take_while(move |((found, ..), _)| *found == lane);
            fixed.map(|(_, at)| at).chain(self.trailing.iter(lane))
        }))
    }

    /// Due stops that iterators have looked at.
    #[cfg(test)]
    pub fn looked_at(&self) -> u64 {
        self.looked_at.get()
    }

    /// Places of the due stops of a side, or of both, in their order.
    fn due_in_order(&self, side: Option<Side>) -> impl Iterator<Item = u32> {
        let wanted = |of: Side| side.is_none_or(|side| side == of);
        let [mut buys, mut sells] =
            Side::BOTH.map(|of| wanted(of).then(|| self.due_of(of)).into_iter().flatten().peekable());
        core::iter::from_fn(move || {
            let first = match (buys.peek(), sells.peek()) {
                (Some((buy, _)), Some((sell, _))) if sell < buy => sells.next(),
                (None, _) => sells.next(),
                _ => buys.next(),
            };
            first.map(|(_, at)| at)
        })
    }

    /// Numbers and places of a side's due stops.
    fn due_of(&self, side: Side) -> impl Iterator<Item = (u64, u32)> {
        let due = self.due.range_from(&(side as u8, 0));
        #[cfg(test)]
        let due = due.inspect(|_| self.looked_at.set(self.looked_at.get() + 1));
        due.take_while(move |((of, _), _)| *of == side as u8).map(|((_, number), at)| (number, at))
    }

    /// What has to be kept of a stop so that it can be restored: its ticket and what it is doing.
    pub fn record(&self, at: u32) -> (u64, Was) {
        let Waiting { lane, ticket, state, .. } = self.waiting[at as usize];
        let was = match state {
            State::Fixed { .. } => Was::Pending { anchor: None },
            State::Trailing { group, .. } => {
                Was::Pending { anchor: Some(Price(mirrored(lane, Price(self.trailing.anchor(group))))) }
            }
            State::Due { number, trigger } => Was::Due { number, trigger },
        };
        (ticket, was)
    }

    /// Sets what [`Triggers::counts`] and [`Triggers::reference`] say.
    pub fn restore(&mut self, (tickets, numbers): (u64, u64), references: [Option<Price>; 2]) {
        (self.tickets, self.numbers, self.references) = (tickets, numbers, references);
    }

    /// Puts back a stop as [`Triggers::record`] found it; `false` where that cannot be.
    pub fn restore_stop(
        &mut self,
        at: u32,
        side: Side,
        (by, trigger): (TriggerBy, Trigger),
        (ticket, was): (u64, Was),
    ) -> bool {
        let lane = lane(side, by);
        let trails = matches!(trigger, Trigger::Trailing { .. });
        match was {
            _ if self.is_full() || ticket >= self.tickets => return false,
            Was::Pending { anchor } if anchor.is_some() != trails => return false,
            Was::Pending { anchor } => {
                let anchor_fits =
                    |reference: Price| anchor.is_none_or(|anchor| mirrored(lane, anchor) <= mirrored(lane, reference));
                if !self.reference(by).map_or(!trails, anchor_fits) {
                    return false;
                }
                self.put(at, lane, ticket, trigger, anchor);
            }
            Was::Due { number, .. } if number >= self.numbers || self.is_number_due(number) => return false,
            Was::Due { number, trigger: crossed } => {
                self.due.insert(due_key(lane, number), at).expect("a stop has room");
                self.set(at, Waiting { lane, ticket, trigger, state: State::Due { number, trigger: crossed } });
                self.len += 1;
            }
        }
        // What a reference price has crossed would be due.
        let crossed =
            |reference| self.next[lane as usize].is_some_and(|next| next <= i128::from(mirrored(lane, reference)));
        !self.reference(by).is_some_and(crossed)
    }

    fn is_number_due(&self, number: u64) -> bool {
        Side::BOTH.iter().any(|side| self.due.get(&(*side as u8, number)).is_some())
    }

    /// Proves that every stop is where it says, and that nothing crossed is pending.
    pub fn check(&self) {
        assert_eq!(self.iter(None).count(), self.len as usize, "invariant 4: every stop is in one place");
        for at in self.iter(None) {
            let Waiting { lane, ticket, state, .. } = self.waiting[at as usize];
            let found = match state {
                State::Fixed { trigger } => self.fixed.get(&(lane, trigger, ticket)),
                State::Trailing { group, offset } => self.trailing.get(group, offset, ticket),
                State::Due { number, .. } => self.due.get(&due_key(lane, number)),
            };
            assert_eq!(found, Some(at), "invariant 4: a stop is where it says");
        }
        for lane in 0..LANES as u8 {
            let firsts = self.first_fixed(lane).into_iter().chain(self.trailing.first(lane));
            let next = self.next[lane as usize];
            assert_eq!(next, firsts.map(|(trigger, ..)| trigger).min(), "invariant 4: the next trigger is known");
            if let Some(reference) = self.reference(by_of(lane)) {
                let reference = i128::from(mirrored(lane, reference));
                assert!(next.is_none_or(|next| next > reference), "invariant 4: what is crossed is due");
            }
        }
        self.trailing.check();
    }
}

/// A trailing stop's state in another group.
fn moved(state: State, group: u32) -> State {
    match state {
        State::Trailing { offset, .. } => State::Trailing { group, offset },
        other => other,
    }
}
