//! Views for notebooks, and lists that are tables: both are drawn in Python.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};

/// The HTML of a value, by the function of that name in `canary._cards`.
pub(crate) fn card(value: &Bound<'_, PyAny>, render: &str) -> PyResult<String> {
    value.py().import("canary._cards")?.call_method1(render, (value,))?.extract()
}

/// A value as rows, `canary.Records` of dictionaries.
pub(crate) fn rows<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    value.py().import("canary._tables")?.call_method1("rows", (value,))
}

/// A value's rows as a data frame of that library.
pub(crate) fn frame<'py>(value: &Bound<'py, PyAny>, library: &str) -> PyResult<Bound<'py, PyAny>> {
    rows(value)?.call_method0(format!("to_{library}"))
}

/// A value drawn with matplotlib; gives the axes.
pub(crate) fn plot<'py>(
    value: &Bound<'py, PyAny>,
    ax: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    value.py().import("canary._plot")?.call_method1("plot", (value, ax))
}

/// A list of values as `canary.Records`.
pub(crate) fn records<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    values: Vec<T>,
) -> PyResult<Bound<'py, PyAny>> {
    let values = PyList::new(py, values)?;
    py.import("canary._records")?.getattr("Records")?.call1((values,))
}

/// A page that follows the value.
pub(crate) fn dashboard<'py>(
    value: &Bound<'py, PyAny>,
    host: &str,
    port: u16,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let settings = PyDict::new(py);
    settings.set_item("host", host)?;
    settings.set_item("port", port)?;
    py.import("canary._dashboard")?.getattr("Dashboard")?.call((value,), Some(&settings))
}
