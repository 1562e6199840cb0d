//! Holders who save their positions: they take note when the mark comes near their liquidation price, and add
//! margin a human delay later.
//!
//! Prices at which someone takes note are sorted, so a mark costs O(log n) and one step per holder it alerts.

use super::explicit::Holding;
use super::opening::Terms;
use super::population::TopUps;
use crate::actor::{Context, Notice};
use crate::random::Stream;
use downdraft_margin::{MaintenanceBasis, MarginMode, first_below};
use downdraft_types::arith::{ceil_div, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, Lots, MarkPrice, Money, Ppm, Span};
use downdraft_venue::{Command, Event};
use std::collections::BTreeSet;

/// A holder who tops up.
#[derive(Clone, Debug)]
struct Saver {
    account: AccountId,
    size: Lots,
    /// Signed cost.
    cost: Money,
    /// The money behind the position, as far as it knows.
    balance: Money,
    isolated: bool,
    /// How often it still can.
    left: u32,
    alert: Option<i64>,
    /// The mark that alarmed it.
    cause: Option<EventId>,
    /// It is being liquidated or has been deleveraged: it has nothing to save, or other worries.
    out: bool,
}

/// Those holders of a population who top up, in order of their accounts.
#[derive(Clone, Debug)]
pub(super) struct Savers {
    rules: TopUps,
    terms: Terms,
    instrument: InstrumentId,
    savers: Vec<Saver>,
    /// Marks at which longs take note (falling to it) and shorts (rising to it), with the holder.
    falling: BTreeSet<(i64, usize)>,
    rising: BTreeSet<(i64, usize)>,
    delays: Stream,
    mark: MarkPrice,
    alerts: u64,
    top_ups: u64,
}

impl Savers {
    /// Draws who of the members tops up.
    pub(super) fn new(
        rules: TopUps,
        terms: Terms,
        instrument: InstrumentId,
        members: impl Iterator<Item = Holding>,
        context: &Context<'_>,
    ) -> Self {
        let chosen = context.stream("holder.saves");
        let saver = |holding: Holding| Saver {
            account: holding.account,
            size: holding.size,
            cost: holding.cost(terms.instrument(instrument)),
            balance: holding.margin,
            isolated: holding.mode == MarginMode::Isolated,
            left: rules.times,
            alert: None,
            cause: None,
            out: false,
        };
        let savers: Vec<Saver> = (0_u64..)
            .zip(members)
            .filter(|(ordinal, _)| chosen.draw(*ordinal).bernoulli(rules.share))
            .map(|(_, holding)| saver(holding))
            .collect();
        let mut all = Self {
            mark: terms.instrument(instrument).mark(),
            rules,
            terms,
            instrument,
            savers,
            falling: BTreeSet::new(),
            rising: BTreeSet::new(),
            delays: context.stream("holder.delay"),
            alerts: 0,
            top_ups: 0,
        };
        for index in 0..all.savers.len() {
            all.watch(index);
        }
        all
    }

    pub(super) fn accounts(&self) -> Vec<AccountId> {
        self.savers.iter().map(|saver| saver.account).collect()
    }

    /// Alerts so far, and top-ups.
    pub(super) const fn counts(&self) -> (u64, u64) {
        (self.alerts, self.top_ups)
    }

    pub(super) fn hear(&mut self, context: &mut Context<'_>, notice: &Notice) {
        for (_, event) in &notice.own {
            self.happened(event);
        }
        for news in &notice.marks {
            self.mark = news.mark;
            while let Some(index) = self.alerted() {
                self.alarm(context, index, news.id);
            }
        }
    }

    /// A holder whose line the mark has reached.
    fn alerted(&self) -> Option<usize> {
        let falling = self.falling.last().filter(|(line, _)| self.mark.0 <= *line);
        falling.or_else(|| self.rising.first().filter(|(line, _)| self.mark.0 >= *line)).map(|(_, index)| *index)
    }

    fn alarm(&mut self, context: &mut Context<'_>, index: usize, cause: EventId) {
        self.unwatch(index);
        let saver = &mut self.savers[index];
        saver.cause = Some(cause);
        let number = u64::from(self.rules.times - saver.left);
        // The delay of the holder's n-th top-up, whoever else has been alarmed.
        let ordinal = u64::from(saver.account.0) << 32 | number;
        let seconds = self.rules.delay.sample(&mut self.delays.draw(ordinal)).max(0.0);
        self.alerts += 1;
        // A conversion to an integer saturates.
        context.wake_after(Span(libm::rint(seconds * 1e9) as u64), index as u64);
    }

    /// The delay is over: brings equity back to its ratio of the notional at the mark last heard of, and keeps
    /// watching.
    pub(super) fn act(&mut self, context: &mut Context<'_>, token: u64) {
        let index = usize::try_from(token).expect("an index");
        let (instrument, currency) = (self.instrument, self.currency());
        let saver = &mut self.savers[index];
        if saver.out {
            return;
        }
        let value = self.terms.instrument(instrument).value_at(saver.size, self.mark);
        let equity = saver.balance + value - saver.cost;
        // Rounded up: the ratio is reached.
        let amount = Money(ceil_div(value.abs().0 * i128::from(self.rules.restore.0), i128::from(Ppm::ONE.0))) - equity;
        if amount.is_positive() {
            saver.balance += amount;
            saver.left -= 1;
            self.top_ups += 1;
            let (account, cause, isolated) = (saver.account, saver.cause, saver.isolated);
            let mut send = |command| match cause {
                Some(cause) => context.submit_because(command, cause),
                None => context.submit(command),
            };
            send(Command::Deposit { account, currency, amount });
            if isolated {
                send(Command::MoveMargin { account, instrument, amount });
            }
        }
        self.watch(index);
    }

    fn currency(&self) -> CurrencyId {
        self.terms.instrument(self.instrument).spec().settlement
    }

    fn happened(&mut self, event: &Event) {
        match *event {
            Event::FundingPaid { instrument, account, amount } if instrument == self.instrument => {
                self.charge(account, amount);
            }
            Event::Socialised { payer, amount, .. } => self.charge(payer.account(), amount),
            Event::LiquidationTriggered { pool, .. } => self.leave(pool.account()),
            Event::Deleveraged { account, counterparty, .. } => {
                self.leave(account);
                self.leave(counterparty);
            }
            _ => {}
        }
    }

    fn find(&self, account: AccountId) -> Option<usize> {
        self.savers.binary_search_by_key(&account, |saver| saver.account).ok()
    }

    fn charge(&mut self, account: AccountId, amount: Money) {
        let Some(index) = self.find(account) else { return };
        self.savers[index].balance -= amount;
        if self.savers[index].alert.is_some() {
            self.unwatch(index);
            self.watch(index);
        }
    }

    fn leave(&mut self, account: AccountId) {
        let Some(index) = self.find(account) else { return };
        self.unwatch(index);
        self.savers[index].out = true;
    }

    /// Sets the line at which a holder takes note: `within` of its liquidation price, towards the mark.
    fn watch(&mut self, index: usize) {
        let terms = self.terms.instrument(self.instrument);
        let saver = &mut self.savers[index];
        if saver.out || saver.left == 0 {
            return;
        }
        let entry = match terms.spec().maintenance_basis {
            MaintenanceBasis::Mark => Money::ZERO,
            MaintenanceBasis::Entry => saver.cost.abs(),
        };
        let bound = (saver.cost - saver.balance).0 * i128::from(Ppm::ONE.0);
        let Some(liquidation) = first_below(terms, saver.size, entry, bound) else { return };
        let near =
            mul_div_floor(i128::from(liquidation).abs(), i128::from(self.rules.within.0), i128::from(Ppm::ONE.0));
        let near = i64::try_from(near).unwrap_or(i64::MAX);
        let (line, lines) = if saver.size.is_positive() {
            (liquidation.saturating_add(near), &mut self.falling)
        } else {
            (liquidation.saturating_sub(near), &mut self.rising)
        };
        saver.alert = Some(line);
        lines.insert((line, index));
    }

    fn unwatch(&mut self, index: usize) {
        let saver = &mut self.savers[index];
        if let Some(line) = saver.alert.take() {
            let lines = if saver.size.is_positive() { &mut self.falling } else { &mut self.rising };
            lines.remove(&(line, index));
        }
    }
}
