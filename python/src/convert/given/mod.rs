//! Arguments, read with messages that say what was given, where, and what to give instead.
//!
//! pyo3's own conversions name neither the argument nor a remedy. `#[binding]` has every argument read here.

mod class;
mod collections;
mod plain;
mod refused;

use std::borrow::Cow;

use pyo3::{prelude::*, types::PyString};

pub(crate) use self::{
    class::Exposed,
    collections::{Names, ordered},
    refused::{Refused, a, kind},
};

/// A type of arguments.
pub(crate) trait Given<'py>: Sized {
    /// It in words, as in "give a text".
    fn wanted() -> Cow<'static, str>;

    /// Several of it in words, as in "give a list of texts".
    fn several() -> Cow<'static, str>;

    /// Reads a value that somebody gave.
    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused>;
}

/// Reads the argument of that name.
pub(crate) fn argument<'py, T: Given<'py>>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<T> {
    T::read(value).map_err(|refused| refused.exception(name))
}

/// Reads an argument that is a text, where it lies.
pub(crate) fn text<'a>(name: &str, value: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    match value.cast::<PyString>() {
        Ok(text) => text.to_str(),
        Err(_) => Err(Refused::kind(value, String::wanted()).exception(name)),
    }
}

/// Reads an argument that is a text or None.
pub(crate) fn optional_text<'a>(
    name: &str,
    value: &'a Bound<'_, PyAny>,
) -> PyResult<Option<&'a str>> {
    if value.is_none() { Ok(None) } else { text(name, value).map(Some) }
}
