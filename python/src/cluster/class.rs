//! `canary.Cluster`: a Kubernetes cluster from Python.

use std::{path::PathBuf, sync::Arc};

use canary_core::{cluster::Kubernetes, rollout};
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyDict};
use tokio::sync::OnceCell;

use super::{
    applied::{Applied, cores},
    checks::checks,
    handle::Handle,
    objects,
    release::{Place, Release},
    settings::{Settings, version_of},
    waiting::Wait,
    watch::Watch,
    workload::Workload,
};
use crate::{
    convert::{time::Seconds, value::hash_of},
    door::{Call, Task},
    macros::{arguments, pymethods},
    rollout::plan::Plan,
};

/// A cluster.
#[binding("Cluster(namespace=\"…\")")]
#[pyclass(frozen, eq, module = "canary")]
pub(crate) struct Cluster {
    settings: Settings,
    connected: Arc<OnceCell<Kubernetes>>,
}

impl PartialEq for Cluster {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Cluster {
    pub(crate) fn handle(&self) -> Handle {
        Handle { settings: self.settings.clone(), connected: Arc::clone(&self.connected) }
    }
}

fn core_of(plan: Option<&Bound<'_, Plan>>) -> Option<rollout::Plan> {
    plan.map(|plan| plan.get().core.clone())
}

pymethods! {
    Cluster [replace(kubeconfig), card(render_cluster)]
    get |cluster| {
        namespace: &str = &cluster.settings.namespace;
        context: Option<&str> = cluster.settings.context.as_deref();
    }
    twins |cluster, py| {
        #[pyo3(signature = (plan = None, *, virtual_service = None, workload = None, istio_namespace = "istio-system"))]
        preflight, preflight_async (
            plan: Option<&Bound<'py, Plan>>,
            virtual_service: Option<&str>,
            workload: Option<&Bound<'py, Workload>>,
            istio_namespace: &str,
        ) = {
            let checks = checks(&cluster.settings, plan, virtual_service, workload, istio_namespace);
            Task::new(cluster.handle().preflight(checks))
        };
        #[pyo3(signature = (objects, *, dry_run = false, force = false))]
        apply, apply_async (objects: &Bound<'py, PyAny>, dry_run: bool, force: bool) =
            Task::new(cluster.handle().apply(objects::read(&cluster.settings, objects)?, dry_run, force));
        tear_down, tear_down_async (applied: Vec<Applied>) = Task::new(cluster.handle().tear_down(cores(applied)));
        #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
        get, get_async (kind: &str, name: &str, namespace: Option<String>, api_version: Option<String>) =
            Task::new(cluster.handle().get(cluster.settings.object(kind, name, namespace, api_version)?));
        #[pyo3(signature = (kind, *, namespace = None, api_version = None))]
        list, list_async (kind: String, namespace: Option<String>, api_version: Option<String>) = {
            let version = version_of(&kind, api_version)?;
            let namespace = cluster.settings.namespace_of(&kind, namespace);
            Task::new(cluster.handle().list(version, kind, namespace))
        };
        #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
        delete, delete_async (kind: &str, name: &str, namespace: Option<String>, api_version: Option<String>) =
            Task::new(cluster.handle().delete(cluster.settings.object(kind, name, namespace, api_version)?));
        #[pyo3(signature = (deployment, *, timeout = None))]
        wait_ready, wait_ready_async (deployment: &Bound<'py, PyAny>, timeout: Option<Seconds>) =
            Task::new(cluster.handle().wait_ready(Wait::new(&cluster.settings, deployment, timeout)?));
        gateway_url, gateway_url_async (virtual_service: String) =
            Task::new(cluster.handle().gateway_url(virtual_service));
        #[pyo3(signature = (virtual_service, plan = None))]
        status, status_async (virtual_service: String, plan: Option<&Bound<'py, Plan>>) =
            Task::new(cluster.handle().status(virtual_service, core_of(plan)));
    }
    methods {
        #[new]
        #[pyo3(signature = (kubeconfig = None, *, context = None, namespace = "default"))]
        fn new(kubeconfig: Option<PathBuf>, context: Option<String>, namespace: &str) -> Self {
            let settings = Settings { kubeconfig, context, namespace: namespace.to_owned() };
            Self { settings, connected: Arc::default() }
        }

        #[pyo3(signature = (kind, name, *, namespace = None, api_version = None))]
        fn watch(
            &self,
            kind: &str,
            name: &str,
            namespace: Option<String>,
            api_version: Option<String>,
        ) -> PyResult<Watch> {
            Ok(Watch::new(self.handle(), self.settings.object(kind, name, namespace, api_version)?))
        }

        #[pyo3(signature = (virtual_service, *, plan = None, by = None, timeout = None))]
        fn release(
            &self,
            virtual_service: String,
            plan: Option<&Bound<'_, Plan>>,
            by: Option<String>,
            timeout: Option<Seconds>,
        ) -> Release {
            let place = Place::Cluster(self.handle());
            Release::new(place, (&self.settings.namespace, virtual_service), plan, by, timeout)
        }

        fn __hash__(&self) -> u64 {
            hash_of(&self.settings)
        }

        fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((Option<PathBuf>,), Bound<'py, PyDict>)> {
            let arguments = arguments!(py, self.settings; context, namespace);
            Ok(((self.settings.kubeconfig.clone(),), arguments))
        }

        /// Kubeconfig, context and namespace, and `true` when it is connected; no request is sent.
        #[pyo3(name = "_about")]
        fn about(&self) -> (Option<PathBuf>, Option<&str>, &str, bool) {
            let Settings { kubeconfig, context, namespace } = &self.settings;
            (kubeconfig.clone(), context.as_deref(), namespace, self.connected.initialized())
        }

        fn __repr__(&self) -> String {
            let Settings { context, namespace, .. } = &self.settings;
            let context = context.as_deref().unwrap_or("current context");
            format!("Cluster({context:?}, namespace={namespace:?})")
        }
    }
}
