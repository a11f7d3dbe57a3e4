//! `canary.Pair`: both models' answers to one input.

use crate::value;
use canary_core::evidence::{Answer, Pair as CorePair};
use pyo3::prelude::*;

/// Both models' answers to one input.
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq)]
pub(crate) struct Pair(pub(crate) CorePair);

#[pymethods]
impl Pair {
    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&self.0)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &self.0)
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        value::restore(bytes).map(Self)
    }

    #[getter]
    fn input(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    #[getter]
    fn stable(&self) -> (&str, Option<f64>) {
        (&self.0.stable.class, self.0.stable.score)
    }

    #[getter]
    fn canary(&self) -> (&str, Option<f64>) {
        (&self.0.canary.class, self.0.canary.score)
    }

    #[getter]
    fn stable_failed(&self) -> bool {
        self.0.stable.failed
    }

    #[getter]
    fn canary_failed(&self) -> bool {
        self.0.canary.failed
    }

    #[getter]
    fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    #[getter]
    fn agrees(&self) -> bool {
        self.0.agrees()
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_value")
    }

    fn __repr__(&self) -> String {
        let Self(pair) = self;
        let name = pair.name.as_deref().unwrap_or("?");
        let half = |half: &Answer| {
            if half.failed { described(half) } else { format!("{:?}", half.class) }
        };
        format!("Pair({name:?}: {} / {})", half(&pair.stable), half(&pair.canary))
    }
}

/// The class of a response, or the reason why there is none.
pub(crate) fn described(half: &Answer) -> String {
    if half.failed { format!("failed: {}", half.class) } else { half.class.clone() }
}
