//! The signatures of a model, and the check of inputs against one of them.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use super::{input::Input, response::ParseError};
use crate::{
    error::{Error, Result},
    tensor::{DType, TensorView},
};
use canary_istio::finding::{Finding, Findings};

/// The signatures of a model (`GetModelMetadata`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// The model's name.
    pub model: String,
    /// The version that they are of, where there is one and it is a number.
    pub version: Option<i64>,
    /// The versions that take requests, where the protocol lists them (V2).
    pub versions: Vec<String>,
    /// The signatures by name; requests that name none use `serving_default`, which is the only one over V2.
    pub signatures: BTreeMap<String, Signature>,
}

impl Metadata {
    /// The signature of that name; the empty name is `serving_default`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the model has no such signature; the error lists those it has.
    pub fn signature(&self, name: &str) -> Result<&Signature> {
        let name = if name.is_empty() { "serving_default" } else { name };
        self.signatures.get(name).ok_or_else(|| {
            let names: Vec<_> = self.signatures.keys().map(String::as_str).collect();
            Error::NotFound {
                object: format!("signature {name:?} of model {:?}", self.model),
                help: format!("it has {}", names.join(", ")),
            }
        })
    }
}

/// The inputs and outputs of one function of a model (`SignatureDef`).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Signature {
    /// Such as `tensorflow/serving/predict`; over V2 the model's platform.
    pub method: String,
    /// The inputs by name.
    pub inputs: BTreeMap<String, TensorInfo>,
    /// The outputs by name.
    pub outputs: BTreeMap<String, TensorInfo>,
}

/// The type and shape of an input or output (`TensorInfo`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// The element type; `None` for one that this client does not support, such as `DT_COMPLEX64`.
    pub dtype: Option<DType>,
    /// The protocol's name of the element type, such as `DT_FLOAT` or `FP32`.
    pub dtype_name: String,
    /// The dimensions, `None` for one of any length; `None` instead of the list when even their number is open.
    pub shape: Option<Vec<Option<u64>>>,
}

impl fmt::Display for TensorInfo {
    /// `DT_FLOAT[?, 224, 224, 3]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dtype_name)?;
        let Some(shape) = &self.shape else { return f.write_str(" of any shape") };
        let dims: Vec<_> = shape
            .iter()
            .map(|dim| dim.map_or_else(|| "?".to_owned(), |dim| dim.to_string()))
            .collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

impl TensorInfo {
    /// The reason why an array does not fit, and the remedy.
    fn misfit(&self, view: &TensorView<'_>, wire: Wiring) -> Option<(String, String)> {
        let found = format!("{}{:?}", view.dtype(), view.shape());
        let message = format!("found {found}, expected {self}");
        let fits = self.dtype.is_some_and(|wanted| match wire {
            Wiring::Typed => wanted == view.dtype(),
            Wiring::Json => takes_json_of(wanted, view.dtype()),
        });
        if !fits {
            let help = match (self.dtype, view.dtype()) {
                (Some(DType::String), _) => "give the bytes of the file or text itself",
                (_, DType::String) => "decode the file to an array first",
                _ => "convert the array",
            };
            return Some((message, help.to_owned()));
        }
        let shape = self.shape.as_ref()?;
        let fits = |dims: &[Option<u64>]| {
            dims.len() == view.shape().len()
                && dims
                    .iter()
                    .zip(view.shape())
                    .all(|(want, &found)| want.is_none_or(|want| want == found as u64))
        };
        if fits(shape) {
            return None;
        }
        let help = if shape.len() == view.shape().len() + 1 && fits(&shape[1..]) {
            "a batch is expected: add its dimension, as in [1, …]"
        } else {
            "give an array of that shape; ? stands for any length"
        };
        Some((message, help.to_owned()))
    }
}

/// The form in which an input reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// With its element type, as over gRPC.
    Typed,
    /// As JSON, in which numbers have no type, but whole and fractional ones differ.
    Json,
}

impl Signature {
    /// Finds the names, element types and shapes of inputs that the signature refuses.
    ///
    /// Element types must be the signature's own, as gRPC sends them; [`Client::check`](super::Client::check) over REST
    /// also accepts other types of numbers, which JSON does not tell apart.
    /// [`Client::prepare`](super::Client::prepare) checks that they can be sent.
    pub fn check(&self, input: &Input<'_>) -> Findings {
        self.check_over(input, Wiring::Typed)
    }

    /// [`Self::check`] for inputs in that form.
    pub(crate) fn check_over(&self, input: &Input<'_>, wire: Wiring) -> Findings {
        let mut findings = Findings::new();
        let views = match input.views() {
            Ok(views) => views,
            Err(error) => {
                findings.push(Finding::error("C401", "inputs", error.to_string()));
                return findings;
            }
        };
        let known: Vec<_> = self.inputs.keys().map(|name| format!("{name:?}")).collect();
        let known = known.join(", ");
        let mut given = Vec::new();
        for (name, view) in &views {
            // The one input of a signature needs no name.
            let name = match self.inputs.keys().next() {
                Some(only) if name.is_empty() && self.inputs.len() == 1 => only.as_str(),
                _ => name,
            };
            given.push(name);
            let Some(info) = self.inputs.get(name) else {
                let message = if name.is_empty() {
                    format!("the input has no name, and the signature has several: {known}")
                } else {
                    format!("the signature has no such input; it has {known}")
                };
                findings.push(
                    Finding::error("C402", format!("inputs.{name}"), message)
                        .help("give the inputs by name"),
                );
                continue;
            };
            if let Some((message, help)) = info.misfit(view, wire) {
                findings.push(Finding::error("C403", format!("inputs.{name}"), message).help(help));
            }
        }
        for (name, info) in &self.inputs {
            if !given.contains(&name.as_str()) {
                findings.push(Finding::error(
                    "C404",
                    format!("inputs.{name}"),
                    format!("it is missing, expected {info}"),
                ));
            }
        }
        findings
    }
}

/// The kinds of values that JSON distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fraction,
    Whole,
    Bool,
    Text,
}

impl Kind {
    fn of(dtype: DType) -> Self {
        match dtype {
            DType::String => Self::Text,
            DType::Bool => Self::Bool,
            DType::Int8
            | DType::Int16
            | DType::Int32
            | DType::Int64
            | DType::Uint8
            | DType::Uint16
            | DType::Uint32
            | DType::Uint64 => Self::Whole,
            DType::Float | DType::Double | DType::Half | DType::Bfloat16 => Self::Fraction,
        }
    }
}

/// True when TensorFlow Serving reads an input of the wanted type from the JSON of an array of the given one: a fraction
/// from any number, a whole number from whole ones (`json_tensor.cc`, `AddValueToTensor`). Their range is not compared.
fn takes_json_of(wanted: DType, given: DType) -> bool {
    let (wanted, given) = (Kind::of(wanted), Kind::of(given));
    wanted == given || (wanted, given) == (Kind::Fraction, Kind::Whole)
}

// The JSON of `GetModelMetadataResponse`, in which protobuf leaves out what is empty.

#[derive(Deserialize)]
struct Wire {
    model_spec: WireSpec,
    metadata: WireMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    name: String,
    version: serde_json::Value,
}

#[derive(Deserialize)]
struct WireMetadata {
    signature_def: WireSignatures,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireSignatures {
    signature_def: BTreeMap<String, WireSignature>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireSignature {
    inputs: BTreeMap<String, WireTensor>,
    outputs: BTreeMap<String, WireTensor>,
    method_name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireTensor {
    dtype: String,
    tensor_shape: WireShape,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireShape {
    dim: Vec<WireDim>,
    unknown_rank: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireDim {
    size: serde_json::Value,
}

/// A 64-bit integer, written as a string or as a number.
fn integer(value: &serde_json::Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

impl WireTensor {
    fn info(self) -> Result<TensorInfo, ParseError> {
        let dims = self.tensor_shape.dim.iter().map(|dim| match &dim.size {
            // A size of zero is left out of protobuf's JSON.
            serde_json::Value::Null => Ok(Some(0)),
            size => integer(size)
                .map(|size| u64::try_from(size).ok())
                .ok_or_else(|| ParseError::new(format!("{size} is not the size of a dimension"))),
        });
        let dims = dims.collect::<Result<Vec<_>, ParseError>>()?;
        Ok(TensorInfo {
            dtype: DType::of_name(&self.dtype),
            dtype_name: self.dtype,
            shape: (!self.tensor_shape.unknown_rank).then_some(dims),
        })
    }
}

fn tensors(wire: BTreeMap<String, WireTensor>) -> Result<BTreeMap<String, TensorInfo>, ParseError> {
    wire.into_iter().map(|(name, tensor)| Ok((name, tensor.info()?))).collect()
}

pub(crate) fn parse(body: &[u8]) -> Result<Metadata, ParseError> {
    let wire: Wire = serde_json::from_str(&String::from_utf8_lossy(body))
        .map_err(|error| ParseError::new(format!("it is not a model's metadata: {error}")))?;
    let signatures = wire.metadata.signature_def.signature_def.into_iter().map(|(name, wire)| {
        let signature = Signature {
            method: wire.method_name,
            inputs: tensors(wire.inputs)?,
            outputs: tensors(wire.outputs)?,
        };
        Ok((name, signature))
    });
    Ok(Metadata {
        model: wire.model_spec.name,
        version: integer(&wire.model_spec.version),
        versions: Vec::new(),
        signatures: signatures.collect::<Result<_, ParseError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Tensor, TensorData};

    const METADATA: &[u8] = br#"{"model_spec": {"name": "m", "signature_name": "", "version": "3"},
        "metadata": {"signature_def": {"signature_def": {
          "serving_default": {"inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": {
              "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}], "unknown_rank": false}, "name": "x:0"}},
            "outputs": {"y": {"dtype": "DT_COMPLEX64", "tensor_shape": {"dim": [], "unknown_rank": true}, "name": "y:0"}},
            "method_name": "tensorflow/serving/predict"},
          "two": {"inputs": {
              "a": {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": "-1"}]}},
              "b": {"dtype": "DT_INT64", "tensor_shape": {"dim": []}}}, "outputs": {}, "method_name": ""}}}}}"#;

    #[test]
    fn signatures_are_read() {
        let metadata = parse(METADATA).unwrap();
        assert_eq!((metadata.model.as_str(), metadata.version), ("m", Some(3)));
        let signature = metadata.signature("").unwrap();
        assert_eq!(signature.inputs["x"].to_string(), "DT_FLOAT[?, 2]");
        assert_eq!(signature.outputs["y"].to_string(), "DT_COMPLEX64 of any shape");
        assert_eq!(signature.outputs["y"].dtype, None);
        let message = metadata.signature("three").unwrap_err().to_string();
        assert!(message.contains("serving_default, two"), "{message}");
        assert!(parse(b"{}").is_err());
    }

    #[test]
    fn inputs_are_compared_with_a_signature() {
        let metadata = parse(METADATA).unwrap();
        let one = metadata.signature("").unwrap();
        let floats = |shape: &[usize]| {
            let data = TensorData::Float(vec![0.0; shape.iter().product()]);
            Tensor::new(shape.to_vec(), data).unwrap()
        };
        assert!(one.check(&floats(&[5, 2]).into()).is_empty());
        assert!(one.check(&Input::named([("x", floats(&[1, 2]))])).is_empty());
        let whole = Tensor::new(vec![1, 2], TensorData::Int64(vec![1, 2])).unwrap();
        assert!(one.check(&(&whole).into()).to_string().contains("DT_INT64"));
        assert!(one.check_over(&(&whole).into(), Wiring::Json).is_empty());
        let truth = Tensor::new(vec![1, 2], TensorData::Bool(vec![true, false])).unwrap();
        assert!(!one.check_over(&(&truth).into(), Wiring::Json).is_empty());
        let text = one.check(&floats(&[2]).into()).to_string();
        assert!(text.contains("DT_FLOAT[2]") && text.contains("a batch is expected"), "{text}");
        let text = one.check(&vec![1_u8].into()).to_string();
        assert!(text.contains("DT_STRING[1]") && text.contains("decode"), "{text}");

        let two = metadata.signature("two").unwrap();
        let text = two.check(&Input::named([("a", floats(&[1])), ("c", floats(&[1]))])).to_string();
        for part in ["inputs.a", "inputs.b", "missing", "inputs.c", "no such input"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = two.check(&vec![1_u8].into()).to_string();
        assert!(text.contains("no name"), "{text}");
    }
}
