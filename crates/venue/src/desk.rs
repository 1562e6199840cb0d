//! The liquidation desk: takes note of pools that fell below maintenance and asks for their liquidation, no
//! faster than its latency and throughput allow.

use crate::command::Internal;
use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, Sink};
use crate::policy::{CrossedOrder, LiquidationMode, LiquidationPolicy};
use downdraft_margin::Margin;
use downdraft_types::{EventId, Span, Time};

/// The liquidation engine's queue, as far as the venue knows it: the orders themselves wait in the scheduler's.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Desk {
    /// When the next liquidation order may be sent.
    next_free: Time,
    /// Pools whose liquidation is under way.
    pub(crate) pending: u32,
    /// Steps that wait for a market to reopen, with what caused them.
    pub(crate) parked: Vec<(Internal, EventId)>,
}

impl Desk {
    pub(crate) fn with_capacity(pools: usize) -> Self {
        Self { next_free: Time::ZERO, pending: 0, parked: Vec::with_capacity(pools) }
    }

    /// The moment of the next liquidation step, at the earliest after `wait`.
    pub(crate) fn slot(&mut self, now: Time, wait: Span, policy: &LiquidationPolicy) -> Time {
        let due = now.saturating_add(wait).max(self.next_free);
        self.next_free = due.saturating_add(policy.order_interval);
        due
    }
}

/// Reports the pools that have fallen and requests their liquidation, in the policy's order; then the unified accounts
/// whose cash is overdrawn, and the sale of other collateral of theirs.
pub(crate) fn raise<S: Sink>(
    margin: &mut Margin,
    desk: &mut Desk,
    policy: &LiquidationPolicy,
    emit: &mut Emit<'_, S>,
    parent: Parent,
    kind: CauseKind,
) {
    raise_fallen(margin, desk, policy, emit, parent, kind);
    for index in 0..margin.overdrawn().len() {
        let account = margin.overdrawn()[index];
        if policy.mode == LiquidationMode::Suppressed {
            continue;
        }
        let Some(conversion) = margin.conversion(account, false) else {
            margin.end_conversion(account);
            continue;
        };
        let (currency, owed) = (conversion.currency, -margin.cash(account, conversion.currency));
        let requested = emit.event(parent, &Event::ConversionRequested { account, currency, owed });
        let due = desk.slot(emit.time, policy.latency, policy);
        emit.request(due, requested, Internal::Convert { account });
    }
    margin.clear_overdrawn();
}

fn raise_fallen<S: Sink>(
    margin: &mut Margin,
    desk: &mut Desk,
    policy: &LiquidationPolicy,
    emit: &mut Emit<'_, S>,
    parent: Parent,
    kind: CauseKind,
) {
    if margin.fallen().is_empty() {
        return;
    }
    if policy.crossed_order == CrossedOrder::ByAccount {
        margin.sort_fallen();
    }
    for index in 0..margin.fallen().len() {
        let pool = margin.fallen()[index];
        if policy.mode == LiquidationMode::Suppressed {
            margin.spare(pool);
            continue;
        }
        let health = margin.health(pool);
        desk.pending += 1;
        let event = Event::LiquidationTriggered {
            pool,
            currency: margin.currency_of(pool),
            kind,
            equity: health.equity,
            maintenance: health.maintenance(),
            backlog: desk.pending,
        };
        let triggered = emit.event(parent, &event);
        let due = desk.slot(emit.time, policy.latency, policy);
        emit.request(due, triggered, Internal::Liquidate { pool });
    }
    margin.clear_fallen();
}
