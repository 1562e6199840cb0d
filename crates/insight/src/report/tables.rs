//! The tables of a page: largest liquidations, winners and losers, all numbers, differences.

use super::RunReport;
use super::fields::{difference, grouped, short};
use super::html::{Table, cell, field, head, number};
use super::outcomes::closed;
use super::standing::{Account, Standing};
use crate::exact::Exact;
use crate::names;
use crate::rows::LiquidationRow;
use crate::units::Units;
use downdraft_types::{CurrencyId, InstrumentId, Money};

/// Digits of money for the eye.
const CENTS: u32 = 2;

impl RunReport {
    pub(super) fn largest_table(&self) -> Option<String> {
        let columns = [
            ("No.", true),
            ("Triggered, s", true),
            ("Account", false),
            ("Instrument", false),
            ("Cause", false),
            ("Closed", true),
            ("of it ADL", true),
            ("Taken over", true),
            ("Sold at mark for", true),
            ("Slippage", true),
            ("Slippage, bp", true),
            ("Fund", true),
            ("Ended", false),
        ];
        let currencies: Vec<&str> = self.units.currencies.iter().map(|currency| currency.name.as_str()).collect();
        let caption = format!("Largest liquidations, by quantity closed; money in {}", currencies.join(" or "));
        let mut table = Table::new(&caption, &columns);
        let mut rows: Vec<&LiquidationRow> = Vec::new();
        self.scenes().for_each(|(id, _)| rows.extend(self.outcomes.largest(id)));
        rows.iter().for_each(|row| table.row(&self.liquidation(row)));
        (!rows.is_empty()).then(|| table.finish())
    }

    fn liquidation(&self, row: &LiquidationRow) -> [String; 13] {
        let units = &self.units;
        let instrument = row.instrument.unwrap_or_default();
        let money = |amount| number(&money(units, row.currency, amount));
        let lots = |qty| number(&grouped(&units.quantity(instrument, qty).to_string()));
        [
            head(&row.episode.to_string()),
            number(&grouped(&Units::seconds(row.triggered).to_string())),
            cell(&self.account(row.pool.account().0)),
            cell(&units.instrument_name(instrument)),
            cell(names::cause(&row.kind)),
            lots(closed(row)),
            lots(row.deleveraged),
            lots(row.taken_over),
            money(row.notional),
            money(row.slippage),
            number(&basis_points(row.slippage, row.notional)),
            money(row.fund),
            cell(row.end.as_ref().map_or("pending", names::end)),
        ]
    }

    /// An account with the actor that opened it.
    pub(super) fn account(&self, account: u32) -> String {
        let owner = self.camera.owners.get(account as usize).copied().unwrap_or_default();
        match owner {
            0 => format!("a{account}"),
            owner => format!("a{account} ({})", self.actor(owner)),
        }
    }

    fn actor(&self, owner: u32) -> String {
        match owner.checked_sub(1) {
            None => "outside".to_owned(),
            Some(number) => {
                self.about.actors.get(number as usize).cloned().unwrap_or_else(|| format!("actor {number}"))
            }
        }
    }

    pub(super) fn standing_tables(&self) -> String {
        let mut html = String::new();
        for (standing, currency) in self.standings.iter().zip((0..).map(CurrencyId)) {
            let name = self.units.currency_name(currency);
            html += &self.class_table(standing, currency, &name);
            html += "<div class=\"pair\">";
            html += &self.accounts_table(&format!("Winners, {name}"), &standing.winners, currency);
            html += &self.accounts_table(&format!("Losers, {name}"), &standing.losers, currency);
            html += "</div>\n";
        }
        html
    }

    fn class_table(&self, standing: &Standing, currency: CurrencyId, name: &str) -> String {
        let columns =
            [("Actor", false), ("Accounts", true), ("Up", true), ("Down", true), ("Paid in", true), ("Profit", true)];
        let mut table = Table::new(&format!("Profit by actor, {name}"), &columns);
        for (owner, class) in &standing.classes {
            let count = |n: u64| number(&grouped(&n.to_string()));
            let money = |amount| number(&money(&self.units, currency, amount));
            let (deposits, profit) = (money(class.deposits), money(class.profit));
            let [accounts, up, down] = [class.accounts, class.up, class.down].map(count);
            table.row(&[head(&self.actor(*owner)), accounts, up, down, deposits, profit]);
        }
        table.finish()
    }

    fn accounts_table(&self, caption: &str, accounts: &[Account], currency: CurrencyId) -> String {
        if accounts.is_empty() {
            return format!("<p class=\"empty\">{caption}: none</p>");
        }
        let overshoot = accounts.iter().any(|entry| entry.conceded.overshoot != Money::ZERO);
        let columns =
            [("Account", false), ("Paid in", true), ("Profit", true), ("Lost in ADL", true), ("Overshoot", true)];
        let shown = columns.len() - usize::from(!overshoot);
        let mut table = Table::new(caption, &columns[..shown]);
        for entry in accounts {
            let amounts = [entry.deposits, entry.profit, entry.conceded.all, entry.conceded.overshoot];
            let mut row = vec![head(&self.account(entry.account.0))];
            row.extend(amounts.map(|amount| number(&money(&self.units, currency, amount))));
            table.row(&row[..shown]);
        }
        table.finish()
    }
}

/// All fields of all runs, or only those in which they differ; with the difference to the first run.
pub(super) fn fields_table(runs: &[RunReport], differing: bool) -> String {
    let caption = if differing { "What differs" } else { "All numbers" };
    let mut columns = vec![("Field".to_owned(), false)];
    columns.extend(runs.iter().map(|run| (run.label.clone(), true)));
    columns.extend(runs.iter().skip(1).map(|run| (format!("{} less first", run.label), true)));
    let columns: Vec<(&str, bool)> = columns.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    let mut table = Table::new(caption, &columns);
    for path in paths(runs) {
        let values: Vec<Option<&str>> = runs.iter().map(|run| run.fields.get(&path)).collect();
        if differing && values.iter().all(|value| *value == values[0]) {
            continue;
        }
        let mut cells = vec![head(&path)];
        cells.extend(values.iter().enumerate().map(|(run, value)| match value {
            Some(value) => field(run, &path, &printed(value)),
            None => number("\u{2013}"),
        }));
        cells.extend(values.iter().skip(1).map(|value| {
            let less = values[0].zip(*value).and_then(|(first, value)| difference(first, value));
            number(&less.map(|less| signed(&less)).unwrap_or_default())
        }));
        table.row(&cells);
    }
    table.finish()
}

/// Paths of all runs, in the order of the first that has them.
fn paths(runs: &[RunReport]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for (path, _) in runs.iter().flat_map(|run| &run.fields.0) {
        if known.insert(path) {
            paths.push(path.clone());
        }
    }
    paths
}

fn printed(value: &str) -> String {
    if value == "null" { "none".to_owned() } else { grouped(value) }
}

fn signed(number: &Exact) -> String {
    let text = grouped(&number.to_string());
    if text.starts_with('\u{2212}') || *number == Exact::ZERO { text } else { format!("+{text}") }
}

fn money(units: &Units, currency: CurrencyId, amount: Money) -> String {
    short(&units.money(currency, amount).to_string(), CENTS)
}

/// `part ÷ whole` in basis points, to one digit, halves rounded away from zero.
fn basis_points(part: Money, whole: Money) -> String {
    let whole = whole.0.unsigned_abs();
    let tenths = part.0.unsigned_abs().saturating_mul(100_000).saturating_add(whole / 2).checked_div(whole);
    let Some(tenths) = tenths.and_then(|tenths| i128::try_from(tenths).ok()) else { return String::new() };
    grouped(&Exact::new(tenths * part.0.signum(), 1).to_string())
}

/// Instruments that are shown, for those who look for the others.
pub(super) fn left_out(run: &RunReport) -> Option<String> {
    let names: Vec<String> = run.scenes().map(|(id, _): (InstrumentId, _)| run.units.instrument_name(id)).collect();
    let count = run.left_out();
    (count > 0).then(|| format!("Shown are {}; {count} more instruments are not.", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basis_points_are_rounded_to_a_tenth() {
        assert_eq!(basis_points(Money(3), Money(1_000)), "30");
        assert_eq!(basis_points(Money(-1), Money(30_000)), "\u{2212}0.3");
        assert_eq!(basis_points(Money(1), Money(-300)), "33.3");
        assert_eq!(basis_points(Money(1), Money(0)), "");
    }
}
