//! `canary.analyze`.

use canary_core::{
    Error, Object,
    analyze::{self, Inventory, Subject},
};
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, Service};
use pyo3::prelude::*;
use serde::de::DeserializeOwned;

use crate::{error::IntoPy, finding::Finding, manifest};

/// What is wrong between objects, and what could not be judged.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Analysis {
    findings: Vec<Finding>,
    unjudged: Vec<(String, String, String)>,
}

#[pymethods]
impl Analysis {
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::show::records(py, self.findings.clone())
    }

    #[getter]
    fn unjudged(&self) -> Vec<(String, String, String)> {
        self.unjudged.clone()
    }

    fn __repr__(&self) -> String {
        format!("Analysis({} findings, {} unjudged)", self.findings.len(), self.unjudged.len())
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let render = py.import("canary._html")?.getattr("render_findings")?;
        render.call1((self.findings.clone(),))?.extract()
    }
}

/// The objects of one core kind; `None` when the caller gave none, so that nothing is concluded from their absence.
fn of_kind<T: DeserializeOwned>(objects: &[Object], kind: &str) -> PyResult<Option<Vec<T>>> {
    let found = objects
        .iter()
        .filter(|object| object.kind() == kind)
        .map(|object| {
            let value = object.to_json_value().py()?;
            serde_json::from_value(value)
                .map_err(|error| Error::Manifest { what: object.id(), reason: error.to_string() })
                .py()
        })
        .collect::<PyResult<Vec<T>>>()?;
    Ok((!found.is_empty()).then_some(found))
}

/// Analyzes objects together, as `istioctl analyze` does; Services, Pods, Secrets and Namespaces among them serve as
/// inventory.
#[pyfunction]
#[pyo3(name = "analyze")]
pub(crate) fn analyze_objects(py: Python<'_>, objects: &Bound<'_, PyAny>) -> PyResult<Analysis> {
    let objects = manifest::all_from_python(objects)?;
    let mut inventory = Inventory::default();
    inventory.services = of_kind::<Service>(&objects, "Service")?;
    inventory.pods = of_kind::<Pod>(&objects, "Pod")?;
    inventory.secrets = of_kind::<Secret>(&objects, "Secret")?;
    inventory.namespaces = of_kind::<Namespace>(&objects, "Namespace")?;
    let analysis =
        py.detach(|| analyze::analyze(objects.iter().filter_map(Subject::of), &inventory));
    Ok(Analysis {
        findings: analysis.findings.into_iter().map(Finding).collect(),
        unjudged: analysis
            .unjudged
            .into_iter()
            .map(|one| (one.code, one.object, one.reason))
            .collect(),
    })
}
