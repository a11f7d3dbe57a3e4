//! Objects as Python gives them.

use canary_core::{
    Manifest, Object,
    manifest::{Error, Source},
};
use pyo3::{
    prelude::*,
    types::{PyList, PyString, PyType},
};
use serde_json::Value;

use super::{destination_rule::DestinationRule, gateway::Gateway, virtual_service::VirtualService};
use crate::{
    cluster::workload::Workload,
    error::IntoPy,
    gateway_api::{
        backend_tls_policy::BackendTlsPolicy, gateway::KubernetesGateway,
        gateway_class::GatewayClass, grpc_route::GrpcRoute, http_route::HttpRoute,
        reference_grant::ReferenceGrant,
    },
    json,
};

/// An object of the core, with its places in the text that it was read from.
pub(crate) type Placed = (Object, Option<Source>);

/// Any object of Python as an object of the core; a workload is several.
fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Vec<Placed>> {
    macro_rules! placed {
        ($($kind:ident),*) => {
            $(if let Ok(found) = object.cast::<$kind>() {
                let $kind(object, source) = found.get().clone();
                return Ok(vec![(object.into(), source)]);
            })*
        };
    }
    placed!(Gateway, VirtualService, DestinationRule, HttpRoute, GrpcRoute, KubernetesGateway);
    placed!(GatewayClass, ReferenceGrant, BackendTlsPolicy);
    let objects = if let Ok(workload) = object.cast::<Workload>() {
        workload.get().0.objects().py()?.into_iter().map(Object::Other).collect()
    } else {
        let value = json::from_python(object)?;
        let read = Manifest::from_json_value(&value);
        read.map_err(|error| named(error, value, &object.get_type())).py()?.objects
    };
    Ok(objects.into_iter().map(|object| (object, None)).collect())
}

/// Names the object in findings that do not, because it has no text with lines to point to.
fn named(mut error: Error, value: Value, class: &Bound<'_, PyType>) -> Error {
    if let Error::Invalid(findings) = &mut error {
        let id = Object::Other(value).id();
        let id = match id.trim() {
            "" => {
                class.name().map_or_else(|_| String::new(), |name| format!("object of type {name}"))
            }
            id => id.to_owned(),
        };
        for finding in findings.0.iter_mut().filter(|finding| finding.object.is_empty()) {
            finding.object.clone_from(&id);
        }
    }
    error
}

/// One object, or several of them in anything that can be iterated over.
pub(crate) fn all_from_python(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Object>> {
    Ok(all_placed(objects)?.into_iter().map(|(object, _)| object).collect())
}

/// As [`all_from_python`], with the places of those that were read from text.
pub(crate) fn all_placed(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Placed>> {
    if let Ok(list) = objects.cast::<PyList>() {
        return each(list.iter().map(Ok));
    }
    let single = json::is_mapping(objects)? || objects.is_instance_of::<PyString>();
    match objects.try_iter() {
        Ok(items) if !single => each(items),
        _ => from_python(objects),
    }
}

/// Any number of objects, until Ctrl-C.
fn each<'py>(items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>) -> PyResult<Vec<Placed>> {
    let mut all = Vec::new();
    for item in items {
        let item = item?;
        item.py().check_signals()?;
        all.extend(from_python(&item)?);
    }
    Ok(all)
}
