//! `[collateral.NAME]`: which currencies stand for unified accounts' positions, and what they count for.

use super::{Currencies, Instrument};
use crate::decimal::Decimal;
use crate::error::suggest;
use crate::read::{Field, Outcome};
use downdraft_margin::{CollateralAsset, CollateralPolicy, InstrumentKind, LoanTerms, WeightTier};
use downdraft_types::{CurrencyId, InstrumentId, Money, Ppm, Span};

/// Reads the table. One currency has no market: it is the reference currency, in which all others are valued.
pub(super) fn read(
    field: &Field<'_>,
    currencies: &Currencies,
    instruments: &[Instrument],
) -> Outcome<CollateralPolicy> {
    let mut section = field.section()?;
    let every = section.or("interest_every", Span::from_secs(3_600), Field::positive_span)?;
    let mut assets = Vec::new();
    for (name, own) in section.fields().into_iter().filter(|(name, _)| *name != "interest_every") {
        let Some(currency) = currencies.id(name) else {
            return Err(own.refuse("an unknown currency", currencies.expected(name)));
        };
        assets.push(asset(&own, currency, currencies, instruments)?);
    }
    let references: Vec<_> = assets.iter().filter(|(asset, _)| asset.market.is_none()).collect();
    let [(reference, _)] = references[..] else {
        let found = format!("{} currencies without a market", references.len());
        return Err(field.refuse(found, "one: the reference currency, in which the others' markets settle"));
    };
    let settles = |id: InstrumentId| instruments[id.index()].spec.settlement == reference.currency;
    for (asset, own) in &assets {
        if let Some(market) = asset.market.filter(|market| !settles(*market)) {
            let name = &currencies.0[reference.currency.index()].name;
            let found = format!("{}, which settles in another currency", instruments[market.index()].name);
            return Err(own.refuse(found, format!("a market that settles in {name}, the currency without a market")));
        }
    }
    let charged = assets.iter().any(|(asset, _)| asset.loan.is_some_and(|loan| loan.interest_e9 > 0));
    let assets = assets.into_iter().map(|(asset, _)| asset).collect();
    Ok(CollateralPolicy { assets, interest_every: charged.then_some(every) })
}

fn asset<'a>(
    field: &Field<'a>,
    currency: CurrencyId,
    currencies: &Currencies,
    instruments: &[Instrument],
) -> Outcome<(CollateralAsset, Field<'a>)> {
    let unit = currencies.unit(currency);
    let mut s = field.section()?;
    let amount = |f: &Field<'_>| {
        let amount = Money(f.units(unit, "unit")?);
        if amount.is_negative() { Err(f.expected("an amount of at least 0")) } else { Ok(amount) }
    };
    let whole = vec![WeightTier { floor: Money::ZERO, weight: Ppm::ONE }];
    let asset = CollateralAsset {
        currency,
        market: s.optional("market", |f| market(f, currency, instruments))?,
        tiers: s.or("weights", whole, |f| weights(f, &amount))?,
        scaled_from: s.optional("scaled_from", |f| {
            let from = amount(f)?;
            if from.is_positive() { Ok(from) } else { Err(f.expected("an amount above 0")) }
        })?,
        limit: s.optional("limit", amount)?,
        overdraft: s.or("overdraft", Money::ZERO, amount)?,
        loan: s.optional("loan", loan)?,
    };
    s.finish()?;
    Ok((asset, field.clone()))
}

/// The spot market of a currency.
fn market(field: &Field<'_>, currency: CurrencyId, instruments: &[Instrument]) -> Outcome<InstrumentId> {
    let trades = |i: &Instrument| matches!(i.spec.kind, InstrumentKind::Spot { base, .. } if base == currency);
    let name = field.string()?;
    let place = instruments.iter().position(|i| i.name == name && trades(i));
    place.map(|place| InstrumentId(place as u16)).ok_or_else(|| {
        let markets: Vec<&str> = instruments.iter().filter(|i| trades(i)).map(|i| i.name.as_str()).collect();
        field.expected(format!("an instrument of kind spot that has it as its base, {}", suggest(name, &markets)))
    })
}

/// A rate, or tiers of the amount.
fn weights(field: &Field<'_>, amount: &impl Fn(&Field<'_>) -> Outcome<Money>) -> Outcome<Vec<WeightTier>> {
    let part = |f: &Field<'_>| f.rate_within(Ppm::ZERO, Ppm::ONE);
    let Ok(list) = field.list() else {
        return Ok(vec![WeightTier { floor: Money::ZERO, weight: part(field)? }]);
    };
    let tier = |field: &Field<'_>| -> Outcome<WeightTier> {
        let mut s = field.section()?;
        let tier = WeightTier {
            floor: s.required("floor", "the amount it starts at", amount)?,
            weight: s.required("weight", "the part that counts", part)?,
        };
        s.finish()?;
        Ok(tier)
    };
    let tiers = list.iter().map(tier).collect::<Outcome<Vec<_>>>()?;
    let falls = |w: &[WeightTier]| w[0].floor < w[1].floor && w[0].weight >= w[1].weight;
    if tiers.first().is_none_or(|t| !t.floor.is_zero()) || !tiers.windows(2).all(falls) {
        return Err(field.refuse("other tiers", "a first tier with floor 0, floors that rise and weights that fall"));
    }
    Ok(tiers)
}

fn loan(field: &Field<'_>) -> Outcome<LoanTerms> {
    let mut s = field.section()?;
    let part = |f: &Field<'_>| f.rate_within(Ppm::ZERO, Ppm::ONE);
    let terms = LoanTerms {
        initial: s.required("initial", "initial margin on what is borrowed", part)?,
        maintenance: s.required("maintenance", "maintenance margin on what is owed", part)?,
        interest_e9: s.or("interest", 0, interest)?,
    };
    s.finish()?;
    if terms.maintenance > terms.initial {
        return Err(field.refuse("maintenance above initial margin", "at most initial margin"));
    }
    Ok(terms)
}

/// A rate per interval in parts of 10^9: what an hour costs is finer than a millionth.
fn interest(field: &Field<'_>) -> Outcome<u32> {
    let percent = field.string()?.strip_suffix('%').and_then(|number| Decimal::parse(number.trim()).ok());
    let parts = percent.and_then(|rate| rate.count(Decimal::new(1, 7)).ok());
    let fits = parts.and_then(|parts| u32::try_from(parts).ok()).filter(|parts| *parts <= 1_000_000_000);
    fits.ok_or_else(|| field.expected("a rate from 0% to 100% in steps of 0.0000001%"))
}
