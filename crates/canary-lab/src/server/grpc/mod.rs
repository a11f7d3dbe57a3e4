//! The gRPC interface on the same port: predict, metadata and status.

mod messages;
mod tensor;

use std::{convert::Infallible, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited, combinators::WithTrailers};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
};
use prost::Message;

use self::messages::{
    AboutModel, Any, Int64Value, MetadataResponse, ModelSpec, PredictRequest, PredictResponse,
    SignatureDef, SignatureDefMap, Status, StatusResponse, TensorInfo, TensorProto, VersionStatus,
};
use super::{
    rest::{MAX_BODY, Service},
    served::{Choice, Served},
};
use crate::model::{DEFAULT_SIGNATURE, ModelError, Signature, Tensors};

/// An answer with its status behind it.
pub(super) type Body =
    WithTrailers<Full<Bytes>, std::future::Ready<Option<Result<HeaderMap, Infallible>>>>;

/// gRPC's `UNIMPLEMENTED`.
const UNIMPLEMENTED: i32 = 12;
/// The state of a version that answers (`ModelVersionStatus.State`).
const AVAILABLE: i32 = 30;

/// Whether a request speaks gRPC.
pub(super) fn asks<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// A status other than OK, and its text.
struct Refusal(i32, String);

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        Self(error.code.grpc_code(), error.message)
    }
}

impl Service {
    /// Answers one call.
    pub(super) async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        match self.message(request).await {
            Ok(message) => {
                let mut framed = BytesMut::with_capacity(message.len() + 5);
                framed.put_u8(0);
                framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
                framed.put_slice(&message);
                response(framed.freeze(), 0, "")
            }
            Err(Refusal(code, text)) => response(Bytes::new(), code, &text),
        }
    }

    async fn message(&self, request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
        let (head, body) = request.into_parts();
        let invalid = |what: &str| Refusal::from(ModelError::invalid(what));
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body =
            body.map_err(|error| invalid(&format!("the message cannot be read: {error}")))?;
        let body = body.to_bytes();
        let Some(((compressed, length), message)) = body
            .split_first_chunk::<5>()
            .map(|(frame, rest)| ((frame[0], [frame[1], frame[2], frame[3], frame[4]]), rest))
        else {
            return Err(invalid("there is no message"));
        };
        if compressed != 0 {
            return Err(Refusal(UNIMPLEMENTED, "compressed messages are not read".to_owned()));
        }
        if u32::from_be_bytes(length) as usize != message.len() {
            return Err(invalid("the message is cut off"));
        }
        let message = body.slice(5..);
        match head.uri.path() {
            "/tensorflow.serving.PredictionService/Predict" => self.predict_message(message).await,
            "/tensorflow.serving.PredictionService/GetModelMetadata" => {
                Ok(metadata(self.asked(&message)?))
            }
            "/tensorflow.serving.ModelService/GetModelStatus" => {
                let spec = spec_of(&message)?;
                Ok(status(&self.models.status(&spec.name, &choice(&spec))?))
            }
            "/tensorflow.serving.PredictionService/Classify"
            | "/tensorflow.serving.PredictionService/Regress" => {
                let name = &self.asked(&message)?.name;
                Err(invalid(&format!("the model {name} has no signature for it; ask for predict")))
            }
            other => Err(Refusal(UNIMPLEMENTED, format!("there is no method {other}"))),
        }
    }

    /// The model that a message is about.
    fn asked(&self, message: &Bytes) -> Result<&Served, Refusal> {
        let spec = spec_of(message)?;
        Ok(self.models.find(&spec.name, &choice(&spec))?)
    }

    async fn predict_message(&self, message: Bytes) -> Result<Vec<u8>, Refusal> {
        let asked: PredictRequest = decode(&message)?;
        drop(message);
        let spec = asked.model_spec.unwrap_or_default();
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
        let inputs = inputs_of(signature, asked.inputs)?;
        let (model, signature) = (Arc::clone(&served.model), signature.name.clone());
        let work = {
            let (model, signature) = (Arc::clone(&model), signature.clone());
            move || model.predict(&signature, inputs)
        };
        let outputs = self.compute(&model, work).await?;
        let wanted =
            |name: &String| asked.output_filter.is_empty() || asked.output_filter.contains(name);
        let outputs = outputs
            .into_iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, output)| (name, tensor::write(output)))
            .collect();
        let model_spec = Some(spec_for(served, signature));
        Ok(PredictResponse { outputs, model_spec }.encode_to_vec())
    }
}

fn decode<M: Message + Default>(message: &Bytes) -> Result<M, ModelError> {
    M::decode(message.clone())
        .map_err(|error| ModelError::invalid(format!("this is not the message expected: {error}")))
}

fn spec_of(message: &Bytes) -> Result<ModelSpec, ModelError> {
    Ok(decode::<AboutModel>(message)?.model_spec.unwrap_or_default())
}

fn choice(spec: &ModelSpec) -> Choice {
    match &spec.version {
        Some(version) => Choice::Version(version.value),
        None if spec.version_label.is_empty() => Choice::Latest,
        None => Choice::Label(spec.version_label.clone()),
    }
}

fn spec_for(served: &Served, signature_name: String) -> ModelSpec {
    ModelSpec {
        name: served.name.clone(),
        version: Some(Int64Value { value: served.version }),
        signature_name,
        version_label: String::new(),
    }
}

/// The inputs in the order of the signature, with its element types and shapes.
fn inputs_of(
    signature: &Signature,
    mut given: std::collections::BTreeMap<String, TensorProto>,
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
            let fits = tensor.shape().len() == info.shape.len()
                && tensor
                    .shape()
                    .iter()
                    .zip(&info.shape)
                    .all(|(size, want)| want.is_none_or(|want| want == *size));
            if fits {
                return Ok((info.name.clone(), tensor));
            }
            let want: Vec<String> = info
                .shape
                .iter()
                .map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string()))
                .collect();
            let (found, want) = (tensor.shape(), want.join(", "));
            Err(wrong(format!("has the shape {found:?}, expected [{want}]")))
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

fn metadata(served: &Served) -> Vec<u8> {
    let infos = |infos: &[crate::model::TensorInfo]| {
        infos
            .iter()
            .map(|info| {
                let wire = TensorInfo {
                    name: format!("{}:0", info.name),
                    dtype: tensor::code_of(info.dtype),
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
    let response = MetadataResponse {
        model_spec: Some(spec_for(served, String::new())),
        metadata: std::iter::once(("signature_def".to_owned(), any)).collect(),
    };
    response.encode_to_vec()
}

fn status(versions: &[&Served]) -> Vec<u8> {
    let model_version_status = versions
        .iter()
        .map(|served| VersionStatus {
            version: served.version,
            state: AVAILABLE,
            status: Some(Status::default()),
        })
        .collect();
    StatusResponse { model_version_status }.encode_to_vec()
}

/// The text of a status: printable ASCII as it is, everything else percent-encoded.
fn encoded(text: &str) -> HeaderValue {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            _ = write!(out, "%{byte:02X}");
        }
    }
    HeaderValue::try_from(out).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn response(body: Bytes, code: i32, text: &str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    if !text.is_empty() {
        trailers.insert("grpc-message", encoded(text));
    }
    let mut response =
        Response::new(Full::new(body).with_trailers(std::future::ready(Some(Ok(trailers)))));
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
