//! Trailing stops, mirrored so that all are buys: the anchor is the lowest reference price since the stop was
//! placed, the trigger lies `offset` above.
//!
//! Stops of one lane and anchor are a group, ordered by offset; when the reference price falls below a group's
//! anchor only the anchor changes, and the groups passed become one. The smaller is entered into the larger, so a
//! stop is moved at most log2 n times, however often the price makes a new low.

use alloc::vec::Vec;

use downdraft_index::OrderedMap;

#[derive(Clone, Copy, Debug)]
struct Group {
    lane: u8,
    anchor: i64,
    /// How many stops it has; none if it is free.
    count: u32,
}

pub(super) struct Trailing {
    groups: Vec<Group>,
    free: Vec<u32>,
    limit: usize,
    /// By group, offset and ticket: the stop's place.
    stops: OrderedMap<(u32, u64, u64), u32>,
    anchors: OrderedMap<(u8, i64), u32>,
    /// The lowest trigger of each group, with its ticket.
    fronts: OrderedMap<(u8, i128, u64), u32>,
    /// Stops that were moved from one group to another.
    #[cfg(test)]
    pub moves: u64,
}

impl Clone for Trailing {
    fn clone(&self) -> Self {
        // Derived clones would keep only the lengths of the reservations.
        let mut copy = Self::with_capacity(self.limit as u32);
        copy.groups.extend_from_slice(&self.groups);
        copy.free.extend_from_slice(&self.free);
        Self { stops: self.stops.clone(), anchors: self.anchors.clone(), fronts: self.fronts.clone(), ..copy }
    }
}

impl Trailing {
    pub fn with_capacity(limit: u32) -> Self {
        let limit = limit as usize;
        Self {
            groups: Vec::with_capacity(limit),
            free: Vec::with_capacity(limit),
            limit,
            stops: OrderedMap::with_capacity(limit),
            anchors: OrderedMap::with_capacity(limit),
            fronts: OrderedMap::with_capacity(limit),
            #[cfg(test)]
            moves: 0,
        }
    }

    pub fn anchor(&self, group: u32) -> i64 {
        self.groups[group as usize].anchor
    }

    pub fn get(&self, group: u32, offset: u64, ticket: u64) -> Option<u32> {
        self.stops.get(&(group, offset, ticket))
    }

    /// The first trigger of a lane: trigger, ticket and place.
    pub fn first(&self, lane: u8) -> Option<(i128, u64, u32)> {
        let ((found, trigger, ticket), group) = self.fronts.range_from(&(lane, i128::MIN, 0)).next()?;
        let at = |(_, at)| (trigger, ticket, at);
        if found == lane { self.first_of(group).map(at) } else { None }
    }

    /// Places of a lane's stops, those of the nearest anchor first.
    pub fn iter(&self, lane: u8) -> impl Iterator<Item = u32> {
        let groups = self.anchors.range_from(&(lane, i64::MIN)).take_while(move |((found, _), _)| *found == lane);
        groups.flat_map(|(_, group)| self.of(group).map(|(_, at)| at))
    }

    /// Adds a stop; returns its group.
    pub fn insert(&mut self, at: u32, lane: u8, anchor: i64, offset: u64, ticket: u64) -> u32 {
        let group = match self.anchors.get(&(lane, anchor)) {
            Some(group) => {
                self.leave_fronts(group);
                group
            }
            None => self.new_group(lane, anchor),
        };
        self.groups[group as usize].count += 1;
        self.stops.insert((group, offset, ticket), at).expect("a stop has room");
        self.enter_fronts(group);
        group
    }

    /// Removes a stop; returns its place.
    pub fn remove(&mut self, group: u32, offset: u64, ticket: u64) -> Option<u32> {
        self.leave_fronts(group);
        let removed = self.stops.remove(&(group, offset, ticket));
        let Group { lane, anchor, count } = &mut self.groups[group as usize];
        *count -= 1;
        if *count == 0 {
            self.anchors.remove(&(*lane, *anchor));
            self.free.push(group);
        } else {
            self.enter_fronts(group);
        }
        removed
    }

    /// Lowers the anchors of a lane that are above the reference price to it. `moved` hears of each stop that goes
    /// to another group. Returns whether there were any.
    #[inline]
    pub fn lower(&mut self, lane: u8, reference: i64, moved: impl FnMut(u32, u32)) -> bool {
        let above = self.highest(lane).is_some_and(|(anchor, _)| anchor > reference);
        if above {
            self.lower_to(lane, reference, moved);
        }
        above
    }

    fn highest(&self, lane: u8) -> Option<(i64, u32)> {
        if self.anchors.is_empty() {
            return None;
        }
        let ((found, anchor), group) = self.anchors.next_before(&(lane + 1, i64::MIN))?;
        (found == lane).then_some((anchor, group))
    }

    #[cold]
    fn lower_to(&mut self, lane: u8, reference: i64, mut moved: impl FnMut(u32, u32)) {
        let mut merged = None;
        while let Some((anchor, group)) = self.highest(lane).filter(|(anchor, _)| *anchor >= reference) {
            self.anchors.remove(&(lane, anchor));
            self.leave_fronts(group);
            merged = Some(match merged {
                None => group,
                Some(other) => self.merge(other, group, &mut moved),
            });
        }
        let group = merged.expect("an anchor is above the reference price");
        self.groups[group as usize].anchor = reference;
        self.anchors.insert((lane, reference), group).expect("a group has room");
        self.enter_fronts(group);
    }

    /// Makes two groups one, which is returned.
    fn merge(&mut self, a: u32, b: u32, moved: &mut impl FnMut(u32, u32)) -> u32 {
        let count = |group: u32| self.groups[group as usize].count;
        let (small, large) = if count(a) < count(b) { (a, b) } else { (b, a) };
        while let Some(((_, offset, ticket), at)) = self.first_entry(small) {
            self.stops.remove(&(small, offset, ticket));
            self.stops.insert((large, offset, ticket), at).expect("a stop has room");
            moved(at, large);
            #[cfg(test)]
            {
                self.moves += 1;
            }
        }
        self.groups[large as usize].count += core::mem::take(&mut self.groups[small as usize].count);
        self.free.push(small);
        large
    }

    fn new_group(&mut self, lane: u8, anchor: i64) -> u32 {
        let group = Group { lane, anchor, count: 0 };
        let at = match self.free.pop() {
            Some(at) => {
                self.groups[at as usize] = group;
                at
            }
            None => {
                self.groups.push(group);
                self.groups.len() as u32 - 1
            }
        };
        self.anchors.insert((lane, anchor), at).expect("a group has room");
        at
    }

    fn of(&self, group: u32) -> impl Iterator<Item = ((u32, u64, u64), u32)> {
        self.stops.range_from(&(group, 0, 0)).take_while(move |((found, ..), _)| *found == group)
    }

    fn first_entry(&self, group: u32) -> Option<((u32, u64, u64), u32)> {
        self.of(group).next()
    }

    fn first_of(&self, group: u32) -> Option<((u8, i128, u64), u32)> {
        let Group { lane, anchor, .. } = self.groups[group as usize];
        let ((_, offset, ticket), at) = self.first_entry(group)?;
        Some(((lane, i128::from(anchor) + i128::from(offset), ticket), at))
    }

    fn enter_fronts(&mut self, group: u32) {
        let (front, _) = self.first_of(group).expect("a group has a stop");
        self.fronts.insert(front, group).expect("a group has room");
    }

    fn leave_fronts(&mut self, group: u32) {
        let (front, _) = self.first_of(group).expect("a group has a stop");
        assert_eq!(self.fronts.remove(&front), Some(group), "invariant 4: a group's front is known");
    }

    /// Proves that groups, their anchors and their fronts agree.
    pub fn check(&self) {
        let mut count = 0;
        for ((lane, anchor), group) in self.anchors.iter() {
            let Group { lane: own, anchor: at, count: stops } = self.groups[group as usize];
            assert_eq!((own, at), (lane, anchor), "invariant 4: a group is indexed by its anchor");
            assert_eq!(self.of(group).count(), stops as usize, "invariant 4: a group counts its stops");
            let front = self.first_of(group).map(|(front, _)| front).expect("a group has a stop");
            assert_eq!(self.fronts.get(&front), Some(group), "invariant 4: a group's front is known");
            count += stops as usize;
        }
        assert_eq!(self.anchors.len(), self.fronts.len(), "invariant 4: a group has one front");
        assert_eq!(self.anchors.len() + self.free.len(), self.groups.len(), "invariant 4: a group is used or free");
        assert_eq!(count, self.stops.len(), "invariant 4: a trailing stop has a group");
    }
}
