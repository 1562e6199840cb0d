//! Settings that may change while a run goes on: those that a venue takes as commands.

use crate::error::ScenarioError;
use crate::library::Text;
use crate::scenario::Scenario;
use downdraft_margin::PortfolioPolicy;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money};
use downdraft_venue::Command;

/// A setting that cannot change while a run goes on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "--set {argument}: {field} cannot change while the run goes on, expected one of liquidation, fund.CURRENCY, \
     instruments.NAME.tiers, instruments.NAME.mark, instruments.NAME.protections, instruments.NAME.funding, \
     instruments.NAME.margin_form, instruments.NAME.dynamic_margin, portfolio_margin.NAME, \
     currencies.NAME.max_notional, or no --at, which changes it \
     from the start"
)]
pub struct FixedSetting {
    /// The path of the field.
    pub field: String,
    /// As given.
    pub argument: String,
}

/// The commands that turn the settings of `base` into those with `sets` while a run goes on.
///
/// The fund is paid the difference between the two deposits, or has it taken out; whatever it has gained or lost by
/// then stays. Actors go by the terms with which they began.
///
/// # Errors
/// Where the text with `sets` is no scenario, or one of them is of a setting that cannot change.
pub fn mid_run(
    text: &Text,
    base: &[String],
    sets: &[String],
) -> Result<Result<Vec<Command>, FixedSetting>, ScenarioError> {
    let all: Vec<String> = base.iter().chain(sets).cloned().collect();
    let document = text.document(&all)?;
    let fixed = document.sets().iter().skip(base.len()).find(|(field, _)| !can_change(field));
    if let Some((field, argument)) = fixed {
        return Ok(Err(FixedSetting { field: field.clone(), argument: argument.clone() }));
    }
    Ok(Ok(commands(&text.read(base)?, &text.read(&all)?)))
}

fn can_change(field: &str) -> bool {
    let mut segments = field.split('.');
    match segments.next() {
        Some("liquidation" | "fund" | "portfolio_margin") => true,
        // A name may hold points, so the setting is looked for by what follows a name.
        Some("currencies") => segments.next_back() == Some("max_notional"),
        Some("instruments") => segments.skip(1).any(|segment| {
            ["tiers", "mark", "protections", "funding", "margin_form", "dynamic_margin"].contains(&segment)
        }),
        _ => false,
    }
}

fn commands(base: &Scenario, changed: &Scenario) -> Vec<Command> {
    let mut commands = Vec::new();
    for ((number, old), new) in (0_u16..).zip(&base.instruments).zip(&changed.instruments) {
        let instrument = InstrumentId(number);
        if old.spec.tiers != new.spec.tiers {
            let tiers = new.spec.tiers.clone().into_boxed_slice();
            commands.push(Command::SetTiers { instrument, tiers });
        }
        if old.mark != new.mark {
            commands.push(Command::SetMarkPolicy { instrument, policy: new.mark });
        }
        if old.protections != new.protections {
            commands.push(Command::SetProtections { instrument, protections: new.protections });
        }
        if old.form != new.form {
            commands.push(Command::SetMarginForm { instrument, form: Box::new(new.form.unwrap_or_default()) });
        }
        if old.dynamic != new.dynamic {
            commands.push(Command::SetDynamicMargin { instrument, policy: new.dynamic.map(Box::new) });
        }
        if old.funding != new.funding {
            commands.push(Command::SetFunding { instrument, policy: new.funding });
        }
    }
    commands.extend(portfolios(base, changed));
    commands.extend(notional_limits(base, changed));
    if base.liquidation != changed.liquidation {
        commands.push(Command::SetLiquidationPolicy { policy: Box::new(changed.liquidation) });
    }
    let account = AccountId::FUND;
    for currency in (0..base.currencies.0.len()).filter_map(|n| u16::try_from(n).ok()).map(downdraft_types::CurrencyId)
    {
        let of = |scenario: &Scenario| -> i128 {
            scenario.fund.iter().filter(|(known, _)| *known == currency).map(|(_, amount)| amount.0).sum()
        };
        match of(changed) - of(base) {
            0 => {}
            more if more > 0 => commands.push(Command::Deposit { account, currency, amount: Money(more) }),
            less => commands.push(Command::Withdraw { account, currency, amount: Money(-less) }),
        }
    }
    commands
}

/// Limits of accounts' notional that differ.
fn notional_limits(base: &Scenario, changed: &Scenario) -> impl Iterator<Item = Command> {
    let currencies = (0..).map(CurrencyId).zip(base.currencies.0.iter().zip(&changed.currencies.0));
    let differ = currencies.filter(|(_, (old, new))| old.max_notional != new.max_notional);
    differ.map(|(currency, (_, new))| Command::SetNotionalLimit { account: None, currency, limit: new.max_notional })
}

/// Portfolio margins that differ: first those that take no contract in, as a contract is netted in one alone.
fn portfolios(base: &Scenario, changed: &Scenario) -> impl Iterator<Item = Command> {
    let of = |scenario: &Scenario, id| scenario.portfolios.iter().find(|(of, _)| *of == id).map(|(_, p)| p.clone());
    let numbers = (0_u16..).take(base.instruments.len()).map(InstrumentId);
    let differ = numbers.map(|id| (id, of(base, id), of(changed, id))).filter(|(_, old, new)| old != new);
    let takes_in = |(_, old, new): &(_, Option<PortfolioPolicy>, Option<PortfolioPolicy>)| {
        let nets = |policy: &Option<PortfolioPolicy>, id| {
            policy.iter().flat_map(|policy| &policy.contracts).any(|netted| netted.instrument == id)
        };
        new.iter().flat_map(|policy| &policy.contracts).any(|netted| !nets(old, netted.instrument))
    };
    let (growing, rest): (Vec<_>, Vec<_>) = differ.partition(takes_in);
    rest.into_iter()
        .chain(growing)
        .map(|(underlying, _, policy)| Command::SetPortfolioPolicy { underlying, policy: policy.map(Box::new) })
}
