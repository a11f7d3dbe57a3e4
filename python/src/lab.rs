//! `canary.Lab` and `canary.ScriptedModel`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use canary_core::cluster::{Cluster, ObjectRef};
use canary_lab::model::{Latency, ModelFiles, Scripted};
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyBytes, PyDict},
};
use serde_json::Value;

use crate::{
    door,
    error::{IntoPy, to_py},
    json, manifest, show, time,
    workload::Workload,
};

/// A model for the lab that answers as it is told: for tests, and for trying out plans.
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct ScriptedModel {
    label: String,
    probability: f64,
    errors: f64,
    disagree: f64,
    other: String,
    drift: f64,
    latency: f64,
    seed: u64,
}

impl ScriptedModel {
    fn model(&self) -> Scripted {
        Scripted::new(&self.label, self.probability)
            .errors(self.errors)
            .disagree(self.disagree, &self.other)
            .drift(self.drift)
            .latency(Latency::Fixed(Duration::from_secs_f64(self.latency)))
            .seed(self.seed)
    }
}

#[pymethods]
impl ScriptedModel {
    #[new]
    #[pyo3(signature = (label, probability = 0.5, *, errors = 0.0, disagree = 0.0, other = "academic gown", drift = 0.0, latency = None, seed = 0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        label: String,
        probability: f64,
        errors: f64,
        disagree: f64,
        other: &str,
        drift: f64,
        latency: Option<Bound<'_, PyAny>>,
        seed: u64,
    ) -> PyResult<Self> {
        let latency =
            latency.map_or(Ok(Duration::ZERO), |value| time::seconds(&value))?.as_secs_f64();
        for (name, value) in
            [("probability", probability), ("errors", errors), ("disagree", disagree)]
        {
            if !(0.0..=1.0).contains(&value) {
                return Err(pyo3::exceptions::PyValueError::new_err(format!(
                    "{name} is {value}; give a share from 0 to 1"
                )));
            }
        }
        Ok(Self {
            label,
            probability,
            errors,
            disagree,
            other: other.to_owned(),
            drift,
            latency,
            seed,
        })
    }

    #[getter]
    fn label(&self) -> &str {
        &self.label
    }

    #[getter]
    fn probability(&self) -> f64 {
        self.probability
    }

    #[getter]
    fn errors(&self) -> f64 {
        self.errors
    }

    #[getter]
    fn disagree(&self) -> f64 {
        self.disagree
    }

    #[getter]
    fn other(&self) -> &str {
        &self.other
    }

    #[getter]
    fn drift(&self) -> f64 {
        self.drift
    }

    #[getter]
    fn latency(&self) -> f64 {
        self.latency
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.seed
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_scripted_model")
    }

    fn __repr__(&self) -> String {
        format!("ScriptedModel({:?}, {})", self.label, self.probability)
    }
}

/// A mesh with model servers on loopback, in this process.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Lab(Mutex<Option<canary_lab::Lab>>);

impl Lab {
    fn lock(&self) -> MutexGuard<'_, Option<canary_lab::Lab>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls with the lab, while it is open.
    pub(crate) fn with<T>(
        &self,
        call: impl FnOnce(&canary_lab::Lab) -> PyResult<T>,
    ) -> PyResult<T> {
        match self.lock().as_ref() {
            Some(lab) => call(lab),
            None => Err(PyRuntimeError::new_err("the lab is closed")),
        }
    }
}

/// Where pip put the files of the real models: this interpreter's own packages.
pub(crate) fn own_packages(py: Python<'_>) -> PyResult<PathBuf> {
    py.import("sysconfig")?.call_method1("get_path", ("purelib",))?.extract()
}

#[pymethods]
impl Lab {
    #[new]
    #[pyo3(signature = (*, models = None, model_files = None, scripted_when_missing = false, seed = None))]
    fn new(
        py: Python<'_>,
        models: Option<BTreeMap<String, ScriptedModel>>,
        model_files: Option<PathBuf>,
        scripted_when_missing: bool,
        seed: Option<u64>,
    ) -> PyResult<Self> {
        let mut builder = canary_lab::Lab::builder();
        for (path, model) in models.into_iter().flatten() {
            builder = builder.model(path, model.model());
        }
        match model_files {
            Some(folder) => builder = builder.model_files(ModelFiles::within(folder).py()?),
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
        let lab = py.detach(|| builder.start()).map_err(to_py)?;
        Ok(Self(Mutex::new(Some(lab))))
    }

    #[staticmethod]
    #[pyo3(name = "seed")]
    fn seed_lab(py: Python<'_>) -> PyResult<Self> {
        let packages = own_packages(py)?;
        let lab = py.detach(|| {
            let files = ModelFiles::within(packages).or_else(|_| ModelFiles::find());
            canary_lab::Lab::seed_with(files.ok())
        });
        Ok(Self(Mutex::new(Some(lab.map_err(to_py)?))))
    }

    fn apply(&self, py: Python<'_>, objects: &Bound<'_, PyAny>) -> PyResult<()> {
        let values: Vec<Value> = match objects.cast::<Workload>() {
            Ok(workload) => workload.get().0.objects().py()?,
            Err(_) => manifest::all_from_python(objects)?
                .iter()
                .map(canary_core::Object::to_json_value)
                .collect::<Result<_, _>>()
                .py()?,
        };
        py.detach(|| {
            self.with(|lab| {
                values.iter().try_for_each(|value| lab.apply(value).map(drop).map_err(to_py))
            })
        })
    }

    #[pyo3(signature = (timeout = None))]
    fn wait_ready(&self, py: Python<'_>, timeout: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let timeout = timeout.map_or(Ok(Duration::from_secs(60)), |value| time::seconds(&value))?;
        door::compute(py, |go_on| {
            self.with(|lab| lab.wait_ready_while(timeout, go_on).map_err(to_py))
        })?
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
            None => Err(to_py(canary_core::Error::NotFound {
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
        let tell = |one: &canary_lab::gateway::Exchange| {
            let file: Option<Vec<u8>> = one.file();
            let file = file.map(|file| PyBytes::new(py, &file));
            let seconds = one.took.as_secs_f64();
            let told = (one.number, &one.path, &one.subset, one.status, seconds, one.top(), file);
            Ok(told.into_pyobject(py)?.into_any())
        };
        exchanges.iter().map(tell).collect()
    }

    /// The views of the runs on this lab that somebody holds.
    fn _runs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let url = self.with(|lab| Ok(lab.gateway_url()))?;
        crate::run::views_at(py, &url)
    }

    fn close(&self, py: Python<'_>) {
        let lab = self.lock().take();
        py.detach(|| drop(lab));
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
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
