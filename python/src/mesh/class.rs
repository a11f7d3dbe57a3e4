//! `canary.Mesh`.

use std::collections::BTreeMap;

use canary_core::route;
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::decision::Decision;
use crate::{
    convert::{plain::Plain, value},
    door,
    error::IntoPy,
    istio::{destination_rule::DestinationRule, gateway::Gateway, virtual_service::VirtualService},
    json,
    macros::pymethods,
};

/// Objects compiled for routing: says where a request goes, and why.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Mesh {
    core: route::Mesh,
    /// The objects that it was created from, for its table.
    objects: Vec<Py<PyAny>>,
}

pymethods! {
    Mesh [table, card(render_mesh)]
    get |mesh| {
        notes: Vec<&str> = mesh.core.notes().collect();
    }
    methods {
        #[new]
        #[pyo3(signature = (objects, *, cluster_domain = None, root_namespace = None, gateway_namespace = None))]
        fn new(
            py: Python<'_>,
            objects: Vec<Bound<'_, PyAny>>,
            cluster_domain: Option<String>,
            root_namespace: Option<String>,
            gateway_namespace: Option<String>,
        ) -> PyResult<Self> {
            let mut builder = route::Mesh::builder();
            for object in &objects {
                py.check_signals()?;
                builder = if let Ok(gateway) = object.cast::<Gateway>() {
                    builder.gateway(gateway.get().0.clone())
                } else if let Ok(service) = object.cast::<VirtualService>() {
                    builder.virtual_service(service.get().0.clone())
                } else if let Ok(rule) = object.cast::<DestinationRule>() {
                    builder.destination_rule(rule.get().0.clone())
                } else if json::is_mapping(object)? {
                    // Other kinds say nothing about routes.
                    builder
                } else {
                    return Err(PyTypeError::new_err(format!(
                        "a mesh is made of Gateway, VirtualService and DestinationRule, found {}",
                        object.get_type()
                    )));
                };
            }
            if let Some(domain) = cluster_domain {
                builder = builder.cluster_domain(domain);
            }
            if let Some(namespace) = root_namespace {
                builder = builder.root_namespace(namespace);
            }
            if let Some(namespace) = gateway_namespace {
                builder = builder.gateway_namespace(namespace);
            }
            let core = door::abandon(py, move || builder.build().py())?;
            let objects = objects.into_iter().map(Bound::unbind).collect();
            Ok(Self { core, objects })
        }

        #[pyo3(signature = (url, *, method = "GET", headers = None, gateway = None, port = None, random = 0))]
        fn route(
            &self,
            url: &str,
            method: &str,
            headers: Option<BTreeMap<String, String>>,
            gateway: Option<String>,
            port: Option<u16>,
            random: u64,
        ) -> Decision {
            let mut request = route::Request::new(method, url).random(random);
            for (name, value) in headers.into_iter().flatten() {
                request = request.header(name, value);
            }
            if let Some(gateway) = gateway {
                request = request.gateway(gateway);
            }
            if let Some(port) = port {
                request = request.port(port);
            }
            Decision { core: self.core.route(request) }
        }

        fn diff(&self, py: Python<'_>, after: &Bound<'_, Self>) -> PyResult<Plain> {
            let (before, after) = (&self.core, &after.get().core);
            let diff = door::compute_apart(py, |stop| route::diff_until(before, after, stop))?;
            Ok(Plain(value::json(&diff.unwrap_or_default())?))
        }

        fn _objects(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
            self.objects.iter().map(|object| object.clone_ref(py)).collect()
        }

        fn __repr__(&self) -> String {
            format!("Mesh({} objects, {} notes)", self.objects.len(), self.core.notes().count())
        }
    }
}
