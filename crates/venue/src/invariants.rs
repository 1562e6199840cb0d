//! The invariants that can be read off a venue's state; `docs/invariants.md` has their numbers.

use crate::venue::Venue;
use downdraft_margin::Place;
use downdraft_types::{AccountId, InstrumentId, Money, Qty, Side};

/// Checks them all, in O(state).
pub(crate) fn check(venue: &Venue) {
    money_is_conserved(venue);
    for index in 0..venue.markets.len() {
        let instrument = InstrumentId(u16::try_from(index).expect("instruments fit their id"));
        if venue.market(instrument).is_ok() {
            positions_sum_to_zero(venue, instrument);
            orders_agree(venue, instrument);
        }
    }
    venue.margin.check_risk_index();
}

/// Invariants 1, 7: per currency everything sums to zero, with clearing recomputed from the open positions.
fn money_is_conserved(venue: &Venue) {
    let margin = &venue.margin;
    let ledger = margin.ledger();
    for currency in ledger.currencies() {
        let mut sum: Money = margin.accounts().map(|a| ledger.balance(currency, Place::Cash(a))).sum();
        for place in [Place::Fees, Place::Residue, Place::Outside] {
            sum += ledger.balance(currency, place);
        }
        for (slot, position) in margin.positions().iter().enumerate() {
            let terms = margin.instrument(position.instrument());
            if terms.spec().settlement == currency {
                sum += ledger.balance(currency, Place::Isolated(u32::try_from(slot).expect("slots are u32")));
                sum -= position.cost();
            }
        }
        assert_eq!(sum, Money::ZERO, "invariant 1: money is conserved in {currency}");
        for fund in margin.accounts().filter(|account| margin.is_fund(*account)) {
            assert!(!margin.cash(fund, currency).is_negative(), "invariant 7: the fund is never negative");
        }
    }
}

/// Invariant 2, and that the ledger's clearing account is minus the sum of open costs.
fn positions_sum_to_zero(venue: &Venue, instrument: InstrumentId) {
    let margin = &venue.margin;
    let of = || margin.positions().iter().filter(|p| p.instrument() == instrument);
    let size: i128 = of().map(|p| i128::from(p.size().0)).sum();
    assert_eq!(size, 0, "invariant 2: positions of {instrument} sum to zero");
    let cost: Money = of().map(|p| p.cost()).sum();
    let currency = margin.instrument(instrument).spec().settlement;
    let clearing = margin.ledger().balance(currency, Place::Clearing(instrument));
    assert_eq!(clearing, -cost, "clearing of {instrument} is minus the sum of signed open cost");
}

/// Invariants 3 and 4, and that what margin counts as open orders is what rests in the book.
fn orders_agree(venue: &Venue, instrument: InstrumentId) {
    let market = venue.market(instrument).expect("a listed instrument");
    market.book.check_invariants();
    let terms = venue.margin.instrument(instrument);
    for position in venue.margin.positions().iter().filter(|p| p.instrument() == instrument) {
        for side in Side::BOTH {
            let mut qty = Qty::ZERO;
            let mut value = Money::ZERO;
            for level in market.book.depth(side) {
                for order in market.book.orders_at(side, level.price) {
                    let counts = AccountId(order.owner) == position.account();
                    if counts && !market.metas.get(order.id).reduce_only {
                        qty += order.qty;
                        value += terms.trade_value(order.qty, order.price).abs();
                    }
                }
            }
            let open = position.open_orders(side);
            assert_eq!((open.qty, open.value), (qty, value), "open orders of {} in {instrument}", position.account());
        }
    }
}
