//! What the engine's risk index says about every pool, against the model.

use super::prices::smile;
use super::trial::Trial;
use super::worlds::CAPACITY;
use downdraft_margin::{MarginMode, Outlook, Pool};
use downdraft_types::{AccountId, InstrumentId, MarkPrice, Ppm, Side, Time};

impl Trial {
    /// Pools of one position have the trigger that halving finds; no pool has one while it is being liquidated.
    pub(super) fn compare_triggers(&mut self) {
        for pool in self.naive.pools() {
            if self.engine.has_box(pool) {
                self.check_box(pool);
                self.tally.boxes += 1;
                continue;
            }
            let open = self.naive.positions_of(pool);
            let exact = match open[..] {
                [id] if self.naive.is_sound(pool) => Some((id, self.naive.trigger(pool.account(), id))),
                _ => None,
            };
            self.tally.triggers += u64::from(exact.is_some_and(|(_, exact)| exact.is_some()));
            for id in open {
                let side = Side::BOTH[usize::from(self.naive.size(pool.account(), id) < 0)];
                let mut triggers = self.engine.ladder(id).triggers(side).filter(|(_, a)| *a == pool.account());
                let found = triggers.next().map(|(mark, _)| mark);
                if let Some((_, exact)) = exact {
                    assert_eq!(found, exact, "trigger of {pool}");
                    assert_eq!(self.engine.liquidation_price(pool.account(), id), exact, "liquidation price of {pool}");
                } else if !self.naive.is_sound(pool) {
                    assert_eq!(found, None, "{pool} is being liquidated");
                }
            }
        }
    }

    /// A sound pool is healthy at the corners of its box, and at points inside.
    fn check_box(&self, pool: Pool) {
        if !self.naive.is_sound(pool) {
            return;
        }
        let account = pool.account();
        let ids = (0..CAPACITY.instruments).map(InstrumentId);
        let ends: Vec<_> = ids.map(|id| (id, self.ends(account, id))).collect();
        let options: Vec<_> = self.underlyings().into_iter().map(|id| (id, self.options_of(id))).collect();
        let mut other = self.naive.clone();
        // Other corners after each step; all ends low, and all high, after every one.
        let first = (self.tally.steps as u32).wrapping_mul(self.corners);
        let drawn = (0..self.corners).map(|n| first.wrapping_add(n).wrapping_mul(0x9E37_79B1));
        for corner in [0, 0x5555_5555].into_iter().chain(drawn) {
            // Two bits an instrument, the upper half first: low, high, present, and a third of the way.
            for (n, (id, (low, high))) in ends.iter().enumerate() {
                let mark = match corner >> (16 + 2 * n) & 3 {
                    0 => *low,
                    1 => *high,
                    2 => self.engine.instrument(*id).mark().0,
                    _ => low + (high - low) / 3,
                };
                other.set_mark(*id, MarkPrice(mark));
            }
            for (underlying, options) in &options {
                let outlook =
                    self.outlook_inside(account, *underlying, corner.rotate_right(2 * u32::from(underlying.0)));
                options.iter().for_each(|id| other.set_option(*id, outlook, smile(*id)));
            }
            let slack = other.slack_e6(pool, None);
            assert!(slack >= 0, "{account} falls inside its box, by {slack}: {corner} of {ends:?}");
        }
    }

    /// An outlook in an account's box: low, high, present, or a third of the way; what has no edge does not move.
    fn outlook_inside(&self, account: AccountId, underlying: InstrumentId, corner: u32) -> Outlook {
        let (now, edges) = (self.engine.outlook(underlying), self.engine.edges(account, underlying));
        let between = |now: i64, [low, high]: [Option<i64>; 2], bits: u32| {
            let (low, high) = (low.map_or(now, |low| low + 1), high.map_or(now, |high| high - 1));
            match bits & 3 {
                0 => low,
                1 => high,
                2 => now,
                _ => low + (high - low) / 3,
            }
        };
        let at = i64::try_from(now.at.0).expect("a few years");
        Outlook {
            index: now.index.map(|index| MarkPrice(between(index.0, edges.index, corner))),
            volatility: now.volatility.map(|vol| Ppm(between(vol.0, edges.volatility, corner >> 2))),
            at: Time(between(at, [None, edges.until], corner >> 4).unsigned_abs()),
        }
    }

    /// The lowest and the highest mark at which an account is not looked at again; the legal ones where there is no
    /// trigger, but not so far that the model's sums leave 128 bits.
    fn ends(&self, account: AccountId, id: InstrumentId) -> (i64, i64) {
        let ladder = self.engine.ladder(id);
        let nearest = |side| ladder.triggers(side).find(|(_, of)| *of == account).map(|(mark, _)| mark.0);
        let (lowest, highest) = self.engine.instrument(id).legal_marks();
        let own = self.engine.position(account, id).is_some_and(|p| p.mode() == MarginMode::Cross);
        let mark = self.engine.instrument(id).mark().0;
        match own {
            true => (
                nearest(Side::Buy).map_or(lowest.0, |mark| mark + 1),
                nearest(Side::Sell).map_or(highest.0, |mark| mark - 1),
            ),
            false => (mark, mark),
        }
    }
}
