//! `canary.Applied`: the effect of an apply on an object.

use canary_core::cluster;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{macros::pymethods, show};

/// An object that was applied.
#[binding]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
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

pymethods! {
    Applied [value, card(render_value)]
    get |applied| {
        effect: String = applied.0.effect.to_string();
        kind: &str = &applied.0.object.kind;
        namespace: &str = &applied.0.object.namespace;
        name: &str = &applied.0.object.name;
        api_version: &str = &applied.0.object.api_version;
        uid: &str = &applied.0.uid;
    }
    methods {
        fn __repr__(&self) -> String {
            format!("Applied({} {})", self.0.effect, self.0.object)
        }

        fn __str__(&self) -> String {
            format!("{} {}", self.0.effect, self.0.object)
        }
    }
}
