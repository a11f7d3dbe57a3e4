//! Responses as messages, read into the same types as over REST.

use std::collections::BTreeMap;

use bytes::Bytes;
use canary_proto::{
    prost::Message,
    tensorflow::{
        self as wire,
        error::Code,
        serving::{
            ClassificationResponse, GetModelMetadataResponse, GetModelStatusResponse, ModelSpec,
            PredictResponse, RegressionResponse, ReloadConfigResponse, SignatureDefMap,
            model_spec::VersionChoice,
        },
    },
};

use super::{
    bounds::{self, Field},
    tensor::{self, MAX_FILLED, name_of},
};
use crate::{
    error::{Origin, PredictError, Result},
    predict::{
        metadata::{Metadata, Signature, TensorInfo},
        response::{MAX_OUTPUTS, Outputs, ParseError, Parsed, Reading, declared},
        status::{ModelStatus, State, VersionStatus},
    },
    tensor::{DType, Tensor, TensorData},
};

/// The message in these bytes, whose size in memory is bounded by that of its fields.
pub(crate) fn decode<M: Message + Default>(body: Bytes, fields: &[Field]) -> Parsed<M> {
    bounds::check(&body, fields)?;
    M::decode(body)
        .map_err(|error| ParseError::new(format!("it is not the message expected: {error}")))
}

/// Reads a gRPC `PredictResponse`: its outputs by name.
///
/// A [`Client`](crate::predict::Client) does it by itself. Elements that TensorFlow leaves out of an array because they
/// repeat may take at most 64 MiB in all; a message that would take more memory than eight times its size and 64 MiB is
/// refused.
///
/// # Errors
/// [`crate::Error::Predict`] of origin answer: it is no such message, or an array is not as its shape says.
///
/// ```
/// use canary_core::predict::read_predict_grpc;
///
/// let answer = b"\x0a\x13\x0a\x01y\x12\x0e\x08\x01\x12\x04\x12\x02\x08\x01\x22\x04\0\0\x80\x3e";
/// let outputs = read_predict_grpc(answer)?;
/// assert_eq!(outputs[0].0, "y");
/// assert_eq!(outputs[0].1.as_floats(), Some(&[0.25][..]));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn read(body: &[u8]) -> Result<Vec<(String, Tensor)>> {
    // Its outputs may share the memory of the message, so it is copied.
    decode(Bytes::copy_from_slice(body), bounds::PREDICT)
        .and_then(outputs)
        .map_err(|error| PredictError::new(Origin::Answer, "answer", error.reason).into())
}

pub(crate) fn read_predict(body: &Bytes) -> Parsed<Reading> {
    let mut response: PredictResponse = decode(body.clone(), bounds::PREDICT)?;
    let version = version_of(response.model_spec.take());
    Ok(Reading::new(outputs(response)?, version))
}

/// The version that a response names.
fn version_of(spec: Option<ModelSpec>) -> Option<String> {
    match spec?.version_choice? {
        VersionChoice::Version(version) => Some(version.to_string()),
        VersionChoice::VersionLabel(_) => None,
    }
}

fn outputs(response: PredictResponse) -> Parsed<Outputs> {
    if response.outputs.is_empty() {
        return Err(ParseError::new("it has no output"));
    }
    if response.outputs.len() > MAX_OUTPUTS {
        return Err(ParseError::new(format!("it has more than {MAX_OUTPUTS} outputs")));
    }
    let mut room = MAX_FILLED;
    response
        .outputs
        .into_iter()
        .map(|(name, proto)| {
            let tensor = tensor::read(proto, &mut room);
            let tensor =
                tensor.map_err(|why| ParseError::new(format!("output {name:?}: {why}")))?;
            let text = tensor.dtype() == DType::String;
            let tensor = declared(&name, tensor.declared_text(text));
            Ok((name, tensor))
        })
        .collect()
}

fn table(shape: Vec<usize>, data: TensorData) -> Parsed<Tensor> {
    Tensor::new(shape, data)
        .map_err(|_| ParseError::new("the examples have different numbers of classes"))
}

pub(crate) fn read_classify(body: &Bytes) -> Parsed<Reading> {
    let response: ClassificationResponse = decode(body.clone(), bounds::CLASSIFY)?;
    let version = version_of(response.model_spec);
    let rows = response.result.unwrap_or_default().classifications;
    let columns = rows.first().map_or(0, |row| row.classes.len());
    if rows.iter().any(|row| row.classes.len() != columns) {
        return Err(ParseError::new("the examples have different numbers of classes"));
    }
    let shape = vec![rows.len(), columns];
    let classes = rows.into_iter().flat_map(|row| row.classes);
    let (labels, scores) = classes.map(|class| (class.label.to_vec(), class.score)).unzip();
    let outputs = vec![
        (
            "classes".to_owned(),
            table(shape.clone(), TensorData::String(labels))?.declared_text(true),
        ),
        ("scores".to_owned(), table(shape, TensorData::Float(scores))?),
    ];
    Ok(Reading::new(outputs, version))
}

pub(crate) fn read_regress(body: &Bytes) -> Parsed<Reading> {
    let response: RegressionResponse = decode(body.clone(), bounds::REGRESS)?;
    let version = version_of(response.model_spec);
    let regressions = response.result.unwrap_or_default().regressions;
    let values: Vec<f32> = regressions.into_iter().map(|regression| regression.value).collect();
    let outputs =
        vec![("outputs".to_owned(), table(vec![values.len()], TensorData::Float(values))?)];
    Ok(Reading::new(outputs, version))
}

/// Reads the response to a reload: the code and the message of a refusal, which mostly comes as a gRPC status.
pub(crate) fn read_reload(body: &Bytes) -> Parsed<Result<(), (i32, String)>> {
    let response: ReloadConfigResponse = decode(body.clone(), bounds::RELOAD)?;
    let status = response.status.unwrap_or_default();
    Ok(match status.error_code {
        0 => Ok(()),
        code => Err((code, String::from_utf8_lossy(&status.error_message).into_owned())),
    })
}

pub(crate) fn read_status(body: &Bytes) -> Parsed<ModelStatus> {
    let response: GetModelStatusResponse = decode(body.clone(), bounds::STATUS)?;
    let versions = response.model_version_status.into_iter().map(|version| {
        let state = State::of_name(version.state().as_str_name());
        let status = version.status.unwrap_or_default();
        let code = Code::try_from(status.error_code);
        VersionStatus {
            version: version.version,
            state,
            error_code: code
                .map_or_else(|_| status.error_code.to_string(), |code| code.as_str_name().into()),
            error_message: String::from_utf8_lossy(&status.error_message).into_owned(),
        }
    });
    Ok(ModelStatus::of_versions(versions.collect()))
}

fn info(wire: wire::TensorInfo) -> TensorInfo {
    let dtype_name = name_of(wire.dtype);
    TensorInfo {
        dtype: DType::of_name(&dtype_name),
        dtype_name,
        shape: wire
            .tensor_shape
            .filter(|shape| !shape.unknown_rank)
            .map(|shape| shape.dim.iter().map(|dim| u64::try_from(dim.size).ok()).collect()),
    }
}

fn infos(wire: BTreeMap<String, wire::TensorInfo>) -> BTreeMap<String, TensorInfo> {
    wire.into_iter().map(|(name, wire)| (name, info(wire))).collect()
}

pub(crate) fn read_metadata(body: &Bytes) -> Parsed<Metadata> {
    let mut response: GetModelMetadataResponse = decode(body.clone(), bounds::METADATA)?;
    let spec = response.model_spec.unwrap_or_default();
    let Some(any) = response.metadata.remove("signature_def") else {
        return Err(ParseError::new("the metadata has no signature_def"));
    };
    let signatures = decode::<SignatureDefMap>(any.value.into(), bounds::SIGNATURES)?.signature_def;
    let signatures = signatures.into_iter().map(|(name, wire)| {
        let signature = Signature {
            method: wire.method_name,
            inputs: infos(wire.inputs),
            outputs: infos(wire.outputs),
        };
        (name, signature)
    });
    Ok(Metadata {
        model: spec.name,
        version: match spec.version_choice {
            Some(VersionChoice::Version(version)) => Some(version),
            Some(VersionChoice::VersionLabel(_)) | None => None,
        },
        versions: Vec::new(),
        signatures: signatures.collect(),
    })
}
