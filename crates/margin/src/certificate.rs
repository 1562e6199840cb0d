//! Certificates: a box of prices within which a pool is *proven* healthy, for pools whose health is no sum of functions
//! of one mark each.
//!
//! Such are unified accounts, pools with a short option, and those under portfolio margin. The box goes from each mark, and
//! each index and volatility that margin depends on, to the ends of its [cell](crate::cells), and so in time. Every term of health is taken at the end of its ranges that is worse for the account, one
//! by one, so the sum is no better than the worst inside the box, corner or not: an option's value is monotone in price,
//! volatility and time, all else in its mark. When something leaves the box, the pool is looked at again.

use crate::cells::{cell, moments};
use crate::engine::Margin;
use crate::instrument::{Instrument, InstrumentKind, MaintenanceBasis};
use crate::pool::{Health, Pool};
use crate::portfolio::distinct;
use crate::position::Position;
use crate::watch::{Edges, instant};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Side, Time};

/// How narrow a box may be: from this shift on it is a point.
const POINT: u32 = 63;

/// Where the market is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Region {
    /// Where it is now.
    Present,
    /// One mark elsewhere, all else as now.
    At(InstrumentId, MarkPrice),
    /// Anywhere in the box of this shift around the present.
    Box(u32),
}

impl Margin {
    /// The least equity and the most maintenance that a pool can have in a region: exact but for a box, there a bound.
    pub(crate) fn health_in(&self, pool: Pool, region: Region) -> Health {
        if let Pool::Unified { account } = pool {
            return self.unified_health_in(account, region);
        }
        let mut health = Health { equity: self.balance(pool), ..Health::default() };
        for position in self.pool_positions(pool) {
            health.equity += self.least_value(position, region) - position.cost;
            health.positions += 1;
        }
        health.maintenance_e6 = self.maintenance_in(pool, region, |_, amount_e6| amount_e6);
        health
    }

    /// The least value of a position in a region: a value is monotone in its mark.
    pub(crate) fn least_value(&self, position: &Position, region: Region) -> Money {
        let terms = self.instrument(position.instrument);
        let (low, high) = self.mark_ends(position.instrument, region);
        terms.value_at(position.size, low).min(terms.value_at(position.size, high))
    }

    /// The most maintenance margin × 10^6 of a pool in a region, where `worth` turns an amount of a currency into the
    /// pool's own.
    pub(crate) fn maintenance_in(&self, pool: Pool, region: Region, worth: impl Fn(CurrencyId, i128) -> i128) -> i128 {
        let mut sum = 0;
        for position in self.pool_positions(pool).filter(|position| self.netted(position).is_none()) {
            let terms = self.instrument(position.instrument);
            sum += worth(terms.spec.settlement, self.most_maintenance_e6(position, terms, region));
        }
        for (underlying, position) in distinct(self.pool_positions(pool), |position| self.netted(position)) {
            let settlement = self.instrument(position.instrument).spec.settlement;
            sum += worth(settlement, self.portfolio_maintenance_e6(pool, underlying, region));
        }
        sum
    }

    fn most_maintenance_e6(&self, position: &Position, terms: &Instrument, region: Region) -> i128 {
        let (low, high) = self.mark_ends(position.instrument, region);
        let notional = match terms.spec.maintenance_basis {
            MaintenanceBasis::Mark => {
                terms.value_at(position.size, low).abs().max(terms.value_at(position.size, high).abs())
            }
            MaintenanceBasis::Entry => position.cost.abs(),
        };
        let reference = match terms.option() {
            Some(option) => self.highest_index(option.underlying, terms, region),
            None => MarkPrice::ZERO,
        };
        terms.maintenance_at_e6(position.size, notional, reference)
    }

    /// The marks of an instrument in a region, lowest and highest, as far as they are legal.
    pub(crate) fn mark_ends(&self, id: InstrumentId, region: Region) -> (MarkPrice, MarkPrice) {
        let terms = self.instrument(id);
        let mark = terms.mark;
        match region {
            Region::At(of, mark) if of == id => (mark, mark),
            Region::Present | Region::At(..) => (mark, mark),
            Region::Box(shift) => {
                let (lowest, highest) = terms.legal_marks();
                let [low, high] = cell(mark.0, shift);
                (MarkPrice(low).max(lowest.min(mark)), MarkPrice(high).min(highest.max(mark)))
            }
        }
    }

    /// The highest index by which an option is margined in a region.
    pub(crate) fn highest_index(&self, underlying: InstrumentId, terms: &Instrument, region: Region) -> MarkPrice {
        match (region, self.outlook(underlying).index) {
            (Region::Box(shift), Some(index)) => MarkPrice(cell(index.0, shift)[1]).max(terms.reference),
            _ => terms.reference,
        }
    }

    /// Until when a box lasts, for the options that are netted in a portfolio; `None` where there are none.
    fn box_until(&self, pool: Pool, underlying: InstrumentId, shift: u32) -> Option<Time> {
        let at = self.outlook(underlying).at;
        let option =
            |p: &Position| self.instrument(p.instrument).option().filter(|_| self.netted(p) == Some(underlying));
        let options = self.pool_positions(pool).filter_map(option);
        options.map(|option| moments(at, option.expiry, shift)[1]).min()
    }

    /// Gives a healthy pool the widest box in which it is proven healthy.
    pub(crate) fn certify(&mut self, pool: Pool) {
        // Wide boxes first: their cells stay, so that what is in them is known.
        let (mut widest, mut proven) = (1, 4);
        while proven < POINT && !self.is_proven(pool, proven) {
            (widest, proven) = (proven + 1, (2 * proven).min(POINT));
        }
        while widest < proven {
            let middle = widest.midpoint(proven);
            match self.is_proven(pool, middle) {
                true => proven = middle,
                false => widest = middle + 1,
            }
        }
        self.set_box(pool, proven);
    }

    fn is_proven(&mut self, pool: Pool, shift: u32) -> bool {
        self.fill_cells(pool, shift);
        self.health_in(pool, Region::Box(shift)).is_healthy()
    }

    /// Puts what a pool's portfolios come to in the cells of a shift in place.
    fn fill_cells(&mut self, pool: Pool, shift: u32) {
        self.for_members(pool, |engine, slot| {
            let position = &engine.positions[slot as usize];
            if engine.netted(position).is_some() {
                engine.fill_cell(position.instrument, shift);
            }
        });
    }

    /// Has an insolvent unified account looked at whenever a mark that it depends on moves.
    pub(crate) fn watch(&mut self, pool: Pool) {
        if let Pool::Unified { .. } = pool {
            self.set_box(pool, POINT);
        }
    }

    fn set_box(&mut self, pool: Pool, shift: u32) {
        self.for_members(pool, |engine, slot| {
            let triggers = engine.leaving(pool, slot, shift);
            engine.set_triggers(slot, triggers);
        });
        self.watch_outlooks(pool, Some(shift));
    }

    /// The first marks outside the box, for a slot on which its pool's health depends.
    fn leaving(&self, pool: Pool, slot: u32, shift: u32) -> [Option<i64>; 2] {
        let position = &self.positions[slot as usize];
        let matters = match pool {
            Pool::Unified { .. } => self.matters(position),
            _ => !position.size.is_zero(),
        };
        if !matters {
            return [None; 2];
        }
        let (lowest, highest) = self.instrument(position.instrument).legal_marks();
        let (low, high) = self.mark_ends(position.instrument, Region::Box(shift));
        let falls = (low > lowest).then(|| low.0 - 1);
        [falls, (high < highest).then(|| high.0 + 1)]
    }

    /// Whether the health of a position's unified account depends on its instrument's mark.
    fn matters(&self, position: &Position) -> bool {
        let InstrumentKind::Spot { base, .. } = self.instrument(position.instrument).spec.kind else {
            return !position.size.is_zero();
        };
        let prices = self.asset(base).is_some_and(|asset| asset.market == Some(position.instrument));
        let settled = |p: &Position| self.instrument(p.instrument).spec.settlement == base;
        let pool = Pool::Unified { account: position.account };
        prices && (!self.cash(position.account, base).is_zero() || self.pool_positions(pool).any(settled))
    }

    /// Where a pool's box ends in the outlook of an underlying. A short option by itself depends on a rising index alone.
    pub(crate) fn edges_of(&self, pool: Pool, underlying: InstrumentId, shift: u32) -> Edges {
        let outlook = self.outlook(underlying);
        let around = |level: i64| {
            let [low, high] = cell(level, shift);
            [low.checked_sub(1), high.checked_add(1)]
        };
        let netted = self.pool_positions(pool).any(|position| self.netted(position) == Some(underlying));
        let index = outlook.index.map_or([None; 2], |index| around(index.0));
        if !netted {
            return Edges { index: [None, index[Side::Sell as usize]], ..Edges::default() };
        }
        let until = self.box_until(pool, underlying, shift).and_then(|until| instant(until).0.checked_add(1));
        let volatility = outlook.volatility.map_or([None; 2], |volatility| around(volatility.0));
        Edges { index, volatility, until }
    }

    /// The mark of one instrument, all else staying, at which the pool of a position first falls below maintenance on
    /// the side where the position loses, found by halving between the present one and `farthest`; `None` where `farthest`
    /// does not do it.
    pub(crate) fn boxed_liquidation_price(&self, position: &Position, farthest: MarkPrice) -> Option<MarkPrice> {
        let (lowest, highest) = self.instrument(position.instrument).legal_marks();
        let worst = farthest.clamp(lowest, highest);
        let pool = self.pool_of(position);
        let short = |mark: i64| !self.health_in(pool, Region::At(position.instrument, MarkPrice(mark))).is_healthy();
        if position.size.is_zero() || !short(worst.0) {
            return None;
        }
        let (mut sound, mut fallen) = (i128::from(self.instrument(position.instrument).mark.0), i128::from(worst.0));
        while (sound - fallen).abs() > 1 {
            let middle = sound.midpoint(fallen);
            match i64::try_from(middle).is_ok_and(short) {
                true => fallen = middle,
                false => sound = middle,
            }
        }
        i64::try_from(fallen).ok().map(MarkPrice)
    }

    /// Looks at every unified account again, in account order.
    pub(crate) fn reindex_unified(&mut self) {
        for account in 0..self.capacity.accounts {
            let account = AccountId(account);
            if self.is_unified(account) {
                self.reindex(Pool::Unified { account });
            }
        }
    }
}
