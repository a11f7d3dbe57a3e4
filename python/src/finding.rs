//! `canary.Finding`.

use canary_core::{Findings, manifest::Source};
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{macros::pymethods, show};

/// One thing found in one place of one object.
#[binding]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Finding(pub(crate) canary_core::Finding);

pymethods! {
    Finding [value, card(render_finding)]
    get |finding| {
        severity: String = finding.0.severity.to_string();
        code: &str = &finding.0.code;
        object: &str = &finding.0.object;
        path: &str = &finding.0.path;
        message: &str = &finding.0.message;
        found: Option<&str> = finding.0.found.as_deref();
        help: Option<&str> = finding.0.help.as_deref();
        document: Option<usize> = finding.0.document;
        line: Option<usize> = finding.0.line;
        column: Option<usize> = finding.0.column;
    }
    methods {
        fn __str__(&self) -> String {
            self.0.to_string()
        }

        fn __repr__(&self) -> String {
            let Self(finding) = self;
            format!("Finding({}, {}, {}, {})", finding.severity, finding.code, finding.path, finding.message)
        }
    }
}

/// Findings with their places in the text that the object was read from.
pub(crate) fn located(mut findings: Findings, source: Option<&Source>) -> Findings {
    if let Some(source) = source {
        findings.0.iter_mut().for_each(|finding| source.locate(finding));
    }
    findings
}

/// The same as `canary.Records`.
pub(crate) fn records<'py>(
    py: Python<'py>,
    findings: Findings,
    source: Option<&Source>,
) -> PyResult<Bound<'py, PyAny>> {
    show::records(py, located(findings, source).into_iter().map(Finding).collect())
}
