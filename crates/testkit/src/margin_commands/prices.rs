//! What is known of prices: marks, funding, the outlook of options, and the end of a contract.

use super::Step;
use super::trial::{Trial, instrument_of};
use super::worlds::{CAPACITY, DAY};
use downdraft_margin::{DeliveryFee, Outlook};
use downdraft_types::{InstrumentId, MarkPrice, Ppm, Time};
use std::collections::BTreeSet;

impl Trial {
    pub(super) fn move_prices(&mut self, step: &Step) {
        match *step {
            Step::Walk { instrument, by } => {
                let id = instrument_of(instrument);
                self.set_mark(id, moved(self.engine.instrument(id).mark(), by));
            }
            Step::Jump { instrument, to, shift } => self.set_mark(instrument_of(instrument), to >> shift),
            Step::Funding { instrument, rate } => {
                let (id, rate) = (instrument_of(instrument), Ppm(rate.into()));
                self.engine.pay_funding(id, rate, |_, _| {});
                self.naive.pay_funding(id, rate);
            }
            Step::Expire { instrument } => {
                let id = instrument_of(instrument);
                let fee = DeliveryFee { rate: Ppm(250), cap: id.0.is_multiple_of(2).then_some(Ppm(200)) };
                self.engine.settle_all(id, fee, |_| {});
                self.naive.settle_all(id, fee);
            }
            Step::Index { instrument, by, mark } => {
                if let Some(underlying) = self.underlying(instrument) {
                    self.move_index(underlying, by, mark);
                }
            }
            Step::Volatility { instrument, to } => {
                if let Some(underlying) = self.underlying(instrument) {
                    self.move_outlook(underlying, |outlook| outlook.volatility = Some(Ppm(to.into())));
                }
            }
            Step::Time { instrument, hours } => {
                if let Some(underlying) = self.underlying(instrument) {
                    let later = u64::from(hours) * DAY / 24;
                    self.move_outlook(underlying, |outlook| outlook.at = Time(outlook.at.0 + later));
                }
            }
            _ => unreachable!("{step:?} moves no price"),
        }
    }

    pub(super) fn set_mark(&mut self, id: InstrumentId, mark: i64) {
        let (lowest, highest) = self.engine.instrument(id).legal_marks();
        let mark = MarkPrice(mark).clamp(lowest, highest);
        self.engine.set_mark(id, mark);
        self.naive.set_mark(id, mark);
    }

    fn underlying(&self, option: u8) -> Option<InstrumentId> {
        self.engine.instrument(instrument_of(option)).option().map(|option| option.underlying)
    }

    /// Moves an underlying's index, and the marks of its options, by parts per million.
    fn move_index(&mut self, underlying: InstrumentId, by: i32, mark_by: i32) {
        let largest = self.engine.instrument(underlying).largest_mark();
        for id in self.options_of(underlying) {
            let terms = self.engine.instrument(id);
            let mark = MarkPrice(moved(terms.mark(), mark_by)).clamp(MarkPrice::ZERO, terms.largest_mark());
            self.engine.place_option(id, Some(mark), smile(id));
            self.naive.set_mark(id, mark);
        }
        self.move_outlook(underlying, |outlook| {
            let index = outlook.index.unwrap_or(MarkPrice(10_000));
            outlook.index = Some(MarkPrice(moved(index, by)).clamp(MarkPrice::ZERO, largest));
        });
    }

    /// Changes an underlying's outlook, and values its options by it.
    pub(super) fn move_outlook(&mut self, underlying: InstrumentId, change: impl FnOnce(&mut Outlook)) {
        let mut outlook = self.engine.outlook(underlying);
        change(&mut outlook);
        self.engine.set_outlook(underlying, outlook);
        for id in self.options_of(underlying) {
            self.engine.place_option(id, None, smile(id));
            self.naive.set_option(id, outlook, smile(id));
        }
        self.engine.look_at_options(underlying);
    }

    pub(super) fn options_of(&self, underlying: InstrumentId) -> Vec<InstrumentId> {
        let option =
            |id: &InstrumentId| self.engine.instrument(*id).option().is_some_and(|o| o.underlying == underlying);
        (0..CAPACITY.instruments).map(InstrumentId).filter(option).collect()
    }

    pub(super) fn underlyings(&self) -> BTreeSet<InstrumentId> {
        let of = |id| self.engine.instrument(id).option().map(|option| option.underlying);
        (0..CAPACITY.instruments).map(InstrumentId).filter_map(of).collect()
    }
}

/// An option's volatility ÷ its underlying's.
pub(super) const fn smile(option: InstrumentId) -> Ppm {
    Ppm(1_000_000 + 50_000 * (option.0 % 3) as i64)
}

/// A mark, further by parts per million and one.
fn moved(mark: MarkPrice, by: i32) -> i64 {
    let mark = i128::from(mark.0);
    let moved = mark + mark * i128::from(by) / 1_000_000 + i128::from(by.signum());
    i64::try_from(moved).expect("near a legal mark")
}
