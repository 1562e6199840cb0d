//! What an underlying is valued by beside marks: its index, its volatility and the time. And who is looked at when one
//! of them leaves a range.
//!
//! ```text
//!   index, volatility, time ──► outlook ──► ladders of edges ──► the pools whose box was left
//! ```
//!
//! A short option's margin is a part of the index, and portfolio margin revalues options at other indices and
//! volatilities, with the time that is left. A mark's ladder cannot know of these, so an underlying has three more.

use crate::engine::Margin;
use crate::ladder::Ladder;
use crate::pool::{MarginMode, Pool};
use crate::position::Position;
use alloc::boxed::Box;
use downdraft_types::{AccountId, InstrumentId, MarkPrice, Ppm, Side, Time};

/// What is known of an underlying.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Outlook {
    /// The index, in mark increments; `None` before one was reported.
    pub index: Option<MarkPrice>,
    /// Parts per million per square root of a year; `None` before one was reported.
    pub volatility: Option<Ppm>,
    /// The moment of valuation. It does not run back.
    pub at: Time,
}

/// An underlying's outlook, and who is looked at when it leaves a range.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) outlook: Outlook,
    index: Ladder,
    volatility: Ladder,
    time: Ladder,
    /// Something was reported for the first time, or a smile changed: nobody's edges tell of that.
    fresh: bool,
}

/// Where a pool's box ends, in the outlook of an underlying; kept by one of its positions. By [`Side`] as in a ladder:
/// values that are reached by falling, and by rising. `None` where nothing depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Edges {
    /// Of the index, in mark increments.
    pub index: [Option<i64>; 2],
    /// Of volatility, in parts per million.
    pub volatility: [Option<i64>; 2],
    /// The first moment, in nanoseconds, at which the pool is looked at again.
    pub until: Option<i64>,
}

impl Watch {
    fn with_capacity(positions: usize) -> Self {
        let ladder = || Ladder::with_capacity(positions);
        Self { outlook: Outlook::default(), index: ladder(), volatility: ladder(), time: ladder(), fresh: false }
    }

    /// The slot that keeps an edge which the outlook has reached.
    fn reached(&self) -> Option<u32> {
        let Outlook { index, volatility, at } = self.outlook;
        let by_index = index.and_then(|index| self.index.reached(index));
        let by_volatility = || volatility.and_then(|vol| self.volatility.reached(MarkPrice(vol.0)));
        by_index.or_else(by_volatility).or_else(|| self.time.reached(instant(at)))
    }

    fn len(&self) -> usize {
        self.index.len() + self.volatility.len() + self.time.len()
    }
}

/// A moment as a ladder's level.
pub(crate) fn instant(at: Time) -> MarkPrice {
    MarkPrice(i64::try_from(at.0).unwrap_or(i64::MAX))
}

impl Edges {
    fn each(&self) -> impl Iterator<Item = i64> {
        self.index.into_iter().chain(self.volatility).chain([self.until]).flatten()
    }
}

/// Moves a slot's triggers in a ladder.
pub(crate) fn retrigger(
    ladder: &mut Ladder,
    (account, slot): (AccountId, u32),
    old: [Option<i64>; 2],
    new: [Option<i64>; 2],
) {
    for side in Side::BOTH {
        let (old, new) = (old[side as usize], new[side as usize]);
        if old == new {
            continue;
        }
        if let Some(level) = old {
            ladder.remove(side, level, account, slot);
        }
        if let Some(level) = new {
            ladder.insert(side, level, account, slot);
        }
    }
}

impl Margin {
    /// Makes room for watching an underlying.
    pub(crate) fn open_watch(&mut self, underlying: InstrumentId) {
        let positions = self.capacity.positions as usize;
        if let Some(watch @ None) = self.watches.get_mut(underlying.index()) {
            *watch = Some(Box::new(Watch::with_capacity(positions)));
            self.edges.resize(positions, Edges::default());
        }
    }

    /// What is known of an underlying: nothing, where it has neither options nor a portfolio margin.
    #[must_use]
    pub fn outlook(&self, underlying: InstrumentId) -> Outlook {
        let watch = self.watches.get(underlying.index()).and_then(Option::as_deref);
        watch.map(|watch| watch.outlook).unwrap_or_default()
    }

    /// Where the box of an account's pool ends in an underlying's outlook.
    #[must_use]
    pub fn edges(&self, account: AccountId, underlying: InstrumentId) -> Edges {
        let slots = self
            .slots_of(account)
            .iter()
            .filter(|slot| self.underlying_of(self.positions[**slot as usize].instrument) == Some(underlying));
        let kept = slots.filter_map(|slot| self.edges.get(*slot as usize)).find(|edges| **edges != Edges::default());
        kept.copied().unwrap_or_default()
    }

    /// Takes note of an underlying's index, volatility and time, and moves nothing: [`Margin::place_option`] for each of
    /// its options and then [`Margin::look_at_options`] must follow before the next command.
    pub fn set_outlook(&mut self, underlying: InstrumentId, outlook: Outlook) {
        let Some(watch) = self.watches.get_mut(underlying.index()).and_then(Option::as_deref_mut) else { return };
        let before = core::mem::replace(&mut watch.outlook, outlook);
        let first = |before: bool, after: bool| !before && after;
        watch.fresh |= first(before.index.is_some(), outlook.index.is_some())
            || first(before.volatility.is_some(), outlook.volatility.is_some());
    }

    /// Looks at the pools whose box an underlying's outlook, or the mark of one of its options, has left; they may have
    /// fallen. O(options + pools looked at).
    pub fn look_at_options(&mut self, underlying: InstrumentId) {
        self.for_instruments_on(underlying, Self::look_at_reached);
        self.look_at_outlook(underlying);
    }

    /// Looks at the pools whose box an underlying's outlook has left.
    pub fn look_at_outlook(&mut self, underlying: InstrumentId) {
        let reached = |engine: &Self| engine.watches.get(underlying.index())?.as_deref()?.reached();
        let watch = self.watches.get_mut(underlying.index()).and_then(Option::as_deref_mut);
        if watch.is_some_and(|watch| core::mem::take(&mut watch.fresh)) {
            self.for_instruments_on(underlying, Self::reindex_instrument);
        }
        while let Some(slot) = reached(self) {
            self.look_at(slot);
        }
    }

    /// Visits the instruments whose margin can depend on an underlying's outlook.
    fn for_instruments_on(&mut self, underlying: InstrumentId, visit: impl Fn(&mut Self, InstrumentId)) {
        for id in (0..self.capacity.instruments).map(InstrumentId) {
            if self.underlying_of(id) == Some(underlying) {
                visit(self, id);
            }
        }
    }

    /// Has everyone looked at who holds what depends on an underlying's outlook, when that is looked at next.
    pub(crate) fn refresh_watch(&mut self, underlying: InstrumentId) {
        if let Some(watch) = self.watches.get_mut(underlying.index()).and_then(Option::as_deref_mut) {
            watch.fresh = true;
        }
    }

    /// The underlying whose outlook an instrument's margin can depend on: an option's, or that of a contract in a
    /// portfolio.
    pub(crate) fn underlying_of(&self, id: InstrumentId) -> Option<InstrumentId> {
        let terms = self.get_instrument(id)?;
        terms.option().map(|option| option.underlying).or(terms.portfolio)
    }

    /// Whether a position is netted with others in a portfolio: the underlying of which.
    pub(crate) fn netted(&self, position: &Position) -> Option<InstrumentId> {
        let terms = self.instrument(position.instrument);
        let counts = position.mode == MarginMode::Cross && self.is_portfolio(position.account);
        terms.portfolio.filter(|_| counts && terms.is_priced())
    }

    /// The underlying on whose outlook the margin of an open position depends now.
    pub(crate) fn depends_on(&self, position: &Position) -> Option<InstrumentId> {
        if position.size.is_zero() {
            return None;
        }
        let short = || self.instrument(position.instrument).option().filter(|_| position.size.is_negative());
        self.netted(position).or_else(|| short().map(|option| option.underlying))
    }

    /// Whether a pool has a box: its health is no sum of functions of one mark each. Its triggers are where the box ends; those
    /// of other pools of one position are exact.
    #[must_use]
    pub fn has_box(&self, pool: Pool) -> bool {
        match pool {
            Pool::Unified { .. } => true,
            Pool::Cross { .. } if self.edges.is_empty() => false,
            Pool::Cross { .. } => self.pool_positions(pool).any(|position| self.depends_on(position).is_some()),
            Pool::Isolated { .. } => false,
        }
    }

    /// Puts the edges of a pool's box in the outlook of each underlying in place, and takes all others away.
    pub(crate) fn watch_outlooks(&mut self, pool: Pool, shift: Option<u32>) {
        if self.edges.is_empty() {
            return;
        }
        self.for_members(pool, |engine, slot| {
            let depends = |slot: u32| engine.depends_on(&engine.positions[slot as usize]);
            let is_first =
                |on: &InstrumentId| engine.members(pool).find(|other| depends(*other) == Some(*on)) == Some(slot);
            let edges = match (depends(slot).filter(is_first), shift) {
                (Some(underlying), Some(shift)) => engine.edges_of(pool, underlying, shift),
                _ => Edges::default(),
            };
            engine.set_edges(slot, edges);
        });
    }

    pub(crate) fn set_edges(&mut self, slot: u32, edges: Edges) {
        let old = core::mem::replace(&mut self.edges[slot as usize], edges);
        if old == edges {
            return;
        }
        let position = &self.positions[slot as usize];
        let keeper = (position.account, slot);
        let underlying = self.underlying_of(position.instrument).expect("only what depends on an outlook has edges");
        let watch = self.watches[underlying.index()].as_deref_mut().expect("an underlying that is watched");
        retrigger(&mut watch.index, keeper, old.index, edges.index);
        retrigger(&mut watch.volatility, keeper, old.volatility, edges.volatility);
        retrigger(&mut watch.time, keeper, [None, old.until], [None, edges.until]);
    }

    /// Checks that exactly the edges kept by positions are in the ladders, and that none was passed.
    ///
    /// # Panics
    /// Where that does not hold.
    pub(crate) fn check_watches(&self) {
        let kept: usize = self.edges.iter().map(|edges| edges.each().count()).sum();
        let watches = || self.watches.iter().flatten();
        assert_eq!(watches().map(|watch| watch.len()).sum::<usize>(), kept, "edges in ladders and at positions");
        assert!(watches().all(|watch| watch.reached().is_none()), "an edge was passed");
        self.check_cells();
    }
}
