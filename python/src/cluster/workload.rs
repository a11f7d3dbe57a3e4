//! `canary.Workload`.

use std::collections::BTreeMap;

use canary_core::serving::{self, ModelServer};
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyDict,
};

use crate::{
    convert::{choice::choose, plain, value::hash_of},
    error::IntoPy,
    finding::Finding,
    macros::pymethods,
    show,
    workload::{
        batching_parameters::BatchingParameters, model_server_config::ModelServerConfig,
        monitoring_config::MonitoringConfig,
    },
};

/// The model servers by their names in Python.
const SERVERS: &[(&str, ModelServer)] = &[
    ("tensorflow-serving", ModelServer::TensorFlowServing),
    ("triton", ModelServer::Triton),
    ("mlserver", ModelServer::MlServer),
    ("kserve", ModelServer::KServe),
];

/// One version of a model, served by a model server: its `ConfigMap`, `Deployment` and `Service`.
#[binding("Workload(app, version, model=\"…\", path=\"…\")")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Workload(pub(crate) serving::Workload);

pymethods! {
    Workload [replace(app, version)]
    get |workload| {
        app: &str = &workload.0.app;
        version: &str = &workload.0.version;
        deployment_name: String = workload.0.deployment_name();
        cpu: &str = &workload.0.cpu;
        memory: &str = &workload.0.memory;
        cpu_limit: Option<&str> = workload.0.cpu_limit.as_deref();
        memory_limit: Option<&str> = workload.0.memory_limit.as_deref();
        gpus: u32 = workload.0.gpus;
        gpu_resource: &str = &workload.0.gpu_resource;
        node_selector: BTreeMap<String, String> = workload.0.node_selector.clone();
        tolerations: Vec<String> = written(&workload.0.tolerations);
        server: &'static str = name_of(workload.0.server);
        image: &str = &workload.0.image;
        own_service: bool = workload.0.own_service;
        models: Option<ModelServerConfig> = workload.0.settings.models.clone().map(ModelServerConfig);
        batching: Option<BatchingParameters> = workload.0.settings.batching.clone().map(BatchingParameters);
        monitoring: Option<MonitoringConfig> = workload.0.settings.monitoring.clone().map(MonitoringConfig);
    }
    methods {
        #[new]
        #[pyo3(signature = (app, version, *, model = None, path = None, server = "tensorflow-serving", models = None, batching = None, monitoring = None, storage_initializer = None, namespace = None, image = None, replicas = None, cpu = None, memory = None, args = None, cpu_limit = None, memory_limit = None, gpus = None, gpu_resource = None, node_selector = None, tolerations = None, own_service = false))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn new(
            app: String,
            version: String,
            model: Option<String>,
            path: Option<String>,
            server: &str,
            models: Option<ModelServerConfig>,
            batching: Option<BatchingParameters>,
            monitoring: Option<MonitoringConfig>,
            storage_initializer: Option<String>,
            namespace: Option<String>,
            image: Option<String>,
            replicas: Option<i32>,
            cpu: Option<String>,
            memory: Option<String>,
            args: Option<Vec<String>>,
            cpu_limit: Option<String>,
            memory_limit: Option<String>,
            gpus: Option<&Bound<'_, PyAny>>,
            gpu_resource: Option<String>,
            node_selector: Option<BTreeMap<String, String>>,
            tolerations: Option<Vec<String>>,
            own_service: bool,
        ) -> PyResult<Self> {
            let mut workload = serving::Workload::new(app, version)
                .model(model.unwrap_or_default(), path.unwrap_or_default())
                .server(choose("server", server, SERVERS)?);
            workload.settings.models = models.map(|models| models.0);
            workload.settings.batching = batching.map(|batching| batching.0);
            workload.settings.monitoring = monitoring.map(|monitoring| monitoring.0);
            workload.storage_initializer = storage_initializer.unwrap_or(workload.storage_initializer);
            workload.namespace = namespace.unwrap_or(workload.namespace);
            workload.image = image.unwrap_or(workload.image);
            workload.replicas = replicas.unwrap_or(workload.replicas);
            workload.cpu = cpu.unwrap_or(workload.cpu);
            workload.memory = memory.unwrap_or(workload.memory);
            workload.args = args.unwrap_or_default();
            (workload.cpu_limit, workload.memory_limit) = (cpu_limit, memory_limit);
            workload.gpus = gpus.map_or(Ok(0), devices)?;
            workload.gpu_resource = gpu_resource.unwrap_or(workload.gpu_resource);
            workload.node_selector = node_selector.unwrap_or_default();
            let taints = tolerations.unwrap_or_default();
            workload.tolerations = taints.iter().map(|taint| taint.parse()).collect::<Result<_, _>>().py()?;
            workload.own_service = own_service;
            workload.validate().into_result().py()?;
            Ok(Self(workload))
        }

        fn objects<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
            self.0.objects().py()?.iter().map(|object| plain::to_python(py, object)).collect()
        }

        fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            show::records(py, self.0.validate().into_iter().map(Finding).collect())
        }

        fn __hash__(&self) -> u64 {
            let serving::Workload { app, version, model_name, model_path, .. } = &self.0;
            hash_of(&(app, version, model_name, model_path))
        }

        fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((String, String), Bound<'py, PyDict>)> {
            let Self(workload) = self;
            let arguments = crate::macros::arguments!(py, workload; namespace, image, replicas, cpu, memory, args, cpu_limit, memory_limit, gpus, gpu_resource, node_selector, storage_initializer, own_service);
            arguments.set_item("tolerations", written(&workload.tolerations))?;
            let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            arguments.set_item("model", given(&workload.model_name))?;
            arguments.set_item("path", given(&workload.model_path))?;
            arguments.set_item("server", name_of(workload.server))?;
            let serving::ServerSettings { models, batching, monitoring } = &workload.settings;
            arguments.set_item("models", models.clone().map(ModelServerConfig))?;
            arguments.set_item("batching", batching.clone().map(BatchingParameters))?;
            arguments.set_item("monitoring", monitoring.clone().map(MonitoringConfig))?;
            Ok(((workload.app.clone(), workload.version.clone()), arguments))
        }

        fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
            let objects = self.objects(py)?;
            let yaml = py.import("canary")?.call_method1("dumps", (objects.clone(),))?;
            py.import("canary._cards")?.call_method1("render_workload", (objects, yaml))?.extract()
        }

        fn __repr__(&self) -> String {
            let serving::Workload { app, version, model_name, model_path, gpus, server, settings, .. } = &self.0;
            let models = match &settings.models {
                Some(models) => format!("models={}", ModelServerConfig(models.clone()).text()),
                None => format!("model={model_name:?}, path={model_path:?}"),
            };
            let server = match server {
                ModelServer::TensorFlowServing => String::new(),
                other => format!(", server={:?}", name_of(*other)),
            };
            let gpus = if *gpus > 0 { format!(", gpus={gpus}") } else { String::new() };
            format!("Workload({app:?}, {version:?}, {models}{server}{gpus})")
        }
    }
}

fn name_of(server: ModelServer) -> &'static str {
    SERVERS.iter().find(|(_, known)| *known == server).map_or("", |&(name, _)| name)
}

fn written(tolerations: &[serving::Toleration]) -> Vec<String> {
    tolerations.iter().map(ToString::to_string).collect()
}

/// A number of GPUs: Kubernetes gives whole devices.
fn devices(given: &Bound<'_, PyAny>) -> PyResult<u32> {
    given.extract().map_err(|error: PyErr| {
        let text = given.repr().map_or_else(|_| "?".to_owned(), |text| text.to_string());
        let message = format!("gpus={text}: a pod has whole GPUs; give a number such as 1");
        if error.is_instance_of::<PyTypeError>(given.py()) {
            PyTypeError::new_err(message)
        } else {
            PyValueError::new_err(message)
        }
    })
}
