//! `canary.Analysis`.

use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{finding::Finding, macros::pymethods, show};

/// The problems between objects, and the checks that could not be judged.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
pub(crate) struct Analysis {
    pub(super) findings: Vec<Finding>,
    pub(super) unjudged: Vec<(String, String, String)>,
}

pymethods! {
    Analysis [value]
    get |analysis| {
        unjudged: Vec<(String, String, String)> = analysis.unjudged.clone();
    }
    make |analysis, py| {
        findings: PyResult<Bound<'py, PyAny>> = show::records(py, analysis.findings.clone());
    }
    methods {
        fn __repr__(&self) -> String {
            format!("Analysis({} findings, {} unjudged)", self.findings.len(), self.unjudged.len())
        }

        fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
            let render = py.import("canary._html")?.getattr("render_findings")?;
            render.call1((self.findings.clone(),))?.extract()
        }
    }
}
