//! What a portfolio of several underlyings needs, from what each of them loses: their sum, or less where losses are
//! not expected together.
//!
//! `requirement = √(Σ_i Σ_j ρ_ij × l_i × l_j)`, with `l_i` the signed exposure's loss for a rise of underlying `i`
//! (negative for a short). As correlations go to one, longs add up and a hedge of one underlying by another frees
//! margin; as they go to zero, nothing offsets anything.
//!
//! Source: Basel Committee, *Minimum capital requirements for market risk*, the aggregation of the standardised
//! approach.

use super::error::{ModelError, finite};

/// How many underlyings one matrix has at most.
pub const LARGEST: usize = 16;

/// A correlation matrix, checked to be one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Correlations {
    of: [[f64; LARGEST]; LARGEST],
    size: usize,
}

impl Correlations {
    /// A matrix from its rows, one after the other.
    ///
    /// # Errors
    /// Where it is not square, larger than 16, not symmetric, without ones on its diagonal, with a number outside ±1,
    /// or such that some portfolio would have less than no risk (a matrix that is not positive semidefinite).
    pub fn new(rows: &[f64]) -> Result<Self, ModelError> {
        let size = (0..=LARGEST).find(|n| n * n == rows.len()).filter(|n| *n > 0);
        let Some(size) = size else {
            return Err(ModelError::new("rows", rows.len() as f64, "n squared numbers, n from 1 to 16"));
        };
        let mut of = [[0.0; LARGEST]; LARGEST];
        for (i, row) in rows.chunks(size).enumerate() {
            of[i][..size].copy_from_slice(row);
        }
        let matrix = Self { of, size };
        matrix.check_entries()?;
        matrix.check_definite()?;
        Ok(matrix)
    }

    /// The same correlation between any two of `size` underlyings.
    ///
    /// # Errors
    /// As [`Correlations::new`].
    pub fn uniform(size: usize, rho: f64) -> Result<Self, ModelError> {
        let mut rows = [rho; LARGEST * LARGEST];
        if !(1..=LARGEST).contains(&size) {
            return Err(ModelError::new("size", size as f64, "from 1 to 16"));
        }
        (0..size).for_each(|i| rows[i * size + i] = 1.0);
        Self::new(&rows[..size * size])
    }

    fn check_entries(&self) -> Result<(), ModelError> {
        for i in 0..self.size {
            for j in 0..self.size {
                let (found, at) = (self.of[i][j], i * self.size + j);
                let expected = match i == j {
                    true => (found != 1.0).then_some("1 on the diagonal"),
                    false if !(-1.0..=1.0).contains(&found) => Some("a number from -1 to 1"),
                    false => (found != self.of[j][i]).then_some("the same as its mirror image"),
                };
                if let Some(expected) = expected {
                    return Err(ModelError::at("rows", at, found, expected));
                }
            }
        }
        Ok(())
    }

    /// Cholesky's factor exists, but for what rounding leaves of a zero pivot.
    fn check_definite(&self) -> Result<(), ModelError> {
        const NOISE: f64 = 1e-9;
        let mut factor = [[0.0; LARGEST]; LARGEST];
        for i in 0..self.size {
            for j in 0..=i {
                let rest = (0..j).fold(self.of[i][j], |rest, k| rest - factor[i][k] * factor[j][k]);
                if i == j && rest < -NOISE || i != j && factor[j][j] == 0.0 && rest.abs() > 1e-4 {
                    return Err(ModelError::at("rows", i * self.size + j, rest, "a positive semidefinite matrix"));
                }
                factor[i][j] = match i == j {
                    true if rest > NOISE => libm::sqrt(rest),
                    false if factor[j][j] > 0.0 => rest / factor[j][j],
                    _ => 0.0,
                };
            }
        }
        Ok(())
    }

    /// The requirement from each underlying's signed loss.
    ///
    /// # Errors
    /// Where there are not as many losses as underlyings, or one is not finite.
    pub fn requirement(&self, losses: &[f64]) -> Result<f64, ModelError> {
        if losses.len() != self.size {
            return Err(ModelError::new("losses", losses.len() as f64, "one loss per underlying"));
        }
        let mut sum = 0.0;
        for (i, row) in self.of[..self.size].iter().enumerate() {
            finite("losses", losses[i]).map_err(|e| ModelError { index: Some(i), ..e })?;
            for (rho, other) in row.iter().zip(losses) {
                sum += rho * losses[i] * other;
            }
        }
        Ok(libm::sqrt(sum.max(0.0)))
    }
}

/// Netting by underlying only: absolute losses added, whatever the correlations.
#[must_use]
pub fn by_underlying(losses: &[f64]) -> f64 {
    losses.iter().fold(0.0, |sum, loss| sum + loss.abs())
}
