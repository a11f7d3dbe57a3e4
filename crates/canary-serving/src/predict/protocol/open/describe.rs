//! Descriptions of models and servers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::datatype::of_name;
use crate::predict::{
    metadata::{Metadata, Signature, TensorInfo},
    response::{ParseError, Parsed},
    status::ModelStatus,
};

/// The name under which [`Metadata`] has the only signature of a model: the one that requests without a name use.
pub(super) const SIGNATURE: &str = "serving_default";

#[derive(Deserialize)]
struct Model {
    name: String,
    #[serde(default)]
    versions: Option<Vec<serde_json::Value>>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    inputs: Option<Vec<Info>>,
    #[serde(default)]
    outputs: Option<Vec<Info>>,
}

#[derive(Deserialize)]
struct Info {
    name: String,
    datatype: String,
    shape: Vec<i64>,
}

/// An array's description, from its type and its dimensions.
pub(super) fn info(datatype: String, shape: &[i64]) -> TensorInfo {
    TensorInfo {
        dtype: of_name(&datatype),
        dtype_name: datatype,
        shape: Some(shape.iter().map(|&length| u64::try_from(length).ok()).collect()),
    }
}

/// The metadata of a model with these versions and its only signature.
pub(super) fn metadata(
    model: String,
    versions: Vec<String>,
    platform: String,
    inputs: BTreeMap<String, TensorInfo>,
    outputs: BTreeMap<String, TensorInfo>,
) -> Metadata {
    let version = match versions.as_slice() {
        [only] => only.parse().ok(),
        _ => None,
    };
    let signature = Signature { method: platform, inputs, outputs };
    let signatures = [(SIGNATURE.to_owned(), signature)].into();
    Metadata { model, version, versions, signatures }
}

fn infos(infos: Option<Vec<Info>>) -> BTreeMap<String, TensorInfo> {
    infos
        .unwrap_or_default()
        .into_iter()
        .map(|one| (one.name, info(one.datatype, &one.shape)))
        .collect()
}

pub(super) fn read_metadata(body: &[u8]) -> Parsed<Metadata> {
    let model: Model = serde_json::from_slice(body)
        .map_err(|error| ParseError::new(format!("it is not a model's metadata: {error}")))?;
    let text = |version: serde_json::Value| match version {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let versions = model.versions.unwrap_or_default().into_iter().map(text).collect();
    let (inputs, outputs) = (infos(model.inputs), infos(model.outputs));
    Ok(metadata(model.name, versions, model.platform.unwrap_or_default(), inputs, outputs))
}

/// Reads a response to the question if a model is ready. Its status says it; the body may be empty.
pub(super) fn read_ready(body: &[u8]) -> Parsed<ModelStatus> {
    #[derive(Deserialize)]
    struct Ready {
        ready: Option<bool>,
    }
    if body.trim_ascii().is_empty() {
        return Ok(ModelStatus::of_model(true));
    }
    let read: Ready = serde_json::from_slice(body).map_err(|error| {
        ParseError::new(format!("it does not say if the model is ready: {error}"))
    })?;
    Ok(ModelStatus::of_model(read.ready.unwrap_or(true)))
}

/// The name, the version and the extensions of a server, when these bytes describe one.
pub(crate) fn read_server(body: &[u8]) -> Option<(String, Vec<String>)> {
    #[derive(Deserialize)]
    struct Server {
        name: String,
        #[serde(default)]
        version: Option<String>,
        #[serde(default)]
        extensions: Option<Vec<String>>,
    }
    let Server { name, version, extensions } = serde_json::from_slice(body).ok()?;
    let version = version.unwrap_or_default();
    Some((format!("{name} {version}").trim().to_owned(), extensions.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_with_and_without_arrays() {
        let body = br#"{"name":"mix","versions":["1","10"],"platform":"python","inputs":[
            {"name":"x","datatype":"FP32","shape":[-1,4]}],"outputs":[{"name":"y","datatype":"COMPLEX","shape":[]}]}"#;
        let read = read_metadata(body).unwrap();
        assert_eq!((read.model.as_str(), read.version), ("mix", None));
        assert_eq!(read.versions, ["1", "10"]);
        let signature = read.signature("").unwrap();
        assert_eq!(signature.inputs["x"].to_string(), "FP32[?, 4]");
        assert_eq!(signature.outputs["y"].dtype, None);
        let bare = br#"{"name":"m","versions":null,"platform":"","inputs":[]}"#;
        let read = read_metadata(bare).unwrap();
        assert!(read.signature("").unwrap().inputs.is_empty() && read.versions.is_empty());
        assert!(read_metadata(b"{}").is_err());
    }

    #[test]
    fn a_ready_model_may_say_nothing() {
        assert!(read_ready(b"").unwrap().ready());
        assert!(read_ready(br#"{"name":"m","ready":true}"#).unwrap().ready());
        assert!(!read_ready(br#"{"name":"m","ready":false}"#).unwrap().ready());
        assert!(read_ready(b"<html>").is_err());
    }

    #[test]
    fn servers_name_themselves() {
        let body = br#"{"name":"triton","version":"2.51.0","extensions":["binary_tensor_data"]}"#;
        let (name, extensions) = read_server(body).unwrap();
        assert_eq!((name.as_str(), extensions.len()), ("triton 2.51.0", 1));
        assert_eq!(read_server(br#"{"name":"mlserver","version":null}"#).unwrap().0, "mlserver");
        assert!(read_server(br#"{"detail":"Not Found"}"#).is_none());
    }
}
