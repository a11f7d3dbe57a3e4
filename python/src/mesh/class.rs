//! `canary.Mesh`.

use std::collections::BTreeMap;

use canary_core::route;
use canary_python_macros::binding;
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::{decision::Decision, request};
use crate::{
    convert::{plain::Plain, value},
    door,
    error::IntoPy,
    istio::{
        load,
        manifest::{self, Placed},
    },
    macros::{arguments, pymethods},
};

/// Objects compiled for routing: says where a request goes, and why.
#[binding("Mesh(objects)")]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Mesh {
    core: route::Mesh,
    /// The objects that it was created from, for its table.
    objects: Vec<Placed>,
    settings: Settings,
}

/// The settings of a mesh, as they were given.
struct Settings {
    cluster_domain: Option<String>,
    root_namespace: Option<String>,
    gateway_namespace: Option<String>,
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
            objects: &Bound<'_, PyAny>,
            cluster_domain: Option<String>,
            root_namespace: Option<String>,
            gateway_namespace: Option<String>,
        ) -> PyResult<Self> {
            let objects = manifest::all_placed(objects)?;
            let mut builder = route::Mesh::builder();
            if let Some(domain) = &cluster_domain {
                builder = builder.cluster_domain(domain);
            }
            if let Some(namespace) = &root_namespace {
                builder = builder.root_namespace(namespace);
            }
            if let Some(namespace) = &gateway_namespace {
                builder = builder.gateway_namespace(namespace);
            }
            let settings = Settings { cluster_domain, root_namespace, gateway_namespace };
            let (core, objects) = door::abandon(py, move || {
                let compiled = builder.objects(objects.iter().map(|(object, _)| object.clone()));
                Ok((compiled.build().py()?, objects))
            })?;
            Ok(Self { core, objects, settings })
        }

        #[pyo3(signature = (url, *, method = "GET", headers = None, gateway = None, port = None, random = 0, source_namespace = None, source_labels = None, claims = None))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn route(
            slf: &Bound<'_, Self>,
            url: &str,
            method: &str,
            headers: Option<BTreeMap<String, String>>,
            gateway: Option<String>,
            port: Option<u16>,
            random: u64,
            source_namespace: Option<String>,
            source_labels: Option<BTreeMap<String, String>>,
            claims: Option<&Bound<'_, PyAny>>,
        ) -> PyResult<Decision> {
            let request = route::Request::new(method, url).random(random);
            let mut request = request::with_headers(request, headers.unwrap_or_default())?;
            request.gateway = gateway;
            request.port = port.or(request.port);
            let request = request::from_workload(request, source_namespace, source_labels)?;
            let request = match claims {
                Some(claims) => request.claims(request::claims(claims)?),
                None => request,
            };
            Ok(Decision::new(slf.as_any(), slf.get().core.route(request)))
        }

        /// Decides about the request of a pickled decision.
        #[pyo3(name = "_decide")]
        fn decide(slf: &Bound<'_, Self>, request: &[u8]) -> PyResult<Decision> {
            Ok(Decision::new(slf.as_any(), slf.get().core.route(value::restore(request)?)))
        }

        fn diff(&self, py: Python<'_>, after: &Bound<'_, Self>) -> PyResult<Plain> {
            let (before, after) = (&self.core, &after.get().core);
            let diff = door::compute_apart(py, |stop| route::diff_until(before, after, stop))?;
            Ok(Plain(value::json(&diff.unwrap_or_default())?))
        }

        #[pyo3(name = "_objects")]
        fn placed<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
            let objects = self.objects.iter().cloned();
            objects.map(|(object, source)| load::to_python(py, object, source)).collect()
        }

        fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
            let arguments = arguments!(py, self.settings; cluster_domain, root_namespace, gateway_namespace);
            Ok(((self.placed(py)?,).into_pyobject(py)?, arguments))
        }

        fn __repr__(&self) -> String {
            format!("Mesh({} objects, {} notes)", self.objects.len(), self.core.notes().count())
        }
    }
}
