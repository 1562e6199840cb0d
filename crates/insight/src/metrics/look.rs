//! Looking at a venue: its ladder and book in both directions, and what its positions come to.

use super::slope::{Level, Rung, Slope};
use crate::census::{Census, Holding};
use downdraft_margin::{Instrument, Margin, Payoff, Pool, PoolState};
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Qty, Side};
use downdraft_venue::{Market, Venue};
use std::collections::BTreeSet;

/// Clients' positions in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Held {
    /// Lots of all longs, funds' included: as many as of all shorts.
    pub open_interest: u128,
    /// Lots of pools under liquidation: longs, shorts.
    pub under_way: [u64; 2],
}

/// What clients' pools come to in a currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Stakes {
    /// Value of all their positions at the marks, long and short.
    pub gross: i128,
    /// Equity of all pools with a position.
    pub equity: i128,
}

/// What is held by instrument, stakes by currency. O(instruments), and for each inverse one O(different sizes held).
pub(super) fn holdings(census: &Census, venue: &Venue, held: &mut Vec<Held>, stakes: &mut Vec<Stakes>) {
    let (margin, capacity) = (venue.margin(), venue.capacity());
    held.clear();
    held.resize(capacity.instruments.into(), Held::default());
    stakes.clear();
    stakes.resize(capacity.currencies.into(), Stakes::default());
    for (held, id) in held.iter_mut().zip((0..).map(InstrumentId)) {
        let Some(terms) = margin.get_instrument(id) else { continue };
        let sums = census.sums(id);
        held.open_interest = sums.open_interest.unsigned_abs();
        held.under_way = sums.under_way.map(|lots| u64::try_from(lots).unwrap_or(u64::MAX));
        let [longs, shorts] = values(census, id, terms);
        let stake = &mut stakes[terms.spec().settlement.index()];
        stake.gross += longs.abs() + shorts.abs();
        stake.equity += longs + shorts + sums.margin;
    }
}

/// Value at the mark of clients' longs and shorts. An inverse contract's is rounded position by position, so it is
/// reckoned once for each size.
fn values(census: &Census, id: InstrumentId, terms: &Instrument) -> [i128; 2] {
    let valuation = terms.valuation();
    let mut values = [0; 2];
    match valuation.payoff {
        Payoff::Linear => {
            let [longs, shorts] = census.sums(id).lots;
            let per_lot = i128::from(valuation.point_value) * i128::from(terms.mark().0);
            values = [longs * per_lot, -shorts * per_lot];
        }
        Payoff::Inverse => {
            for (size, count) in census.sizes(id) {
                values[usize::from(size.0 < 0)] += terms.value_at(size, terms.mark()).0 * i128::from(count);
            }
        }
    }
    values
}

/// What [`holdings`] must come to, by its definition: one pass over all positions.
pub(super) fn holdings_by_definition(venue: &Venue) -> (Vec<Held>, Vec<Stakes>) {
    let (margin, capacity) = (venue.margin(), venue.capacity());
    let mut held = vec![Held::default(); capacity.instruments.into()];
    let mut stakes = vec![Stakes::default(); capacity.currencies.into()];
    let mut counted: BTreeSet<(Pool, CurrencyId)> = BTreeSet::new();
    for position in margin.positions().iter().filter(|position| !position.size().is_zero()) {
        let (size, pool, terms) = (position.size(), margin.pool_of(position), margin.instrument(position.instrument()));
        let of = &mut held[position.instrument().index()];
        if size.is_positive() {
            of.open_interest += u128::from(size.quantity().0);
        }
        if margin.is_fund(position.account()) {
            continue;
        }
        if margin.state_of(pool) == PoolState::Liquidating {
            let under_way = &mut of.under_way[usize::from(size.is_negative())];
            *under_way = under_way.saturating_add(size.quantity().0);
        }
        let value = terms.value_at(size, terms.mark()).0;
        let currency = terms.spec().settlement;
        let money = if counted.insert((pool, currency)) { margin.balance_in(pool, currency).0 } else { 0 };
        let stake = &mut stakes[currency.index()];
        stake.gross += value.abs();
        stake.equity += value - position.cost().0 + money;
    }
    (held, stakes)
}

/// Ladder and book in a direction (`Sell`: as the mark falls), as far as `limit` mark increments.
///
/// O(triggers and levels within the limit).
pub(super) fn slope(
    (venue, census): (&Venue, &Census),
    instrument: InstrumentId,
    direction: Side,
    limit: i64,
    slope: &mut Slope,
) {
    let margin = venue.margin();
    let terms = margin.instrument(instrument);
    let (mark, scale) = (terms.mark().0, terms.spec().mark_scale);
    let distance = |at: i64| match direction {
        Side::Sell => mark.saturating_sub(at),
        Side::Buy => at.saturating_sub(mark),
    };
    slope.mark_scale = scale;
    slope.ladder.clear();
    slope.book.clear();
    let farthest = MarkPrice(match direction {
        Side::Sell => mark.saturating_sub(limit),
        Side::Buy => mark.saturating_add(limit),
    });
    // Longs are sold as the mark falls.
    let holders = direction.opposite();
    let entries = margin.ladder(instrument).entries(holders);
    let triggers = entries.map(|(trigger, account, slot)| (distance(trigger.0), account, slot));
    for (distance_of, account, slot) in triggers.take_while(|(distance, ..)| *distance <= limit) {
        let Some(Holding { lots, alone }) = census.holding(slot, holders) else { continue };
        // A pool of several positions, or one with a box, has a certificate, nearer than where it really falls.
        let exact = if alone.is_some() {
            Some(distance_of)
        } else {
            margin.liquidation_price_within(account, instrument, farthest).map(|price| distance(price.0))
        };
        if let Some(distance) = exact.filter(|exact| *exact <= limit) {
            slope.ladder.push(Rung { distance, account, lots, slot, alone });
        }
    }
    slope.ladder.sort_unstable();
    let Ok(market) = venue.market(instrument) else { return };
    let levels = market
        .book()
        .depth(holders)
        .map(|level| Level { distance: distance(level.price.0.saturating_mul(i64::from(scale))), lots: level.qty.0 });
    slope.book.extend(levels.take_while(|level| level.distance <= limit));
}

/// Twice the middle of best bid and ask, in ticks; `None` while a side is empty.
pub(super) fn twice_mid(market: &Market) -> Option<i128> {
    let (bid, ask) = (market.best(Side::Buy)?, market.best(Side::Sell)?);
    Some(i128::from(bid.0) + i128::from(ask.0))
}

/// What the fund would pay for a liquidation of `lots` lots of a position that fetches `proceeds`, as the mark goes in a
/// direction.
pub(super) fn shortfall(
    margin: &Margin,
    (instrument, direction): (InstrumentId, Side),
    rung: Rung,
    lots: u64,
    proceeds: Money,
) -> Money {
    let by_definition = || margin.over_bankruptcy(rung.account, instrument, Qty(lots), proceeds);
    let gain = match rung.alone {
        Some(own) if lots == rung.lots => {
            // A long is sold as the mark falls, a short bought back as it rises.
            let gain = own + if direction == Side::Sell { proceeds } else { -proceeds };
            debug_assert_eq!(gain, by_definition(), "a sole position is closed at another gain");
            gain
        }
        _ => by_definition(),
    };
    Money(gain.0.min(0).saturating_neg())
}
