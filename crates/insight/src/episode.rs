//! Liquidations as episodes, and whose order set off whose: the genealogy of a cascade.
//!
//! An episode is a pool's liquidation from `LiquidationTriggered` to `LiquidationEnded`; the steps of a partial
//! liquidation are one. Its parent is found by walking causes up to the command in which it was triggered: where
//! that is a liquidation step of another episode, that episode is the parent; else it is a root. What comes about
//! through someone else, an actor that reacts, the venue's clock, the fund selling what it took over, is
//! mediated, and makes a root. A root is kept only while an episode of its cascade is under way, since only such
//! a one can set off another.

use crate::genealogy::Node;
use crate::rows::LiquidationRow;
use downdraft_margin::{Payoff, Pool};
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Qty, Side, Time};
use downdraft_venue::{CauseKind, LiquidationEnd};
use std::collections::BTreeMap;

/// A liquidation under way.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    pub id: u64,
    pub pool: Pool,
    pub currency: CurrencyId,
    parent: Option<u64>,
    root: u64,
    depth: u32,
    trigger: Trigger,
    /// Of all instruments, when it was triggered.
    marks: Vec<Option<MarkPrice>>,
    first_fill: Option<Time>,
    end: Option<LiquidationEnd>,
    legs: Vec<Leg>,
    /// The leg that is being closed.
    at: usize,
}

/// What a trigger says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    pub time: Time,
    pub kind: CauseKind,
    pub equity: Money,
    pub maintenance: Money,
}

/// An instrument closed in a liquidation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leg {
    instrument: Option<InstrumentId>,
    pub quantity: Qty,
    pub notional: Money,
    pub proceeds: Money,
    pub slippage: Money,
    pub fund: Money,
    pub deleveraged: Qty,
    pub taken_over: Qty,
}

impl Leg {
    /// Takes what an order came to.
    pub(crate) fn sold(&mut self, sale: &Sale) {
        self.quantity = Qty(self.quantity.0.saturating_add(sale.quantity.0));
        add(&mut self.notional, sale.payoff.of_notional(sale.at_mark));
        add(&mut self.proceeds, sale.payoff.of_notional(sale.value));
        add(&mut self.slippage, sale.slippage());
    }
}

/// What of a liquidation order was filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sale {
    pub side: Side,
    pub quantity: Qty,
    pub payoff: Payoff,
    /// Its value at the mark at which the order was sent.
    pub at_mark: Money,
    /// Its value as filled.
    pub value: Money,
}

impl Sale {
    /// How much worse than at the mark: less for what was sold, more for what was bought back.
    pub(crate) fn slippage(&self) -> Money {
        let less = self.at_mark.0.saturating_sub(self.value.0);
        Money(if self.side == Side::Sell { less } else { less.saturating_neg() })
    }
}

/// Adds without a panic: a journal may claim any amount.
pub(crate) const fn add(total: &mut Money, amount: Money) {
    total.0 = total.0.saturating_add(amount.0);
}

/// Adds lots without a panic.
pub(crate) const fn add_lots(total: &mut Qty, lots: Qty) {
    total.0 = total.0.saturating_add(lots.0);
}

impl Episode {
    /// Goes to the leg of an instrument.
    pub(crate) fn leg(&mut self, instrument: InstrumentId) -> &mut Leg {
        let place = self.legs.iter().position(|leg| leg.instrument == Some(instrument));
        self.at = place.unwrap_or_else(|| {
            self.legs.push(Leg { instrument: Some(instrument), ..Leg::default() });
            self.legs.len() - 1
        });
        &mut self.legs[self.at]
    }

    /// The leg that is being closed, or was last; one without an instrument where none was.
    pub(crate) fn last_leg(&mut self) -> &mut Leg {
        if self.legs.is_empty() {
            self.legs.push(Leg::default());
        }
        &mut self.legs[self.at]
    }

    /// A fill. Returns the trigger's time at the first.
    pub(crate) fn filled(&mut self, now: Time) -> Option<Time> {
        let first = self.first_fill.is_none();
        self.first_fill.get_or_insert(now);
        first.then_some(self.trigger.time)
    }

    /// Completes its node.
    pub(crate) fn complete(&self, node: &mut Node, ended: Option<Time>) {
        (node.first_fill, node.ended, node.end) = (self.first_fill, ended, self.end);
        let legs = || self.legs.iter().filter(|leg| leg.instrument.is_some());
        node.legs = u32::try_from(legs().count()).unwrap_or(u32::MAX);
        for leg in &self.legs {
            add(&mut node.notional, leg.notional);
            add(&mut node.slippage, leg.slippage);
            add(&mut node.fund, leg.fund);
        }
        if let Some(leg) = legs().next() {
            node.instrument = leg.instrument;
            (node.quantity, node.deleveraged, node.taken_over) = (leg.quantity, leg.deleveraged, leg.taken_over);
        }
    }

    /// Its rows: one per leg, at least one.
    pub(crate) fn rows(&self, ended: Option<Time>) -> impl Iterator<Item = LiquidationRow> + '_ {
        let idle = self.legs.is_empty().then(Leg::default);
        let count = self.legs.len().max(1);
        (0..count).map(move |place| self.row(self.legs.get(place).or(idle.as_ref()), ended))
    }

    fn row(&self, leg: Option<&Leg>, ended: Option<Time>) -> LiquidationRow {
        let leg = leg.cloned().unwrap_or_default();
        LiquidationRow {
            episode: self.id,
            pool: self.pool,
            parent: self.parent,
            root: self.root,
            depth: self.depth,
            kind: self.trigger.kind,
            triggered: self.trigger.time,
            equity: self.trigger.equity,
            maintenance: self.trigger.maintenance,
            currency: self.currency,
            instrument: leg.instrument,
            mark: leg.instrument.and_then(|i| self.marks.get(i.index()).copied().flatten()),
            first_fill: self.first_fill,
            ended,
            end: self.end,
            quantity: leg.quantity,
            notional: leg.notional,
            proceeds: leg.proceeds,
            slippage: leg.slippage,
            fund: leg.fund,
            deleveraged: leg.deleveraged,
            taken_over: leg.taken_over,
        }
    }
}

/// A cascade: all episodes of one root.
#[derive(Clone, Copy, Debug, Default)]
struct Cascade {
    active: u64,
    size: u64,
}

/// What is counted of all episodes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Genealogy {
    pub episodes: u64,
    pub roots: u64,
    pub max_depth: u32,
    pub largest: u64,
    /// By [`CauseKind`], in its order.
    pub by_cause: [u64; crate::names::CAUSES.len()],
    pub recovered: u64,
    pub closed: u64,
    pub bankrupt: u64,
}

/// Episodes under way, and what is counted of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Episodes {
    active: BTreeMap<Pool, Episode>,
    cascades: BTreeMap<u64, Cascade>,
    /// The one whose step is being taken.
    current: Option<Episode>,
    counted: Genealogy,
}

impl Episodes {
    /// A liquidation step begins.
    pub(crate) fn step(&mut self, pool: Pool) {
        self.current = self.active.remove(&pool);
    }

    /// The episode whose step is being taken.
    pub(crate) const fn current(&mut self) -> Option<&mut Episode> {
        self.current.as_mut()
    }

    /// A pool fell: an episode begins, the child of the one whose step is being taken. Returns its number and its
    /// parent's.
    pub(crate) fn begin(
        &mut self,
        pool: Pool,
        currency: CurrencyId,
        trigger: Trigger,
        marks: impl Iterator<Item = Option<MarkPrice>>,
    ) -> (u64, Option<u64>) {
        let counted = &mut self.counted;
        counted.episodes += 1;
        counted.by_cause[trigger.kind as usize] += 1;
        let id = counted.episodes;
        let (parent, root, depth) = match &self.current {
            Some(current) => (Some(current.id), current.root, current.depth.saturating_add(1)),
            None => (None, id, 1),
        };
        counted.roots += u64::from(parent.is_none());
        counted.max_depth = counted.max_depth.max(depth);
        let cascade = self.cascades.entry(root).or_default();
        cascade.active += 1;
        cascade.size += 1;
        counted.largest = counted.largest.max(cascade.size);
        let marks = marks.collect();
        let (first_fill, end, legs, at) = (None, None, Vec::new(), 0);
        let episode = Episode { id, pool, currency, parent, root, depth, trigger, marks, first_fill, end, legs, at };
        if let Some(lost) = self.active.insert(pool, episode) {
            self.retire(&lost);
        }
        (id, parent)
    }

    /// The liquidation of a pool ended; it stays the current episode until its command is done.
    pub(crate) fn end(&mut self, pool: Pool, end: LiquidationEnd) {
        match end {
            LiquidationEnd::Recovered => self.counted.recovered += 1,
            LiquidationEnd::Closed => self.counted.closed += 1,
            LiquidationEnd::Bankrupt => self.counted.bankrupt += 1,
        }
        if let Some(current) = self.current.as_mut().filter(|current| current.pool == pool) {
            current.end = Some(end);
        }
    }

    /// The command is done. Returns the episode that ended in it.
    pub(crate) fn done(&mut self) -> Option<Episode> {
        let current = self.current.take()?;
        if current.end.is_none() {
            self.active.insert(current.pool, current);
            return None;
        }
        self.retire(&current);
        Some(current)
    }

    fn retire(&mut self, episode: &Episode) {
        if let Some(cascade) = self.cascades.get_mut(&episode.root) {
            cascade.active -= 1;
            if cascade.active == 0 {
                self.cascades.remove(&episode.root);
            }
        }
    }

    /// Those not ended, in order of trigger.
    pub(crate) fn pending(&self) -> Vec<&Episode> {
        let mut pending: Vec<&Episode> = self.active.values().collect();
        pending.sort_unstable_by_key(|episode| episode.id);
        pending
    }

    pub(crate) const fn genealogy(&self) -> &Genealogy {
        &self.counted
    }

    /// Episodes and cascades held: what bounds the memory.
    #[cfg(test)]
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.active.len(), self.cascades.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_types::AccountId;

    fn pool(account: u32) -> Pool {
        Pool::Cross { account: AccountId(account), currency: CurrencyId(0) }
    }

    fn trigger(kind: CauseKind) -> Trigger {
        Trigger { time: Time(5), kind, equity: Money(1), maintenance: Money(2) }
    }

    fn begin(episodes: &mut Episodes, account: u32) {
        let _ = episodes.begin(pool(account), CurrencyId(0), trigger(CauseKind::Trade), std::iter::empty());
    }

    /// One whole liquidation that sets off others.
    fn liquidate(episodes: &mut Episodes, account: u32, sets_off: &[u32]) -> Vec<LiquidationRow> {
        episodes.step(pool(account));
        sets_off.iter().for_each(|child| begin(episodes, *child));
        episodes.end(pool(account), LiquidationEnd::Closed);
        let ended = episodes.done().expect("it ended");
        ended.rows(Some(Time(9))).collect()
    }

    #[test]
    fn a_chain_is_one_cascade() {
        let mut episodes = Episodes::default();
        begin(&mut episodes, 1);
        assert_eq!(episodes.done().map(|e| e.id), None);
        liquidate(&mut episodes, 1, &[2]);
        liquidate(&mut episodes, 2, &[3, 4]);
        let rows = liquidate(&mut episodes, 4, &[]);
        assert_eq!((rows[0].parent, rows[0].root, rows[0].depth), (Some(2), 1, 3));
        begin(&mut episodes, 5);
        let genealogy = *episodes.genealogy();
        assert_eq!((genealogy.episodes, genealogy.roots, genealogy.max_depth, genealogy.largest), (5, 2, 3, 4));
        assert_eq!(episodes.held(), (2, 2));
        liquidate(&mut episodes, 3, &[]);
        liquidate(&mut episodes, 5, &[]);
        assert_eq!(episodes.held(), (0, 0));
    }

    #[test]
    fn steps_of_one_liquidation_are_one_episode() {
        let mut episodes = Episodes::default();
        begin(&mut episodes, 1);
        for _ in 0..3 {
            episodes.step(pool(1));
            episodes.current().unwrap().leg(InstrumentId(0)).quantity += Qty(2);
            assert!(episodes.done().is_none());
        }
        let rows = liquidate(&mut episodes, 1, &[]);
        assert_eq!((rows.len(), rows[0].quantity), (1, Qty(6)));
        assert_eq!(episodes.genealogy().episodes, 1);
    }

    #[test]
    fn a_pool_that_falls_again_is_its_own_child() {
        let mut episodes = Episodes::default();
        begin(&mut episodes, 1);
        liquidate(&mut episodes, 1, &[1]);
        assert_eq!(episodes.held(), (1, 1));
        let rows = liquidate(&mut episodes, 1, &[]);
        assert_eq!((rows[0].episode, rows[0].parent, rows[0].depth), (2, Some(1), 2));
        assert_eq!(episodes.held(), (0, 0));
    }

    #[test]
    fn slippage_is_against_the_trader() {
        let sale = |side, at_mark, value| {
            let (at_mark, value) = (Money(at_mark), Money(value));
            Sale { side, quantity: Qty(1), payoff: Payoff::Linear, at_mark, value }.slippage()
        };
        assert_eq!(sale(Side::Sell, 100, 97), Money(3));
        assert_eq!(sale(Side::Buy, 100, 104), Money(4));
        assert_eq!(sale(Side::Buy, 100, 99), Money(-1));
        assert_eq!(sale(Side::Sell, -100, -103), Money(3));
    }

    #[test]
    fn without_a_leg_there_is_still_a_row() {
        let mut episodes = Episodes::default();
        begin(&mut episodes, 1);
        let rows = liquidate(&mut episodes, 1, &[]);
        assert_eq!((rows.len(), rows[0].instrument, rows[0].end), (1, None, Some(LiquidationEnd::Closed)));
    }
}
