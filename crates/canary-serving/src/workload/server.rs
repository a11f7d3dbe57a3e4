//! The model servers that a workload can run.

use super::{GRPC_PORT, REST_PORT};

/// The folder into which a model is copied before MLServer or a runtime of KServe starts.
const MODELS: &str = "/mnt/models";

/// The model server of a workload: its image, its ports, its probes, and the arguments that name the model.
///
/// ```
/// use canary_core::serving::{ModelServer, Workload};
///
/// let pets = Workload::new("pets", "v1").model("pets", "s3://bucket/models").server(ModelServer::Triton);
/// let pod = serde_json::to_value(pets.deployment()?)?["spec"]["template"]["spec"].clone();
/// assert_eq!(pod["containers"][0]["readinessProbe"]["httpGet"]["path"], "/v2/models/pets/ready");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelServer {
    /// TensorFlow Serving: the path holds numbered versions.
    #[default]
    TensorFlowServing,
    /// NVIDIA Triton: the path is a model repository, in which the folder with the model's name is loaded. Python models
    /// share memory, so the pod has an in-memory `/dev/shm`.
    Triton,
    /// MLServer: the path is a folder with a `model-settings.json`, in the image or to be copied from a bucket.
    MlServer,
    /// A runtime of KServe's Python server, such as that of scikit-learn, without KServe: the path is the model's folder,
    /// in the image or to be copied from a bucket. Each kind of model has an image of its own, which must be named.
    KServe,
}

impl ModelServer {
    /// The name people use, such as `Triton`.
    ///
    /// ```
    /// assert_eq!(canary_core::serving::ModelServer::MlServer.as_str(), "MLServer");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TensorFlowServing => "TensorFlow Serving",
            Self::Triton => "Triton",
            Self::MlServer => "MLServer",
            Self::KServe => "KServe",
        }
    }

    /// The image unless another is named; empty for KServe, whose image depends on the kind of model.
    ///
    /// ```
    /// assert_eq!(canary_core::serving::ModelServer::default().image(), "tensorflow/serving");
    /// ```
    pub fn image(self) -> &'static str {
        match self {
            Self::TensorFlowServing => "tensorflow/serving",
            Self::Triton => "nvcr.io/nvidia/tritonserver:24.10-py3",
            Self::MlServer => "seldonio/mlserver:1.7.1",
            Self::KServe => "",
        }
    }

    /// The port of its gRPC.
    ///
    /// ```
    /// assert_eq!(canary_core::serving::ModelServer::Triton.grpc_port(), 8001);
    /// ```
    pub fn grpc_port(self) -> u16 {
        match self {
            Self::TensorFlowServing => GRPC_PORT,
            Self::Triton => 8001,
            Self::MlServer | Self::KServe => 8081,
        }
    }

    /// The port of its REST.
    ///
    /// ```
    /// assert_eq!(canary_core::serving::ModelServer::Triton.rest_port(), 8000);
    /// ```
    pub fn rest_port(self) -> u16 {
        match self {
            Self::TensorFlowServing => REST_PORT,
            Self::Triton => 8000,
            Self::MlServer | Self::KServe => 8080,
        }
    }

    /// The name of the container.
    pub(super) fn container(self) -> &'static str {
        match self {
            Self::TensorFlowServing => "tf-serving",
            Self::Triton => "triton",
            Self::MlServer => "mlserver",
            Self::KServe => "kserve",
        }
    }

    /// The names of the service's ports for gRPC and REST.
    pub(super) fn port_names(self) -> (&'static str, &'static str) {
        match self {
            Self::TensorFlowServing => ("tf-serving-grpc", "tf-serving-http"),
            _ => ("grpc-inference", "http-inference"),
        }
    }

    /// The folder in the pod into which a model of this path is copied first; `None` for a server that reads the path
    /// itself.
    pub(super) fn copies(self, path: &str) -> Option<&'static str> {
        (matches!(self, Self::MlServer | Self::KServe) && !path.starts_with('/')).then_some(MODELS)
    }
}
