//! `canary.Applied`: what an apply did to an object.

use canary_core::cluster;
use pyo3::prelude::*;

use crate::{show, value};

/// An object that was applied.
#[pyclass(frozen, eq, hash, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Applied(cluster::Applied);

/// The effect on each object, in the order of the operations.
pub(crate) struct Effects(pub(crate) Vec<cluster::Applied>);

impl<'py> IntoPyObject<'py> for Effects {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        show::records(py, self.0.into_iter().map(Applied).collect())
    }
}

/// The core's values.
pub(crate) fn cores(applied: Vec<Applied>) -> Vec<cluster::Applied> {
    applied.into_iter().map(|one| one.0).collect()
}

#[pymethods]
impl Applied {
    #[getter]
    fn effect(&self) -> String {
        self.0.effect.to_string()
    }

    #[getter]
    fn kind(&self) -> &str {
        &self.0.object.kind
    }

    #[getter]
    fn namespace(&self) -> &str {
        &self.0.object.namespace
    }

    #[getter]
    fn name(&self) -> &str {
        &self.0.object.name
    }

    #[getter]
    fn api_version(&self) -> &str {
        &self.0.object.api_version
    }

    #[getter]
    fn uid(&self) -> &str {
        &self.0.uid
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &self.0)
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        value::restore(bytes).map(Self)
    }

    fn __repr__(&self) -> String {
        format!("Applied({} {})", self.0.effect, self.0.object)
    }

    fn __str__(&self) -> String {
        format!("{} {}", self.0.effect, self.0.object)
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_value")
    }
}
