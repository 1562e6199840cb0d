//! `[currencies.NAME]` and `[fund]`: the names of money, and what the insurance fund starts with.

use crate::decimal::Decimal;
use crate::error::suggest;
use crate::read::{Field, Outcome, Section};
use downdraft_types::{CurrencyId, Money};

/// A currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Currency {
    /// Its name.
    pub name: String,
    /// Digits after the point: its smallest unit is 10^-decimals.
    pub decimals: u32,
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
            s.finish()?;
            currencies.push(Currency { name: name.to_owned(), decimals: decimals as u32 });
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
