//! Body of a fuzz target: any text is a scenario or an error that says something.

use crate::document::Document;
use crate::error::ScenarioError;
use crate::library::{DEFAULT, show};
use crate::scenario::{Files, Scenario};

/// Reads `bytes` as a scenario, and each of its first lines as a `--set` of the default scenario.
///
/// # Panics
/// Where a scenario's text, read again, is not the same scenario.
pub fn fuzz_scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check(text, &[]);
    let default = show(DEFAULT).expect("the default is in the library");
    for line in text.lines().take(8) {
        check(default, &[line.to_owned()]);
    }
}

fn check(text: &str, sets: &[String]) {
    match read(text, sets) {
        Ok((text, scenario)) => {
            let again = read(&text, &[]).map(|(_, scenario)| scenario);
            assert_eq!(again.as_ref(), Ok(&scenario), "a scenario's text is the scenario");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn read(text: &str, sets: &[String]) -> Result<(String, Scenario), ScenarioError> {
    let document = Document::read("fuzz", text, sets)?;
    let scenario = Scenario::read(&document, &Files::Embedded(&[]))?;
    Ok((document.text().to_owned(), scenario))
}
