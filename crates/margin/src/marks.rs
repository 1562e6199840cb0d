//! Marks, and whom they put below maintenance.

use crate::engine::Margin;
use crate::ladder::Reached;
use crate::ledger::Place;
use crate::pool::Pool;
use downdraft_types::{InstrumentId, MarkPrice};

impl Margin {
    /// Sets a mark price and collects the pools that it puts below maintenance, nearest trigger first; see
    /// [`Margin::fallen`].
    ///
    /// # Panics
    /// Where the instrument is not listed, or the mark is beyond [`Instrument::legal_marks`](crate::Instrument::legal_marks): callers have checked.
    pub fn set_mark(&mut self, id: InstrumentId, mark: MarkPrice) {
        let (lowest, highest) = self.instrument(id).legal_marks();
        assert!(lowest <= mark && mark <= highest, "a mark in range");
        self.instrument_mut(id).mark = mark;
        self.look_at_reached(id);
    }

    /// Looks at the pools whose triggers an instrument's mark has reached.
    pub(crate) fn look_at_reached(&mut self, id: InstrumentId) {
        let mark = self.instrument(id).mark;
        let mut slots = Reached::new();
        while let Some(side) =
            self.ladders[id.index()].as_mut().and_then(|ladder| ladder.take_reached(mark, &mut slots))
        {
            for slot in &slots {
                self.positions[*slot as usize].take_trigger(side);
            }
            slots.iter().for_each(|slot| self.fetch(*slot));
            slots.drain(..).for_each(|slot| self.look_at(slot));
        }
    }

    /// Reads what a look at a position begins with, and does nothing with it: what many need lies far apart, and comes from
    /// memory at once.
    fn fetch(&self, slot: u32) {
        let position = &self.positions[slot as usize];
        let (account, currency) = (position.account, self.instrument(position.instrument).spec.settlement);
        let state = self.cross_states[self.cross_index(account, currency)];
        let cash = self.ledger.balance(currency, Place::Cash(account));
        core::hint::black_box((self.accounts[account.index()].fund, state, cash));
    }

    /// Looks at a position's pool again, whose trigger was taken out. A certificate may have run out without the pool being
    /// in danger: then it gets a new one.
    pub(crate) fn look_at(&mut self, slot: u32) {
        self.looks += 1;
        if !self.falls_alone(slot) {
            self.reindex(self.pool_of(&self.positions[slot as usize]));
        }
    }

    /// How often a mark made the index look at a pool: those that fell, and certificates that had run out. No part of
    /// the state.
    #[must_use]
    pub const fn looks(&self) -> u64 {
        self.looks
    }

    /// Sets the price at which every position of an instrument is about to be settled. No trigger moves: settling looks
    /// at each of its pools again.
    ///
    /// # Panics
    /// As [`Margin::set_mark`].
    pub fn set_settlement_mark(&mut self, id: InstrumentId, mark: MarkPrice) {
        let (lowest, highest) = self.instrument(id).legal_marks();
        assert!(lowest <= mark && mark <= highest, "a mark in range");
        self.instrument_mut(id).mark = mark;
    }

    /// The pools found below maintenance, or flat with a deficit, since this was last cleared, in the order
    /// found. They are already marked as being liquidated.
    #[must_use]
    pub fn fallen(&self) -> &[Pool] {
        &self.fallen
    }

    /// Puts the fallen pools into the order of their accounts.
    pub fn sort_fallen(&mut self) {
        self.fallen.sort_unstable();
    }

    /// Forgets the fallen pools: the caller has taken note of them.
    pub fn clear_fallen(&mut self) {
        self.fallen.clear();
    }
}
