//! `canary.Lab`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::Ordering},
    time::Duration,
};

use canary_python_macros::binding;
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyTuple};

use super::{
    counts, objects,
    setup::{Served, Setup, own_packages, seed},
};
use crate::{
    cluster::release::{Place, Release},
    convert::{plain, time::Seconds},
    door::{self, Blocking, Call, Task},
    error::IntoPy,
    macros::pymethods,
    rollout::plan::Plan,
    show,
};

/// The views of the runs at a gateway.
type Runs = for<'py> fn(Python<'py>, &str) -> PyResult<Vec<Bound<'py, PyAny>>>;

/// The views of the runs on a lab; set by the first run.
pub(crate) static RUNS: OnceLock<Runs> = OnceLock::new();

/// A mesh with model servers on loopback, in this process.
#[binding("Lab.seed()")]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Lab(Mutex<Option<Arc<canary_lab::Lab>>>);

impl From<canary_lab::Lab> for Lab {
    fn from(lab: canary_lab::Lab) -> Self {
        Self(Mutex::new(Some(Arc::new(lab))))
    }
}

impl Lab {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<canary_lab::Lab>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lab, for a call that runs without the interpreter.
    fn open(&self) -> PyResult<Arc<canary_lab::Lab>> {
        self.lock().clone().ok_or_else(|| PyRuntimeError::new_err("the lab is closed"))
    }

    /// Calls with the lab, while it is open.
    pub(crate) fn with<T>(
        &self,
        call: impl FnOnce(&canary_lab::Lab) -> PyResult<T>,
    ) -> PyResult<T> {
        call(&*self.open()?)
    }
}

pymethods! {
    Lab [dashboard]
    get |lab| {
        url: PyResult<String> = lab.with(|lab| Ok(lab.gateway_url()));
        is_closed: bool = lab.lock().is_none();
        metrics_url: PyResult<String> = lab.with(|lab| Ok(lab.metrics_url()));
        problem: PyResult<Option<String>> = lab.with(|lab| Ok(lab.problem()));
        kubeconfig: PyResult<PathBuf> = lab.with(|lab| lab.kubeconfig().py());
        istio_kubeconfig: PyResult<Option<PathBuf>> = lab.with(|lab| Ok(lab.istio_kubeconfig()));
    }
    twins |lab, py| {
        #[pyo3(signature = (objects, *, force = false))]
        apply, apply_async (objects: &Bound<'py, PyAny>, force: bool) = {
            let (values, lab) = (objects::values_of(objects)?, lab.open()?);
            Blocking::new(move |_| objects::apply(&lab, &values, force).map(|()| None::<bool>))
        };
        #[pyo3(signature = (timeout = None))]
        wait_ready, wait_ready_async (timeout: Option<Seconds>) = {
            let timeout = timeout.map_or(Duration::from_secs(60), Into::into);
            let lab = lab.open()?;
            Blocking::new(move |stop| {
                lab.wait_ready_while(timeout, || !stop.load(Ordering::Relaxed)).py().map(|()| None::<bool>)
            })
        };
    }
    methods {
        #[new]
        #[pyo3(signature = (*, models = None, model_files = None, scripted_when_missing = false, seed = None, envoy = None, istio = false))]
        fn new(
            py: Python<'_>,
            models: Option<BTreeMap<String, Served>>,
            model_files: Option<PathBuf>,
            scripted_when_missing: bool,
            seed: Option<u64>,
            envoy: Option<&Bound<'_, PyAny>>,
            istio: bool,
        ) -> PyResult<Self> {
            let setup = Setup::new(py, models, model_files, scripted_when_missing, seed, envoy, istio)?;
            door::abandon(py, move || setup.start()).map(Self::from)
        }

        #[staticmethod]
        #[pyo3(signature = (*, models = None, model_files = None, scripted_when_missing = false, seed = None, envoy = None, istio = false))]
        fn start_async<'py>(
            py: Python<'py>,
            models: Option<BTreeMap<String, Served>>,
            model_files: Option<PathBuf>,
            scripted_when_missing: bool,
            seed: Option<u64>,
            envoy: Option<&Bound<'py, PyAny>>,
            istio: bool,
        ) -> PyResult<Bound<'py, PyAny>> {
            let setup = Setup::new(py, models, model_files, scripted_when_missing, seed, envoy, istio)?;
            Blocking::new(move |_| setup.start().map(Self::from)).awaitable(py)
        }

        #[staticmethod]
        #[pyo3(name = "seed")]
        fn seed_lab(py: Python<'_>) -> PyResult<Self> {
            let packages = own_packages(py)?;
            door::abandon(py, move || seed(packages)).map(Self::from)
        }

        #[staticmethod]
        fn seed_async(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
            let packages = own_packages(py)?;
            Blocking::new(move |_| seed(packages).map(Self::from)).awaitable(py)
        }

        fn objects<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
            let objects = self.with(|lab| Ok(lab.cluster().objects()))?;
            objects.iter().map(|object| plain::to_python(py, object)).collect()
        }

        #[pyo3(signature = (kind, name, namespace = "default"))]
        fn get(&self, py: Python<'_>, kind: &str, name: &str, namespace: &str) -> PyResult<plain::Plain> {
            let store = self.with(|lab| Ok(lab.cluster().clone()))?;
            let found = objects::get(store, kind.to_owned(), name.to_owned(), namespace.to_owned());
            door::block_on(py, found).map(plain::Plain)
        }

        #[pyo3(signature = (virtual_service, *, namespace = "default", plan = None, by = None, timeout = None))]
        fn release(
            &self,
            virtual_service: String,
            namespace: &str,
            plan: Option<&Bound<'_, Plan>>,
            by: Option<String>,
            timeout: Option<Seconds>,
        ) -> PyResult<Release> {
            let place = Place::Lab(self.with(|lab| Ok(lab.cluster().clone()))?);
            Ok(Release::new(place, (namespace, virtual_service), plan, by, timeout))
        }

        fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            show::records(py, self.with(|lab| counts::rows(py, lab))?)
        }

        fn _recent<'py>(&self, py: Python<'py>, after: u64) -> PyResult<Vec<Bound<'py, PyAny>>> {
            self.with(|lab| counts::recent(py, lab, after))
        }

        /// The views of the runs on this lab that somebody holds.
        fn _runs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
            let url = self.with(|lab| Ok(lab.gateway_url()))?;
            RUNS.get().map_or_else(|| Ok(Vec::new()), |runs| runs(py, &url))
        }

        fn close(&self, py: Python<'_>) {
            let lab = self.lock().take();
            py.detach(|| drop(lab));
        }

        fn __enter__(slf: Py<Self>) -> Py<Self> {
            slf
        }

        #[pyo3(signature = (*_exception))]
        fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) {
            self.close(py);
        }

        fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
            let (py, lab) = (slf.py(), slf.unbind());
            Task::new(async move { PyResult::Ok(lab) }).awaitable(py)
        }

        #[pyo3(signature = (*_exception))]
        fn __aexit__<'py>(&self, py: Python<'py>, _exception: &Bound<'_, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
            let lab = self.lock().take();
            Blocking::new(move |_| {
                drop(lab);
                Ok(None::<bool>)
            })
            .awaitable(py)
        }

        fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
            let running = slf.get().lock().is_some();
            slf.py().import("canary._cards")?.call_method1("render_lab", (slf, running))?.extract()
        }

        fn __repr__(&self) -> String {
            match self.lock().as_ref() {
                Some(lab) => format!("Lab({})", lab.gateway_url()),
                None => "Lab(closed)".to_owned(),
            }
        }
    }
}
