//! Auto-deleveraging and socialised loss: who is closed against a position that nobody takes, and who pays for
//! a deficit that nothing covers.
//!
//! Sources: BitMEX, *Auto-Deleveraging*: ranking = profit ratio × effective leverage in profit, ÷ in loss;
//! effective leverage = |mark value| ÷ (mark value − bankruptcy value); profit ratio = (mark value − entry
//! value) ÷ |entry value|.

use crate::engine::Margin;
use crate::payoff::Payoff;
use crate::pool::{Pool, PoolState};
use crate::position::Position;
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};
use downdraft_types::arith::{compare_products, mul_div_floor};
use downdraft_types::{AccountId, InstrumentId, Money, Qty, Side};

/// Auto-deleveraging: who is closed against a position that neither the book nor the fund can take.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdlPolicy {
    /// In which order, or by what share.
    pub ranking: AdlRanking,
    /// Whether only positions in profit are eligible.
    pub profitable_only: bool,
    /// At which price.
    pub price: AdlPrice,
}

/// The price at which positions are closed against each other. None is worse for the pool under liquidation than the
/// mark, or than the price that uses its equity up, whichever is further.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AdlPrice {
    /// The bankruptcy price: counterparties give up exactly the deficit (BitMEX, Binance, Bybit, dYdX).
    #[default]
    Bankruptcy,
    /// The mark: counterparties give up nothing, and the deficit goes on down the waterfall.
    Mark,
    /// The mark before the present one (Hyperliquid).
    PreviousMark,
    /// The index reported before the present one; without one, the mark.
    PreviousIndex,
    /// Each counterparty's own entry, or its bankruptcy where that is nearer: it gives up its whole profit. A control:
    /// what it gives up is no function of the deficit.
    Entry,
}

/// Who bears a deficit that neither fund nor deleveraging took.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Socialising {
    /// Winners in the instrument, in proportion to unrealised profit and never beyond it: a haircut.
    #[default]
    Winners,
    /// Every holder of the instrument, long or short, in proportion to size, as a funding payment of all; never beyond
    /// its pool's equity.
    ///
    /// Source: Drift v2, `calculate_funding_rate_deltas_to_resolve_bankruptcy`: loss ÷ (|long| + |short|).
    Holders,
    /// Nobody: it stays on the account.
    Nobody,
}

impl Default for AdlPolicy {
    fn default() -> Self {
        Self { ranking: AdlRanking::ProfitTimesLeverage, profitable_only: true, price: AdlPrice::default() }
    }
}

/// How auto-deleveraging counterparties are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AdlRanking {
    /// Profit ratio × effective leverage, highest first (BitMEX, Binance, Bybit).
    ProfitTimesLeverage,
    /// All of them, in proportion to size, by largest remainder.
    ProRata,
    /// Price ratio × notional ÷ account value, highest first: `mark ÷ entry` of a long, `entry ÷ mark` of a short.
    ///
    /// Source: Hyperliquid, *Auto-deleveraging*.
    AccountValue,
    /// All of them, in proportion to the equity behind their positions and never beyond their size, by largest
    /// remainder.
    ProRataEquity,
    /// By account number from a drawn start, then round.
    ///
    /// Source: dYdX v4, `x/clob/keeper/deleveraging.go`: from a pseudo-random subaccount.
    RandomStart {
        /// What the start is drawn from.
        seed: u64,
    },
}

impl AdlPolicy {
    /// This policy with its draw made for one deleveraging, the `nonce`-th: another one starts elsewhere.
    #[must_use]
    pub fn drawn(self, nonce: u64) -> Self {
        let ranking = match self.ranking {
            AdlRanking::RandomStart { seed } => AdlRanking::RandomStart { seed: mix(seed ^ mix(nonce)) },
            other => other,
        };
        Self { ranking, ..self }
    }
}

/// Scatters bits: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
const fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Who may be closed against a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Eligibility {
    /// Those of the policy, not in liquidation, whose own bankruptcy price is not worse than the value asked.
    Policy(AdlPolicy, Money),
    /// Everyone on the other side: closing at the mark takes nothing from anyone.
    Anyone,
}

/// A chosen counterparty or payer. Room for one is reserved for each position, so it is packed: with whole alignment it
/// would be a fifth larger.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(8))]
pub struct Candidate {
    /// Its place in the queue, highest first; or to what its share is in proportion, at least 1.
    rank: i128,
    /// The most that may be allotted, size to close against or profit to pay from; once allotted, what was.
    amount: i128,
    /// Its position's slot.
    slot: u32,
    account: AccountId,
}

/// Rank of a position from its signed mark, bankruptcy and entry values.
#[must_use]
pub fn adl_score(mark_value: f64, bankruptcy_value: f64, entry_value: f64) -> f64 {
    let profit = (mark_value - entry_value) / entry_value.abs();
    let leverage = mark_value.abs() / (mark_value - bankruptcy_value);
    if profit > 0.0 { profit * leverage } else { profit / leverage }
}

impl Margin {
    /// Chooses who is closed against `qty` lots of a position of `account` on `side`; returns how many of them
    /// found a counterparty. Read the plan with [`Margin::planned`]. O(positions of the instrument), and sorting those
    /// chosen.
    pub fn plan_deleveraging(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        eligibility: Eligibility,
    ) -> Qty {
        let by = match eligibility {
            Eligibility::Policy(policy, _) => policy.ranking,
            Eligibility::Anyone => AdlRanking::ProfitTimesLeverage,
        };
        let mut ranking = core::mem::take(&mut self.ranking);
        ranking.clear();
        for slot in &self.holders[instrument.index()] {
            let position = &self.positions[*slot as usize];
            if position.size.side() == Some(side.opposite()) && position.account != account {
                ranking.extend(self.counterparty(*slot, qty, eligibility));
            }
        }
        let wanted = i128::from(qty.0);
        let allotted = match by {
            AdlRanking::ProRata | AdlRanking::ProRataEquity => allot_pro_rata(&mut ranking, wanted),
            // Holders are in account order.
            AdlRanking::RandomStart { seed } => {
                let start = seed % (ranking.len() as u64).max(1);
                ranking.rotate_left(usize::try_from(start).expect("below a length"));
                allot_queue(&mut ranking, wanted)
            }
            AdlRanking::ProfitTimesLeverage | AdlRanking::AccountValue => {
                sort_leading(&mut ranking, wanted);
                allot_queue(&mut ranking, wanted)
            }
        };
        self.ranking = ranking;
        Qty(u64::try_from(allotted).expect("no more than was asked"))
    }

    /// A position as a counterparty for `qty` lots, where it may be one.
    fn counterparty(&self, slot: u32, qty: Qty, eligibility: Eligibility) -> Option<Candidate> {
        let position = &self.positions[slot as usize];
        let Eligibility::Policy(policy, value) = eligibility else {
            return Some(self.candidate(slot, self.share_of(position), AdlRanking::ProfitTimesLeverage));
        };
        if !self.may_be_deleveraged(position, policy) {
            return None;
        }
        let share = self.share_of(position);
        self.can_pay(position, share, (value, qty)).then(|| self.candidate(slot, share, policy.ranking))
    }

    /// `share`: of its pool's equity, what answers for the position.
    fn candidate(&self, slot: u32, share: Money, by: AdlRanking) -> Candidate {
        let position = &self.positions[slot as usize];
        let amount = i128::from(position.size.quantity().0);
        let rank = match by {
            AdlRanking::ProfitTimesLeverage => in_order(self.score(position, share)),
            AdlRanking::AccountValue => in_order(self.account_value_score(position, share)),
            AdlRanking::ProRataEquity => share.0.max(1),
            AdlRanking::ProRata => amount,
            AdlRanking::RandomStart { .. } => 0,
        };
        Candidate { rank, amount, slot, account: position.account }
    }

    /// Whether the policy lets a position be closed at all.
    fn may_be_deleveraged(&self, position: &Position, policy: AdlPolicy) -> bool {
        let wins = || position.unrealised(self.instrument(position.instrument)).is_positive();
        (!policy.profitable_only || wins())
            && !self.is_fund(position.account)
            && self.state_of(self.pool_of(position)) == PoolState::Sound
    }

    /// Whether a position's own bankruptcy price is no worse than `value` for `qty` lots.
    fn can_pay(&self, position: &Position, share: Money, (value, qty): (Money, Qty)) -> bool {
        let held = position.size.quantity();
        let bankruptcy = self.bankrupt_at(position, held, share);
        // bankruptcy ÷ held against value ÷ qty
        let order = compare_products(bankruptcy.0, qty.0.into(), value.0, held.0.into());
        match position.size.side() {
            Some(Side::Buy) => order != Ordering::Greater,
            _ => order != Ordering::Less,
        }
    }

    // Scores order candidates; money is never computed from them.

    fn score(&self, position: &Position, share: Money) -> f64 {
        let terms = self.instrument(position.instrument);
        let mark_value = terms.value_at(position.size, terms.mark()).0;
        adl_score(mark_value as f64, (mark_value - share.0) as f64, position.cost.0 as f64)
    }

    fn account_value_score(&self, position: &Position, share: Money) -> f64 {
        let terms = self.instrument(position.instrument);
        let (mark, entry) = (terms.value_at(position.size, terms.mark()).0 as f64, position.cost.0 as f64);
        let rises = position.size.is_positive() == (terms.spec().payoff == Payoff::Linear);
        let gained = if rises { mark / entry } else { entry / mark };
        gained * mark.abs() / share.0 as f64
    }

    /// Chooses who pays for a deficit of `account` in an instrument: winners in proportion to unrealised profit and
    /// never beyond it, or all holders in proportion to size; nobody beyond its pool's equity. Largest remainder, so
    /// that the shares sum to what is borne, which is returned. O(positions of the instrument).
    pub fn plan_socialising(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        deficit: Money,
        among: Socialising,
    ) -> Money {
        let mut ranking = core::mem::take(&mut self.ranking);
        ranking.clear();
        let terms = self.instrument(instrument);
        for slot in &self.holders[instrument.index()] {
            let position = &self.positions[*slot as usize];
            let pool = self.pool_of(position);
            let bears = position.account != account
                && !self.is_fund(position.account)
                && self.state_of(pool) == PoolState::Sound;
            let (equity, profit) = (self.health(pool).equity, position.unrealised(terms));
            let (limit, weight) = match among {
                Socialising::Winners => (profit.min(equity), profit.min(equity).0),
                Socialising::Holders => (equity, i128::from(position.size.quantity().0)),
                Socialising::Nobody => (Money::ZERO, 0),
            };
            if bears && limit.is_positive() && weight > 0 {
                ranking.push(Candidate { rank: weight, amount: limit.0, slot: *slot, account: position.account });
            }
        }
        let borne = allot_pro_rata(&mut ranking, deficit.0);
        self.ranking = ranking;
        Money(borne)
    }

    /// The plan's entry `index`: account, pool and what was allotted (lots, or money). `None` past the end.
    #[must_use]
    pub fn planned(&self, index: usize) -> Option<(AccountId, Pool, i128)> {
        let candidate = self.ranking.get(index)?;
        Some((candidate.account, self.pool_of(&self.positions[candidate.slot as usize]), candidate.amount))
    }
}

/// A whole number in the order of the scores; what is no number comes first.
fn in_order(score: f64) -> i128 {
    // Of floats with the same sign, the bits are in the order of the magnitudes. A sum with zero has no negative zero.
    let bits = (score + 0.0).to_bits();
    let magnitude = i128::from(bits & !(1 << 63));
    match bits >> 63 {
        _ if score.is_nan() => i128::MAX,
        0 => magnitude,
        _ => -magnitude,
    }
}

/// Puts those of the highest rank first, then by account number, as many as it takes to find `wanted`; the others are left
/// out.
fn sort_leading(ranking: &mut Vec<Candidate>, wanted: i128) {
    let order = |c: &Candidate| (Reverse(c.rank), c.account);
    let mut leading = 16;
    while leading < ranking.len() {
        ranking.select_nth_unstable_by_key(leading - 1, order);
        if ranking[..leading].iter().map(|c| c.amount).sum::<i128>() >= wanted {
            ranking.truncate(leading);
            break;
        }
        leading *= 4;
    }
    ranking.sort_unstable_by_key(order);
}

/// First come, first closed.
fn allot_queue(ranking: &mut [Candidate], wanted: i128) -> i128 {
    let mut left = wanted;
    for candidate in ranking {
        candidate.amount = left.min(candidate.amount);
        left -= candidate.amount;
    }
    wanted - left
}

/// In proportion to rank, rounded down; the units left go one each to the largest remainders, then by account
/// number. Whose share would pass what it may be allotted gets that, and the others share the rest.
fn allot_pro_rata(ranking: &mut [Candidate], wanted: i128) -> i128 {
    let wanted = wanted.min(ranking.iter().map(|c| c.amount).sum());
    if wanted <= 0 {
        ranking.iter_mut().for_each(|c| c.amount = 0);
        return 0;
    }
    let (mut full, mut left) = (0, wanted);
    let sharing = loop {
        let sharing = &mut ranking[full..];
        let total: i128 = sharing.iter().map(|c| c.rank).sum();
        let passes = |c: &Candidate| compare_products(c.rank, left, c.amount, total) == Ordering::Greater;
        sharing.sort_unstable_by_key(|c| (!passes(c), c.account));
        let filled = sharing.iter().take_while(|c| passes(c)).count();
        if filled == 0 {
            break sharing;
        }
        left -= sharing[..filled].iter().map(|c| c.amount).sum::<i128>();
        full += filled;
    };
    share_out(sharing, left);
    ranking.sort_unstable_by_key(|c| c.account);
    wanted
}

/// Shares `wanted` out by rank and largest remainder, where nobody's share passes what it may be allotted. Whose share is
/// just that has no remainder, and there are fewer units left than candidates with one.
fn share_out(sharing: &mut [Candidate], wanted: i128) {
    let total: i128 = sharing.iter().map(|c| c.rank).sum();
    let mut left = wanted;
    for candidate in sharing.iter_mut() {
        candidate.amount = mul_div_floor(candidate.rank, wanted, total);
        left -= candidate.amount;
    }
    // remainder = rank × wanted − allotted × total, compared without forming the products
    sharing.sort_unstable_by(|a, b| {
        let order = remainder_order(b.rank, b.amount, a.rank, a.amount, wanted, total);
        order.then_with(|| { a.account }.cmp(&{ b.account }))
    });
    for candidate in sharing.iter_mut() {
        if left == 0 {
            break;
        }
        candidate.amount += 1;
        left -= 1;
    }
    assert_eq!(left, 0, "fewer units are left than there are remainders");
}

/// Compares `w1 × wanted − f1 × total` with `w2 × wanted − f2 × total`.
fn remainder_order(w1: i128, f1: i128, w2: i128, f2: i128, wanted: i128, total: i128) -> Ordering {
    compare_products(w1 - w2, wanted, f1 - f2, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        /// Those who are closed are the first of all, in order, however many there are.
        #[test]
        fn leading_candidates_are_those_of_a_whole_sort(
            ranks in vec((-20_i128..20, 0_i128..9), 0..200),
            wanted in 0_i128..700,
        ) {
            let candidate = |(n, &(rank, amount)): (u32, &(i128, i128))| {
                Candidate { rank, amount, slot: n, account: AccountId(n) }
            };
            let mut all: Vec<_> = (0..).zip(&ranks).map(candidate).collect();
            let mut leading = all.clone();
            all.sort_by_key(|c| (Reverse(c.rank), c.account));
            sort_leading(&mut leading, wanted);
            prop_assert_eq!(allot_queue(&mut leading, wanted), allot_queue(&mut all, wanted));
            let closed = |plan: &[Candidate]| -> Vec<_> {
                plan.iter().map(|c| (c.account, c.amount)).filter(|(_, lots)| *lots > 0).collect()
            };
            prop_assert_eq!(closed(&leading), closed(&all));
        }
    }

    #[test]
    fn scores_keep_their_order() {
        let rising = [f64::NEG_INFINITY, f64::MIN, -1.5, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1.5, f64::MAX, f64::INFINITY];
        assert!(rising.is_sorted_by(|a, b| in_order(*a) < in_order(*b)));
        assert_eq!(in_order(-0.0), in_order(0.0));
        assert!([f64::NAN, -f64::NAN].iter().all(|nan| in_order(*nan) > in_order(f64::INFINITY)));
    }
}
