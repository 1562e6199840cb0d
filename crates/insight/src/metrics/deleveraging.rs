//! What deleveraging took from those it closed, then and by a later mark.

use super::{Deleveraged, Metrics};
use crate::market::worth;
use downdraft_margin::Margin;
use downdraft_types::{AccountId, InstrumentId, Money, Qty, Time};

/// What deleveraging closed of a position, signed as that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Closing {
    /// Lots of longs closed less lots of shorts closed.
    pub(super) net: i128,
    /// Value received for longs less value paid for shorts.
    pub(super) received: i128,
    pub(super) conceded: i128,
    /// What of that no deficit at the mark asked for.
    pub(super) overshoot: i128,
}

impl Closing {
    /// What deficits asked for; where the counterparty gained, nothing.
    const fn borne(&self) -> i128 {
        let conceded = if self.conceded > 0 { self.conceded } else { 0 };
        conceded.saturating_sub(self.overshoot)
    }
}

/// A deleveraging that waits for its horizon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    due: Time,
    of: (AccountId, InstrumentId),
    closing: Closing,
}

/// What deleveraging closed of an account's position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Closed {
    lots: u64,
    all: Closing,
    /// What of the concessions deficits asked for.
    borne: i128,
    /// What keeping it to the horizon would have been worth beyond what was received and borne.
    later: i128,
}

impl Metrics {
    pub(super) fn deleveraged(&mut self, of: (AccountId, InstrumentId), closing: Closing) {
        let closed = self.deleveraged.entry(of).or_default();
        closed.lots = closed.lots.saturating_add(u64::try_from(closing.net.unsigned_abs()).unwrap_or(u64::MAX));
        closed.all.net = closed.all.net.saturating_add(closing.net);
        closed.all.received = closed.all.received.saturating_add(closing.received);
        closed.all.conceded = closed.all.conceded.saturating_add(closing.conceded);
        closed.all.overshoot = closed.all.overshoot.saturating_add(closing.overshoot);
        closed.borne = closed.borne.saturating_add(closing.borne());
        self.waiting.push_back(Waiting { due: self.now.saturating_add(self.config.adl_horizon), of, closing });
    }

    /// A moment has come: deleveragings due by now are compared with the marks as they were up to it.
    pub(super) fn settle_deleveraged(&mut self) {
        while let Some(waiting) = self.waiting.front().copied().filter(|waiting| waiting.due <= self.now) {
            self.waiting.pop_front();
            let meter = self.meters.get(waiting.of.1.index());
            let Some((valuation, mark)) = meter.and_then(|meter| meter.valuation.zip(meter.mark)) else { continue };
            let kept = worth(valuation, waiting.closing.net, mark.0.into()).0;
            let closed = self.deleveraged.entry(waiting.of).or_default();
            let over = kept.saturating_sub(waiting.closing.received).saturating_sub(waiting.closing.borne());
            closed.later = closed.later.saturating_add(over);
        }
    }
}

impl Closed {
    pub(super) fn against(&self, (account, instrument): (AccountId, InstrumentId), margin: &Margin) -> Deleveraged {
        let terms = margin.get_instrument(instrument);
        let kept = terms.map_or(0, |terms| worth(terms.valuation(), self.all.net, terms.mark().0.into()).0);
        Deleveraged {
            account,
            instrument,
            quantity: Qty(self.lots),
            conceded: Money(self.all.conceded),
            overshoot: Money(self.all.overshoot),
            forgone: Money(kept.saturating_sub(self.all.received).saturating_sub(self.borne)),
            later: Money(self.later),
        }
    }
}
