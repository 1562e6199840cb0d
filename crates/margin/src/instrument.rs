//! Instruments: what a contract is worth, what margin it needs, and how large it may grow.
//!
//! A linear contract's value is `|size| × mark × point_value`, a whole number of the settlement currency's
//! smallest unit, because `point_value` is declared per *mark increment* (a tick ÷ `mark_scale`). So nothing
//! is divided, and nothing rounded, in valuing it. An inverse contract is divided once; `payoff` says how.

use crate::cells::Cells;
use crate::form::MarginForm;
use crate::option::OptionTerms;
use crate::payoff::{Payoff, Valuation};
use alloc::vec::Vec;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money, Ppm, Price, Qty, Side, Time};

/// Rates are parts per million, so an amount of margin before rounding is held as money × 10^6.
pub const RATE_ONE: i128 = 1_000_000;

/// The bound that no amount, scaled by 10^6 and summed over all positions, may reach.
const AMOUNT_LIMIT: i128 = 1 << 120;

/// What kind of contract an instrument is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum InstrumentKind {
    /// Never expires; held to its index by funding payments.
    Perpetual,
    /// Settles in cash at the mark when it expires.
    Dated {
        /// The moment of settlement.
        expiry: Time,
    },
    /// One currency for another, at once: no position, no margin. The settlement currency is what is paid, and its
    /// payoff is linear.
    Spot {
        /// What is bought and sold.
        base: CurrencyId,
        /// How much of it a lot is, in its smallest unit.
        lot: u64,
    },
    /// A European option, settled in cash on an index when it expires.
    Option(OptionTerms),
}

impl InstrumentKind {
    /// When it is settled, if ever.
    #[must_use]
    pub const fn expiry(self) -> Option<Time> {
        match self {
            Self::Perpetual | Self::Spot { .. } => None,
            Self::Dated { expiry } => Some(expiry),
            Self::Option(terms) => Some(terms.expiry),
        }
    }
}

/// The value to which a maintenance rate applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum MaintenanceBasis {
    /// Notional at mark (Binance, OKX, Gate, dYdX).
    #[default]
    Mark,
    /// Notional at entry (Bybit, linear contracts).
    Entry,
}

/// A maintenance tier as declared: from `floor` notional up, the rates that apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TierSpec {
    /// Notional from which the tier applies, in the settlement currency's smallest unit.
    pub floor: Money,
    /// Maintenance margin rate within the tier.
    pub maintenance: Ppm,
    /// Initial margin rate of a position whose notional is in the tier: 1 ÷ its largest leverage.
    pub initial: Ppm,
}

/// An instrument as listed. Limits are those of one account, checked when an order is accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InstrumentSpec {
    /// Perpetual or dated.
    pub kind: InstrumentKind,
    /// How its value depends on its price.
    pub payoff: Payoff,
    /// The currency in which it is margined and settled.
    pub settlement: CurrencyId,
    /// Mark increments per tick, at least 1.
    pub mark_scale: u32,
    /// Money (smallest units) per mark increment per lot; of an inverse contract money × mark increments per lot: what
    /// a lot promises, in the quote's mark increments, times the coin's smallest units.
    pub point_value: u64,
    /// The largest absolute price of an order, in ticks.
    pub max_price: Price,
    /// The largest order, in lots.
    pub max_order: Qty,
    /// The largest position of one account, in lots, open orders included.
    pub max_position: Qty,
    /// Margin tiers by notional: the first starts at 0, floors and rates rise.
    pub tiers: Vec<TierSpec>,
    /// The notional that maintenance rates multiply.
    pub maintenance_basis: MaintenanceBasis,
    /// Added to every maintenance rate, for venues that reserve the closing fee (OKX, Gate).
    pub close_fee: Ppm,
    /// Fee of the resting side; negative is a rebate.
    pub maker_fee: Ppm,
    /// Fee of the taking side.
    pub taker_fee: Ppm,
}

impl InstrumentSpec {
    /// The currencies that it moves.
    pub fn currencies(&self) -> impl Iterator<Item = CurrencyId> {
        let base = match self.kind {
            InstrumentKind::Spot { base, .. } => Some(base),
            _ => None,
        };
        [Some(self.settlement), base].into_iter().flatten()
    }

    /// The least price that it can have, in ticks or mark increments, where prices are positive.
    #[must_use]
    pub const fn smallest_price(&self) -> Option<i64> {
        match (self.kind, self.valuation().smallest_price()) {
            (InstrumentKind::Spot { .. }, _) => Some(1),
            (_, Some(price)) => Some(price.0),
            (_, None) => None,
        }
    }

    /// How it is valued.
    #[inline]
    #[must_use]
    pub const fn valuation(&self) -> Valuation {
        Valuation { payoff: self.payoff, mark_scale: self.mark_scale, point_value: self.point_value }
    }
}

/// Why an instrument was not listed, or its tiers not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ListingError {
    /// The instrument number is in use.
    AlreadyListed,
    /// The number, or the settlement currency's, is past the venue's capacity, or there are more than
    /// [`LARGEST_TIER_COUNT`] tiers.
    CapacityReached,
    /// A scale, point value or limit is zero or negative.
    NotPositive,
    /// There is no tier, the first does not start at zero, or floors or rates do not rise.
    TiersNotRising,
    /// A rate is outside 0 to 100% (fees: −100% to 100%), or an initial rate is below its maintenance rate.
    RateOutOfRange,
    /// The largest position or order at the largest price, over all positions, could leave 2^120, or 2^63 lots.
    TooLarge,
    /// A spot market of a currency against itself, or with an inverse payoff.
    NotExchangeable,
}

/// A maintenance tier with its amount: within it, maintenance = notional × rate − amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tier {
    /// Where it starts.
    pub floor: Money,
    /// Maintenance rate, the closing fee included.
    pub rate: Ppm,
    /// Initial rate.
    pub initial: Ppm,
    /// Maintenance amount × 10^6: `floor × (rate − previous rate) + previous amount`, so that maintenance
    /// is continuous at the edges.
    ///
    /// Source: Binance, *Leverage and Margin of USDⓈ-M Futures*.
    pub amount_e6: i128,
}

/// How many tiers an instrument may have; room for them is reserved at listing.
pub const LARGEST_TIER_COUNT: usize = 64;

/// Derives the tiers' maintenance amounts.
#[must_use]
pub fn tiers(spec: &[TierSpec], close_fee: Ppm) -> Vec<Tier> {
    let mut tiers = Vec::with_capacity(spec.len().max(LARGEST_TIER_COUNT));
    derive_tiers(&mut tiers, spec.iter().copied(), close_fee);
    tiers
}

fn derive_tiers(tiers: &mut Vec<Tier>, spec: impl Iterator<Item = TierSpec>, close_fee: Ppm) {
    tiers.clear();
    for tier in spec {
        let rate = tier.maintenance + close_fee;
        let amount_e6 = tiers.last().map_or(0, |p| tier.floor.0 * i128::from((rate - p.rate).0) + p.amount_e6);
        tiers.push(Tier { floor: tier.floor, rate, initial: tier.initial, amount_e6 });
    }
}

/// A listed instrument: its terms, and its mark.
#[derive(Clone, Debug)]
pub struct Instrument {
    pub(crate) spec: InstrumentSpec,
    /// As listed, or at the least rates where those are more.
    pub(crate) tiers: Vec<Tier>,
    pub(crate) mark: MarkPrice,
    /// The fund that answers for its deficits.
    pub(crate) fund: AccountId,
    pub(crate) form: MarginForm,
    /// The least maintenance and initial rate of a tier.
    pub(crate) least: (Ppm, Ppm),
    /// Lots of all long positions.
    pub(crate) longs: u64,
    /// The index of an option's underlying.
    pub(crate) reference: MarkPrice,
    /// The underlying in whose portfolio it is netted.
    pub(crate) portfolio: Option<InstrumentId>,
    /// An option's volatility ÷ its underlying's.
    pub(crate) smile: Ppm,
    /// An option's value by the model, unmoved and then at each point of its portfolio's grid; empty before it could be
    /// valued.
    pub(crate) grid: Vec<i64>,
    /// What it comes to over the cells of certificates.
    pub(crate) cells: Cells,
    /// The volatility of its underlying by which an option was valued last, and when that was.
    pub(crate) valued: (Ppm, Time),
}

impl Instrument {
    pub(crate) fn new(spec: &InstrumentSpec) -> Self {
        let mut spec = spec.clone();
        spec.tiers.reserve_exact(LARGEST_TIER_COUNT.saturating_sub(spec.tiers.len()));
        let mark = MarkPrice(spec.smallest_price().unwrap_or(0));
        let reference = match &spec.kind {
            InstrumentKind::Option(terms) => terms.strike,
            InstrumentKind::Perpetual | InstrumentKind::Dated { .. } | InstrumentKind::Spot { .. } => MarkPrice::ZERO,
        };
        let tiers = tiers(&spec.tiers, spec.close_fee);
        let (form, least) = (MarginForm::default(), (Ppm::ZERO, Ppm::ZERO));
        Self {
            spec,
            tiers,
            mark,
            fund: AccountId::FUND,
            form,
            least,
            longs: 0,
            reference,
            portfolio: None,
            smile: Ppm::ONE,
            grid: Vec::new(),
            cells: Cells::default(),
            valued: (Ppm::ZERO, Time(0)),
        }
    }

    /// Puts other tiers in place of the present ones, in the memory reserved at listing.
    pub(crate) fn set_tiers(&mut self, spec: &[TierSpec]) {
        self.spec.tiers.clear();
        self.spec.tiers.extend_from_slice(spec);
        self.derive();
    }

    /// Raises every tier's rates to at least these.
    pub(crate) fn set_least_rates(&mut self, least: (Ppm, Ppm)) {
        self.least = least;
        self.derive();
    }

    fn derive(&mut self) {
        let (maintenance, initial) = self.least;
        let raised = |tier: &TierSpec| TierSpec {
            maintenance: tier.maintenance.max(maintenance),
            initial: tier.initial.max(initial),
            ..*tier
        };
        derive_tiers(&mut self.tiers, self.spec.tiers.iter().map(raised), self.spec.close_fee);
    }

    /// The terms it was listed with.
    #[must_use]
    pub const fn spec(&self) -> &InstrumentSpec {
        &self.spec
    }

    /// The present mark price.
    #[must_use]
    pub const fn mark(&self) -> MarkPrice {
        self.mark
    }

    /// The largest absolute mark: twice the largest price, what listing was checked against.
    #[must_use]
    pub fn largest_mark(&self) -> MarkPrice {
        MarkPrice(self.spec.max_price.0 * 2 * i64::from(self.spec.mark_scale))
    }

    /// The marks that it can have, lowest and highest.
    #[must_use]
    pub fn legal_marks(&self) -> (MarkPrice, MarkPrice) {
        let largest = self.largest_mark();
        let lowest = match self.option() {
            Some(_) => 0,
            None => self.spec.smallest_price().unwrap_or(-largest.0),
        };
        (MarkPrice(lowest), largest)
    }

    /// The prices that its orders can have, lowest and highest.
    #[must_use]
    pub fn legal_prices(&self) -> (Price, Price) {
        let largest = self.spec.max_price;
        let smallest = if self.option().is_some() { Some(1) } else { self.spec.smallest_price() };
        (Price(smallest.unwrap_or(-largest.0)), largest)
    }

    /// A price in ticks as a mark price.
    #[must_use]
    pub fn to_mark(&self, price: Price) -> MarkPrice {
        MarkPrice(price.0 * i64::from(self.spec.mark_scale))
    }

    /// How it is valued.
    #[inline]
    #[must_use]
    pub const fn valuation(&self) -> Valuation {
        self.spec.valuation()
    }

    /// Signed value of `size` at `mark`; see [`Valuation::value_at`].
    #[inline]
    #[must_use]
    pub fn value_at(&self, size: Lots, mark: MarkPrice) -> Money {
        self.valuation().value_at(size, mark)
    }

    /// Value of `quantity` traded at `price`; see [`Valuation::trade_value`].
    #[inline]
    #[must_use]
    pub fn trade_value(&self, quantity: Qty, price: Price) -> Money {
        self.valuation().trade_value(quantity, price)
    }

    /// The notional that delivery of `size` lots is charged on: their absolute value at the mark, or, of an option, at the
    /// index.
    pub(crate) fn delivered(&self, size: Lots) -> Money {
        let price = if self.option().is_some() { self.reference } else { self.mark };
        self.value_at(size, price).abs()
    }

    /// The value of a trade that closes `qty` lots held on `held` for what they are worth at the mark.
    #[must_use]
    pub fn closing_value(&self, held: Side, qty: Qty) -> Money {
        self.valuation().closing_value(held, qty, self.mark)
    }

    /// The largest absolute value that a trade of `qty` lots can have.
    #[must_use]
    pub fn largest_value(&self, qty: Qty) -> Money {
        self.valuation().largest_value(qty, self.spec.max_price).unwrap_or(Money(i128::MAX))
    }

    /// The limit of an order of `qty` lots worth `value`; see [`Valuation::price_of`].
    #[must_use]
    pub fn price_of(&self, qty: Qty, value: Money, side: Side) -> Price {
        self.valuation().price_of(qty, value, side)
    }

    /// The lines whose maximum is the maintenance margin of `size` lots, × 10^6, as a function of their notional: `(rate,
    /// amount)` of `notional × rate − amount`. Rates are those of the tiers and what the size adds, and below 100%.
    pub(crate) fn maintenance_lines(&self, size: Lots) -> impl Iterator<Item = (i128, i128)> + '_ {
        self.lines_at(size, self.reference)
    }

    /// The same, where an option's index is at `reference`.
    fn lines_at(&self, size: Lots, reference: MarkPrice) -> impl Iterator<Item = (i128, i128)> + '_ {
        self.tier_lines(size).chain(self.option_lines(size, reference).into_iter().flatten())
    }

    #[inline]
    fn tier_lines(&self, size: Lots) -> impl Iterator<Item = (i128, i128)> + '_ {
        let added = self.form.size.added(size.quantity());
        // What listing and the form's own check make sure of for every position but the fund's.
        self.tiers.iter().map(move |t| ((i128::from(t.rate.0) + added).min(RATE_ONE - 1), t.amount_e6))
    }

    /// Maintenance margin × 10^6 of `size` lots worth `notional`: the largest over all tiers of `notional × rate −
    /// amount`. As rates rise and amounts make it continuous, that is the tier the notional lies in. An option's is
    /// that of its own lines.
    #[inline]
    #[must_use]
    pub fn maintenance_e6(&self, size: Lots, notional: Money) -> i128 {
        self.maintenance_at_e6(size, notional, self.reference)
    }

    /// The same, where an option's index is at `reference`.
    #[inline]
    pub(crate) fn maintenance_at_e6(&self, size: Lots, notional: Money, reference: MarkPrice) -> i128 {
        let asked = |(rate, amount): (i128, i128)| notional.0 * rate - amount;
        match self.option() {
            // A loop of its own, since most marks are of contracts.
            None => self.tier_lines(size).map(asked).fold(0, i128::max),
            Some(_) => self.lines_at(size, reference).map(asked).max().unwrap_or(0),
        }
    }
}

/// Checks everything that later arithmetic relies on; `positions` is how many the venue can hold.
pub(crate) fn check_spec(spec: &InstrumentSpec, positions: u32) -> Result<(), ListingError> {
    let positive = spec.mark_scale > 0
        && spec.point_value > 0
        && spec.max_price.0 > 0
        && spec.max_order.0 > 0
        && spec.max_position.0 > 0;
    if !positive {
        return Err(ListingError::NotPositive);
    }
    match &spec.kind {
        InstrumentKind::Option(terms) => check_option(spec, terms)?,
        _ => check_tiers(&spec.tiers, spec.close_fee)?,
    }
    check_spot(spec)?;
    let fee_legal = |fee: Ppm| fee.0.unsigned_abs() <= Ppm::ONE.0.unsigned_abs();
    if !fee_legal(spec.maker_fee) || !fee_legal(spec.taker_fee) {
        return Err(ListingError::RateOutOfRange);
    }
    check_size(spec, positions).ok_or(ListingError::TooLarge)
}

/// An option has a strike and a linear payoff in its own price, and neither tiers nor a closing fee: what it asks for is
/// its form's to say.
fn check_option(spec: &InstrumentSpec, terms: &OptionTerms) -> Result<(), ListingError> {
    if !terms.strike.is_positive() {
        return Err(ListingError::NotPositive);
    }
    if !spec.tiers.is_empty() {
        return Err(ListingError::TiersNotRising);
    }
    let plain = spec.close_fee.is_zero() && spec.maintenance_basis == MaintenanceBasis::Mark;
    if !plain || spec.payoff != Payoff::Linear {
        return Err(ListingError::RateOutOfRange);
    }
    let most = spec.max_price.0.checked_mul(2).and_then(|twice| twice.checked_mul(i64::from(spec.mark_scale)));
    if most.is_some_and(|most| terms.strike.0 <= most) { Ok(()) } else { Err(ListingError::TooLarge) }
}

pub(crate) fn check_tiers(tiers: &[TierSpec], close_fee: Ppm) -> Result<(), ListingError> {
    if tiers.len() > LARGEST_TIER_COUNT {
        return Err(ListingError::CapacityReached);
    }
    if tiers.first().is_none_or(|t| t.floor != Money::ZERO) {
        return Err(ListingError::TiersNotRising);
    }
    let rises = |w: &[TierSpec]| {
        w[0].floor < w[1].floor && w[0].maintenance <= w[1].maintenance && w[0].initial <= w[1].initial
    };
    if !tiers.windows(2).all(rises) {
        return Err(ListingError::TiersNotRising);
    }
    let legal = |t: &TierSpec| {
        t.maintenance >= Ppm::ZERO
            && close_fee >= Ppm::ZERO
            && t.maintenance.checked_add(close_fee).is_some_and(|rate| rate < Ppm::ONE && rate <= t.initial)
            && t.initial <= Ppm::ONE
            && t.floor.0 < AMOUNT_LIMIT / RATE_ONE
    };
    if tiers.iter().all(legal) { Ok(()) } else { Err(ListingError::RateOutOfRange) }
}

/// A spot market exchanges two currencies at linear prices, and an order moves no more than a deposit may be.
fn check_spot(spec: &InstrumentSpec) -> Result<(), ListingError> {
    let InstrumentKind::Spot { base, lot } = spec.kind else { return Ok(()) };
    let lots = spec.max_position.max(spec.max_order);
    if lot == 0 {
        Err(ListingError::NotPositive)
    } else if base == spec.settlement || spec.payoff != Payoff::Linear {
        Err(ListingError::NotExchangeable)
    } else if i128::from(lot) * i128::from(lots.0) >= 1 << 100 {
        Err(ListingError::TooLarge)
    } else {
        Ok(())
    }
}

/// `None` where the largest position or order at twice the largest price, times 10^6, over all positions, leaves
/// 2^120, or all positions together 2^63 lots.
fn check_size(spec: &InstrumentSpec, positions: u32) -> Option<()> {
    // The fund may take over what many accounts held.
    let fund = spec.max_position.0.checked_mul(u64::from(positions.max(1)))?;
    i64::try_from(fund).ok()?;
    i64::try_from(spec.max_order.0).ok()?;
    let lots = spec.max_position.max(spec.max_order);
    let twice = Price(spec.max_price.0.checked_mul(2)?);
    twice.0.checked_mul(i64::from(spec.mark_scale))?;
    let largest = spec.valuation().largest_value(lots, twice)?;
    largest
        .0
        .checked_mul(RATE_ONE)?
        .checked_mul(i128::from(positions.max(1)))
        .filter(|amount| *amount < AMOUNT_LIMIT)
        .map(|_| ())
}
