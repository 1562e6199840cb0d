//! `[[instruments]]`: terms in human units, and how they become ticks, lots and smallest units of money.

use super::currency::Currencies;
use super::{margining, policy};
use crate::decimal::{Decimal, NotWhole};
use crate::read::{Field, Outcome, Section};
use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, MarginForm, Payoff, TierSpec};
use downdraft_types::arith::ceil_div;
use downdraft_types::{CurrencyId, MarkPrice, Money, Ppm, Price, Qty, Time};
use downdraft_venue::{BookSize, DynamicMargin, FundingPolicy, MarkPolicy, MarkRule, Protections, SettlementPolicy};

/// An instrument as a scenario states it, in the engine's units.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instrument {
    /// Its name.
    pub name: String,
    /// How its prices and sizes are written.
    pub units: Units,
    /// Its terms.
    pub spec: InstrumentSpec,
    /// What its book can hold.
    pub book: BookSize,
    /// The price at the start.
    pub price: Price,
    /// How its mark is made.
    pub mark: MarkPolicy,
    /// Band and breaker.
    pub protections: Protections,
    /// Funding, of a perpetual.
    pub funding: Option<FundingPolicy>,
    /// The name of its insurance fund; `None`: the one that serves all others.
    pub fund: Option<String>,
    /// How a dated contract is settled.
    pub delivery: Option<SettlementPolicy>,
    /// How margin rises with size and open interest, where it does.
    pub form: Option<MarginForm>,
    /// Rates that follow the market.
    pub dynamic: Option<DynamicMargin>,
    /// What its volatility is reported to be, and when: what its options are marked by.
    pub volatility: Vec<(Time, Ppm)>,
}

/// The human units of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Units {
    /// Price of a tick.
    pub tick: Decimal,
    /// Size of a lot.
    pub lot: Decimal,
    /// Mark increments per tick.
    pub mark_scale: u32,
    /// Digits after the point of the settlement currency.
    pub decimals: u32,
}

impl Units {
    /// The currency's smallest unit.
    #[must_use]
    pub const fn money(&self) -> Decimal {
        Decimal::new(1, self.decimals)
    }

    /// A mark price in human units.
    #[must_use]
    pub fn mark_price(&self, mark: MarkPrice) -> f64 {
        mark.0 as f64 * self.tick.to_f64() / f64::from(self.mark_scale)
    }

    /// A price in human units.
    #[must_use]
    pub fn price(&self, price: Price) -> f64 {
        price.0 as f64 * self.tick.to_f64()
    }

    /// A quantity in human units.
    #[must_use]
    pub fn quantity(&self, lots: i128) -> f64 {
        lots as f64 * self.lot.to_f64()
    }

    /// An amount of money in human units.
    #[must_use]
    pub fn amount(&self, money: Money) -> f64 {
        money.0 as f64 * self.money().to_f64()
    }
}

impl Instrument {
    pub(super) fn read(field: &Field<'_>, currencies: &Currencies, before: &[Self]) -> Outcome<Self> {
        let mut s = field.section()?;
        let name = s.required("name", "the instrument's name", Field::owned)?;
        let settlement = s.required("settlement", "the name of a currency", |f| currencies.named(f))?;
        let decimals = currencies.decimals(settlement);
        let tick = s.required("tick_size", "the price of a tick", Field::positive_decimal)?;
        let lot = s.required("lot_size", "the size of a lot", Field::positive_decimal)?;
        let mark_scale = s.or("mark_scale", 1, |f| f.integer(1, 1_000_000).map(|n| n as u32))?;
        let units = Units { tick, lot, mark_scale, decimals };
        let payoff = s.or("contract", Payoff::Linear, |f| {
            f.choice(&[("linear", Payoff::Linear), ("inverse", Payoff::Inverse)])
        })?;
        let multiplier = s.optional("multiplier", Field::positive_decimal)?;
        if payoff == Payoff::Inverse && multiplier.is_some() {
            return Err(s.refuse(
                "multiplier",
                "a multiplier of an inverse contract",
                "none, or contract = \"linear\"",
            ));
        }
        let point_value = point_value(&s, &units, payoff, multiplier.unwrap_or(Decimal::ONE))?;
        let kind = kind(&mut s, &units, (settlement, currencies), before)?;
        let option = matches!(kind, InstrumentKind::Option(_));
        let spot = matches!(kind, InstrumentKind::Spot { .. });
        if spot && payoff != Payoff::Linear {
            return Err(s.refuse("contract", "an inverse contract", "contract = \"linear\", as kind is spot"));
        }
        let price = s.required("price", "the price at the start", |f| f.positive_units(tick, "tick"))?;
        let price = Price(price);
        let far = Price(price.0.saturating_mul(10)).max(margining::reach(&kind, &units, before).unwrap_or(Price::ZERO));
        let max_price = s.or("max_price", far, |f| f.positive_units(tick, "tick").map(Price))?;
        let lots = |f: &Field<'_>| f.positive_units(lot, "lot").map(|n| Qty(n.unsigned_abs()));
        let max_position = s.or("max_position", Qty(1_000_000_000), lots)?;
        let max_order = s.or("max_order", max_position, lots)?;
        let fee = |f: &Field<'_>| f.rate_within(-Ppm::ONE, Ppm::ONE);
        let spec = InstrumentSpec {
            kind,
            settlement,
            mark_scale,
            payoff,
            point_value,
            max_price,
            max_order,
            max_position,
            tiers: match s.field("tiers") {
                Some(field) if !spot && !option => tiers(&field, &units)?,
                None if spot => vec![TierSpec { floor: Money::ZERO, maintenance: Ppm::ZERO, initial: Ppm::ONE }],
                None if option => Vec::new(),
                Some(_) if option => return Err(s.refuse("tiers", "tiers of an option", "none: see margin_form")),
                Some(_) => return Err(s.refuse("tiers", "margin tiers", "none, as kind is spot")),
                None => return Err(s.refuse("tiers", "nothing", "a list of margin tiers")),
            },
            maintenance_basis: s.or("maintenance_basis", MaintenanceBasis::Mark, |f| {
                f.choice(&[("mark", MaintenanceBasis::Mark), ("entry", MaintenanceBasis::Entry)])
            })?,
            close_fee: s.or("close_fee", Ppm::ZERO, |f| f.rate_within(Ppm::ZERO, Ppm::ONE))?,
            maker_fee: s.or("maker_fee", Ppm::ZERO, fee)?,
            taker_fee: s.or("taker_fee", Ppm::ZERO, fee)?,
        };
        let instrument = Self {
            name,
            units,
            spec,
            book: s.or("book", BookSize { orders: 65_536, levels: 16_384 }, book)?,
            price,
            mark: s.or("mark", MarkPolicy::default(), policy::mark)?,
            protections: s.or("protections", Protections::default(), policy::protections)?,
            funding: s.optional("funding", |f| policy::funding(f, units.money()))?,
            fund: s.optional("fund", Field::owned)?,
            delivery: s.optional("delivery", policy::delivery)?,
            form: s.optional("margin_form", |f| margining::form(f, &units))?,
            dynamic: s.optional("dynamic_margin", |f| margining::dynamic(f, &units))?,
            volatility: s.or("volatility", Vec::new(), margining::path)?,
        };
        if option && instrument.dynamic.is_some() {
            return Err(s.refuse("dynamic_margin", "dynamic margin of an option", "none: it has no tiers"));
        }
        if !option && matches!(instrument.mark.rule, MarkRule::Model { .. }) {
            return Err(s.refuse("mark", "the model's mark", "another rule, or kind = \"option\""));
        }
        if instrument.spec.payoff == Payoff::Inverse && instrument.funding.is_some_and(|f| !f.premium.impact.is_zero())
        {
            return Err(s.refuse("funding", "an impact of an inverse contract", "none: its best prices are compared"));
        }
        if instrument.delivery.is_some() && instrument.spec.kind.expiry().is_none() {
            return Err(s.refuse("delivery", "delivery of a perpetual", "no delivery, or kind = \"dated\""));
        }
        if let (Some(policy), Some(expiry)) = (instrument.delivery, instrument.spec.kind.expiry())
            && policy.window.0 >= expiry.0
        {
            return Err(s.refuse("delivery", "a window that begins before the run", "a window shorter than expiry"));
        }
        if instrument.funding.is_some() && instrument.spec.kind != InstrumentKind::Perpetual {
            return Err(s.refuse("funding", "funding of what is no perpetual", "no funding, or kind = \"perpetual\""));
        }
        s.finish()?;
        Ok(instrument)
    }

    /// The price at the start, as a mark.
    #[must_use]
    pub fn first_mark(&self) -> MarkPrice {
        MarkPrice(self.price.0.saturating_mul(i64::from(self.units.mark_scale)))
    }
}

/// Money per mark increment per lot, which must be whole: tick × lot × multiplier × 10^decimals ÷ mark_scale. The
/// multiplier is what a unit of price is worth in the settlement currency per unit of size: 1, or a quanto's fixed rate.
/// Of an inverse contract, whose lot is an amount of the quote, lot × 10^decimals × mark_scale ÷ tick.
fn point_value(section: &Section<'_>, units: &Units, payoff: Payoff, multiplier: Decimal) -> Outcome<u64> {
    let (value, formula) = match payoff {
        Payoff::Linear if multiplier == Decimal::ONE => {
            (linear_value(units, multiplier, units.mark_scale, units.decimals), "{tick} × {lot} ÷ {scale}")
        }
        Payoff::Linear => {
            let value = linear_value(units, multiplier, units.mark_scale, units.decimals);
            (value, "{tick} × {lot} × {multiplier} ÷ {scale}")
        }
        Payoff::Inverse => (inverse_value(units, units.decimals), "{lot} × {scale} ÷ {tick}"),
    };
    match value {
        Some(Ok(value)) if u64::try_from(value).is_ok() => return Ok(value as u64),
        Some(Err(NotWhole::Between(..))) => {}
        _ => return Err(section.refuse("tick_size", "a value of a tick too large to hold", "a smaller tick or lot")),
    }
    let found = formula
        .replace("{tick}", &units.tick.to_string())
        .replace("{lot}", &units.lot.to_string())
        .replace("{multiplier}", &multiplier.to_string())
        .replace("{scale}", &units.mark_scale.to_string());
    let found = format!("{found}, which is no whole number of 10^-{}", units.decimals);
    let expected = format!("money per mark increment per lot to be exact: {}", remedy(units, payoff, multiplier));
    Err(section.refuse("mark_scale", found, expected))
}

type Whole = Option<Result<i128, NotWhole>>;

fn linear_value(units: &Units, multiplier: Decimal, mark_scale: u32, decimals: u32) -> Whole {
    let scale = Decimal::new(i128::from(mark_scale), 0);
    let power = Decimal::new(10_i128.checked_pow(decimals)?, 0);
    Some(units.tick.checked_mul(units.lot)?.checked_mul(multiplier)?.checked_mul(power)?.count(scale))
}

fn inverse_value(units: &Units, decimals: u32) -> Whole {
    let scale = Decimal::new(i128::from(units.mark_scale), 0);
    let power = Decimal::new(10_i128.checked_pow(decimals)?, 0);
    Some(units.lot.checked_mul(power)?.checked_mul(scale)?.count(units.tick))
}

/// What would make a point value whole.
fn remedy(units: &Units, payoff: Payoff, multiplier: Decimal) -> String {
    let whole = |value: Whole| matches!(value, Some(Ok(_)));
    let enough = (units.decimals..=18).find(|decimals| match payoff {
        Payoff::Linear => whole(linear_value(units, multiplier, units.mark_scale, *decimals)),
        Payoff::Inverse => whole(inverse_value(units, *decimals)),
    });
    let linear = payoff == Payoff::Linear;
    let coarser = (1..units.mark_scale).rev().filter(|_| linear);
    let coarser = coarser.take(1_000_000).find(|scale| whole(linear_value(units, multiplier, *scale, units.decimals)));
    match (enough, coarser) {
        (Some(d), Some(scale)) => format!("the settlement currency with {d} decimals, or mark_scale = {scale}"),
        (Some(d), None) => format!("the settlement currency with {d} decimals"),
        (None, Some(scale)) => format!("mark_scale = {scale}"),
        (None, None) if linear => "a tick_size whose value per lot is a whole number of mark_scale".to_owned(),
        (None, None) => "a lot_size that is a whole number of mark increments".to_owned(),
    }
}

fn kind(
    section: &mut Section<'_>,
    units: &Units,
    (settlement, currencies): (CurrencyId, &Currencies),
    before: &[Instrument],
) -> Outcome<InstrumentKind> {
    #[derive(Clone, Copy)]
    enum Word {
        Perpetual,
        Dated,
        Option,
        Spot,
    }
    let words =
        [("perpetual", Word::Perpetual), ("dated", Word::Dated), ("option", Word::Option), ("spot", Word::Spot)];
    let word = section.or("kind", Word::Perpetual, |f| f.choice(&words))?;
    let expiry = section.optional("expiry", Field::positive_span)?;
    let base = section.optional("base", |f| Ok((f.clone(), currencies.named(f)?)))?;
    if base.is_some() && !matches!(word, Word::Spot) {
        return Err(section.refuse("base", "a base currency", "none, or kind = \"spot\""));
    }
    match (word, expiry) {
        (Word::Perpetual, None) => Ok(InstrumentKind::Perpetual),
        (Word::Dated, Some(after)) => Ok(InstrumentKind::Dated { expiry: Time(after.0) }),
        (Word::Option, Some(after)) => margining::option(section, Time(after.0), units, before),
        (Word::Spot, None) => match base {
            Some((field, base)) => spot(&field, units, (base, settlement), currencies),
            None => Err(section.refuse("base", "nothing", "the currency that is bought, as kind is spot")),
        },
        (Word::Dated, None) => {
            Err(section.refuse("expiry", "nothing", "the time from start to settlement, as kind is dated"))
        }
        (Word::Option, None) => {
            Err(section.refuse("expiry", "nothing", "the time from start to settlement, as kind is option"))
        }
        (Word::Perpetual | Word::Spot, Some(_)) => {
            Err(section.refuse("expiry", "an expiry", "none, or kind = \"dated\""))
        }
    }
}

/// A lot of a spot market is a whole number of its base currency's smallest unit.
fn spot(
    field: &Field<'_>,
    units: &Units,
    (base, settlement): (CurrencyId, CurrencyId),
    currencies: &Currencies,
) -> Outcome<InstrumentKind> {
    if base == settlement {
        return Err(field.refuse("the settlement currency", "another currency"));
    }
    let unit = currencies.unit(base);
    let lot = units.lot.count(unit).ok().and_then(|lot| u64::try_from(lot).ok());
    let expected =
        || format!("a currency with lots of {} in whole units: at present its smallest is {unit}", units.lot);
    let lot = lot.ok_or_else(|| field.expected(expected()))?;
    Ok(InstrumentKind::Spot { base, lot })
}

fn tiers(field: &Field<'_>, units: &Units) -> Outcome<Vec<TierSpec>> {
    let tier = |field: &Field<'_>| -> Outcome<TierSpec> {
        let mut s = field.section()?;
        let tier = TierSpec {
            floor: Money(s.required("floor", "the notional it starts at", |f| f.units(units.money(), "unit"))?),
            maintenance: s.required("maintenance", "a rate", |f| f.rate_within(Ppm::ZERO, Ppm::ONE))?,
            initial: initial(&mut s)?,
        };
        s.finish()?;
        if tier.initial < tier.maintenance {
            return Err(field.refuse("an initial rate below the maintenance rate", "at least the maintenance rate"));
        }
        Ok(tier)
    };
    let list = field.list()?;
    let tiers = list.iter().map(tier).collect::<Outcome<Vec<_>>>()?;
    let rises = |w: &[TierSpec]| {
        w[0].floor < w[1].floor && w[0].maintenance <= w[1].maintenance && w[0].initial <= w[1].initial
    };
    if tiers.first().is_none_or(|t| t.floor != Money::ZERO) || !tiers.windows(2).all(rises) {
        return Err(field.refuse("other tiers", "a first tier with floor 0, and floors and rates that rise"));
    }
    Ok(tiers)
}

fn initial(section: &mut Section<'_>) -> Outcome<Ppm> {
    let rate = section.optional("initial", Field::part)?;
    let leverage = section.optional("max_leverage", leverage)?;
    match (rate, leverage) {
        (Some(rate), None) | (None, Some(rate)) => Ok(rate),
        (None, None) => Err(section.refuse("initial", "nothing", "a rate, or max_leverage instead")),
        (Some(_), Some(_)) => Err(section.refuse("initial", "both initial and max_leverage", "one of them")),
    }
}

/// A leverage as its initial margin rate, 1 ÷ leverage, rounded up: no more leverage than is written.
pub(crate) fn leverage(field: &Field<'_>) -> Outcome<Ppm> {
    let expected = || field.expected("a leverage from 1 to 1000000");
    let millionths = field.positive_decimal()?.count(Decimal::new(1, 6)).map_err(|_| expected())?;
    let rate = ceil_div(1_000_000_000_000, millionths.max(1));
    i64::try_from(rate).ok().map(Ppm).filter(|rate| *rate <= Ppm::ONE && rate.is_positive()).ok_or_else(expected)
}

fn book(field: &Field<'_>) -> Outcome<BookSize> {
    let mut s = field.section()?;
    // The venue's own bound.
    let room = |f: &Field<'_>| f.integer(1, 1 << 24).map(|n| n as u32);
    let orders = s.required("orders", "how many orders can rest", room)?;
    let levels = s.or("levels", orders, room)?;
    s.finish()?;
    Ok(BookSize { orders, levels })
}
