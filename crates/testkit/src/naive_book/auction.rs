//! The naive book's auction: every price that can matter is looked at.

use downdraft_book::{Cross, Indicative, Matcher, Reject, TriggerBy};
use downdraft_types::{Price, Side};

use super::{Fault, NaiveBook, Queued};

/// Prices of one volume and surplus.
#[derive(Clone, Copy)]
struct Stretch {
    first: i64,
    last: i64,
    volume: u128,
    surplus: i128,
}

impl NaiveBook {
    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn open_auction(&mut self) -> Result<(), Reject> {
        if self.collecting {
            return Err(Reject::InAuction);
        }
        self.collecting = true;
        Ok(())
    }

    /// As the fast book's.
    #[must_use]
    pub fn indicative(&self, reference: Option<Price>) -> Option<Indicative> {
        let stretches = self.stretches();
        let most = stretches.iter().map(|at| at.volume).max().filter(|most| *most > 0)?;
        let best: Vec<_> = stretches.into_iter().filter(|at| at.volume == most).collect();
        let least = best.iter().map(|at| at.surplus.unsigned_abs()).min()?;
        let ignores = self.fault == Fault::UncrossIgnoresTheSurplus;
        let best: Vec<_> = best.into_iter().filter(|at| ignores || at.surplus.unsigned_abs() == least).collect();
        let (first, last) = (best.first()?.first, best.last()?.last);
        let middle = (i128::from(first) + i128::from(last)).div_euclid(2) as i64;
        let price = if ignores {
            first
        } else if best.iter().all(|at| at.surplus > 0) {
            last
        } else if best.iter().all(|at| at.surplus < 0) {
            first
        } else {
            reference.or(self.last).map_or(middle, |reference| reference.0.clamp(first, last))
        };
        let at = best.iter().find(|at| at.first <= price && price <= at.last)?;
        Some(Indicative { price: Price(price), volume: at.volume, imbalance: at.surplus })
    }

    /// Every limit, and every gap between two limits.
    fn stretches(&self) -> Vec<Stretch> {
        let mut limits: Vec<i64> = self.orders.iter().map(|order| order.price.0).collect();
        limits.sort_unstable();
        limits.dedup();
        let gap = |pair: &[i64]| {
            let (first, last) = (pair[0].checked_add(1)?, pair[1].checked_sub(1)?);
            (first <= last).then_some((first, last))
        };
        let gaps: Vec<(i64, i64)> = limits.windows(2).filter_map(gap).collect();
        let mut prices: Vec<_> = limits.into_iter().map(|limit| (limit, limit)).chain(gaps).collect();
        prices.sort_unstable();
        prices.into_iter().map(|(first, last)| self.stretch(first, last)).collect()
    }

    fn stretch(&self, first: i64, last: i64) -> Stretch {
        let sum = |side: Side, counts: &dyn Fn(&Queued) -> bool| -> u128 {
            let orders = self.orders.iter().filter(|order| order.side == side && counts(order));
            orders.map(|order| u128::from(order.lots().0)).sum()
        };
        let demand = sum(Side::Buy, &|order| order.price.0 >= first);
        let supply = sum(Side::Sell, &|order| order.price.0 <= first);
        Stretch { first, last, volume: demand.min(supply), surplus: demand as i128 - supply as i128 }
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn uncross<M: Matcher>(
        &mut self,
        reference: Option<Price>,
        matcher: &mut M,
    ) -> Result<Option<Indicative>, Reject> {
        if !self.collecting {
            return Err(Reject::NotInAuction);
        }
        let result = self.indicative(reference);
        if let Some(Indicative { price, volume, .. }) = result {
            let mut left = volume;
            while left > 0 {
                let [bid, ask] = Side::BOTH.map(|side| self.queue(side)[0]);
                let most = u64::try_from(left).unwrap_or(u64::MAX);
                let qty = bid.qty.min(ask.qty).min(downdraft_types::Qty(most));
                matcher.crossed(&Cross {
                    bid: bid.id,
                    ask: ask.id,
                    bid_owner: bid.owner,
                    ask_owner: ask.owner,
                    price,
                    qty,
                    bid_remaining: bid.lots() - qty,
                    ask_remaining: ask.lots() - qty,
                });
                self.take_off(bid.id, qty);
                self.take_off(ask.id, qty);
                left -= u128::from(qty.0);
            }
            self.last = Some(price);
            self.refer(TriggerBy::Last, price);
        }
        self.collecting = false;
        Ok(result)
    }
}
