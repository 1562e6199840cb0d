//! The result of a run as a person reads it.

use comfy_table::{ContentArrangement, Table, presets};
use downdraft_insight::summary::{Each, Fund, PriceRange};
use downdraft_insight::{Exact, Summary};
use downdraft_lab::Prepared;
use std::fmt::Write;
use std::path::Path;

/// The whole of it.
pub fn result(summary: &Summary, prepared: &Prepared, directory: &Path, reported: bool) -> String {
    let end = Exact::new(i128::from(prepared.end().0), 9);
    let (name, seed, about) = (&summary.scenario, summary.seed, &prepared.scenario.summary);
    let mut text = format!("{name} · seed {seed} · {end} s simulated\n{about}\n\n");
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    rows(summary).into_iter().for_each(|(name, value)| {
        table.add_row([name, &value]);
    });
    let _ = writeln!(text, "{table}");
    if let Some(timing) = &summary.timing {
        let rate = grouped(&format!("{:.0}", timing.commands_per_s));
        let _ = writeln!(text, "\n{:.2} s, {rate} commands per second, state {}", timing.elapsed_s, summary.state_hash);
    }
    let _ = writeln!(
        text,
        "Files in {}: {}journal.ddj, summary.json, prices.csv, liquidations.csv, waterfall.csv",
        directory.display(),
        if reported { "report.html, " } else { "" }
    );
    text
}

fn rows(summary: &Summary) -> Vec<(&'static str, String)> {
    let number = |n: u64| grouped(&n.to_string());
    let (liquidations, cascade, adl) = (&summary.liquidations, &summary.cascade, &summary.adl);
    let mut rows = vec![("Commands", format!("{}, {} events", number(summary.commands), number(summary.events)))];
    rows.push(("Orders", format!("{}, {} fills", number(summary.orders), number(summary.fills))));
    rows.push(("Price", each(&summary.price, range)));
    rows.push(("Mark", each(&summary.mark, range)));
    let forced = format!(
        "{} accounts, {} orders, {} fills",
        number(liquidations.accounts),
        number(liquidations.orders),
        number(liquidations.fills)
    );
    rows.push(("Liquidated", forced));
    rows.push(("  quantity", amounts(&liquidations.quantity)));
    rows.push(("  value at mark", amounts(&liquidations.notional)));
    rows.push(("  slippage cost", amounts(&liquidations.slippage_cost)));
    let sold = &summary.conversions;
    if sold.orders > 0 {
        rows.push(("  collateral sold", format!("{} orders, {}", number(sold.orders), amounts(&sold.quantity))));
    }
    let to_fill = liquidations.trigger_to_fill;
    if let (Some(p50), Some(p99)) = (to_fill.p50, to_fill.p99) {
        rows.push(("  trigger to fill", format!("half within {}, 99% within {}", span(p50), span(p99))));
    }
    let shape = format!(
        "{} roots, largest {}, {} deep, branching ratio {}",
        number(cascade.roots),
        number(cascade.largest),
        cascade.max_depth,
        cascade.branching_ratio
    );
    rows.push(("Cascade", shape));
    rows.push(("Insurance fund", each(&summary.insurance_fund, fund)));
    let deleveraged = format!("{} accounts, quantity {}", number(adl.accounts), amounts(&adl.quantity));
    rows.push(("Deleveraged", deleveraged));
    rows.push(("  conceded", amounts(&adl.conceded)));
    rows.push(("Bad debt", amounts(&summary.bad_debt)));
    rows.push(("  socialised", amounts(&summary.socialised_loss)));
    rows.push(("  uncovered", amounts(&summary.uncovered)));
    rows.push(("Halts", number(summary.halts)));
    rows.push(("Backlog", format!("at most {} waiting", number(u64::from(summary.backlog.max)))));
    if !summary.feed.0.is_empty() {
        let counts: Vec<String> = summary.feed.0.iter().map(|(what, n)| format!("{} {what}", number(*n))).collect();
        rows.push(("Recording", counts.join("\n")));
    }
    let conserved = summary.conservation.0.iter().map(|(name, sum)| format!("{name} {sum}"));
    let verdict = if summary.audit.is_none() { "audited" } else { "FAULT" };
    rows.push(("Conservation", format!("{} ({verdict})", conserved.collect::<Vec<_>>().join(", "))));
    rows
}

/// One value, or each with its name.
fn each<T>(values: &Each<T>, print: impl Fn(&T) -> String) -> String {
    match values.only() {
        Some(value) => print(value),
        None => values.0.iter().map(|(name, value)| format!("{name}: {}", print(value))).collect::<Vec<_>>().join("\n"),
    }
}

/// Each amount with the name of its currency or instrument.
fn amounts(values: &Each<Exact>) -> String {
    let named: Vec<String> = values.0.iter().map(|(name, value)| format!("{} {name}", amount(value))).collect();
    named.join("\n")
}

fn range(range: &PriceRange) -> String {
    let print = |price: Option<Exact>| price.map_or_else(|| "none".to_owned(), |price| grouped(&price.to_string()));
    let (start, end) = (print(range.start), print(range.end));
    format!("{start} → {end} (low {}, high {})", print(range.low), print(range.high))
}

fn fund(fund: &Fund) -> String {
    let mut text = format!("{} → {}", amount(&fund.start), amount(&fund.end));
    for (what, moved) in
        [("deposited", fund.deposited), ("received", fund.contributed), ("paid", fund.drawn), ("traded", fund.traded)]
    {
        if moved != Exact::ZERO {
            let _ = write!(text, ", {what} {}", amount(&moved));
        }
    }
    text
}

/// To two digits, in groups of three.
fn amount(value: &Exact) -> String {
    let text = value.to_string();
    let short = text.split_once('.').is_none_or(|(_, part)| part.len() <= 2);
    if short { grouped(&text) } else { grouped(&format!("{:.2}", value.to_f64())) }
}

fn span(seconds: Exact) -> String {
    let seconds = seconds.to_f64();
    match seconds {
        _ if seconds >= 1.0 => format!("{seconds:.2} s"),
        _ if seconds >= 1e-3 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.1} µs", seconds * 1e6),
    }
}

/// The whole part of a decimal in groups of three digits.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, part) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (plain, pretty) in [("0", "0"), ("999", "999"), ("-1234567.25", "-1,234,567.25"), ("100000", "100,000")] {
            assert_eq!(grouped(plain), pretty);
        }
        assert_eq!(amount(&Exact::new(1_234_567_891, 6)), "1,234.57");
        assert_eq!(amount(&Exact::new(-1_234_500, 3)), "-1,234.5");
        assert_eq!(span(Exact::new(5, 3)), "5.0 ms");
        assert_eq!(span(Exact::new(70, 6)), "70.0 µs");
        assert_eq!(span(Exact::new(25, 1)), "2.50 s");
    }
}
