//! The gRPC interface on the same port: predict, metadata and status, by tonic.

mod tensor;

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use canary_core::serving::ModelServerConfig;
use canary_proto::{
    prost::Message,
    prost_types::Any,
    tensorflow::{
        SignatureDef, TensorInfo, TensorProto,
        serving::{
            ClassificationRequest, ClassificationResponse, GetModelMetadataRequest,
            GetModelMetadataResponse, GetModelStatusRequest, GetModelStatusResponse, ModelSpec,
            ModelVersionStatus, PredictRequest, PredictResponse, RegressionRequest,
            RegressionResponse, ReloadConfigRequest, ReloadConfigResponse, SignatureDefMap,
            StatusProto,
            model_service_server::{self, ModelService, ModelServiceServer},
            model_spec::VersionChoice,
            model_version_status,
            prediction_service_server::{PredictionService, PredictionServiceServer},
        },
    },
};
use hyper::{Request, Response, body::Incoming, header::CONTENT_TYPE};
use tonic::{Status, async_trait, body::Body, codegen::Service as _};

use super::{
    models::State,
    rest::{MAX_BODY, Service},
    served::{Choice, Served},
};
use crate::model::{self, DEFAULT_SIGNATURE, ModelError, Signature, Tensors};

/// Returns `true` for a gRPC request.
pub(super) fn is_call<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The services for the models of one server.
#[derive(Clone, Debug)]
pub(super) struct Services {
    predictions: PredictionServiceServer<Service>,
    models: ModelServiceServer<Service>,
}

impl Services {
    pub(super) fn new(models: &Arc<Service>) -> Self {
        Self {
            predictions: PredictionServiceServer::from_arc(Arc::clone(models))
                .max_decoding_message_size(MAX_BODY),
            models: ModelServiceServer::from_arc(Arc::clone(models)),
        }
    }

    /// Answers one call; an unknown service gets the response of an unknown method.
    pub(super) async fn call(mut self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().strip_prefix('/').and_then(|path| path.split_once('/'));
        let answered = match path {
            Some((model_service_server::SERVICE_NAME, _)) => self.models.call(request).await,
            _ => self.predictions.call(request).await,
        };
        answered.unwrap_or_else(|never: Infallible| match never {})
    }
}

impl From<ModelError> for Status {
    fn from(error: ModelError) -> Self {
        Self::new(error.code.grpc_code().into(), error.message)
    }
}

#[async_trait]
impl PredictionService for Service {
    async fn predict(
        &self,
        request: tonic::Request<PredictRequest>,
    ) -> Result<tonic::Response<PredictResponse>, Status> {
        let request = request.into_inner();
        let spec = request.model_spec.unwrap_or_default();
        let served = self.models.find(&spec.name, &choice(&spec))?;
        let name = if spec.signature_name.is_empty() {
            DEFAULT_SIGNATURE
        } else {
            spec.signature_name.as_str()
        };
        let signatures = served.model.signatures();
        let signature = signatures.iter().find(|known| known.name == name).ok_or_else(|| {
            ModelError::invalid(format!("Serving signature key \"{name}\" not found."))
        })?;
        let inputs = inputs_of(signature, request.inputs)?;
        let (model, signature) = (Arc::clone(&served.model), signature.name.clone());
        let work = {
            let (model, signature) = (Arc::clone(&model), signature.clone());
            move || model.predict(&signature, inputs)
        };
        let outputs = self.compute(&model, work).await?;
        let filter = &request.output_filter;
        let outputs = outputs
            .into_iter()
            .filter(|(name, _)| filter.is_empty() || filter.contains(name))
            .map(|(name, output)| (name, tensor::write(output)))
            .collect();
        let model_spec = Some(spec_for(&served, signature));
        Ok(tonic::Response::new(PredictResponse { outputs, model_spec }))
    }

    async fn classify(
        &self,
        request: tonic::Request<ClassificationRequest>,
    ) -> Result<tonic::Response<ClassificationResponse>, Status> {
        Err(self.no_examples(request.into_inner().model_spec))
    }

    async fn regress(
        &self,
        request: tonic::Request<RegressionRequest>,
    ) -> Result<tonic::Response<RegressionResponse>, Status> {
        Err(self.no_examples(request.into_inner().model_spec))
    }

    async fn get_model_metadata(
        &self,
        request: tonic::Request<GetModelMetadataRequest>,
    ) -> Result<tonic::Response<GetModelMetadataResponse>, Status> {
        let spec = request.into_inner().model_spec.unwrap_or_default();
        let served = self.models.find(&spec.name, &choice(&spec))?;
        Ok(tonic::Response::new(metadata(&served)))
    }
}

#[async_trait]
impl ModelService for Service {
    async fn get_model_status(
        &self,
        request: tonic::Request<GetModelStatusRequest>,
    ) -> Result<tonic::Response<GetModelStatusResponse>, Status> {
        let spec = request.into_inner().model_spec.unwrap_or_default();
        let versions = self.models.status(&spec.name, &choice(&spec))?;
        let model_version_status = versions.into_iter().map(|(version, state)| {
            let status = match &state {
                State::End(Some(error)) => StatusProto {
                    error_code: error.code.grpc_code(),
                    error_message: error.message.clone().into(),
                },
                _ => StatusProto::default(),
            };
            let state = model_version_status::State::from_str_name(state.name());
            let state = state.unwrap_or_default().into();
            ModelVersionStatus { version, state, status: Some(status) }
        });
        Ok(tonic::Response::new(GetModelStatusResponse {
            model_version_status: model_version_status.collect(),
        }))
    }

    async fn handle_reload_config_request(
        &self,
        request: tonic::Request<ReloadConfigRequest>,
    ) -> Result<tonic::Response<ReloadConfigResponse>, Status> {
        let Some(reloads) = self.reloads.clone() else {
            return Err(Status::unimplemented("this server has no model config file"));
        };
        let config = ModelServerConfig::of_message(request.into_inner().config.unwrap_or_default());
        // As in TensorFlow Serving, a reload continues when its caller gives up.
        let reload = tokio::spawn(async move { reloads.reload(config).await });
        let reloaded = reload.await.map_err(|_| Status::internal("the reload stopped"))?;
        let status = reloaded.map(|()| Some(StatusProto::default()))?;
        Ok(tonic::Response::new(ReloadConfigResponse { status }))
    }
}

impl Service {
    /// The refusal of a classification or a regression.
    fn no_examples(&self, spec: Option<ModelSpec>) -> Status {
        let spec = spec.unwrap_or_default();
        let missing = |served: Arc<Served>| {
            let name = &served.name;
            ModelError::invalid(format!("the model {name} has no signature for it; use predict"))
        };
        self.models
            .find(&spec.name, &choice(&spec))
            .map_or_else(Status::from, |served| missing(served).into())
    }
}

fn choice(spec: &ModelSpec) -> Choice {
    match &spec.version_choice {
        None => Choice::Latest,
        Some(VersionChoice::Version(version)) => Choice::Version(*version),
        Some(VersionChoice::VersionLabel(label)) if label.is_empty() => Choice::Latest,
        Some(VersionChoice::VersionLabel(label)) => Choice::Label(label.clone()),
    }
}

fn spec_for(served: &Served, signature_name: String) -> ModelSpec {
    ModelSpec {
        name: served.name.clone(),
        version_choice: Some(VersionChoice::Version(served.version)),
        signature_name,
    }
}

/// The inputs in the order of the signature, with its element types and shapes.
fn inputs_of(
    signature: &Signature,
    mut given: BTreeMap<String, TensorProto>,
) -> Result<Tensors, ModelError> {
    let known: Vec<&str> = signature.inputs.iter().map(|info| info.name.as_str()).collect();
    let inputs: Result<Tensors, ModelError> = signature
        .inputs
        .iter()
        .map(|info| {
            let wrong = |what: String| {
                let (name, dtype) = (&info.name, info.dtype);
                ModelError::invalid(format!("the input '{name}' of type {dtype} {what}"))
            };
            let proto = given.remove(&info.name).ok_or_else(|| wrong("is missing".to_owned()))?;
            let tensor = tensor::read(proto).map_err(wrong)?;
            if tensor.dtype() != info.dtype {
                return Err(wrong(format!("is given as {}", tensor.dtype())));
            }
            match info.misfit(tensor.shape()) {
                None => Ok((info.name.clone(), tensor)),
                Some(misfit) => Err(wrong(misfit)),
            }
        })
        .collect();
    if let (Ok(_), Some(extra)) = (&inputs, given.keys().next()) {
        return Err(ModelError::invalid(format!(
            "the input '{extra}' is not one of {}",
            known.join(", ")
        )));
    }
    inputs
}

fn metadata(served: &Served) -> GetModelMetadataResponse {
    let infos = |infos: &[model::TensorInfo]| {
        infos
            .iter()
            .map(|info| {
                let wire = TensorInfo {
                    name: format!("{}:0", info.name),
                    dtype: tensor::data_type(info.dtype).into(),
                    tensor_shape: Some(tensor::shape(info.shape.iter().copied())),
                };
                (info.name.clone(), wire)
            })
            .collect()
    };
    let signatures = served.model.signatures().iter().map(|signature| {
        let wire = SignatureDef {
            inputs: infos(&signature.inputs),
            outputs: infos(&signature.outputs),
            method_name: "tensorflow/serving/predict".to_owned(),
        };
        (signature.name.clone(), wire)
    });
    let map = SignatureDefMap { signature_def: signatures.collect() };
    let any = Any {
        type_url: "type.googleapis.com/tensorflow.serving.SignatureDefMap".to_owned(),
        value: map.encode_to_vec(),
    };
    GetModelMetadataResponse {
        model_spec: Some(spec_for(served, String::new())),
        metadata: [("signature_def".to_owned(), any)].into(),
    }
}
