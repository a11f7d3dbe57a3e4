//! Errors of a parameter or an observation given to a test.

use std::fmt;

/// A parameter or an observation outside the range in which a test has a meaning.
///
/// The message names the parameter, the value found and the values allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsError {
    /// The parameter, as it is called in the constructor or the method.
    pub name: &'static str,
    /// The value found.
    pub value: f64,
    /// The values allowed, in words.
    pub expected: &'static str,
}

/// `Result` with a [`StatsError`].
pub type Result<T, E = StatsError> = std::result::Result<T, E>;

impl fmt::Display for StatsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is {}, expected {}", self.name, self.value, self.expected)
    }
}

impl std::error::Error for StatsError {}

/// `Ok(value)` when `holds`, otherwise the error that names the parameter.
pub(super) fn check(
    name: &'static str,
    value: f64,
    expected: &'static str,
    holds: bool,
) -> Result<f64> {
    if holds { Ok(value) } else { Err(StatsError { name, value, expected }) }
}

/// A finite probability strictly between 0 and 1.
pub(super) fn open_unit(name: &'static str, value: f64) -> Result<f64> {
    check(name, value, "a number greater than 0 and less than 1", value > 0.0 && value < 1.0)
}

/// A share of the traffic, both ends allowed.
pub(super) fn closed_unit(name: &'static str, value: f64) -> Result<f64> {
    check(name, value, "a number from 0 to 1", (0.0..=1.0).contains(&value))
}

/// A finite number greater than 0.
pub(super) fn positive(name: &'static str, value: f64) -> Result<f64> {
    check(name, value, "a finite number greater than 0", value > 0.0 && value.is_finite())
}

/// A running maximum of ln E, as it is read from a saved state.
pub(super) fn max_ln_e(value: f64) -> Result<f64> {
    check("max_ln_e", value, "a number of at least 0", value >= 0.0)
}
