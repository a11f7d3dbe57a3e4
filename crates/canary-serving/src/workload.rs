//! One served version of a model: its `ConfigMap`, `Deployment` and `Service`.

mod inference_service;
mod pod;
mod resources;
mod server;
mod settings;
#[cfg(feature = "grpc")]
mod tf_record;
mod validation;
#[cfg(feature = "grpc")]
mod warm_up;

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::resources::{NVIDIA, NodeSelector};
#[cfg(feature = "grpc")]
pub use self::warm_up::{MAX_WARM_UP_REQUESTS, WARM_UP_FILE, read_warm_up, write_warm_up};
pub use self::{
    inference_service::{DeploymentMode, InferenceService, Predictor, TrafficShare},
    resources::Toleration,
    server::ModelServer,
    settings::{
        BatchingParameters, ModelConfig, ModelServerConfig, MonitoringConfig, RequestLog,
        ServerSettings, VersionPolicy,
    },
};
use crate::{Error, Result};
use canary_istio::Findings;

/// The port on which TensorFlow Serving speaks gRPC.
pub const GRPC_PORT: u16 = 8500;
/// The port on which TensorFlow Serving speaks REST.
pub const REST_PORT: u16 = 8501;

/// The annotation of a pod template that names the contents of the workload's `ConfigMap` by a digest, so that pods are
/// replaced when the model's name or path changes.
pub const CONFIG_ANNOTATION: &str = "canary-rs.github.io/config-digest";

/// One version of a model, served by TensorFlow Serving or another model server behind a mesh.
///
/// `app` names the service that all versions share, `version` the one version: an Istio subset selects its pods by
/// the label `version`. The three objects are Kubernetes' own types and may be changed before they are applied.
///
/// ```
/// use canary_core::serving::Workload;
///
/// let stable = Workload::new("image-classifier", "resnet50")
///     .model("image_classifier", "gs://my-bucket/resnet_50");
/// let deployment = stable.deployment()?;
/// assert_eq!(deployment.metadata.name.as_deref(), Some("image-classifier-resnet50"));
/// assert_eq!(stable.config_map()?.data.unwrap()["MODEL_PATH"], "gs://my-bucket/resnet_50");
/// assert_eq!(stable.service()?.spec.unwrap().ports.unwrap()[1].port, 8501);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The service that all versions share; the label `app`.
    pub app: String,
    /// This version; the label `version`, and the usual name of its Istio subset.
    pub version: String,
    /// The namespace; `default` unless set.
    pub namespace: String,
    /// The model server; TensorFlow Serving unless set.
    pub server: ModelServer,
    /// The model's name in request paths; TensorFlow Serving's `--model_name`.
    pub model_name: String,
    /// The location of the numbered version folders: a path, `gs://…` or `s3://…`; `--model_base_path`.
    pub model_path: String,
    /// Files of TensorFlow Serving: several models in place of the one, batches, metrics.
    pub settings: ServerSettings,
    /// The container image; that of the server ([`ModelServer::image`]) unless set. Pin a tag in production.
    pub image: String,
    /// The image that copies a model from its bucket for servers that read folders alone; `kserve/storage-initializer`
    /// unless set.
    pub storage_initializer: String,
    /// The number of pods; 1 unless set.
    pub replicas: i32,
    /// CPU requested by each pod, as a Kubernetes quantity; `3` unless set.
    pub cpu: String,
    /// Memory requested by each pod, as a Kubernetes quantity; `4Gi` unless set.
    pub memory: String,
    /// The most CPU that each pod gets, as a Kubernetes quantity; no limit when absent.
    pub cpu_limit: Option<String>,
    /// The most memory that each pod gets, as a Kubernetes quantity; no limit when absent. A pod that takes more is killed.
    pub memory_limit: Option<String>,
    /// The number of GPUs of each pod; 0 unless set. Kubernetes assigns whole devices, as request and as limit.
    pub gpus: u32,
    /// The extended resource that a GPU is; `nvidia.com/gpu` unless set.
    pub gpu_resource: String,
    /// The labels of the nodes on which the pods may run; any node when empty.
    pub node_selector: NodeSelector,
    /// The taints of nodes that the pods tolerate. With GPUs the taint by the name of their resource is tolerated too.
    pub tolerations: Vec<Toleration>,
    /// Further arguments of the model server, such as `--enable_batching`.
    pub args: Vec<String>,
    /// `true` when the version has a `Service` of its own.
    pub own_service: bool,
    /// The service account of the pods, for buckets that need one; the namespace's default when absent.
    pub service_account: Option<String>,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            app: String::new(),
            version: String::new(),
            namespace: "default".to_owned(),
            model_name: String::new(),
            model_path: String::new(),
            server: ModelServer::TensorFlowServing,
            settings: ServerSettings::default(),
            image: ModelServer::TensorFlowServing.image().to_owned(),
            storage_initializer: "kserve/storage-initializer".to_owned(),
            replicas: 1,
            cpu: "3".to_owned(),
            memory: "4Gi".to_owned(),
            cpu_limit: None,
            memory_limit: None,
            gpus: 0,
            gpu_resource: NVIDIA.to_owned(),
            node_selector: NodeSelector::new(),
            tolerations: Vec::new(),
            args: Vec::new(),
            service_account: None,
            own_service: false,
        }
    }
}

impl Workload {
    /// A version of the service `app`; name its model with [`Workload::model`].
    pub fn new(app: impl Into<String>, version: impl Into<String>) -> Self {
        Self { app: app.into(), version: version.into(), ..Self::default() }
    }

    /// Sets the model's name in request paths, and the folder or bucket that holds its numbered versions.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.model_name = name.into();
        self.model_path = path.into();
        self
    }

    /// Sets the model server, and with it the image, unless another one was set.
    #[must_use]
    pub fn server(mut self, server: ModelServer) -> Self {
        if self.image == self.server.image() {
            server.image().clone_into(&mut self.image);
        }
        self.server = server;
        self
    }

    /// Sets the files of TensorFlow Serving.
    ///
    /// ```
    /// use canary_core::serving::{ModelConfig, ModelServerConfig, ServerSettings, Workload};
    ///
    /// let models = ModelServerConfig::new([
    ///     ModelConfig::new("pets", "gs://bucket/pets"),
    ///     ModelConfig::new("cars", "gs://bucket/cars"),
    /// ]);
    /// let settings = ServerSettings { models: Some(models), ..ServerSettings::default() };
    /// let both = Workload::new("classifiers", "v1").settings(settings);
    /// assert!(both.config_map()?.data.unwrap()["models.config"].contains("gs://bucket/cars"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn settings(mut self, settings: ServerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the namespace of all three objects.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the container image, such as `tensorflow/serving:2.19.1`.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = image.into();
        self
    }

    /// Sets the number of pods.
    #[must_use]
    pub fn replicas(mut self, replicas: i32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets the CPU and memory that each pod requests, as Kubernetes quantities (`500m`, `2Gi`).
    #[must_use]
    pub fn requests(mut self, cpu: impl Into<String>, memory: impl Into<String>) -> Self {
        self.cpu = cpu.into();
        self.memory = memory.into();
        self
    }

    /// Sets the most CPU that each pod gets.
    #[must_use]
    pub fn cpu_limit(mut self, limit: impl Into<String>) -> Self {
        self.cpu_limit = Some(limit.into());
        self
    }

    /// Sets the most memory that each pod gets.
    #[must_use]
    pub fn memory_limit(mut self, limit: impl Into<String>) -> Self {
        self.memory_limit = Some(limit.into());
        self
    }

    /// Sets the number of GPUs of each pod. Its nodes' taint by the name of the resource is tolerated.
    ///
    /// ```
    /// use canary_core::serving::Workload;
    ///
    /// let resnet = Workload::new("image-classifier", "resnet50")
    ///     .model("image_classifier", "gs://my-bucket/resnet_50")
    ///     .image("tensorflow/serving:latest-gpu")
    ///     .gpus(1)
    ///     .node_selector("cloud.google.com/gke-accelerator", "nvidia-l4");
    /// let deployment = serde_json::to_value(resnet.deployment()?)?;
    /// let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    /// assert_eq!(container["resources"]["limits"]["nvidia.com/gpu"], "1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn gpus(mut self, count: u32) -> Self {
        self.gpus = count;
        self
    }

    /// Names the extended resource that a GPU is, such as `amd.com/gpu`.
    #[must_use]
    pub fn gpu_resource(mut self, name: impl Into<String>) -> Self {
        self.gpu_resource = name.into();
        self
    }

    /// Asks for nodes with this label, too.
    #[must_use]
    pub fn node_selector(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.node_selector.insert(label.into(), value.into());
        self
    }

    /// Tolerates this taint of nodes, too.
    #[must_use]
    pub fn toleration(mut self, taint: Toleration) -> Self {
        self.tolerations.push(taint);
        self
    }

    /// Adds an argument of the model server.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Gives this version a `Service` of its own beside that of all versions ([`Workload::version_service`]).
    #[must_use]
    pub fn own_service(mut self) -> Self {
        self.own_service = true;
        self
    }

    /// Sets the service account of the pods.
    #[must_use]
    pub fn service_account(mut self, name: impl Into<String>) -> Self {
        self.service_account = Some(name.into());
        self
    }

    /// Finds the mistakes that would make Kubernetes refuse the objects, or the model server fail to start.
    pub fn validate(&self) -> Findings {
        validation::findings(self)
    }

    /// The name of the `ConfigMap`: app and version, then `-configs`, all joined by `-`. Versions of two applications
    /// may have one name, so the version alone would let one application write the other's settings.
    pub fn config_map_name(&self) -> String {
        format!("{}-configs", self.deployment_name())
    }

    /// The name of the `Deployment`: app and version, joined by `-`.
    pub fn deployment_name(&self) -> String {
        format!("{}-{}", self.app, self.version)
    }

    /// The `ConfigMap` with the server's model, `MODEL_NAME` and `MODEL_PATH`, and its files.
    ///
    /// # Errors
    /// [`Error::Istio`] with every finding of [`Workload::validate`].
    pub fn config_map(&self) -> Result<ConfigMap> {
        self.validate().into_result()?;
        typed(json!({
            "metadata": {"name": self.config_map_name(), "namespace": self.namespace},
            "data": self.config(),
        }))
    }

    /// The `Deployment` of this version, labelled `app` and `version`.
    ///
    /// Its pod template names the contents of the `ConfigMap` by a digest ([`CONFIG_ANNOTATION`]): pods read the model's
    /// name and path when they start, so that another model needs new pods.
    ///
    /// # Errors
    /// [`Error::Istio`] with every finding of [`Workload::validate`].
    pub fn deployment(&self) -> Result<Deployment> {
        self.validate().into_result()?;
        let labels = json!({"app": self.app, "version": self.version});
        typed(json!({
            "metadata": {
                "name": self.deployment_name(), "namespace": self.namespace, "labels": labels,
            },
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {
                        "annotations": {CONFIG_ANNOTATION: self.config_digest()}, "labels": labels,
                    },
                    "spec": pod::spec(self),
                },
            },
        }))
    }

    /// The `Service` that all versions share: it selects by `app` alone, the mesh chooses the version. Its ports
    /// declare their protocols, gRPC and HTTP, with `appProtocol`.
    ///
    /// # Errors
    /// [`Error::Istio`] with every finding of [`Workload::validate`].
    pub fn service(&self) -> Result<Service> {
        self.validate().into_result()?;
        let (grpc, http) = self.server.port_names();
        // Names are not always those by which Istio knows a protocol, and without it a gateway does not speak HTTP/2 to gRPC.
        let port = |name: &str, port: u16, protocol: &str| json!({"name": name, "port": port, "protocol": "TCP", "appProtocol": protocol});
        typed(json!({
            "metadata": {
                "name": self.app, "namespace": self.namespace,
                "labels": {"app": self.app, "service": self.app},
            },
            "spec": {
                "type": "ClusterIP",
                "selector": {"app": self.app},
                "ports": [
                    port(grpc, self.server.grpc_port(), "grpc"),
                    port(http, self.server.rest_port(), "http"),
                ],
            },
        }))
    }

    /// The `Service` of this version alone, named `<app>-<version>`: where routes tell versions apart by `Service`, as
    /// those of the Gateway API do.
    ///
    /// ```
    /// use canary_core::serving::Workload;
    ///
    /// let stable = Workload::new("pets", "v1").model("pets", "gs://my-bucket/pets");
    /// let service = stable.version_service()?;
    /// assert_eq!(service.metadata.name.as_deref(), Some("pets-v1"));
    /// assert_eq!(service.spec.unwrap().selector.unwrap()["version"], "v1");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Istio`] with every finding of [`Workload::validate`].
    pub fn version_service(&self) -> Result<Service> {
        let mut service = self.service()?;
        let name = format!("{}-{}", self.app, self.version);
        if let Some(labels) = &mut service.metadata.labels {
            labels.insert("service".to_owned(), name.clone());
            labels.insert("version".to_owned(), self.version.clone());
        }
        service.metadata.name = Some(name);
        if let Some(selector) = service.spec.as_mut().and_then(|spec| spec.selector.as_mut()) {
            selector.insert("version".to_owned(), self.version.clone());
        }
        Ok(service)
    }

    /// All objects as JSON, in the order in which they are applied: three, and the `Service` of the version where
    /// [`Workload::own_service`] is set.
    ///
    /// # Errors
    /// [`Error::Istio`] with every finding of [`Workload::validate`].
    pub fn objects(&self) -> Result<Vec<Value>> {
        let mut objects = vec![
            to_value(&self.config_map()?)?,
            to_value(&self.deployment()?)?,
            to_value(&self.service()?)?,
        ];
        if self.own_service {
            objects.push(to_value(&self.version_service()?)?);
        }
        Ok(objects)
    }

    /// The entries of the `ConfigMap`. A model of its own has a workload that no file gives its models.
    fn config(&self) -> BTreeMap<String, String> {
        let mut data = self.settings.files();
        if self.settings.models.is_none() {
            data.insert("MODEL_NAME".to_owned(), self.model_name.clone());
            data.insert("MODEL_PATH".to_owned(), self.model_path.clone());
        }
        data
    }

    /// A digest of the settings in the `ConfigMap`: XXH3 (64 bits), 16 hexadecimal digits.
    fn config_digest(&self) -> String {
        let files = self.settings.files();
        let files = files.iter().map(|(name, file)| format!("\n{name}\n{file}"));
        let text = format!("{}\n{}", self.model_name, self.model_path);
        let text = std::iter::once(text).chain(files).collect::<String>();
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
    }
}

/// The object of Kubernetes that a manifest describes.
fn typed<T: DeserializeOwned>(manifest: Value) -> Result<T> {
    serde_json::from_value(manifest).map_err(|error| {
        Error::manifest("workload", format!("is not an object of its kind: {error}"))
    })
}

fn to_value<T: Serialize>(object: &T) -> Result<Value> {
    serde_json::to_value(object).map_err(|error| {
        let reason = format!("cannot be written as JSON: {error}");
        Error::manifest("workload", reason)
    })
}

#[cfg(test)]
#[path = "workload_tests.rs"]
mod tests;
