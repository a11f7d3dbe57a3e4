//! `canary.Finding`.

use crate::value;
use pyo3::prelude::*;

/// One thing found in one place of one object.
#[pyclass(frozen, eq, hash, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Finding(pub(crate) canary_core::Finding);

#[pymethods]
impl Finding {
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &self.0)
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        value::restore(bytes).map(Self)
    }

    #[getter]
    fn severity(&self) -> String {
        self.0.severity.to_string()
    }

    #[getter]
    fn code(&self) -> &str {
        &self.0.code
    }

    #[getter]
    fn object(&self) -> &str {
        &self.0.object
    }

    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    #[getter]
    fn message(&self) -> &str {
        &self.0.message
    }

    #[getter]
    fn found(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    #[getter]
    fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    #[getter]
    fn document(&self) -> Option<usize> {
        self.0.document
    }

    #[getter]
    fn line(&self) -> Option<usize> {
        self.0.line
    }

    #[getter]
    fn column(&self) -> Option<usize> {
        self.0.column
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_finding")
    }

    fn __repr__(&self) -> String {
        format!(
            "Finding({}, {}, {}, {})",
            self.severity(),
            self.0.code,
            self.0.path,
            self.0.message
        )
    }
}
