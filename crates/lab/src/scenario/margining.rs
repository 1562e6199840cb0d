//! An instrument's `margin_form` and `dynamic_margin`, the terms of an option, and a path of volatility.

use super::Instrument;
use super::instrument::Units;
use crate::decimal::Decimal;
use crate::error::suggest;
use crate::read::{Field, Outcome, Section};
use downdraft_margin::{
    InstrumentKind, MarginForm, OpenInterestScale, OptionTerms, Right, ShortOptionRates, SizeScale,
};
use downdraft_types::{InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Time};
use downdraft_venue::{DynamicMargin, Measure};

fn part(field: &Field<'_>) -> Outcome<Ppm> {
    field.rate_within(Ppm::ZERO, Ppm::ONE)
}

/// A volatility per square root of a year, such as `"60%"`: at most 10,000%.
fn volatility(field: &Field<'_>) -> Outcome<Ppm> {
    field.rate_within(Ppm::ZERO, Ppm(100 * Ppm::ONE.0))
}

fn lots(field: &Field<'_>, units: &Units) -> Outcome<Qty> {
    field.positive_units(units.lot, "lot").map(|n| Qty(n.unsigned_abs()))
}

fn money(field: &Field<'_>, units: &Units) -> Outcome<Money> {
    let amount = Money(field.units(units.money(), "unit")?);
    if amount.is_negative() { Err(field.expected("an amount of at least 0")) } else { Ok(amount) }
}

/// `margin_form = { size = { slope, per }, open_interest = { lower, upper }, max_open_interest, option = { … } }`.
pub(super) fn form(field: &Field<'_>, units: &Units) -> Outcome<MarginForm> {
    let mut s = field.section()?;
    let form = MarginForm {
        size: s.or("size", SizeScale::default(), |f| size(f, units))?,
        open_interest: s.or("open_interest", OpenInterestScale::default(), |f| open_interest(f, units))?,
        max_open_interest: s.optional("max_open_interest", |f| lots(f, units))?,
        option: s.or("option", ShortOptionRates::default(), option_rates)?,
    };
    s.finish()?;
    Ok(form)
}

fn size(field: &Field<'_>, units: &Units) -> Outcome<SizeScale> {
    let mut s = field.section()?;
    let slope = s.required("slope", "what `per` adds to both rates", part)?;
    let per = s.required("per", "the size that adds `slope`", |f| lots(f, units))?;
    s.finish()?;
    Ok(SizeScale { slope, per })
}

fn open_interest(field: &Field<'_>, units: &Units) -> Outcome<OpenInterestScale> {
    let mut s = field.section()?;
    let lower = s.required("lower", "the open interest from which the rate rises", |f| money(f, units))?;
    let upper = s.required("upper", "the open interest at which it is 100%", |f| money(f, units))?;
    s.finish()?;
    if upper <= lower {
        return Err(field.refuse("an upper end that is not above the lower", "an upper end above it"));
    }
    Ok(OpenInterestScale { lower, upper })
}

fn option_rates(field: &Field<'_>) -> Outcome<ShortOptionRates> {
    let mut s = field.section()?;
    let default = ShortOptionRates::default();
    let rates = ShortOptionRates {
        most: s.or("most", default.most, part)?,
        least: s.or("least", default.least, part)?,
        maintenance: s.or("maintenance", default.maintenance, part)?,
        put_mark: s.or("put_mark", default.put_mark, part)?,
        long: s.or("long", default.long, part)?,
    };
    s.finish()?;
    if rates.maintenance > rates.least || rates.least > rates.most {
        return Err(field.refuse("rates out of order", "maintenance at most `least`, and that at most `most`"));
    }
    Ok(rates)
}

/// `dynamic_margin = { follows = { volatility = { … } }, sample, period, rise, fall, least, most, initial_over }`.
pub(super) fn dynamic(field: &Field<'_>, units: &Units) -> Outcome<DynamicMargin> {
    let mut s = field.section()?;
    let sample = s.required("sample", "the time between looks at the market", Field::positive_span)?;
    let policy = DynamicMargin {
        measure: s.required("follows", "what the rate follows", |f| measure(f, units))?,
        sample,
        period: s.or("period", sample, Field::positive_span)?,
        rise: s.or("rise", Ppm::ONE, part)?,
        fall: s.or("fall", Ppm::ONE, part)?,
        least: s.required("least", "the least maintenance rate", part)?,
        most: s.required("most", "the largest maintenance rate", part)?,
        initial_over: s
            .or("initial_over", Ppm(2 * Ppm::ONE.0), |f| f.rate_within(Ppm::ONE, Ppm(1_000 * Ppm::ONE.0)))?,
    };
    s.finish()?;
    if policy.least > policy.most {
        return Err(field.refuse("a least rate above the largest", "at most the largest"));
    }
    Ok(policy)
}

fn measure(field: &Field<'_>, units: &Units) -> Outcome<Measure> {
    let mut s = field.section()?;
    let found = [
        s.optional("volatility", by_volatility)?,
        s.optional("open_interest", |f| {
            let OpenInterestScale { lower: from, upper: to } = open_interest(f, units)?;
            Ok(Measure::OpenInterest { from, to })
        })?,
        s.optional("depth", |f| by_depth(f, units))?,
        s.optional("unwinding", |f| by_unwinding(f, units))?,
        s.optional("forecast", by_forecast)?,
    ];
    s.finish()?;
    let mut found = found.into_iter().flatten();
    match (found.next(), found.next()) {
        (Some(measure), None) => Ok(measure),
        _ => Err(field.refuse("other than one measure", "volatility, open_interest, depth, unwinding or forecast")),
    }
}

fn by_volatility(field: &Field<'_>) -> Outcome<Measure> {
    let mut s = field.section()?;
    let measure = Measure::Volatility {
        half_life: s.required("half_life", "the age at which a return weighs half", Field::positive_span)?,
        base: s.required("base", "the rate at the reference volatility", part)?,
        reference: s.required("reference", "the reference volatility", volatility)?,
    };
    s.finish()?;
    Ok(measure)
}

fn by_depth(field: &Field<'_>, units: &Units) -> Outcome<Measure> {
    let mut s = field.section()?;
    let measure = Measure::Depth {
        width: s.required("width", "how far from the mark orders count", Field::part)?,
        base: s.required("base", "the rate at the reference depth", part)?,
        reference: s.required("reference", "the reference depth", |f| lots(f, units))?,
    };
    s.finish()?;
    Ok(measure)
}

fn by_unwinding(field: &Field<'_>, units: &Units) -> Outcome<Measure> {
    let mut s = field.section()?;
    let tenfold = |f: &Field<'_>| f.rate_within(Ppm::ZERO, Ppm(10 * Ppm::ONE.0));
    let measure = Measure::Unwinding {
        size: s.required("size", "the position that is closed in thought", |f| lots(f, units))?,
        part: s.or("part", Ppm::ONE, part)?,
        beyond: s.or("beyond", Ppm::ONE, tenfold)?,
        factor: s.or("factor", Ppm::ONE, tenfold)?,
    };
    s.finish()?;
    Ok(measure)
}

fn by_forecast(field: &Field<'_>) -> Outcome<Measure> {
    let mut s = field.section()?;
    let measure = Measure::Forecast {
        half_life: s.required("half_life", "the age at which a return weighs half", Field::positive_span)?,
        start: s.required("start", "the volatility at the start", volatility)?,
        horizon: s.required("horizon", "how long closing takes", Field::positive_span)?,
        quantile: s.required("quantile", "how many standard deviations are covered, as a rate", |f| {
            f.rate_within(Ppm::ZERO, Ppm(100 * Ppm::ONE.0))
        })?,
    };
    s.finish()?;
    Ok(measure)
}

/// The terms of an option; `before` are the instruments listed before it.
pub(super) fn option(
    s: &mut Section<'_>,
    expiry: Time,
    units: &Units,
    before: &[Instrument],
) -> Outcome<InstrumentKind> {
    let right = s.required("right", "call or put", |f| f.choice(&[("call", Right::Call), ("put", Right::Put)]))?;
    let strike = s.required("strike", "the price of exercise", |f| f.positive_units(units.tick, "tick"))?;
    let place = s.required("underlying", "the name of an instrument before this one", |f| {
        let name = f.string()?;
        let names: Vec<&str> = before.iter().map(|i| i.name.as_str()).collect();
        let place = names.iter().position(|known| *known == name);
        place.ok_or_else(|| f.expected(format!("an instrument before this one, {}", suggest(name, &names))))
    })?;
    let of = &before[place].units;
    let scaled = |tick: Decimal, scale: u32| tick.checked_mul(Decimal::new(i128::from(scale), 0));
    let same = scaled(units.tick, of.mark_scale).zip(scaled(of.tick, units.mark_scale));
    if same.is_none_or(|(own, other)| own.count(other) != Ok(1)) {
        return Err(s.refuse(
            "mark_scale",
            format!("{} ÷ {}, and {} ÷ {} of the underlying", units.tick, units.mark_scale, of.tick, of.mark_scale),
            "the same tick_size ÷ mark_scale: index and mark are in one unit",
        ));
    }
    let strike = MarkPrice(strike.saturating_mul(i64::from(units.mark_scale)));
    let underlying = InstrumentId(place as u16);
    Ok(InstrumentKind::Option(OptionTerms { expiry, right, strike, underlying }))
}

/// The largest price that an option must allow, for the index of its underlying to be within its range.
pub(super) fn reach(kind: &InstrumentKind, units: &Units, before: &[Instrument]) -> Option<Price> {
    let InstrumentKind::Option(terms) = kind else { return None };
    let underlying = &before.get(terms.underlying.index())?;
    let marks = underlying.spec.max_price.0.saturating_mul(i64::from(underlying.units.mark_scale));
    Some(Price(marks.saturating_add(i64::from(units.mark_scale) - 1) / i64::from(units.mark_scale)))
}

/// `volatility = [["0s", "60%"], ["10s", "110%"]]`: what is reported, and when.
pub(super) fn path(field: &Field<'_>) -> Outcome<Vec<(Time, Ppm)>> {
    let point = |field: &Field<'_>| -> Outcome<(Time, Ppm)> {
        match field.list()?.as_slice() {
            [at, level] => Ok((Time(at.span()?.0), volatility(level)?)),
            _ => Err(field.expected("a time and a volatility")),
        }
    };
    let points = field.list()?.iter().map(point).collect::<Outcome<Vec<_>>>()?;
    if points.windows(2).any(|w| w[1].0 <= w[0].0) {
        return Err(field.refuse("times that do not rise", "each point after the one before"));
    }
    Ok(points)
}
