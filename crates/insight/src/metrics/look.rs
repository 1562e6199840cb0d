//! Looking at a venue: its ladder and book in both directions, and what its positions come to.

use super::slope::{Level, Rung, Slope};
use crate::census::Census;
use downdraft_margin::Margin;
use downdraft_types::{AccountId, InstrumentId, Lots, Money, Side};
use downdraft_venue::{Market, Venue};

/// Clients' positions in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Held {
    /// Lots of all longs, the fund's included: as many as of all shorts.
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

/// One pass over positions: what is held by instrument, stakes by currency. O(positions).
pub(super) fn holdings(census: &Census, margin: &Margin, held: &mut Vec<Held>, stakes: &mut Vec<Stakes>) {
    held.iter_mut().for_each(|held| *held = Held::default());
    stakes.iter_mut().for_each(|stakes| *stakes = Stakes::default());
    for holding in census.holdings() {
        let lots = holding.size.unsigned_abs();
        let of = at(held, holding.instrument.index());
        if holding.size > 0 {
            of.open_interest += u128::from(lots);
        }
        if holding.account == AccountId::FUND {
            continue;
        }
        if holding.liquidating {
            let side = usize::from(holding.size < 0);
            of.under_way[side] = of.under_way[side].saturating_add(lots);
        }
        let terms = margin.instrument(holding.instrument);
        let value = terms.value_at(Lots(holding.size), terms.mark()).0;
        let stake = at(stakes, terms.spec().settlement.index());
        stake.gross += value.abs();
        stake.equity += value - holding.cost.0 + holding.money.0;
    }
}

fn at<T: Default>(values: &mut Vec<T>, index: usize) -> &mut T {
    if values.len() <= index {
        values.resize_with(index + 1, T::default);
    }
    &mut values[index]
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
    // Longs are sold as the mark falls.
    let holders = direction.opposite();
    let triggers = margin.ladder(instrument).triggers(holders).map(|(trigger, account)| (distance(trigger.0), account));
    for (distance_of, account) in triggers.take_while(|(distance, _)| *distance <= limit) {
        let Some((lots, shared)) = census.lots(account, instrument) else { continue };
        // A pool of several positions has a certificate, nearer than where it really falls.
        let exact = if shared {
            margin.liquidation_price(account, instrument).map(|price| distance(price.0))
        } else {
            Some(distance_of)
        };
        if let Some(distance) = exact.filter(|exact| *exact <= limit) {
            slope.ladder.push(Rung { distance, account, lots: lots.0 });
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

/// What the fund would pay for a liquidation of `lots` lots of a position that fetches `proceeds`.
pub(super) fn shortfall(
    margin: &Margin,
    account: AccountId,
    instrument: InstrumentId,
    lots: u64,
    proceeds: i128,
) -> Money {
    let Some(position) = margin.position(account, instrument) else { return Money::ZERO };
    let lots = lots.min(position.size().quantity().0);
    if lots == 0 {
        return Money::ZERO;
    }
    let gain = margin.over_bankruptcy(account, instrument, downdraft_types::Qty(lots), Money(proceeds));
    Money(gain.0.min(0).saturating_neg())
}
