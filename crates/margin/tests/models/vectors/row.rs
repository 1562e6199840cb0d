//! One published example: its inputs as floats, and the comparison with what was expected.

use serde_json::Value;

/// `Err` says what was found and what was expected.
pub type Outcome = Result<(), String>;

pub struct Row {
    pub id: String,
    entry: Value,
}

impl Row {
    pub fn new(entry: Value) -> Self {
        Self { id: entry["id"].as_str().unwrap().to_owned(), entry }
    }

    /// The same example with another expectation, which must fail.
    pub fn altered(&self) -> Self {
        let mut entry = self.entry.clone();
        alter(&mut entry["expected"]);
        Self { id: self.id.clone(), entry }
    }

    pub fn system(&self) -> String {
        self.entry["system"].as_str().unwrap().to_owned()
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

    pub fn f(&self, name: &str) -> f64 {
        float(self.input(name))
    }

    pub fn floats(&self, name: &str) -> Vec<f64> {
        floats(self.input(name))
    }

    pub fn int(&self, name: &str) -> i128 {
        int(self.input(name))
    }

    fn tolerance(&self) -> f64 {
        self.entry["rel_tol"].as_f64().unwrap()
    }

    /// Compares one number with `expected` within the example's tolerance; near zero, to 10^−9.
    pub fn near_to(&self, found: f64, expected: &Value) -> Outcome {
        let expected = float(expected);
        let allowed = self.tolerance() * expected.abs() + 1e-9;
        if (found - expected).abs() <= allowed { Ok(()) } else { Err(format!("found {found}, expected {expected}")) }
    }

    pub fn near(&self, found: f64) -> Outcome {
        self.near_to(found, self.expected())
    }

    /// Compares a field of what was expected.
    pub fn near_field(&self, field: &str, found: f64) -> Outcome {
        let expected = &self.expected()[field];
        assert!(!expected.is_null(), "{}: nothing expected of {field}", self.id);
        self.near_to(found, expected).map_err(|error| format!("{field}: {error}"))
    }

    /// Compares a list, element by element; `null` in it is not compared.
    pub fn near_all(&self, found: &[f64]) -> Outcome {
        self.near_list(found, self.expected())
    }

    pub fn near_list(&self, found: &[f64], expected: &Value) -> Outcome {
        let expected = expected.as_array().unwrap();
        same(found.len(), expected.len())?;
        let mut compared = expected.iter().zip(found).filter(|(expected, _)| !expected.is_null());
        compared.try_for_each(|(expected, found)| self.near_to(*found, expected))
    }

    /// Compares after rounding to the digits that were published.
    pub fn rounded_to(&self, found: f64, expected: &Value, decimals: u32) -> Outcome {
        let unit = unit(decimals);
        same((found * unit).round(), (float(expected) * unit).round())
    }

    pub fn rounded(&self, found: f64, decimals: u32) -> Outcome {
        self.rounded_to(found, self.expected(), decimals)
    }

    /// Compares whole numbers.
    pub fn exact(&self, found: i128) -> Outcome {
        same(found, int(self.expected()))
    }
}

pub fn same<T: PartialEq + core::fmt::Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

pub fn float(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(float).collect()
}

pub fn int(value: &Value) -> i128 {
    let whole = value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e15).map(|f| f as i128);
    value.as_i64().map(i128::from).or(whole).unwrap_or_else(|| panic!("{value} is not a whole number"))
}

/// A decimal number as a whole number of 10^−`decimals`.
pub fn scaled(value: &Value, decimals: u32) -> i128 {
    let scaled = float(value) * unit(decimals);
    assert!((scaled - scaled.round()).abs() < 1e-6 && scaled.abs() < 9e15, "{value} has more decimals");
    scaled.round() as i128
}

fn unit(decimals: u32) -> f64 {
    10_i64.pow(decimals) as f64
}

fn alter(expected: &mut Value) {
    match expected {
        Value::Array(items) => items.iter_mut().filter(|item| !item.is_null()).take(1).for_each(alter),
        Value::Object(fields) => fields.values_mut().for_each(alter),
        Value::String(text) => text.insert(0, '7'),
        // Far enough for the widest tolerance of the file, 1%.
        _ if expected.is_i64() => {
            let whole = expected.as_i64().unwrap();
            *expected = Value::from(whole + whole.abs() / 10 + 1);
        }
        _ => *expected = Value::from(expected.as_f64().unwrap() * 1.1 + 1.0),
    }
}
