//! What to type to get a run again.

use crate::document::Document;
use crate::library::{Builtin, library};
use toml_edit::{Item, Table, TableLike, Value};

/// Commands that run a scenario's text again with a seed, for a shell. Where the text is that of a built-in scenario
/// with values set, they say so; else it is to be saved first.
#[must_use]
pub fn reproduce(text: &str, seed: u64) -> Vec<String> {
    let document = Document::read("scenario", text, &[]);
    let name = document.as_ref().ok().and_then(|d| d.root().get("name")?.as_str()).unwrap_or("scenario").to_owned();
    let built_in = library().iter().find(|entry| entry.name == name);
    if let Some((entry, sets)) = built_in.and_then(|entry| sets(entry, text).map(|sets| (entry, sets))) {
        let sets: String = sets.iter().map(|set| format!(" --set {}", quoted(set))).collect();
        return vec![format!("downdraft run {} --seed {seed}{sets}", entry.name)];
    }
    let legal = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let file: String = name.trim_start_matches('.').chars().map(legal).collect();
    vec![
        format!("# save the scenario below as {file}.toml, in its own directory if it names other files"),
        format!("downdraft run ./{file}.toml --seed {seed}"),
    ]
}

/// The `--set`s that make a built-in scenario's text this one. `None`: none do.
fn sets(entry: &Builtin, text: &str) -> Option<Vec<String>> {
    let leaves = |text: &str| {
        let document = Document::read(entry.name, text, &[]).ok()?;
        let mut leaves = Vec::new();
        table_leaves("", document.root(), &mut leaves);
        Some(leaves)
    };
    let (old, new) = (leaves(entry.text)?, leaves(text)?);
    let changed = new.iter().filter(|leaf| !old.contains(leaf));
    let sets: Vec<String> = changed.map(|(path, value)| format!("{path}={}", bare(value))).collect();
    // Whatever was changed in another way, an order or a comment, shows here.
    let made = Document::read(entry.name, entry.text, &sets).ok()?;
    (made.text() == text).then_some(sets)
}

/// Values by the path that `--set` names them with.
fn table_leaves(path: &str, table: &dyn TableLike, leaves: &mut Vec<(String, String)>) {
    for (name, item) in table.iter() {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        item_leaves(&path, item, leaves);
    }
}

fn item_leaves(path: &str, item: &Item, leaves: &mut Vec<(String, String)>) {
    match item {
        Item::None => {}
        Item::Value(value) => value_leaves(path, value, leaves),
        Item::Table(table) => table_leaves(path, table, leaves),
        Item::ArrayOfTables(list) => {
            for (place, table) in list.iter().enumerate() {
                table_leaves(&element(path, place, table), table, leaves);
            }
        }
    }
}

fn value_leaves(path: &str, value: &Value, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::InlineTable(table) => table_leaves(path, table, leaves),
        Value::Array(list) if list.iter().all(Value::is_inline_table) && !list.is_empty() => {
            for (place, value) in list.iter().enumerate() {
                value_leaves(&format!("{path}.{place}"), value, leaves);
            }
        }
        value => leaves.push((path.to_owned(), value.clone().decorated("", "").to_string())),
    }
}

/// An element of a list: by its name where it has one that a path can hold.
fn element(path: &str, place: usize, table: &Table) -> String {
    let named = |name: &&str| !name.is_empty() && !name.contains(['.', '=']) && name.trim() == *name;
    match table.get("name").and_then(Item::as_str).filter(named) {
        Some(name) => format!("{path}.{name}"),
        None => format!("{path}.{place}"),
    }
}

/// A string without its quotes, where it would be read as a string all the same.
fn bare(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let safe = |inner: &&str| inner.parse::<Value>().is_err() && !inner.contains('\\') && inner.trim() == *inner;
    inner.filter(safe).unwrap_or(value)
}

/// A word for a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(sets: &[&str]) -> Vec<String> {
        let entry = library()[0];
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        reproduce(Document::read(entry.name, entry.text, &sets).unwrap().text(), 7)
    }

    #[test]
    fn a_built_in_scenario_is_named_with_what_was_set() {
        assert_eq!(changed(&[]), ["downdraft run flash-crash --seed 7"]);
        assert_eq!(changed(&["fund.USDT=1000"]), ["downdraft run flash-crash --seed 7 --set fund.USDT=1000"]);
        let commands = changed(&["fund.USDT=0.25", "summary=what it's about", "actors.flow.market_rate=20"]);
        assert_eq!(
            commands,
            [
                r#"downdraft run flash-crash --seed 7 --set 'summary=what it'\''s about' --set 'fund.USDT="0.25"' --set actors.flow.market_rate=20"#
            ]
        );
    }

    #[test]
    fn another_scenario_is_to_be_saved() {
        let edited = library()[0].text.replace("# ", "## ");
        for (text, file) in
            [("name = \"../a b\"\n", "-a-b"), ("not toml", "scenario"), (edited.as_str(), "flash-crash")]
        {
            let commands = reproduce(text, 3);
            assert_eq!(commands[1..], [format!("downdraft run ./{file}.toml --seed 3")]);
        }
    }

    #[test]
    fn every_built_in_scenario_is_its_own() {
        for entry in library() {
            // A journal has the text with its venue filled in.
            let text = Document::read(entry.name, entry.text, &[]).unwrap().text().to_owned();
            assert_eq!(reproduce(&text, 1), [format!("downdraft run {} --seed 1", entry.name)]);
        }
    }
}
