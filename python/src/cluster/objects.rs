//! Objects to apply.

use canary_core::{
    Findings,
    cluster::ObjectRef,
    validate::{Options, validate},
};
use pyo3::prelude::*;
use serde_json::Value;

use super::settings::Settings;
use crate::{error::IntoPy, istio::manifest};

/// The objects as JSON, each with a namespace, after the checks that Istio would make.
pub(super) fn read(settings: &Settings, objects: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    let objects = manifest::all_from_python(objects)?;
    let options = Options::default().namespace(&settings.namespace);
    let findings: Findings = objects.iter().flat_map(|object| validate(object, &options)).collect();
    findings.into_result().py()?;
    let values = objects.iter().map(|object| {
        let mut value = object.to_json_value().py()?;
        if object.namespace().is_none() && !ObjectRef::is_cluster_wide(object.kind()) {
            value["metadata"]["namespace"] = settings.namespace.as_str().into();
        }
        Ok(value)
    });
    values.collect()
}
