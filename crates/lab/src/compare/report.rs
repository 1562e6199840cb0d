//! A comparison in human units, as it is written and shown. Every field, with its unit, is described in
//! `docs/forks.md`.

use super::{Comparison, Divergence, Names, Traced, distance};
use crate::outcome::{AccountOutcome, Extremes, MarketOutcome, Outcome, PATH_POINTS, PurseOutcome};
use downdraft_insight::summary::Each;
use downdraft_insight::{Exact, Units};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Time};
use serde::Serialize;
use std::io::{self, Write};

/// Accounts shown of those that gained most, and of those that lost most.
const TOP: usize = 10;

/// A comparison.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct Report {
    pub runs: Vec<RunReport>,
    pub differences: Vec<DifferenceReport>,
}

/// What a run came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct RunReport {
    pub run: String,
    pub seed: u64,
    pub state_hash: String,
    pub commands: u64,
    pub events: u64,
    pub price: Each<PriceReport>,
    pub liquidated_accounts: u64,
    pub liquidations: u64,
    pub liquidated: Each<Exact>,
    pub beyond_bankruptcy: Each<Exact>,
    pub roots: u64,
    pub largest_cascade: u32,
    pub branching_ratio: Exact,
    pub fund: Each<FundReport>,
    pub deleveraged_accounts: u64,
    pub deleveraged: Each<Exact>,
    pub conceded: Each<Exact>,
    pub bad_debt: Each<Exact>,
    pub socialised_loss: Each<Exact>,
    pub uncovered: Each<Exact>,
    pub classes: Vec<ClassReport>,
    pub notes: Vec<String>,
    pub path: Each<Vec<Option<Exact>>>,
}

/// A price's way.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct PriceReport {
    pub start: Exact,
    pub low: Exact,
    pub low_s: Exact,
    pub high: Exact,
    pub end: Exact,
}

/// The insurance fund.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct FundReport {
    pub deposited: Exact,
    pub received: Exact,
    pub paid: Exact,
    pub traded: Exact,
    pub need: Exact,
    pub end: Exact,
}

/// A class of accounts.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct ClassReport {
    pub class: String,
    pub accounts: u64,
    pub liquidated: u64,
    pub gain: Each<Exact>,
}

/// What a run came to more than the first: its figure less the first's.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct DifferenceReport {
    pub run: String,
    pub against: String,
    pub divergence: Option<DivergenceReport>,
    pub price: Each<DistanceReport>,
    pub liquidated_accounts: i64,
    pub liquidations: i64,
    pub liquidated: Each<Exact>,
    pub largest_cascade: i64,
    pub fund_end: Each<Exact>,
    pub fund_paid: Each<Exact>,
    pub deleveraged_accounts: i64,
    pub conceded: Each<Exact>,
    pub bad_debt: Each<Exact>,
    pub socialised_loss: Each<Exact>,
    pub uncovered: Each<Exact>,
    pub classes: Vec<ClassGain>,
    pub gained: Vec<AccountGain>,
    pub lost: Vec<AccountGain>,
}

/// Where two runs part.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct DivergenceReport {
    pub time_s: Exact,
    pub seq_against: Option<u64>,
    pub seq_run: Option<u64>,
    pub what: String,
}

/// How two prices differ.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct DistanceReport {
    pub fall_against: Exact,
    pub fall_run: Exact,
    pub fall_caused: Exact,
    pub low: Exact,
    pub end: Exact,
    pub largest: Option<Exact>,
    pub largest_s: Option<Exact>,
}

/// What a class gained by the difference.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct ClassGain {
    pub class: String,
    pub gain: Each<Exact>,
}

/// What an account gained by the difference.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/forks.md describes each field with its unit")]
pub struct AccountGain {
    pub account: u32,
    pub name: Option<String>,
    pub class: String,
    pub currency: String,
    pub gain: Exact,
}

impl Report {
    /// A comparison in human units. `names` are those of runs that have none of their own.
    #[must_use]
    pub fn new(comparison: &Comparison, names: &Names) -> Self {
        let traced = [&comparison.base].into_iter().chain(comparison.runs.iter().map(|compared| &compared.run));
        let difference = |compared: &super::Compared| {
            difference(&comparison.base, &compared.run, compared.divergence.as_ref(), names)
        };
        Self {
            runs: traced.map(|run| run_report(run, names)).collect(),
            differences: comparison.runs.iter().map(difference).collect(),
        }
    }
}

fn each_market<T>(
    outcome: &Outcome,
    units: &Units,
    value: impl Fn(InstrumentId, &MarketOutcome) -> Option<T>,
) -> Each<T> {
    let named = outcome.listed().filter_map(|(id, market)| Some((units.instrument_name(id), value(id, market)?)));
    Each(named.collect())
}

fn each_purse<T>(outcome: &Outcome, units: &Units, value: impl Fn(CurrencyId, &PurseOutcome) -> T) -> Each<T> {
    let purses = (0_u16..).map(CurrencyId).zip(&outcome.purses);
    Each(purses.map(|(id, purse)| (units.currency_name(id), value(id, purse))).collect())
}

/// Lots, which may be fewer than none, as a quantity.
fn lots(units: &Units, instrument: InstrumentId, lots: i128) -> Exact {
    let (mantissa, scale) = units.instruments.get(instrument.index()).map_or((1, 0), |terms| terms.lot);
    Exact::new(lots.saturating_mul(mantissa), scale)
}

/// A difference of marks.
fn apart(units: &Units, instrument: InstrumentId, increments: i128) -> Exact {
    let clamped = i64::try_from(increments).unwrap_or(if increments < 0 { i64::MIN } else { i64::MAX });
    units.mark(instrument, MarkPrice(clamped))
}

impl Traced {
    fn names_or<'a>(&'a self, names: &'a Names) -> &'a Names {
        self.names.as_ref().unwrap_or(names)
    }
}

fn run_report(run: &Traced, names: &Names) -> RunReport {
    let names = run.names_or(names);
    let (outcome, units) = (&run.outcome, &names.units);
    let cascades = &outcome.cascades;
    let quantity = |pick: fn(&MarketOutcome) -> u64| {
        each_market(outcome, units, |id, market| Some(lots(units, id, i128::from(pick(market)))))
    };
    let money =
        |pick: fn(&PurseOutcome) -> i128| each_purse(outcome, units, |id, purse| units.money(id, Money(pick(purse))));
    RunReport {
        run: run.label.clone(),
        seed: run.seed,
        state_hash: format!("{:016x}", outcome.state_hash),
        commands: outcome.commands,
        events: outcome.events,
        price: each_market(outcome, units, |id, market| market.price.map(|price| price_report(units, id, &price))),
        liquidated_accounts: outcome.liquidated_accounts(),
        liquidations: cascades.episodes,
        liquidated: quantity(|market| market.liquidated),
        beyond_bankruptcy: quantity(|market| market.beyond),
        roots: cascades.roots,
        largest_cascade: cascades.largest(),
        branching_ratio: Exact::ratio(cascades.episodes - cascades.roots, cascades.episodes),
        fund: each_purse(outcome, units, |id, purse| fund_report(units, id, purse)),
        deleveraged_accounts: outcome.deleveraged_accounts(),
        deleveraged: quantity(|market| market.deleveraged),
        conceded: money(|purse| purse.conceded),
        bad_debt: money(|purse| purse.deficits),
        socialised_loss: money(|purse| purse.socialised),
        uncovered: money(|purse| purse.uncovered),
        classes: classes(outcome, names),
        notes: run.notes.clone(),
        path: each_market(outcome, units, |id, market| {
            Some(market.path.iter().map(|price| price.map(|price| units.mark(id, price))).collect())
        }),
    }
}

fn price_report(units: &Units, instrument: InstrumentId, price: &Extremes) -> PriceReport {
    let print = |mark| units.mark(instrument, mark);
    PriceReport {
        start: print(price.start),
        low: print(price.low),
        low_s: Units::seconds(price.low_at),
        high: print(price.high),
        end: print(price.end),
    }
}

fn fund_report(units: &Units, currency: CurrencyId, purse: &PurseOutcome) -> FundReport {
    let print = |amount| units.money(currency, Money(amount));
    FundReport {
        deposited: print(purse.fund_deposited),
        received: print(purse.fund_received),
        paid: print(purse.fund_paid),
        traded: print(purse.fund_traded),
        need: print(purse.fund_need),
        end: print(purse.fund_end),
    }
}

/// Sums by class, in the order of their first accounts; what the venue keeps comes last, so that gains sum to zero.
struct Sums(Vec<(String, u64, u64, Vec<i128>)>);

impl Sums {
    fn of(outcome: &Outcome, names: &Names) -> Self {
        let mut sums: Vec<(String, u64, u64, Vec<i128>)> = Vec::new();
        for (id, account) in outcome.opened() {
            let class = names.class(id, account.opened_by);
            let place = sums.iter().rposition(|(known, ..)| *known == class).unwrap_or_else(|| {
                sums.push((class, 0, 0, vec![0; account.gains.len()]));
                sums.len() - 1
            });
            let (_, accounts, liquidated, gains) = &mut sums[place];
            *accounts += 1;
            *liquidated += u64::from(account.liquidations > 0);
            gains.iter_mut().zip(&account.gains).for_each(|(sum, gain)| *sum += gain);
        }
        for (class, kept) in [
            ("venue fees", outcome.purses.iter().map(|purse| purse.fees).collect::<Vec<_>>()),
            ("rounding of funding", outcome.purses.iter().map(|purse| purse.residue).collect()),
        ] {
            if kept.iter().any(|amount| *amount != 0) {
                sums.push((class.to_owned(), 0, 0, kept));
            }
        }
        Self(sums)
    }

    fn gains(&self, class: &str) -> Option<&[i128]> {
        self.0.iter().find(|(known, ..)| known == class).map(|(.., gains)| gains.as_slice())
    }
}

fn each_gain(units: &Units, gains: &[i128]) -> Each<Exact> {
    let numbered = (0_u16..).map(CurrencyId).zip(gains);
    Each(numbered.map(|(id, gain)| (units.currency_name(id), units.money(id, Money(*gain)))).collect())
}

fn classes(outcome: &Outcome, names: &Names) -> Vec<ClassReport> {
    let report = |(class, accounts, liquidated, gains): (String, u64, u64, Vec<i128>)| ClassReport {
        class,
        accounts,
        liquidated,
        gain: each_gain(&names.units, &gains),
    };
    Sums::of(outcome, names).0.into_iter().map(report).collect()
}

fn difference(base: &Traced, run: &Traced, divergence: Option<&Divergence>, names: &Names) -> DifferenceReport {
    let [of_first, names] = [base, run].map(|run| run.names_or(names));
    let (first, second, units) = (&base.outcome, &run.outcome, &names.units);
    let count = |pick: fn(&Outcome) -> u64| pick(second).cast_signed() - pick(first).cast_signed();
    let money = |pick: fn(&PurseOutcome) -> i128| {
        each_purse(second, units, |id, purse| {
            let before = first.purses.get(id.index()).map_or(0, pick);
            units.money(id, Money(pick(purse) - before))
        })
    };
    let accounts = account_gains(base, run, names);
    DifferenceReport {
        run: run.label.clone(),
        against: base.label.clone(),
        divergence: divergence.map(|divergence| DivergenceReport {
            time_s: Units::seconds(divergence.time()),
            seq_against: divergence.base.as_ref().map(|happened| happened.stamp.seq.0),
            seq_run: divergence.run.as_ref().map(|happened| happened.stamp.seq.0),
            what: divergence.what(),
        }),
        price: each_market(second, units, |id, market| {
            let before = first.markets.get(id.index())?.as_ref()?;
            distance_report(units, id, [before, market], [base.end, run.end])
        }),
        liquidated_accounts: count(Outcome::liquidated_accounts),
        liquidations: count(|outcome| outcome.cascades.episodes),
        liquidated: each_market(second, units, |id, market| {
            let before = first.markets.get(id.index()).and_then(Option::as_ref).map_or(0, |m| m.liquidated);
            Some(lots(units, id, i128::from(market.liquidated) - i128::from(before)))
        }),
        largest_cascade: count(|outcome| u64::from(outcome.cascades.largest())),
        fund_end: money(|purse| purse.fund_end),
        fund_paid: money(|purse| purse.fund_paid),
        deleveraged_accounts: count(Outcome::deleveraged_accounts),
        conceded: money(|purse| purse.conceded),
        bad_debt: money(|purse| purse.deficits),
        socialised_loss: money(|purse| purse.socialised),
        uncovered: money(|purse| purse.uncovered),
        classes: class_gains((first, of_first), (second, names)),
        gained: top(&accounts, names, 1),
        lost: top(&accounts, names, -1),
    }
}

fn distance_report(
    units: &Units,
    id: InstrumentId,
    [first, second]: [&MarketOutcome; 2],
    ends: [Time; 2],
) -> Option<DistanceReport> {
    let (a, b) = (first.price?, second.price?);
    // Paths of runs of unequal length have steps of unequal length.
    let far = distance(id, first, second).filter(|_| ends[0] == ends[1]);
    let step_end = |step: usize| u128::from(ends[0].0) * (step as u128 + 1) / PATH_POINTS as u128;
    Some(DistanceReport {
        fall_against: apart(units, id, a.fall()),
        fall_run: apart(units, id, b.fall()),
        fall_caused: apart(units, id, a.fall() - b.fall()),
        low: apart(units, id, i128::from(b.low.0) - i128::from(a.low.0)),
        end: apart(units, id, i128::from(b.end.0) - i128::from(a.end.0)),
        largest: far.map(|far| apart(units, id, far.largest)),
        largest_s: far.map(|far| Exact::new(i128::try_from(step_end(far.step)).unwrap_or(i128::MAX), 9)),
    })
}

fn class_gains((first, of_first): (&Outcome, &Names), (second, names): (&Outcome, &Names)) -> Vec<ClassGain> {
    let (before, after) = (Sums::of(first, of_first), Sums::of(second, names));
    let mut all: Vec<&str> = after.0.iter().map(|(class, ..)| class.as_str()).collect();
    all.extend(before.0.iter().map(|(class, ..)| class.as_str()).filter(|class| after.gains(class).is_none()));
    let gain = |class: &str| {
        let currencies = first.purses.len().max(second.purses.len());
        let of = |sums: &Sums, currency: usize| sums.gains(class).and_then(|g| g.get(currency).copied()).unwrap_or(0);
        (0..currencies).map(|currency| of(&after, currency) - of(&before, currency)).collect::<Vec<_>>()
    };
    let report = |class: &str| ClassGain { class: class.to_owned(), gain: each_gain(&names.units, &gain(class)) };
    all.into_iter().map(report).collect()
}

/// An account's gain by the difference, in one currency.
struct Gain {
    account: AccountId,
    name: Option<String>,
    class: String,
    currency: CurrencyId,
    before: i128,
    after: i128,
}

/// Numbers of different classes, or of different names, are different accounts, each with a gain in its own run alone.
fn account_gains(base: &Traced, run: &Traced, names: &Names) -> Vec<Gain> {
    let mut gains = Vec::new();
    let (first, second) = (&base.outcome, &run.outcome);
    let currencies = first.purses.len().max(second.purses.len());
    for place in 0..first.accounts.len().max(second.accounts.len()) {
        let id = AccountId(place as u32);
        let of = |run: &Traced| {
            let account = run.outcome.accounts.get(place).cloned().flatten()?;
            let names = run.names_or(names);
            Some((names.account(id).map(str::to_owned), names.class(id, account.opened_by), account))
        };
        let (before, after) = (of(base), of(run));
        let is_one = matches!((&before, &after), (Some(a), Some(b)) if a.0 == b.0 && a.1 == b.1);
        let sides = if is_one { vec![(before, after)] } else { vec![(before, None), (None, after)] };
        for (before, after) in sides {
            let Some((name, class, _)) = after.as_ref().or(before.as_ref()).cloned() else { continue };
            let gain = |side: &Option<(Option<String>, String, AccountOutcome)>, currency: usize| {
                side.as_ref().and_then(|(.., account)| account.gains.get(currency).copied()).unwrap_or(0)
            };
            let of_currency = |currency: usize| Gain {
                account: id,
                name: name.clone(),
                class: class.clone(),
                currency: CurrencyId(currency as u16),
                before: gain(&before, currency),
                after: gain(&after, currency),
            };
            gains.extend((0..currencies).map(of_currency).filter(|gain| gain.before != 0 || gain.after != 0));
        }
    }
    gains
}

/// The accounts with the largest gains (`sign` 1) or losses (-1), by currency and amount; ties by number.
fn top(gains: &[Gain], names: &Names, sign: i128) -> Vec<AccountGain> {
    let mut ranked: Vec<&Gain> = gains.iter().filter(|gain| (gain.after - gain.before) * sign > 0).collect();
    ranked.sort_by_key(|gain| (gain.currency, (gain.before - gain.after) * sign, gain.account));
    let mut shown = Vec::new();
    for group in ranked.chunk_by(|a, b| a.currency == b.currency) {
        shown.extend(group.iter().take(TOP).map(|gain| AccountGain {
            account: gain.account.0,
            name: gain.name.clone(),
            class: gain.class.clone(),
            currency: names.units.currency_name(gain.currency),
            gain: names.units.money(gain.currency, Money(gain.after - gain.before)),
        }));
    }
    shown
}

/// Writes what every account gained in each run, as CSV: one row per run after the first, account and currency.
///
/// # Errors
/// Where writing fails.
pub fn write_accounts(out: impl Write, comparison: &Comparison, names: &Names) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["run", "account", "name", "class", "currency", "gain_first", "gain_run", "difference"])?;
    for compared in &comparison.runs {
        for gain in account_gains(&comparison.base, &compared.run, names) {
            let names = compared.run.names_or(names);
            let money = |amount| names.units.money(gain.currency, Money(amount)).to_string();
            table.write_record([
                compared.run.label.as_str(),
                &gain.account.0.to_string(),
                gain.name.as_deref().unwrap_or_default(),
                &gain.class,
                &names.units.currency_name(gain.currency),
                &money(gain.before),
                &money(gain.after),
                &money(gain.after - gain.before),
            ])?;
        }
    }
    table.flush()
}
