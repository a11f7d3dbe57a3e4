//! `canary.Cluster` and `canary.Preflight`: a Kubernetes cluster from Python.

use std::{path::PathBuf, sync::Arc};

use canary_core::{
    Error, Plan as CorePlan,
    cluster::{self, Cluster as _, Kubernetes, ObjectRef, PreflightOptions},
};
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::Value;

use crate::{
    door,
    error::{IntoPy, to_py},
    json, manifest,
    plan::Plan,
    show,
    workload::Workload,
};

/// The group and version under which a kind is asked for, unless the caller names them.
const VERSIONS: &[(&str, &str)] = &[
    ("ConfigMap", "v1"),
    ("Deployment", "apps/v1"),
    ("DestinationRule", "networking.istio.io/v1"),
    ("Event", "v1"),
    ("Gateway", "networking.istio.io/v1"),
    ("Job", "batch/v1"),
    ("Lease", "coordination.k8s.io/v1"),
    ("Namespace", "v1"),
    ("Pod", "v1"),
    ("Service", "v1"),
    ("VirtualService", "networking.istio.io/v1"),
];

/// A cluster; it is connected to at the first call.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Cluster {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    namespace: String,
    connected: Arc<tokio::sync::OnceCell<Kubernetes>>,
}

/// What a call needs when it runs without the interpreter.
#[derive(Clone)]
struct Handle {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    connected: Arc<tokio::sync::OnceCell<Kubernetes>>,
}

impl Handle {
    async fn open(&self) -> canary_core::Result<Kubernetes> {
        let open = || Kubernetes::open(self.kubeconfig.as_deref(), self.context.as_deref());
        self.connected.get_or_try_init(open).await.cloned()
    }
}

impl Cluster {
    fn handle(&self) -> Handle {
        Handle {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            connected: Arc::clone(&self.connected),
        }
    }

    fn object(
        &self,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<ObjectRef> {
        let namespace = namespace.unwrap_or_else(|| self.namespace.clone());
        Ok(ObjectRef::new(version_of(kind, api_version)?, kind, namespace, name))
    }

    fn checks(
        &self,
        plan: Option<&Plan>,
        virtual_service: Option<&str>,
        workload: Option<&Workload>,
        istio_namespace: &str,
    ) -> PreflightOptions {
        let mut checks = PreflightOptions::new(&self.namespace);
        istio_namespace.clone_into(&mut checks.istio_namespace);
        if let Some(name) = virtual_service {
            checks = checks.virtual_service(name);
        }
        if let Some(plan) = plan {
            checks = checks.plan(&plan.core);
        }
        if let Some(workload) = workload {
            checks = checks.workload(workload.0.clone());
        }
        checks
    }

    /// The objects as JSON, each with a namespace, after the checks that Istio would make.
    fn objects(&self, objects: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
        use canary_core::validate::{Options, validate};

        let objects = if let Ok(workload) = objects.cast::<Workload>() {
            return workload.get().0.objects().py();
        } else {
            manifest::all_from_python(objects)?
        };
        let options = Options::default().namespace(&self.namespace);
        let findings: canary_core::Findings =
            objects.iter().flat_map(|object| validate(object, &options)).collect();
        findings.into_result().py()?;
        let values = objects.iter().map(|object| {
            let mut value = object.to_json_value().py()?;
            if object.namespace().is_none() && object.kind() != "Namespace" {
                value["metadata"]["namespace"] = self.namespace.as_str().into();
            }
            Ok(value)
        });
        values.collect()
    }
}

fn version_of(kind: &str, api_version: Option<String>) -> PyResult<String> {
    let known = VERSIONS.iter().find(|(known, _)| *known == kind);
    api_version.or_else(|| known.map(|(_, version)| (*version).to_owned())).ok_or_else(|| {
        PyValueError::new_err(format!("{kind} is no kind known here; name its api_version too"))
    })
}

/// What an apply did to each object, as `(effect, object)`.
type Effects = Vec<(String, String)>;

async fn apply(
    handle: Handle,
    objects: Vec<Value>,
    dry_run: bool,
    force: bool,
) -> canary_core::Result<Effects> {
    let cluster = handle.open().await?.dry_run(dry_run).force(force);
    let applied = cluster::apply_all(&cluster, &objects, |_| {}).await?;
    Ok(applied.iter().map(|one| (one.effect.to_string(), one.object.to_string())).collect())
}

async fn status(
    handle: Handle,
    namespace: String,
    virtual_service: String,
    plan: Option<CorePlan>,
) -> canary_core::Result<Status> {
    let cluster = handle.open().await?;
    cluster::status(&cluster, &namespace, &virtual_service, plan.as_ref()).await.map(Status)
}

/// An awaitable of a call to the core.
fn later<'py, T, F>(py: Python<'py>, call: F) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    pyo3_async_runtimes::tokio::future_into_py(py, async move { call.await.map_err(to_py) })
}

#[pymethods]
impl Cluster {
    #[new]
    #[pyo3(signature = (kubeconfig = None, *, context = None, namespace = "default"))]
    fn new(kubeconfig: Option<PathBuf>, context: Option<String>, namespace: &str) -> Self {
        Self { kubeconfig, context, namespace: namespace.to_owned(), connected: Arc::default() }
    }

    #[getter]
    fn namespace(&self) -> &str {
        &self.namespace
    }

    #[pyo3(signature = (plan = None, *, virtual_service = None, workload = None, istio_namespace = "istio-system"))]
    fn preflight(
        &self,
        py: Python<'_>,
        plan: Option<PyRef<'_, Plan>>,
        virtual_service: Option<&str>,
        workload: Option<PyRef<'_, Workload>>,
        istio_namespace: &str,
    ) -> PyResult<Preflight> {
        let checks =
            self.checks(plan.as_deref(), virtual_service, workload.as_deref(), istio_namespace);
        let handle = self.handle();
        door::block_on(py, async move {
            cluster::preflight(&handle.open().await?, &checks).await.map(Preflight)
        })
    }

    #[pyo3(signature = (plan = None, *, virtual_service = None, workload = None, istio_namespace = "istio-system"))]
    fn preflight_async<'py>(
        &self,
        py: Python<'py>,
        plan: Option<PyRef<'py, Plan>>,
        virtual_service: Option<&str>,
        workload: Option<PyRef<'py, Workload>>,
        istio_namespace: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let checks =
            self.checks(plan.as_deref(), virtual_service, workload.as_deref(), istio_namespace);
        let handle = self.handle();
        later(
            py,
            async move { cluster::preflight(&handle.open().await?, &checks).await.map(Preflight) },
        )
    }

    #[pyo3(signature = (objects, *, dry_run = false, force = false))]
    fn apply(
        &self,
        py: Python<'_>,
        objects: &Bound<'_, PyAny>,
        dry_run: bool,
        force: bool,
    ) -> PyResult<Effects> {
        let objects = self.objects(objects)?;
        door::block_on(py, apply(self.handle(), objects, dry_run, force))
    }

    #[pyo3(signature = (objects, *, dry_run = false, force = false))]
    fn apply_async<'py>(
        &self,
        py: Python<'py>,
        objects: &Bound<'py, PyAny>,
        dry_run: bool,
        force: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let objects = self.objects(objects)?;
        later(py, apply(self.handle(), objects, dry_run, force))
    }

    #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (handle, object) = (self.handle(), self.object(kind, name, namespace, api_version)?);
        let found = door::block_on(py, async move { handle.open().await?.get(&object).await })?;
        found.map(|object| json::to_python(py, &object)).transpose()
    }

    #[pyo3(signature = (kind, *, namespace = None, api_version = None))]
    fn list<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let version = version_of(kind, api_version)?;
        let namespace = namespace.unwrap_or_else(|| self.namespace.clone());
        let (handle, kind) = (self.handle(), kind.to_owned());
        let found = door::block_on(py, async move {
            let namespace = (namespace != "*").then_some(namespace.as_str());
            handle.open().await?.list(&version, &kind, namespace).await
        })?;
        found.iter().map(|object| json::to_python(py, object)).collect()
    }

    #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
    fn delete(
        &self,
        py: Python<'_>,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<bool> {
        let (handle, object) = (self.handle(), self.object(kind, name, namespace, api_version)?);
        door::block_on(py, async move { handle.open().await?.delete(&object).await })
    }

    #[pyo3(signature = (virtual_service, plan = None))]
    fn status(
        &self,
        py: Python<'_>,
        virtual_service: String,
        plan: Option<PyRef<'_, Plan>>,
    ) -> PyResult<Status> {
        let plan = plan.map(|plan| plan.core.clone());
        door::block_on(py, status(self.handle(), self.namespace.clone(), virtual_service, plan))
    }

    #[pyo3(signature = (virtual_service, plan = None))]
    fn status_async<'py>(
        &self,
        py: Python<'py>,
        virtual_service: String,
        plan: Option<PyRef<'py, Plan>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let plan = plan.map(|plan| plan.core.clone());
        later(py, status(self.handle(), self.namespace.clone(), virtual_service, plan))
    }

    fn __repr__(&self) -> String {
        let context = self.context.as_deref().unwrap_or("current context");
        format!("Cluster({context:?}, namespace={:?})", self.namespace)
    }

    /// Kubeconfig, context and namespace, and whether it was connected to; nothing is asked.
    fn _about(&self) -> (Option<PathBuf>, Option<&str>, &str, bool) {
        let context = self.context.as_deref();
        (self.kubeconfig.clone(), context, &self.namespace, self.connected.initialized())
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_cluster")
    }
}

/// What a preflight found.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Preflight(cluster::Preflight);

#[pymethods]
impl Preflight {
    #[getter]
    fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    #[getter]
    fn checks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0.checks)?)
    }

    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    fn to_html(&self) -> String {
        self.0.to_html()
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
        show::card(slf, "render_preflight")
    }

    fn __bool__(&self) -> bool {
        self.0.is_ready()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let failed = self.0.checks.iter().filter(|check| check.outcome == cluster::Outcome::Fail);
        format!("Preflight({} checks, {} failed)", self.0.checks.len(), failed.count())
    }
}

/// How a rollout stands.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Status(cluster::Status);

#[pymethods]
impl Status {
    #[getter]
    fn verdict(&self) -> Option<crate::verdict::Verdict> {
        self.0.rollout.as_ref().map(|rollout| crate::verdict::Verdict(rollout.verdict.clone()))
    }

    #[getter]
    fn driver(&self) -> Option<&str> {
        self.0.driver.as_deref()
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0)?)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Status({:?})", self.0.object)
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_status")
    }
}
