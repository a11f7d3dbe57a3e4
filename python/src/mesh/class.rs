//! `canary.Mesh` and `canary.Decision`.

use std::collections::BTreeMap;

use canary_core::route;
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{
    door,
    error::IntoPy,
    istio::{DestinationRule, Gateway, VirtualService},
    json::{self, Plain},
    show, value,
};

/// Objects compiled for routing: says where a request goes, and why.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Mesh {
    core: route::Mesh,
    /// The objects that it was created from, for its table.
    objects: Vec<Py<PyAny>>,
}

#[pymethods]
impl Mesh {
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
        Decision(self.core.route(request))
    }

    fn diff(&self, py: Python<'_>, after: &Bound<'_, Self>) -> PyResult<Plain> {
        let (before, after) = (&self.core, &after.get().core);
        let diff = door::compute_apart(py, |stop| route::diff_until(before, after, stop))?;
        Ok(Plain(json::value(&diff.unwrap_or_default())?))
    }

    #[getter]
    fn notes(&self) -> Vec<&str> {
        self.core.notes().collect()
    }

    fn __repr__(&self) -> String {
        format!("Mesh({} objects, {} notes)", self.objects.len(), self.core.notes().count())
    }

    fn _objects(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.objects.iter().map(|object| object.clone_ref(py)).collect()
    }

    fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::rows(slf)
    }

    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "pandas")
    }

    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "polars")
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_mesh")
    }
}

/// Where a request goes.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Decision(route::Decision);

#[pymethods]
impl Decision {
    fn __eq__(&self, other: &Self) -> PyResult<bool> {
        Ok(json::value(&self.0)? == json::value(&other.0)?)
    }

    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&self.0)
    }

    #[getter]
    fn subset(&self) -> Option<String> {
        self.0.cluster()?.subset.clone()
    }

    #[getter]
    fn host(&self) -> Option<String> {
        self.0.cluster().map(|cluster| cluster.host.clone())
    }

    #[getter]
    fn port(&self) -> Option<u16> {
        self.0.cluster().map(|cluster| cluster.port)
    }

    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.outcome().status()
    }

    #[getter]
    fn rule(&self) -> Option<String> {
        self.0.rule().map(ToString::to_string)
    }

    #[getter]
    fn shares(&self) -> Vec<(String, f64)> {
        self.0
            .shares()
            .iter()
            .map(|share| (share.cluster.subset.clone().unwrap_or_default(), share.fraction()))
            .collect()
    }

    #[getter]
    fn path(&self) -> String {
        self.0.path().into_owned()
    }

    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.0.timeout().map(|timeout| timeout.as_secs_f64())
    }

    #[getter]
    fn why(&self) -> String {
        self.0.why().to_string()
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0)?)
    }

    fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::rows(slf)
    }

    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "pandas")
    }

    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "polars")
    }

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::plot(slf, ax)
    }

    fn __str__(&self) -> String {
        self.why()
    }

    fn __repr__(&self) -> String {
        let to = self.0.cluster().map_or_else(
            || self.status().map_or_else(|| "passthrough".to_owned(), |status| status.to_string()),
            |cluster| cluster.name.clone(),
        );
        format!("Decision({to})")
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        slf.py().import("canary._html")?.getattr("render_decision")?.call1((slf,))?.extract()
    }
}
