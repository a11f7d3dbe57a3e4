//! `canary.Cluster`: a Kubernetes cluster from Python, each call with its awaitable twin.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use canary_core::{
    Plan as CorePlan,
    cluster::{self, Cluster as _, Kubernetes, ObjectRef, PreflightOptions},
    rollout::{Error, Result},
};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use serde_json::Value;

use crate::{
    applied::{Applied, Effects, cores},
    cluster_report::{Preflight, Status},
    cluster_watch::Watch,
    door,
    error::IntoPy,
    json::Plain,
    manifest,
    plan::Plan,
    show, time, value,
    workload::Workload,
};

/// The group and version under which a kind is requested, unless the caller names them.
const VERSIONS: &[(&str, &str)] = &[
    ("ConfigMap", "v1"),
    ("Deployment", "apps/v1"),
    ("DestinationRule", "networking.istio.io/v1"),
    ("Event", "v1"),
    ("Gateway", "networking.istio.io/v1"),
    ("Job", "batch/v1"),
    ("Lease", "coordination.k8s.io/v1"),
    ("Namespace", "v1"),
    ("Node", "v1"),
    ("Pod", "v1"),
    ("Role", "rbac.authorization.k8s.io/v1"),
    ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    ("Secret", "v1"),
    ("Service", "v1"),
    ("ServiceAccount", "v1"),
    ("VirtualService", "networking.istio.io/v1"),
];

/// Kinds that belong to no namespace.
const CLUSTER_WIDE: &[&str] =
    &["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace", "Node"];

/// The settings of a connection to a cluster; it is opened at the first call.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Settings {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    namespace: String,
}

/// A cluster.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Cluster {
    settings: Settings,
    connected: Arc<tokio::sync::OnceCell<Kubernetes>>,
}

/// The parts that a call needs when it runs without the interpreter.
#[derive(Clone)]
pub(crate) struct Handle {
    settings: Settings,
    connected: Arc<tokio::sync::OnceCell<Kubernetes>>,
}

impl Handle {
    pub(crate) async fn open(&self) -> Result<Kubernetes> {
        let Settings { kubeconfig, context, .. } = &self.settings;
        let open = || Kubernetes::open(kubeconfig.as_deref(), context.as_deref());
        self.connected.get_or_try_init(open).await.cloned()
    }

    /// The name that distinguishes one cluster from another.
    pub(crate) fn name(&self) -> String {
        format!("cluster {:?} {:?}", self.settings.kubeconfig, self.settings.context)
    }

    async fn get(self, object: ObjectRef) -> Result<Option<Plain>> {
        Ok(self.open().await?.get(&object).await?.map(Plain))
    }

    async fn list(self, version: String, kind: String, namespace: String) -> Result<Vec<Plain>> {
        let namespace = (namespace != "*").then_some(namespace.as_str());
        let found = self.open().await?.list(&version, &kind, namespace).await?;
        Ok(found.into_iter().map(Plain).collect())
    }

    async fn delete(self, object: ObjectRef) -> Result<bool> {
        self.open().await?.delete(&object).await
    }

    async fn preflight(self, checks: PreflightOptions) -> Result<Preflight> {
        cluster::preflight(&self.open().await?, &checks).await.map(Preflight)
    }

    async fn apply(self, objects: Vec<Value>, dry_run: bool, force: bool) -> Result<Effects> {
        let cluster = self.open().await?.dry_run(dry_run).force(force);
        cluster::apply_all(&cluster, &objects, |_| {}).await.map(Effects)
    }

    async fn tear_down(self, applied: Vec<cluster::Applied>) -> Result<Vec<String>> {
        let deleted = cluster::tear_down(&self.open().await?, &applied).await?;
        Ok(deleted.iter().map(ToString::to_string).collect())
    }

    async fn status(self, name: String, plan: Option<CorePlan>) -> Result<Status> {
        let cluster = self.open().await?;
        cluster::status(&cluster, &self.settings.namespace, &name, plan.as_ref()).await.map(Status)
    }

    async fn gateway_url(self, virtual_service: String) -> Result<String> {
        let cluster = self.open().await?;
        let namespace = &self.settings.namespace;
        let found = cluster::route_addresses(&cluster, namespace, &virtual_service).await?;
        let best = found.first().ok_or_else(|| Error::NotFound {
            object: format!("an address of the gateway of {virtual_service}"),
            help: "give the gateway's URL yourself".to_owned(),
        })?;
        Ok(best.url())
    }

    async fn wait_ready(self, wait: Wait) -> Result<Plain> {
        let cluster = self.open().await?;
        let Wait { namespace, deployment, timeout } = wait;
        let ready = cluster::wait_ready(&cluster, &namespace, &deployment, timeout, |_| {}).await?;
        Ok(Plain(serde_json::to_value(&ready).unwrap_or_default()))
    }
}

/// The condition to wait for, and the longest wait.
struct Wait {
    namespace: String,
    deployment: String,
    timeout: Duration,
}

impl Cluster {
    pub(crate) fn handle(&self) -> Handle {
        Handle { settings: self.settings.clone(), connected: Arc::clone(&self.connected) }
    }

    fn namespace_or_own(&self, kind: &str, namespace: Option<String>) -> String {
        if CLUSTER_WIDE.contains(&kind) {
            return String::new();
        }
        namespace.unwrap_or_else(|| self.settings.namespace.clone())
    }

    fn object(
        &self,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<ObjectRef> {
        let namespace = self.namespace_or_own(kind, namespace);
        Ok(ObjectRef::new(version_of(kind, api_version)?, kind, namespace, name))
    }

    fn checks(
        &self,
        plan: Option<&Bound<'_, Plan>>,
        virtual_service: Option<&str>,
        workload: Option<&Bound<'_, Workload>>,
        istio_namespace: &str,
    ) -> PreflightOptions {
        let mut checks = PreflightOptions::new(&self.settings.namespace);
        istio_namespace.clone_into(&mut checks.istio_namespace);
        if let Some(name) = virtual_service {
            checks = checks.virtual_service(name);
        }
        if let Some(plan) = plan {
            checks = checks.plan(&plan.get().core);
        }
        if let Some(workload) = workload {
            checks = checks.workload(workload.get().0.clone());
        }
        checks
    }

    /// The objects as JSON, each with a namespace, after the checks that Istio would make.
    fn objects(&self, objects: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
        use canary_core::validate::{Options, validate};

        let objects = manifest::all_from_python(objects)?;
        let options = Options::default().namespace(&self.settings.namespace);
        let findings: canary_core::Findings =
            objects.iter().flat_map(|object| validate(object, &options)).collect();
        findings.into_result().py()?;
        let values = objects.iter().map(|object| {
            let mut value = object.to_json_value().py()?;
            if object.namespace().is_none() && !CLUSTER_WIDE.contains(&object.kind()) {
                value["metadata"]["namespace"] = self.settings.namespace.as_str().into();
            }
            Ok(value)
        });
        values.collect()
    }

    /// A Deployment by its name, or that of a workload.
    fn wait_for(
        &self,
        what: &Bound<'_, PyAny>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Wait> {
        let timeout = timeout.map_or(Ok(Duration::from_secs(300)), time::seconds)?;
        let (namespace, deployment) = match what.cast::<Workload>() {
            Ok(workload) => {
                let workload = &workload.get().0;
                (workload.namespace.clone(), workload.deployment_name())
            }
            Err(_) => (self.settings.namespace.clone(), what.extract()?),
        };
        Ok(Wait { namespace, deployment, timeout })
    }
}

fn version_of(kind: &str, api_version: Option<String>) -> PyResult<String> {
    let known = VERSIONS.iter().find(|(known, _)| *known == kind);
    api_version.or_else(|| known.map(|(_, version)| (*version).to_owned())).ok_or_else(|| {
        PyValueError::new_err(format!("{kind} is no kind known here; name its api_version too"))
    })
}

fn core_of(plan: Option<&Bound<'_, Plan>>) -> Option<CorePlan> {
    plan.map(|plan| plan.get().core.clone())
}

#[pymethods]
impl Cluster {
    #[pyo3(signature = (**changes))]
    fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        value::replace(slf, &["kubeconfig"], changes)
    }

    #[new]
    #[pyo3(signature = (kubeconfig = None, *, context = None, namespace = "default"))]
    fn new(kubeconfig: Option<PathBuf>, context: Option<String>, namespace: &str) -> Self {
        let settings = Settings { kubeconfig, context, namespace: namespace.to_owned() };
        Self { settings, connected: Arc::default() }
    }

    #[getter]
    fn namespace(&self) -> &str {
        &self.settings.namespace
    }

    #[getter]
    fn context(&self) -> Option<&str> {
        self.settings.context.as_deref()
    }

    #[pyo3(signature = (plan = None, *, virtual_service = None, workload = None, istio_namespace = "istio-system"))]
    fn preflight(
        &self,
        py: Python<'_>,
        plan: Option<&Bound<'_, Plan>>,
        virtual_service: Option<&str>,
        workload: Option<&Bound<'_, Workload>>,
        istio_namespace: &str,
    ) -> PyResult<Preflight> {
        let checks = self.checks(plan, virtual_service, workload, istio_namespace);
        door::block_on(py, self.handle().preflight(checks))
    }

    #[pyo3(signature = (plan = None, *, virtual_service = None, workload = None, istio_namespace = "istio-system"))]
    fn preflight_async<'py>(
        &self,
        py: Python<'py>,
        plan: Option<&Bound<'py, Plan>>,
        virtual_service: Option<&str>,
        workload: Option<&Bound<'py, Workload>>,
        istio_namespace: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let checks = self.checks(plan, virtual_service, workload, istio_namespace);
        door::later(py, self.handle().preflight(checks))
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
        door::block_on(py, self.handle().apply(objects, dry_run, force))
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
        door::later(py, self.handle().apply(objects, dry_run, force))
    }

    fn tear_down(&self, py: Python<'_>, applied: Vec<Applied>) -> PyResult<Vec<String>> {
        door::block_on(py, self.handle().tear_down(cores(applied)))
    }

    fn tear_down_async<'py>(
        &self,
        py: Python<'py>,
        applied: Vec<Applied>,
    ) -> PyResult<Bound<'py, PyAny>> {
        door::later(py, self.handle().tear_down(cores(applied)))
    }

    #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
    fn get(
        &self,
        py: Python<'_>,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Option<Plain>> {
        let object = self.object(kind, name, namespace, api_version)?;
        door::block_on(py, self.handle().get(object))
    }

    #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
    fn get_async<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let object = self.object(kind, name, namespace, api_version)?;
        door::later(py, self.handle().get(object))
    }

    #[pyo3(signature = (kind, *, namespace = None, api_version = None))]
    fn list(
        &self,
        py: Python<'_>,
        kind: String,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Vec<Plain>> {
        let version = version_of(&kind, api_version)?;
        let namespace = self.namespace_to_list(&kind, namespace);
        door::block_on(py, self.handle().list(version, kind, namespace))
    }

    #[pyo3(signature = (kind, *, namespace = None, api_version = None))]
    fn list_async<'py>(
        &self,
        py: Python<'py>,
        kind: String,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let version = version_of(&kind, api_version)?;
        let namespace = self.namespace_to_list(&kind, namespace);
        door::later(py, self.handle().list(version, kind, namespace))
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
        let object = self.object(kind, name, namespace, api_version)?;
        door::block_on(py, self.handle().delete(object))
    }

    #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
    fn delete_async<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let object = self.object(kind, name, namespace, api_version)?;
        door::later(py, self.handle().delete(object))
    }

    #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
    fn watch(
        &self,
        kind: &str,
        name: &str,
        namespace: Option<String>,
        api_version: Option<String>,
    ) -> PyResult<Watch> {
        Ok(Watch::new(self.handle(), self.object(kind, name, namespace, api_version)?))
    }

    #[pyo3(signature = (deployment, *, timeout = None))]
    fn wait_ready(
        &self,
        py: Python<'_>,
        deployment: &Bound<'_, PyAny>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Plain> {
        let wait = self.wait_for(deployment, timeout)?;
        door::block_on(py, self.handle().wait_ready(wait))
    }

    #[pyo3(signature = (deployment, *, timeout = None))]
    fn wait_ready_async<'py>(
        &self,
        py: Python<'py>,
        deployment: &Bound<'py, PyAny>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wait = self.wait_for(deployment, timeout)?;
        door::later(py, self.handle().wait_ready(wait))
    }

    fn gateway_url(&self, py: Python<'_>, virtual_service: String) -> PyResult<String> {
        door::block_on(py, self.handle().gateway_url(virtual_service))
    }

    fn gateway_url_async<'py>(
        &self,
        py: Python<'py>,
        virtual_service: String,
    ) -> PyResult<Bound<'py, PyAny>> {
        door::later(py, self.handle().gateway_url(virtual_service))
    }

    #[pyo3(signature = (virtual_service, plan = None))]
    fn status(
        &self,
        py: Python<'_>,
        virtual_service: String,
        plan: Option<&Bound<'_, Plan>>,
    ) -> PyResult<Status> {
        door::block_on(py, self.handle().status(virtual_service, core_of(plan)))
    }

    #[pyo3(signature = (virtual_service, plan = None))]
    fn status_async<'py>(
        &self,
        py: Python<'py>,
        virtual_service: String,
        plan: Option<&Bound<'py, Plan>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        door::later(py, self.handle().status(virtual_service, core_of(plan)))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.settings == other.settings
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.settings.hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<((Option<PathBuf>,), Bound<'py, PyDict>)> {
        let Settings { kubeconfig, context, namespace } = self.settings.clone();
        let arguments = PyDict::new(py);
        arguments.set_item("context", context)?;
        arguments.set_item("namespace", namespace)?;
        Ok(((kubeconfig,), arguments))
    }

    /// Kubeconfig, context and namespace, and whether it is connected; no request is sent.
    #[pyo3(name = "_about")]
    fn about(&self) -> (Option<PathBuf>, Option<&str>, &str, bool) {
        let Settings { kubeconfig, context, namespace } = &self.settings;
        (kubeconfig.clone(), context.as_deref(), namespace, self.connected.initialized())
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_cluster")
    }

    fn __repr__(&self) -> String {
        let Settings { context, namespace, .. } = &self.settings;
        let context = context.as_deref().unwrap_or("current context");
        format!("Cluster({context:?}, namespace={namespace:?})")
    }
}

impl Cluster {
    /// `*` for every namespace.
    fn namespace_to_list(&self, kind: &str, namespace: Option<String>) -> String {
        let namespace = self.namespace_or_own(kind, namespace);
        if namespace.is_empty() { "*".to_owned() } else { namespace }
    }
}
