//! `canary.analyze`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use canary_core::{
    Object,
    analyze::{self, Inventory, Subject},
    manifest::locate,
    rollout::{Error, Result},
};
use canary_python_macros::binding;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, Service};
use pyo3::prelude::*;
use serde::de::DeserializeOwned;

use super::{analysis::Analysis, manifest};
use crate::{door, error::IntoPy, finding::Finding};

/// The objects of one core kind; `None` when the caller gave none, so that nothing is concluded from their absence.
fn of_kind<T: DeserializeOwned>(
    objects: &[Object],
    kind: &str,
    stop: &AtomicBool,
) -> Result<Option<Vec<T>>> {
    let found = objects
        .iter()
        .take_while(|_| !stop.load(Ordering::Relaxed))
        .filter(|object| object.kind() == kind)
        .map(|object| {
            serde_json::from_value(object.to_json_value()?)
                .map_err(|error| Error::manifest(object.id(), error.to_string()))
        })
        .collect::<Result<Vec<T>>>()?;
    Ok((!found.is_empty()).then_some(found))
}

/// The analysis; an empty one, which is not used, when it was stopped.
fn run(objects: &[Object], stop: &Arc<AtomicBool>) -> Result<analyze::Analysis> {
    let mut inventory = Inventory::default();
    inventory.services = of_kind::<Service>(objects, "Service", stop)?;
    inventory.pods = of_kind::<Pod>(objects, "Pod", stop)?;
    inventory.secrets = of_kind::<Secret>(objects, "Secret", stop)?;
    inventory.namespaces = of_kind::<Namespace>(objects, "Namespace", stop)?;
    let subjects = objects.iter().filter_map(Subject::of);
    Ok(analyze::analyze_until(subjects, &inventory, stop).unwrap_or_default())
}

/// Analyzes objects together, as `istioctl analyze` does; Services, Pods, Secrets and Namespaces among them serve as
/// inventory.
#[binding]
#[pyfunction]
#[pyo3(name = "analyze")]
pub(crate) fn analyze_objects(py: Python<'_>, objects: &Bound<'_, PyAny>) -> PyResult<Analysis> {
    let (objects, sources): (Vec<_>, Vec<_>) = manifest::all_placed(objects)?.into_iter().unzip();
    let stop = Arc::<AtomicBool>::default();
    let seen = Arc::clone(&stop);
    // The thread owns the objects: after Ctrl-C the caller does not wait until all of them are dropped.
    let analysis = door::abandon(py, move || {
        let mut analysis = run(&objects, &seen).py()?;
        locate(sources.iter().flatten(), &mut analysis.findings);
        Ok(analysis)
    })
    .inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
    Ok(Analysis {
        findings: analysis.findings.into_iter().map(Finding).collect(),
        unjudged: analysis
            .unjudged
            .into_iter()
            .map(|one| (one.code, one.object, one.reason))
            .collect(),
    })
}
