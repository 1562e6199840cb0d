//! Collateral: what amounts of several currencies count for in one of them.
//!
//! The price of a collateral currency is the mark of its spot market against the reference currency, so that a forced
//! sale of collateral moves what everyone's is worth. A positive amount counts for less than its price, by tiers of
//! the amount; a negative one for all of it, and asks for margin where the venue lends.
//!
//! Sources: Binance, *Multi-Assets Mode*; Bybit, *Unified Trading Account: collateral value ratio*; OKX,
//! *Multi-currency margin: discount rate tiers*; Mango v4 and Drift v2 (initial weights scaled by deposits).

use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::{InstrumentKind, RATE_ONE};
use alloc::vec::Vec;
use core::cmp::Ordering;
use downdraft_types::arith::{compare_products, floor_div, mul_div_ceil, mul_div_floor};
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Span};
use smallvec::SmallVec;

/// The largest value of one currency's amount in the reference currency; what is worth more counts for this much.
pub(crate) const LARGEST_WORTH: i128 = 1 << 96;

/// How many currencies a policy may name.
pub const LARGEST_ASSET_COUNT: usize = 64;

/// Amounts by asset, in the policy's order.
pub(crate) type Amounts = SmallVec<[Money; LARGEST_ASSET_COUNT]>;

/// Which currencies stand for unified accounts' positions, and what they count for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CollateralPolicy {
    /// The currencies, the reference currency among them.
    pub assets: Vec<CollateralAsset>,
    /// Time between two charges of interest on what is borrowed; `None`: none is charged.
    pub interest_every: Option<Span>,
}

/// A currency as collateral.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CollateralAsset {
    /// Which.
    pub currency: CurrencyId,
    /// The spot market of the currency against the reference currency, whose mark is its price. `None` for the
    /// reference currency itself.
    pub market: Option<InstrumentId>,
    /// What part of an amount counts, by tiers of the amount: the first starts at 0, floors rise and weights fall.
    pub tiers: Vec<WeightTier>,
    /// All accounts' deposits above which the weight for initial margin falls, as this amount ÷ deposits.
    pub scaled_from: Option<Money>,
    /// What all accounts together may deposit.
    pub limit: Option<Money>,
    /// How far below zero an account's cash may be before other collateral is sold for it.
    pub overdraft: Money,
    /// Whether accounts may borrow it by spot trades, and at what terms.
    pub loan: Option<LoanTerms>,
}

/// From `floor` on, the part of each unit that counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WeightTier {
    /// Amount from which the tier applies.
    pub floor: Money,
    /// The part that counts: 100% less the haircut.
    pub weight: Ppm,
}

/// Terms of a loan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LoanTerms {
    /// Initial margin on what is borrowed.
    pub initial: Ppm,
    /// Maintenance margin on what is owed, however it came to be owed.
    pub maintenance: Ppm,
    /// Interest per interval, in parts of 10^9.
    pub interest_e9: u32,
}

/// What one smallest unit of a currency is worth in the reference currency's, as a fraction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    num: i128,
    den: i128,
}

impl Rate {
    const ONE: Self = Self { num: 1, den: 1 };

    /// `amount` in the reference currency, rounded down.
    pub(crate) fn worth(self, amount: i128) -> i128 {
        scaled(amount, self.num, self.den, LARGEST_WORTH)
    }

    /// As [`Rate::worth`], rounded up.
    pub(crate) fn worth_up(self, amount: i128) -> i128 {
        -self.worth(-amount)
    }

    /// As [`Rate::worth_up`], of an amount × 10^6.
    pub(crate) fn worth_up_e6(self, amount_e6: i128) -> i128 {
        -scaled(-amount_e6, self.num, self.den, LARGEST_WORTH * RATE_ONE)
    }

    /// How much of the currency `amount` of the reference currency buys, rounded down.
    pub(crate) fn amount_of(self, amount: i128) -> i128 {
        scaled(amount, self.den, self.num, LARGEST_WORTH)
    }
}

/// `amount × num ÷ den`, rounded down; at most `largest` either way.
fn scaled(amount: i128, num: i128, den: i128, largest: i128) -> i128 {
    let exceeds = |bound: i128| compare_products(amount, num, bound, den);
    if exceeds(largest) == Ordering::Greater {
        largest
    } else if exceeds(-largest) == Ordering::Less {
        -largest
    } else {
        mul_div_floor(amount, num, den)
    }
}

impl CollateralAsset {
    /// The part of a positive amount that counts, × 10^6.
    fn counted_e6(&self, amount: i128) -> i128 {
        let ends = self.tiers.iter().skip(1).map(|tier| tier.floor.0).chain([i128::MAX]);
        let of = |(tier, end): (&WeightTier, i128)| (amount.min(end) - tier.floor.0).max(0) * i128::from(tier.weight.0);
        self.tiers.iter().zip(ends).map(of).sum()
    }

    /// What an amount counts for at a price that may be anything from `low` to `high`: at least this, in the
    /// reference currency. What counts is rounded down and what is owed up: the account bears the fraction of a unit.
    pub(crate) fn value(&self, amount: Money, low: Rate, high: Rate) -> i128 {
        if amount.is_negative() {
            return -high.worth_up(-amount.0);
        }
        low.worth(floor_div(self.counted_e6(amount.0), RATE_ONE))
    }

    /// As [`CollateralAsset::value`] at one price, for initial margin, with `deposits` of all accounts. The scaled
    /// value is rounded down.
    pub(crate) fn initial_value(&self, amount: Money, rate: Rate, deposits: Money) -> i128 {
        let value = self.value(amount, rate, rate);
        match self.scaled_from {
            Some(from) if amount.is_positive() && deposits > from => mul_div_floor(value, from.0, deposits.0),
            _ => value,
        }
    }
}

impl Margin {
    /// The collateral policy in force.
    #[must_use]
    pub const fn collateral(&self) -> Option<&CollateralPolicy> {
        self.collateral.as_ref()
    }

    /// The reference currency of unified accounts, where there is a collateral policy.
    #[must_use]
    pub fn reference(&self) -> Option<CurrencyId> {
        self.collateral.as_ref()?.assets.iter().find(|asset| asset.market.is_none()).map(|asset| asset.currency)
    }

    /// A currency's terms as collateral.
    #[must_use]
    pub fn asset(&self, currency: CurrencyId) -> Option<&CollateralAsset> {
        self.collateral.as_ref()?.assets.iter().find(|asset| asset.currency == currency)
    }

    /// What a unit of an asset is worth at a mark of its market.
    pub(crate) fn rate_at(&self, asset: &CollateralAsset, mark: impl Fn(InstrumentId) -> MarkPrice) -> Rate {
        let Some(market) = asset.market else { return Rate::ONE };
        let spec = self.instrument(market).spec();
        let InstrumentKind::Spot { lot, .. } = spec.kind else { unreachable!("a policy names spot markets") };
        Rate { num: i128::from(mark(market).0) * i128::from(spec.point_value), den: i128::from(lot) }
    }

    /// What a unit of a currency is worth now; 1 where it is no collateral.
    pub(crate) fn rate(&self, currency: CurrencyId) -> Rate {
        let at_mark = |market| self.instrument(market).mark();
        self.asset(currency).map_or(Rate::ONE, |asset| self.rate_at(asset, at_mark))
    }

    /// An amount of a collateral currency in the reference currency at the present mark, without a haircut; rounded
    /// down.
    #[must_use]
    pub fn in_reference(&self, currency: CurrencyId, amount: Money) -> Money {
        Money(self.rate(currency).worth(amount.0))
    }

    /// An amount of the reference currency in a collateral currency at the present mark; rounded down.
    #[must_use]
    pub fn from_reference(&self, currency: CurrencyId, amount: Money) -> Money {
        Money(self.rate(currency).amount_of(amount.0))
    }

    /// Puts a collateral policy in force: every unified account is looked at again, in account order. While there are
    /// unified accounts the currencies and their markets stay.
    ///
    /// # Errors
    /// [`MarginError::BadCollateral`] where a currency is unknown or named twice, a market is not the spot market
    /// of its currency against the reference currency, not exactly one currency is the reference, tiers do not start
    /// at zero, rise, and fall in weight, or a rate or amount is out of range; [`MarginError::CollateralInUse`].
    pub fn set_collateral(&mut self, policy: &CollateralPolicy) -> Result<(), MarginError> {
        self.check_collateral(policy)?;
        let markets = |policy: &CollateralPolicy| -> Vec<_> {
            policy.assets.iter().map(|asset| (asset.currency, asset.market)).collect()
        };
        let changed = self.collateral.as_ref().is_none_or(|old| markets(old) != markets(policy));
        if changed && self.accounts().any(|account| self.is_unified(account)) {
            return Err(MarginError::CollateralInUse);
        }
        self.collateral = Some(policy.clone());
        // Accounts may now fall, and be overdrawn, without a position.
        self.fallen.reserve(self.positions.capacity() + self.accounts.len());
        self.overdrawn.reserve(self.accounts.len());
        self.reindex_unified();
        Ok(())
    }

    fn check_collateral(&self, policy: &CollateralPolicy) -> Result<(), MarginError> {
        let reference = policy.assets.iter().find(|asset| asset.market.is_none()).map(|asset| asset.currency);
        let reference = reference.ok_or(MarginError::BadCollateral)?;
        let is_sound = |asset: &CollateralAsset| {
            let named = policy.assets.iter().filter(|other| other.currency == asset.currency).count();
            let priced = match asset.market {
                None => asset.currency == reference,
                Some(market) => self.get_instrument(market).is_some_and(|terms| {
                    let spec = terms.spec();
                    spec.settlement == reference
                        && matches!(spec.kind, InstrumentKind::Spot { base, .. } if base == asset.currency)
                }),
            };
            self.has_currency(asset.currency) && named == 1 && priced && asset.terms_are_sound()
        };
        let timed = policy.interest_every.is_none_or(|every| every > Span::ZERO);
        let sound = policy.assets.len() <= LARGEST_ASSET_COUNT && policy.assets.iter().all(is_sound) && timed;
        if sound { Ok(()) } else { Err(MarginError::BadCollateral) }
    }
}

impl CollateralAsset {
    fn terms_are_sound(&self) -> bool {
        let part = |rate: Ppm| rate >= Ppm::ZERO && rate <= Ppm::ONE;
        let amount = |money: Money| !money.is_negative() && money.0 < LARGEST_WORTH;
        let falls = |w: &[WeightTier]| w[0].floor < w[1].floor && w[0].weight >= w[1].weight;
        let tiers = &self.tiers;
        tiers.first().is_some_and(|tier| tier.floor.is_zero())
            && tiers.windows(2).all(falls)
            && tiers.iter().all(|tier| part(tier.weight) && amount(tier.floor))
            && self.scaled_from.is_none_or(|from| amount(from) && from.is_positive())
            && self.limit.is_none_or(amount)
            && amount(self.overdraft)
            && self
                .loan
                .is_none_or(|loan| part(loan.initial) && part(loan.maintenance) && loan.maintenance <= loan.initial)
    }
}

/// Interest on a loan, rounded up: who borrows pays the fraction of a unit.
pub(crate) fn interest(owed: Money, rate_e9: u32) -> Money {
    Money(mul_div_ceil(owed.0, rate_e9.into(), 1_000_000_000))
}
