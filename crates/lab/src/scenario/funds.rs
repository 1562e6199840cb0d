//! `[funds.NAME]` and `[vault]`: insurance funds of single instruments or groups of them, and the account that takes
//! positions over. Their accounts come after those of the actors.

use super::actors::Scope;
use super::{Currencies, Instrument};
use crate::error::suggest;
use crate::read::{Field, Outcome, Section};
use downdraft_types::{AccountId, CurrencyId, Money};

/// A fund or a vault, and what it starts with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fund {
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: AccountId,
    /// What it starts with.
    pub amounts: Vec<(CurrencyId, Money)>,
}

/// Funds that are not account 0, and the vault.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Funds {
    /// By name, those that instruments name.
    pub groups: Vec<Fund>,
    /// The vault, where a policy needs one or the scenario has one.
    pub vault: Option<Fund>,
}

impl Funds {
    pub(super) fn read(
        s: &mut Section<'_>,
        instruments: &[Instrument],
        currencies: &Currencies,
        scope: &mut Scope<'_>,
        needs_vault: bool,
    ) -> Outcome<Self> {
        let mut groups = s.or("funds", Vec::new(), |f| groups(f, currencies, scope))?;
        groups.sort_by_key(|fund| fund.account);
        let names: Vec<&str> = groups.iter().map(|fund| fund.name.as_str()).collect();
        for instrument in instruments {
            let unknown = instrument.fund.as_deref().filter(|name| !names.contains(name));
            if let Some(name) = unknown {
                let found = format!("{name:?}, the fund of {}, without its table", instrument.name);
                return Err(s.refuse("funds", found, format!("[funds.{name}], or {}", suggest(name, &names))));
            }
        }
        let vault = match s.optional("vault", |f| fund(f, "vault", currencies, scope))? {
            Some(vault) => Some(vault),
            None if needs_vault => {
                // More than it can lose.
                let ample = |(id, currency): (u16, &super::Currency)| {
                    (CurrencyId(id), Money(1_000_000_000 * 10_i128.pow(currency.decimals)))
                };
                let amounts = (0..).zip(&currencies.0).map(ample).collect();
                Some(Fund { name: "vault".to_owned(), account: scope.next(), amounts })
            }
            None => None,
        };
        for fund in groups.iter().chain(&vault) {
            scope.account_names.push((fund.account, fund.name.clone()));
        }
        Ok(Self { groups, vault })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Fund> {
        self.groups.iter().chain(&self.vault)
    }

    /// The account of the fund that an instrument names.
    #[must_use]
    pub fn of(&self, instrument: &Instrument) -> Option<AccountId> {
        let name = instrument.fund.as_deref()?;
        self.groups.iter().find(|fund| fund.name == name).map(|fund| fund.account)
    }
}

fn groups(field: &Field<'_>, currencies: &Currencies, scope: &mut Scope<'_>) -> Outcome<Vec<Fund>> {
    let section = field.section()?;
    section.fields().into_iter().map(|(name, field)| fund(&field, name, currencies, scope)).collect()
}

fn fund(field: &Field<'_>, name: &str, currencies: &Currencies, scope: &mut Scope<'_>) -> Outcome<Fund> {
    let amounts = currencies.amounts(&field.section()?)?;
    Ok(Fund { name: name.to_owned(), account: scope.accounts(field, 1)?, amounts })
}
