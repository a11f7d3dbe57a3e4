//! The objects of a lab.

use canary_core::{
    Object,
    cluster::{Cluster, ObjectRef},
    rollout::{Error, Result},
};
use canary_lab::{Lab, store::Store};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{error::IntoPy, istio::manifest};

/// Applies objects one after the other.
pub(super) fn apply(lab: &Lab, values: &[Value], force: bool) -> PyResult<()> {
    let one = |value| if force { lab.apply_by_force(value) } else { lab.apply(value) };
    values.iter().try_for_each(|value| one(value).map(drop).py())
}

/// Objects as JSON.
pub(super) fn values_of(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    let objects = manifest::all_from_python(objects)?;
    objects.iter().map(Object::to_json_value).collect::<std::result::Result<_, _>>().py()
}

/// An object, which must be there.
pub(super) async fn get(
    store: Store,
    kind: String,
    name: String,
    namespace: String,
) -> Result<Value> {
    let version = ObjectRef::version_of(&kind).unwrap_or("v1");
    let object = ObjectRef::new(version, kind, namespace, name);
    store.get(&object).await?.ok_or_else(|| Error::NotFound {
        object: object.to_string(),
        help: "apply it first".to_owned(),
    })
}
