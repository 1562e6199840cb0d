//! What can be wrong with a scenario, said so that it can be put right: where, what was found, what was expected.

use core::fmt;

/// Why a scenario could not be read or prepared.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a built-in scenario nor a file.
    #[error("{0}")]
    Unknown(String),
    /// A file could not be read.
    #[error("cannot read {path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// The text is not TOML.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where.
        place: Place,
        /// The parser's words.
        reason: String,
    },
    /// A `--set path=value` that points nowhere.
    #[error("{option} {argument}: {reason}")]
    Set {
        /// The option that gave it.
        option: &'static str,
        /// As given.
        argument: String,
        /// What is wrong, and what there is.
        reason: String,
    },
    /// Parameters of a model that do not go together.
    #[error("{place}: {field}: {reason}")]
    Model {
        /// Where.
        place: Place,
        /// The path of the model's table.
        field: String,
        /// Which parameter, what was found, and what was expected.
        reason: String,
    },
    /// A row of a CSV file.
    #[error("{file}:{line}: {column}: found {found}, expected {expected}")]
    Row {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// A field that has no legal value.
    #[error(transparent)]
    Field(#[from] Box<FieldError>),
}

/// A place in a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a file.
    File {
        /// Its name.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// In a `--set`, or another option that takes what it takes.
    Set {
        /// The option that gave it.
        option: &'static str,
        /// As given.
        argument: String,
    },
}

/// The option that gave an argument, unless it is said to be another's.
pub(crate) const SET: &str = "--set";

impl ScenarioError {
    /// As it is of arguments that `option` gave: errors about one of them name it instead of `--set`.
    #[must_use]
    pub fn of_option(mut self, option: &'static str, arguments: &[String]) -> Self {
        let given = match &mut self {
            Self::Set { option, argument, .. } => Some((option, argument)),
            Self::Syntax { place, .. } | Self::Model { place, .. } => place.given(),
            Self::Field(error) => error.place.given(),
            Self::Unknown(_) | Self::File { .. } | Self::Row { .. } => None,
        };
        if let Some((named, argument)) = given
            && arguments.contains(argument)
        {
            *named = option;
        }
        self
    }
}

impl Place {
    fn given(&mut self) -> Option<(&mut &'static str, &mut String)> {
        match self {
            Self::Set { option, argument } => Some((option, argument)),
            Self::File { .. } => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Set { option, argument } => write!(f, "{option} {argument}"),
        }
    }
}

/// A field of a scenario that has no legal value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {field}: found {found}, expected {expected}")]
pub struct FieldError {
    /// Where.
    pub place: Place,
    /// The path of the field, as `--set` takes it.
    pub field: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

/// Up to three names of `known` that look like `name`, most alike first.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: Vec<(usize, &str)> = known
        .into_iter()
        .map(|k| (distance(name, k), k))
        .filter(|(d, k)| *d <= 1 + k.len().max(name.len()) / 3)
        .collect();
    ranked.sort_unstable();
    ranked.truncate(3);
    ranked.into_iter().map(|(_, k)| k).collect()
}

/// `"did you mean a or b? "` where something is near, then all that is known.
pub(crate) fn suggest(name: &str, known: &[&str]) -> String {
    let all = if known.is_empty() { "nothing here".to_owned() } else { format!("one of {}", known.join(", ")) };
    match near(name, known.iter().copied()).as_slice() {
        [] => all,
        alike => format!("{} (did you mean {}?)", all, alike.join(" or ")),
    }
}

/// Edits between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("tick_size", "tick_size"), 0);
    }

    #[test]
    fn near_names_come_first() {
        assert_eq!(near("tik_size", ["lot_size", "tick_size", "name"]), ["tick_size", "lot_size"]);
        assert_eq!(suggest("q", &["alpha"]), "one of alpha");
    }
}
