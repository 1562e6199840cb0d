//! One example: its inputs, in any decimal scale, and the comparison with what was expected.

use serde_json::Value;

/// `Err` says what was found and what was expected.
pub type Outcome = Result<(), String>;

pub struct Case {
    pub id: String,
    entry: Value,
}

impl Case {
    pub fn new(entry: Value) -> Self {
        let id = entry["id"].as_str().expect("an example has an id").to_owned();
        Self { id, entry }
    }

    /// The same example with another expectation, which must fail.
    pub fn altered(&self) -> Self {
        let mut entry = self.entry.clone();
        alter(&mut entry["expected"]);
        Self { id: self.id.clone(), entry }
    }

    pub fn system(&self) -> String {
        self.entry["system"].as_str().expect("an example has a system").to_owned()
    }

    pub fn expected(&self) -> &Value {
        &self.entry["expected"]
    }

    pub fn input(&self, name: &str) -> &Value {
        let value = &self.entry["inputs"][name];
        assert!(!value.is_null(), "{}: no input {name}", self.id);
        value
    }

    pub fn has(&self, name: &str) -> bool {
        !self.entry["inputs"][name].is_null()
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> i128 {
        int(self.input(name))
    }

    /// A whole number as a quantity, a rate or a size.
    pub fn small(&self, name: &str) -> i64 {
        i64::try_from(self.int(name)).expect("a number of 64 bits")
    }

    /// A decimal number in units of 10^−`decimals`.
    pub fn scaled(&self, name: &str, decimals: u32) -> i128 {
        scaled(self.input(name), decimals)
    }

    /// A fraction in parts per million.
    pub fn ppm(&self, name: &str) -> i64 {
        i64::try_from(self.scaled(name, 6)).expect("a rate")
    }

    /// Compares `found` ÷ 10^`decimals` with the expected value, within its tolerance and one unit.
    pub fn near(&self, found: i128, decimals: u32) -> Outcome {
        near(found, decimals, self.expected(), self.tolerance())
    }

    pub fn tolerance(&self) -> f64 {
        self.entry["rel_tol"].as_f64().expect("an example has a tolerance")
    }

    /// As [`Case::near`], after rounding to the two digits that were published.
    pub fn near_to_cents(&self, found: i128, decimals: u32) -> Outcome {
        let rounded = (unscaled(found, decimals) * 100.0).round();
        let expected = (self.expected().as_f64().expect("a number") * 100.0).round();
        same(rounded, expected)
    }

    /// Compares whole numbers.
    pub fn exact(&self, found: i128) -> Outcome {
        same(found, int(self.expected()))
    }
}

pub fn same<T: PartialEq + core::fmt::Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

pub fn int(value: &Value) -> i128 {
    value.as_i64().map(i128::from).or_else(|| whole(value)).unwrap_or_else(|| panic!("{value} is not a whole number"))
}

fn whole(value: &Value) -> Option<i128> {
    value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e15).map(|f| f as i128)
}

/// A decimal number of at most six decimals in units of 10^−`decimals`.
pub fn scaled(value: &Value, decimals: u32) -> i128 {
    let micros = value.as_f64().expect("a number") * 1e6;
    assert!(micros.abs() < 9e15, "{value} is too large for its decimals");
    assert!((micros - micros.round()).abs() < 0.01, "{value} has more than six decimals");
    let micros = micros.round() as i128;
    if decimals >= 6 {
        return micros * 10_i128.pow(decimals - 6);
    }
    let unit = 10_i128.pow(6 - decimals);
    assert_eq!(micros % unit, 0, "{value} has more than {decimals} decimals");
    micros / unit
}

pub fn near(found: i128, decimals: u32, expected: &Value, tolerance: f64) -> Outcome {
    let (found, expected) = (unscaled(found, decimals), expected.as_f64().expect("a number"));
    let allowed = tolerance * expected.abs() + unscaled(1, decimals);
    if (found - expected).abs() <= allowed { Ok(()) } else { Err(format!("found {found}, expected {expected}")) }
}

fn unscaled(value: i128, decimals: u32) -> f64 {
    value as f64 / 10_i64.pow(decimals) as f64
}

fn alter(expected: &mut Value) {
    match expected {
        Value::Array(items) => items.iter_mut().filter(|item| !item.is_null()).take(1).for_each(alter),
        Value::Object(fields) => fields.values_mut().take(1).for_each(alter),
        Value::String(text) => text.insert(0, '7'),
        _ if expected.is_i64() => *expected = Value::from(expected.as_i64().expect("whole") + 1),
        _ => *expected = Value::from(expected.as_f64().expect("a number") + 1.0),
    }
}
