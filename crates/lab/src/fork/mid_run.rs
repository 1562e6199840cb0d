//! Settings that may change while a run goes on: those that a venue takes as commands.

use crate::decimal::Decimal;
use crate::error::ScenarioError;
use crate::library::Text;
use crate::plan::Change;
use crate::scenario::{Fund, Scenario};
use downdraft_margin::PortfolioPolicy;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money};
use downdraft_venue::{AdlRanking, Command};

/// A setting that cannot change while a run goes on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "--set {argument}: {field} cannot change while the run goes on, expected one of liquidation, fund.CURRENCY, \
     funds.NAME.CURRENCY, vault.CURRENCY, instruments.NAME.tiers, instruments.NAME.mark, instruments.NAME.protections, \
     instruments.NAME.funding, instruments.NAME.fund, instruments.NAME.margin_form, instruments.NAME.dynamic_margin, \
     portfolio_margin.NAME, currencies.NAME.max_notional, or no --at, which changes it from the start"
)]
pub struct FixedSetting {
    /// The path of the field.
    pub field: String,
    /// As given.
    pub argument: String,
}

/// The changes that turn the settings of `base` into those with `sets` while a run with this seed goes on.
///
/// A fund is paid the difference between its two deposits, or has it taken out; whatever it has gained or lost by then
/// stays. A fund or vault that `base` does not have opens the next free account. Actors go by the terms with which they
/// began.
///
/// # Errors
/// Where the text with `sets` is no scenario, or one of them is of a setting that cannot change.
pub fn mid_run(
    text: &Text,
    base: &[String],
    sets: &[String],
    seed: u64,
) -> Result<Result<Vec<Change>, FixedSetting>, ScenarioError> {
    let all: Vec<String> = base.iter().chain(sets).cloned().collect();
    let document = text.document(&all)?;
    let fixed = document.sets().iter().skip(base.len()).find(|(field, _)| !can_change(field));
    if let Some((field, argument)) = fixed {
        return Ok(Err(FixedSetting { field: field.clone(), argument: argument.clone() }));
    }
    Ok(Ok(Settings { base: &text.read(base)?, changed: &text.read(&all)?, seed }.changes()))
}

fn can_change(field: &str) -> bool {
    const OF_AN_INSTRUMENT: [&str; 7] =
        ["tiers", "mark", "protections", "funding", "fund", "margin_form", "dynamic_margin"];
    let mut segments = field.split('.');
    match segments.next() {
        Some("liquidation" | "fund" | "funds" | "vault" | "portfolio_margin") => true,
        // A name may hold points, so the setting is looked for by what follows a name.
        Some("currencies") => segments.next_back() == Some("max_notional"),
        Some("instruments") => segments.skip(1).any(|segment| OF_AN_INSTRUMENT.contains(&segment)),
        _ => false,
    }
}

/// A fund or a vault, by the path of its table.
struct Purse {
    path: String,
    account: AccountId,
    amounts: Vec<(CurrencyId, Money)>,
}

/// Two scenarios, of one run.
struct Settings<'a> {
    base: &'a Scenario,
    changed: &'a Scenario,
    seed: u64,
}

impl Settings<'_> {
    fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let purses = purses(self.changed);
        let opened = purses.iter().filter(|purse| self.known(&purse.path).is_none());
        for (path, account) in opened.map(|purse| (&purse.path, self.account(&purse.path))) {
            changes.push(setting(path, "opens its account", Command::OpenAccount { account }));
        }
        self.instruments(&mut changes);
        changes.extend(portfolios(self.base, self.changed));
        changes.extend(notional_limits(self.base, self.changed));
        self.liquidation(&mut changes);
        for purse in &purses {
            let before = self.known(&purse.path).map_or_else(Vec::new, |known| known.amounts);
            self.pay((&purse.path, self.account(&purse.path)), &before, &purse.amounts, &mut changes);
        }
        changes
    }

    fn known(&self, path: &str) -> Option<Purse> {
        purses(self.base).into_iter().find(|purse| purse.path == path)
    }

    /// The account of a fund of the changed scenario: the run's, or the next that is free.
    fn account(&self, path: &str) -> AccountId {
        if let Some(known) = self.known(path) {
            return known.account;
        }
        let new = purses(self.changed).into_iter().filter(|purse| self.known(&purse.path).is_none());
        let place = new.take_while(|purse| purse.path != path).count();
        AccountId(self.base.first_free_account().0.saturating_add(u32::try_from(place).unwrap_or(u32::MAX)))
    }

    fn instruments(&self, changes: &mut Vec<Change>) {
        for ((number, old), new) in (0_u16..).zip(&self.base.instruments).zip(&self.changed.instruments) {
            let instrument = InstrumentId(number);
            let mut differs = |field: &str, same: bool, command: &dyn Fn() -> Command| {
                if !same {
                    let path = format!("instruments.{}.{field}", old.name);
                    changes.push(setting(&path, "changes the terms", command()));
                }
            };
            differs("tiers", old.spec.tiers == new.spec.tiers, &|| Command::SetTiers {
                instrument,
                tiers: new.spec.tiers.clone().into_boxed_slice(),
            });
            differs("mark", old.mark == new.mark, &|| Command::SetMarkPolicy { instrument, policy: new.mark });
            differs("protections", old.protections == new.protections, &|| Command::SetProtections {
                instrument,
                protections: new.protections,
            });
            differs("margin_form", old.form == new.form, &|| Command::SetMarginForm {
                instrument,
                form: Box::new(new.form.unwrap_or_default()),
            });
            differs("dynamic_margin", old.dynamic == new.dynamic, &|| Command::SetDynamicMargin {
                instrument,
                policy: new.dynamic.map(Box::new),
            });
            differs("funding", old.funding == new.funding, &|| Command::SetFunding { instrument, policy: new.funding });
            differs("fund", old.fund == new.fund, &|| Command::SetFund {
                instrument,
                fund: new.fund.as_ref().map_or(AccountId::FUND, |name| self.account(&format!("funds.{name}"))),
                isolated: false,
            });
        }
    }

    fn liquidation(&self, changes: &mut Vec<Change>) {
        let policy = |scenario: &Scenario| {
            let mut policy = scenario.liquidation;
            policy.vault = policy.vault.map(|_| self.account("vault"));
            if let AdlRanking::RandomStart { seed } = &mut policy.adl.ranking {
                *seed = self.seed;
            }
            policy
        };
        let (old, new) = (policy(self.base), policy(self.changed));
        if old != new {
            let command = Command::SetLiquidationPolicy { policy: Box::new(new) };
            changes.push(setting("liquidation", "changes the policy", command));
        }
    }

    /// Pays in what a fund begins with more, or takes out what it begins with less.
    fn pay(
        &self,
        (path, account): (&str, AccountId),
        before: &[(CurrencyId, Money)],
        after: &[(CurrencyId, Money)],
        changes: &mut Vec<Change>,
    ) {
        let of = |amounts: &[(CurrencyId, Money)], currency| -> i128 {
            amounts.iter().filter(|(known, _)| *known == currency).map(|(_, amount)| amount.0).sum()
        };
        for (number, terms) in (0_u16..).zip(&self.base.currencies.0) {
            let currency = CurrencyId(number);
            let name = &terms.name;
            let path = format!("{path}.{name}");
            let in_units = |amount: i128| Decimal::new(amount, terms.decimals);
            match of(after, currency) - of(before, currency) {
                0 => {}
                more if more > 0 => {
                    let command = Command::Deposit { account, currency, amount: Money(more) };
                    changes.push(setting(&path, &format!("pays {} {name} in", in_units(more)), command));
                }
                less => {
                    let command = Command::Withdraw { account, currency, amount: Money(-less) };
                    changes.push(setting(&path, &format!("takes {} {name} out", in_units(-less)), command));
                }
            }
        }
    }
}

fn setting(path: &str, what: &str, command: Command) -> Change {
    Change::Setting { field: path.to_owned(), what: what.to_owned(), command: Box::new(command) }
}

/// All that money is paid into at the start: the fund, funds by name, the vault.
fn purses(scenario: &Scenario) -> Vec<Purse> {
    let named = |path: String, fund: &Fund| Purse { path, account: fund.account, amounts: fund.amounts.clone() };
    let first = Purse { path: "fund".to_owned(), account: AccountId::FUND, amounts: scenario.fund.clone() };
    let groups = scenario.funds.groups.iter().map(|fund| named(format!("funds.{}", fund.name), fund));
    let vault = scenario.funds.vault.iter().map(|fund| named("vault".to_owned(), fund));
    core::iter::once(first).chain(groups).chain(vault).collect()
}

/// Limits of accounts' notional that differ.
fn notional_limits<'a>(base: &'a Scenario, changed: &'a Scenario) -> impl Iterator<Item = Change> + 'a {
    let currencies = (0..).map(CurrencyId).zip(base.currencies.0.iter().zip(&changed.currencies.0));
    let differ = currencies.filter(|(_, (old, new))| old.max_notional != new.max_notional);
    differ.map(|(currency, (_, new))| {
        let limit = Command::SetNotionalLimit { account: None, currency, limit: new.max_notional };
        setting(&format!("currencies.{}.max_notional", new.name), "changes the limit", limit)
    })
}

/// Portfolio margins that differ: first those that take no contract in, as a contract is netted in one alone.
fn portfolios<'a>(base: &'a Scenario, changed: &'a Scenario) -> impl Iterator<Item = Change> + 'a {
    let of = |scenario: &Scenario, id| scenario.portfolios.iter().find(|(of, _)| *of == id).map(|(_, p)| p.clone());
    let numbers = (0_u16..).take(base.instruments.len()).map(InstrumentId);
    let differ = numbers.map(move |id| (id, of(base, id), of(changed, id))).filter(|(_, old, new)| old != new);
    let takes_in = |(_, old, new): &(_, Option<PortfolioPolicy>, Option<PortfolioPolicy>)| {
        let nets = |policy: &Option<PortfolioPolicy>, id| {
            policy.iter().flat_map(|policy| &policy.contracts).any(|netted| netted.instrument == id)
        };
        new.iter().flat_map(|policy| &policy.contracts).any(|netted| !nets(old, netted.instrument))
    };
    let (growing, rest): (Vec<_>, Vec<_>) = differ.partition(takes_in);
    rest.into_iter().chain(growing).map(move |(underlying, _, policy)| {
        let path = format!("portfolio_margin.{}", base.instruments[underlying.index()].name);
        setting(&path, "changes the policy", Command::SetPortfolioPolicy { underlying, policy: policy.map(Box::new) })
    })
}
