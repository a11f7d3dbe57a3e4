//! `canary.Preflight`.

use canary_core::cluster::{self, Outcome};
use canary_python_macros::binding;
use pyo3::prelude::*;

use crate::{
    convert::{plain, value},
    macros::pymethods,
};

/// The findings of a preflight.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq)]
pub(crate) struct Preflight(pub(crate) cluster::Preflight);

pymethods! {
    Preflight [table, card(render_preflight)]
    get |preflight| {
        is_ready: bool = preflight.0.is_ready();
    }
    make |preflight, py| {
        checks: PyResult<Bound<'py, PyAny>> = plain::to_dict(py, &preflight.0.checks);
    }
    methods {
        fn __hash__(&self) -> PyResult<u64> {
            value::hash(&self.0.checks)
        }

        fn to_json(&self) -> String {
            self.0.to_json().to_string()
        }

        fn to_html(&self) -> String {
            self.0.to_html()
        }

        fn __bool__(&self) -> bool {
            self.0.is_ready()
        }

        fn __str__(&self) -> String {
            self.0.to_string()
        }

        fn __repr__(&self) -> String {
            let failed = self.0.checks.iter().filter(|check| check.outcome == Outcome::Fail);
            format!("Preflight({} checks, {} failed)", self.0.checks.len(), failed.count())
        }
    }
}
