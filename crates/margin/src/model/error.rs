//! Why a model refused its parameters or its inputs.

use core::fmt;

/// A number that a model cannot work with: which, what it was, and what it should have been.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub struct ModelError {
    /// The field, as it is spelled in the struct.
    pub field: &'static str,
    /// Which element of a list, counted from zero.
    pub index: Option<usize>,
    /// What was found; whole numbers are shown as the nearest float.
    pub found: f64,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl ModelError {
    /// An error about `field`.
    pub(crate) const fn new(field: &'static str, found: f64, expected: &'static str) -> Self {
        Self { field, index: None, found, expected }
    }

    /// An error about one element of `field`.
    pub(crate) const fn at(field: &'static str, index: usize, found: f64, expected: &'static str) -> Self {
        Self { field, index: Some(index), found, expected }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}[{index}] is {}, expected {}", self.field, self.found, self.expected),
            None => write!(f, "{} is {}, expected {}", self.field, self.found, self.expected),
        }
    }
}

impl core::error::Error for ModelError {}

/// `found` where it is finite and at least `least`.
pub(crate) fn at_least(field: &'static str, found: f64, least: f64, expected: &'static str) -> Result<f64, ModelError> {
    if found.is_finite() && found >= least { Ok(found) } else { Err(ModelError::new(field, found, expected)) }
}

/// `found` where it is a finite number from 0 up.
pub(crate) fn not_negative(field: &'static str, found: f64) -> Result<f64, ModelError> {
    at_least(field, found, 0.0, "a finite number, at least 0")
}

/// `found` where it is finite and above 0.
pub(crate) fn positive(field: &'static str, found: f64) -> Result<f64, ModelError> {
    let good = found.is_finite() && found > 0.0;
    if good { Ok(found) } else { Err(ModelError::new(field, found, "a finite number above 0")) }
}

/// `found` where it is finite.
pub(crate) fn finite(field: &'static str, found: f64) -> Result<f64, ModelError> {
    if found.is_finite() { Ok(found) } else { Err(ModelError::new(field, found, "a finite number")) }
}

/// `found` where it is from 0 to 1.
pub(crate) fn fraction(field: &'static str, found: f64) -> Result<f64, ModelError> {
    let good = (0.0..=1.0).contains(&found);
    if good { Ok(found) } else { Err(ModelError::new(field, found, "a number from 0 to 1")) }
}
