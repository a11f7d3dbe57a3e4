//! Names of settings that are given as keyword arguments.

use pyo3::{exceptions::PyTypeError, prelude::*};

/// The error of a setting that a class does not have: it names the nearest one, or all.
pub(crate) fn unknown(py: Python<'_>, class: &str, name: &str, known: &[String]) -> PyErr {
    let near = py
        .import("difflib")
        .and_then(|module| module.call_method1("get_close_matches", (name, known, 1)))
        .and_then(|found| found.extract::<Vec<String>>())
        .unwrap_or_default();
    let help = match near.first() {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("it has {}", known.join(", ")),
    };
    PyTypeError::new_err(format!("{class} has no setting {name:?}; {help}"))
}
