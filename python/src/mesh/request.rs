//! Requests as the arguments of `Mesh.route` describe them.

use std::collections::BTreeMap;

use canary_core::{names::MESH, route::Request};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};
use serde_json::Value;

use crate::json;

/// Adds headers. `Host` is the authority, and then the URL says only where the client connects to: its port, if it
/// names one, is that of the listener.
pub(super) fn with_headers(
    mut request: Request,
    headers: BTreeMap<String, String>,
) -> PyResult<Request> {
    let (hosts, others): (Vec<_>, Vec<_>) =
        headers.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
    if hosts.len() > 1 {
        let hosts: Vec<String> = hosts.into_iter().map(|(_, host)| format!("{host:?}")).collect();
        return Err(PyValueError::new_err(format!(
            "headers names the host more than once, as {}; a request has one",
            hosts.join(" and ")
        )));
    }
    for (_, host) in hosts {
        let port = request.authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        request.port = port;
        request = request.host(host);
    }
    Ok(others.into_iter().fold(request, |request, (name, value)| request.header(name, value)))
}

/// Makes it a call of a workload in the mesh when a namespace or labels of one are given.
pub(super) fn from_workload(
    request: Request,
    namespace: Option<String>,
    labels: Option<BTreeMap<String, String>>,
) -> PyResult<Request> {
    if namespace.is_none() && labels.is_none() {
        return Ok(request);
    }
    if let Some(gateway) = request.gateway.as_deref().filter(|gateway| *gateway != MESH) {
        return Err(PyValueError::new_err(format!(
            "source_namespace and source_labels are those of a caller in the mesh, and gateway is {gateway:?}; leave \
             gateway out, or give \"mesh\""
        )));
    }
    let namespace = namespace.unwrap_or_else(|| "default".to_owned());
    Ok(request.from_workload(namespace, labels.unwrap_or_default()))
}

/// The claims of a JWT, which are a JSON object.
pub(super) fn claims(claims: &Bound<'_, PyAny>) -> PyResult<Value> {
    match json::from_python(claims)? {
        claims @ Value::Object(_) => Ok(claims),
        _ => Err(PyTypeError::new_err(format!(
            "claims is a {}; give a dictionary, as in {{\"sub\": \"user\"}}",
            claims.get_type().name()?
        ))),
    }
}
