//! `[currencies.NAME]` and `[fund]`: the names of money, and what the insurance fund starts with.

use crate::decimal::Decimal;
use crate::error::suggest;
use crate::read::{Field, Outcome, Section};
use downdraft_types::{CurrencyId, Money};
use downdraft_venue::Command;

/// A currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Currency {
    /// Its name.
    pub name: String,
    /// Digits after the point: its smallest unit is 10^-decimals.
    pub decimals: u32,
    /// The most that an account's contracts settled in it may come to.
    pub max_notional: Option<Money>,
}

/// A scenario's currencies; a currency's number is its place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Currencies(pub Vec<Currency>);

impl Currencies {
    pub(super) fn read(field: &Field<'_>) -> Outcome<Self> {
        let section = field.section()?;
        let mut currencies = Vec::new();
        for (name, field) in section.fields() {
            let mut s = field.section()?;
            let decimals = s.required("decimals", "digits after the point", |f| f.integer(0, 18))?;
            let decimals = decimals as u32;
            let max_notional = s.optional("max_notional", |f| most(f, decimals))?;
            s.finish()?;
            currencies.push(Currency { name: name.to_owned(), decimals, max_notional });
        }
        if currencies.is_empty() || currencies.len() > 1_000 {
            return Err(field.refuse(format!("{} currencies", currencies.len()), "from 1 to 1000"));
        }
        Ok(Self(currencies))
    }

    /// The currency that a field names.
    pub(crate) fn named(&self, field: &Field<'_>) -> Outcome<CurrencyId> {
        let name = field.string()?;
        self.id(name).ok_or_else(|| field.expected(self.expected(name)))
    }

    /// The number of a currency.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<CurrencyId> {
        self.0.iter().position(|c| c.name == name).map(|place| CurrencyId(place as u16))
    }

    pub(crate) fn expected(&self, name: &str) -> String {
        let names: Vec<&str> = self.0.iter().map(|c| c.name.as_str()).collect();
        format!("a currency, {}", suggest(name, &names))
    }

    pub(crate) fn decimals(&self, id: CurrencyId) -> u32 {
        self.0[id.index()].decimals
    }

    /// The limits of every account's contracts, for the venue.
    pub(crate) fn notional_limits(&self) -> impl Iterator<Item = Command> + '_ {
        let limited = (0..).map(CurrencyId).zip(&self.0).filter(|(_, currency)| currency.max_notional.is_some());
        limited.map(|(currency, terms)| Command::SetNotionalLimit {
            account: None,
            currency,
            limit: terms.max_notional,
        })
    }

    /// A currency's smallest unit.
    #[must_use]
    pub fn unit(&self, id: CurrencyId) -> Decimal {
        Decimal::new(1, self.decimals(id))
    }

    /// `[fund]`: amounts by currency.
    pub(super) fn amounts(&self, section: &Section<'_>) -> Outcome<Vec<(CurrencyId, Money)>> {
        let mut amounts = Vec::new();
        for (name, field) in section.fields() {
            let Some(id) = self.id(name) else {
                return Err(field.refuse("an unknown currency", self.expected(name)));
            };
            let amount = Money(field.units(self.unit(id), "unit")?);
            if amount.is_negative() {
                return Err(field.expected("an amount of at least 0"));
            }
            amounts.push((id, amount));
        }
        Ok(amounts)
    }
}

fn most(field: &Field<'_>, decimals: u32) -> Outcome<Money> {
    let most = Money(field.units(Decimal::new(1, decimals), "unit")?);
    if most.is_negative() { Err(field.expected("an amount of at least 0")) } else { Ok(most) }
}
