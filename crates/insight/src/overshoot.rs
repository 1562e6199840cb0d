//! Overshoot: what auto-deleveraging took from winners beyond the deficits at the mark, who received it, and what the
//! same concessions come to against the mark some time later.

use crate::analyzer::Analyzer;
use crate::episode::add;
use crate::rows::Recorder;
use downdraft_types::{CurrencyId, InstrumentId, Money, Qty, Side, Span, Time};
use downdraft_venue::Event;
use std::collections::VecDeque;

/// How much later the mark is taken to which concessions are compared again.
pub const LATER: Span = Span::from_secs(60);

/// A currency's overshoot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Overshoot {
    /// What was conceded and no deficit at the mark asked for.
    pub taken: Money,
    /// Of that, what funds received.
    pub to_fund: Money,
    /// Of that, what the vault received.
    pub to_vault: Money,
    /// What deleveraged counterparties gave up against the mark [`LATER`], or at the end of the run if that is sooner;
    /// negative: gained.
    pub conceded_later: Money,
}

impl Overshoot {
    /// What stayed with those who were liquidated.
    #[must_use]
    pub const fn to_trader(&self) -> Money {
        Money(self.taken.0.saturating_sub(self.to_fund.0).saturating_sub(self.to_vault.0))
    }
}

/// A deleveraging whose concession is to be looked at again.
#[derive(Clone, Copy, Debug)]
struct Pending {
    due: Time,
    instrument: InstrumentId,
    side: Side,
    qty: Qty,
    value: Money,
}

/// What a fund or a vault receives of a deleveraging's remainder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Receipt {
    /// A fund.
    Fund(CurrencyId, Money),
    /// The vault.
    Vault(CurrencyId, Money),
}

/// Tells who receives the remainders of deleveragings, from the events of a command in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receipts {
    /// The deleveraging last seen in this command, by its event's index, and what of its remainder nobody has received.
    last: Option<(u32, Money)>,
}

impl Receipts {
    /// A command is about to be applied.
    pub const fn begin(&mut self) {
        self.last = None;
    }

    /// An event, its index within its command and its parent's. What a fund or a vault receives because of a deleveraging
    /// is its remainder, as far as that goes.
    pub fn hear(&mut self, index: u32, parent: Option<u32>, event: &Event) -> Option<Receipt> {
        match *event {
            Event::Deleveraged { remainder, .. } => {
                self.last = Some((index, remainder));
                None
            }
            Event::FundSettled { currency, amount, .. } => {
                self.take(parent, amount).map(|part| Receipt::Fund(currency, part))
            }
            Event::VaultReceived { currency, amount, .. } => {
                self.take(parent, amount).map(|part| Receipt::Vault(currency, part))
            }
            _ => None,
        }
    }

    fn take(&mut self, parent: Option<u32>, amount: Money) -> Option<Money> {
        let (_, left) = self.last.as_mut().filter(|(index, _)| Some(*index) == parent)?;
        let part = amount.clamp(Money::ZERO, *left);
        *left -= part;
        Some(part)
    }
}

/// Follows deleveragings. Memory grows with those of the last [`LATER`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Overshoots {
    /// By currency number.
    totals: Vec<Overshoot>,
    pending: VecDeque<Pending>,
    receipts: Receipts,
}

impl Overshoots {
    pub(crate) fn of(&self, currency: CurrencyId) -> Overshoot {
        self.totals.get(currency.index()).copied().unwrap_or_default()
    }

    /// A command is about to be applied.
    pub(crate) const fn begin(&mut self) {
        self.receipts.begin();
    }

    fn total(&mut self, currency: CurrencyId) -> &mut Overshoot {
        if self.totals.len() <= currency.index() {
            self.totals.resize(currency.index() + 1, Overshoot::default());
        }
        &mut self.totals[currency.index()]
    }
}

impl<R: Recorder> Analyzer<R> {
    /// An event, and its index within its command.
    pub(crate) fn overshoot(&mut self, index: u32, parent: Option<u32>, event: &Event) {
        match self.overshoots.receipts.hear(index, parent, event) {
            Some(Receipt::Fund(currency, part)) => add(&mut self.overshoots.total(currency).to_fund, part),
            Some(Receipt::Vault(currency, part)) => add(&mut self.overshoots.total(currency).to_vault, part),
            None => {}
        }
        match *event {
            Event::Deleveraged { instrument, side, qty, value, remainder, .. } => {
                let Some(currency) = self.market(instrument).map(|market| market.currency) else { return };
                add(&mut self.overshoots.total(currency).taken, remainder);
                let due = self.now.saturating_add(LATER);
                self.overshoots.pending.push_back(Pending { due, instrument, side, qty, value });
            }
            // Marks hold until the next move: what was due before this one is compared with the mark till now.
            Event::MarkMoved { .. } => self.mature(Some(self.now)),
            _ => {}
        }
    }

    /// Compares what was due before `now` (`None`: all) with the marks as they are.
    pub(crate) fn mature(&mut self, now: Option<Time>) {
        while let Some(pending) = self.overshoots.pending.front().copied() {
            if now.is_some_and(|now| pending.due >= now) {
                return;
            }
            self.overshoots.pending.pop_front();
            let Some(market) = self.market(pending.instrument) else { continue };
            let Some(mark) = market.mark else { continue };
            // A long was closed against a short counterparty, whose lots are worth less than nothing.
            let held = pending.side.opposite().signed(pending.qty).0;
            let worth = crate::market::worth(market.valuation, held.into(), mark.0.into());
            let paid = if pending.side == Side::Buy { pending.value.0 } else { pending.value.0.saturating_neg() };
            let currency = market.currency;
            let conceded = Money(worth.0.saturating_add(paid));
            add(&mut self.overshoots.total(currency).conceded_later, conceded);
        }
    }
}
