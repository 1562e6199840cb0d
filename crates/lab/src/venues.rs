//! Venues by name: `venue = "binance-usdm"` in a scenario stands for the terms and policies of that venue, wherever the
//! scenario does not state its own; set from outside, it wins over what the scenario states.
//!
//! A preset's `[instrument]` goes into every instrument, or, where it has one, its `[option]` into every option; its
//! `[portfolio_margin]` into that of every instrument on which there are options; its `[liquidation]` into the scenario's.
//! What the scenario's text becomes is whole: reading it needs no preset.

use crate::error::suggest;
use std::collections::BTreeSet;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// A venue's terms and policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its TOML, with its sources.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(Preset { name: $name, text: include_str!(concat!("../../../scenarios/venues/", $name, ".toml")) }),*]
    };
}

const PRESETS: &[Preset] =
    presets!["binance-usdm", "bybit-inverse", "bitmex", "deribit-pm", "dydx-v4", "hyperliquid", "vega"];

/// How a position is sold is one thing, said in several fields: a scenario that says some of it says all.
const SOLD: [&str; 4] = ["mode", "rest", "step", "cooldown"];

/// The venues that a scenario can name.
#[must_use]
pub const fn venues() -> &'static [Preset] {
    PRESETS
}

/// The venue that a scenario's `venue` names.
///
/// # Errors
/// What was found and what was expected, where there is no such venue.
pub(crate) fn named(item: &Item) -> Result<&'static Preset, String> {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let name = item.as_str().ok_or_else(|| format!("found {}, expected {}", item.type_name(), suggest("", &names)))?;
    let found = PRESETS.iter().find(|preset| preset.name == name);
    found.ok_or_else(|| format!("found {name:?}, expected {}", suggest(name, &names)))
}

/// Puts a venue into a scenario that named it. Where both say something, the venue `wins`, or the scenario.
///
/// # Errors
/// Where the venue would win over the scenario's kind of contract, and so change what its sizes mean.
pub(crate) fn fill(scenario: &mut DocumentMut, preset: &Preset, wins: bool) -> Result<(), String> {
    let terms: DocumentMut = preset.text.parse().unwrap_or_default();
    let section = |name: &str| terms.get(name).and_then(Item::as_table);
    let word = |table: &dyn TableLike, key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    let mut underlyings = BTreeSet::new();
    for table in instruments(scenario) {
        let option = word(table, "kind").as_deref() == Some("option");
        underlyings.extend(word(table, "underlying").filter(|_| option));
        let own = section("option").filter(|_| option);
        if let Some(defaults) = own.or_else(|| section("instrument")) {
            if wins {
                check_contract(preset, defaults, table)?;
            }
            add(table, defaults, wins);
        }
    }
    if let Some(defaults) = section("portfolio_margin") {
        for underlying in underlyings {
            let all = scenario.entry("portfolio_margin").or_insert(implicit());
            if let Some(all) = all.as_table_like_mut() {
                let own = all.entry(&underlying).or_insert(Item::Table(Table::new()));
                own.as_table_like_mut().into_iter().for_each(|own| add(own, defaults, wins));
            }
        }
    }
    if let Some(defaults) = section("liquidation") {
        let own = scenario.entry("liquidation").or_insert(Item::Table(Table::new()));
        if let Some(own) = own.as_table_like_mut() {
            add(own, defaults, wins);
        }
    }
    Ok(())
}

/// A table that is there for the sake of its tables.
fn implicit() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// A scenario's instruments. That there are none, or something else, is for the reader of the scenario to say.
fn instruments(scenario: &mut DocumentMut) -> Vec<&mut dyn TableLike> {
    match scenario.get_mut("instruments") {
        Some(Item::ArrayOfTables(list)) => list.iter_mut().map(|table| table as &mut dyn TableLike).collect(),
        Some(Item::Value(Value::Array(list))) => {
            let tables = list.iter_mut().filter_map(Value::as_inline_table_mut);
            tables.map(|table| table as &mut dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

fn check_contract(preset: &Preset, defaults: &Table, table: &dyn TableLike) -> Result<(), String> {
    let word = |item: Option<&Item>| item.and_then(Item::as_str).unwrap_or("linear").to_owned();
    let (venue, own) = (word(defaults.get("contract")), word(table.get("contract")));
    if venue == own {
        return Ok(());
    }
    let name = table.get("name").and_then(Item::as_str).unwrap_or("instrument");
    Err(format!(
        "found {}, whose contracts are {venue}, expected one with {own} contracts, as the scenario's {name} is: sizes mean \
         something else",
        preset.name
    ))
}

/// Adds what a table does not state, or puts it in place of what it states.
fn add(table: &mut dyn TableLike, defaults: &Table, wins: bool) {
    if wins && SOLD.iter().any(|key| defaults.contains_key(key)) {
        SOLD.iter().for_each(|key| drop(table.remove(key)));
    }
    let sold = SOLD.iter().any(|key| table.contains_key(key));
    for (key, value) in defaults {
        let stated = table.contains_key(key) || (sold && SOLD.contains(&key));
        if wins || !stated {
            let value = value.clone().into_value().map(|mut value| {
                value.decor_mut().clear();
                Item::Value(value)
            });
            table.insert(key, value.unwrap_or_default());
        }
    }
}
