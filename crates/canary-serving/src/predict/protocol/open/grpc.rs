//! The same calls over gRPC.

use std::{collections::BTreeMap, time::Instant};

use bytes::Bytes;
use canary_http::Response;
use canary_proto::inference::{
    InferTensorContents, ModelInferRequest, ModelInferResponse, ModelMetadataRequest,
    ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ServerMetadataRequest,
    ServerMetadataResponse,
    infer_parameter::ParameterChoice,
    model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    model_infer_response::InferOutputTensor,
    model_metadata_response::TensorMetadata,
};

use super::{
    Call, Dialect, Encoding, Payload, Unsupported,
    datatype::{name_of, of_name},
    describe, id, raw, response, version,
};
use crate::{
    error::Result,
    predict::{
        config::Config,
        grpc::{self, Field, STRING, entry, field},
        input::{Input, Value, input_error},
        metadata::{Metadata, TensorInfo},
        response::{MAX_DIMENSIONS, MAX_OUTPUTS, ParseError, Parsed, Reading},
        status::ModelStatus,
    },
    tensor::{DType, DataView, Tensor, TensorData, TensorView},
};

/// A request of the service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    Infer(ModelInferRequest),
    Metadata(ModelMetadataRequest),
    Ready(ModelReadyRequest),
    Server(ServerMetadataRequest),
}

impl Message {
    /// The request for the description of the server.
    pub(crate) fn server() -> Self {
        Self::Server(ServerMetadataRequest {})
    }
}

/// The memory that fields of responses need, as [`grpc::decode`] bounds it. Lists of numbers take at most eight times
/// their size.
const PARAMETERS: Field = field(4, entry::<ParameterChoice>(), &[]);
const INFER: &[Field] = &[
    PARAMETERS,
    field(
        5,
        size_of::<InferOutputTensor>(),
        &[PARAMETERS, field(5, size_of::<InferTensorContents>(), &[field(8, STRING, &[])])],
    ),
    field(6, size_of::<Bytes>(), &[]),
];
const METADATA: &[Field] = &[
    field(2, STRING, &[]),
    field(4, size_of::<TensorMetadata>() + STRING, &[]),
    field(5, size_of::<TensorMetadata>() + STRING, &[]),
];
const SERVER: &[Field] = &[field(3, STRING, &[])];

/// Messages over gRPC.
pub(in crate::predict::protocol) struct Grpc;

impl Dialect for Grpc {
    fn path(&self, config: &Config, call: Call) -> Result<String, Unsupported> {
        let method = match call {
            Call::Predict => "ModelInfer",
            Call::Metadata => "ModelMetadata",
            Call::Status => "ModelReady",
            Call::Classify | Call::Regress => return Err(Unsupported::examples()),
            Call::Reload => return Err(Unsupported::reload()),
        };
        Ok(format!("/{}/{method}", config.service))
    }

    fn names_inputs(&self) -> bool {
        true
    }

    fn is_typed(&self) -> bool {
        true
    }

    fn write_predict(&self, config: &Config, input: Input<'_>) -> Result<Payload> {
        write(config, input).map(payload)
    }

    fn read_predict(&self, _: &Config, response: &Response, _: Option<Instant>) -> Parsed<Reading> {
        read(grpc::decode(response.body.clone(), INFER)?)
    }

    fn write_metadata(&self, config: &Config) -> Payload {
        let (name, version) = (config.model.clone(), version(config));
        payload(Message::Metadata(ModelMetadataRequest { name, version }))
    }

    fn read_metadata(&self, _: &Config, response: &Response) -> Parsed<Metadata> {
        let read: ModelMetadataResponse = grpc::decode(response.body.clone(), METADATA)?;
        let ModelMetadataResponse { name, versions, platform, inputs, outputs } = read;
        Ok(describe::metadata(name, versions, platform, infos(inputs), infos(outputs)))
    }

    fn write_status(&self, config: &Config) -> Payload {
        let (name, version) = (config.model.clone(), version(config));
        payload(Message::Ready(ModelReadyRequest { name, version }))
    }

    fn read_status(&self, _: &Config, response: &Response) -> Parsed<ModelStatus> {
        let read: ModelReadyResponse = grpc::decode(response.body.clone(), &[])?;
        Ok(ModelStatus::of_model(read.ready))
    }
}

fn payload(message: Message) -> Payload {
    Payload::Message(grpc::Request::Open(message))
}

fn infos(infos: Vec<TensorMetadata>) -> BTreeMap<String, TensorInfo> {
    infos.into_iter().map(|one| (one.name, describe::info(one.datatype, &one.shape))).collect()
}

/// The name, the version and the extensions of a server, when these bytes describe one.
pub(crate) fn read_server(body: &Bytes) -> Option<(String, Vec<String>)> {
    let read: ServerMetadataResponse = grpc::decode(body.clone(), SERVER).ok()?;
    let ServerMetadataResponse { name, version, extensions } = read;
    let shown = format!("{name} {version}").trim().to_owned();
    (!name.is_empty()).then_some((shown, extensions))
}

fn write(config: &Config, input: Input<'_>) -> Result<Message> {
    let views = input.views()?;
    if views.iter().any(|(name, _)| name.is_empty()) {
        let reason = "it has no name, and gRPC has no inputs without a name";
        return Err(input_error(reason, "give the inputs by name"));
    }
    // Before anything is copied.
    grpc::check_size(views.iter().map(|(_, view)| raw::length_of(view)).sum())?;
    let mut request = ModelInferRequest {
        model_name: config.model.clone(),
        model_version: version(config),
        id: id(),
        outputs: config
            .outputs
            .iter()
            .map(|name| InferRequestedOutputTensor { name: name.clone(), ..Default::default() })
            .collect(),
        ..ModelInferRequest::default()
    };
    let lists = config.encoding == Encoding::Lists;
    for (name, value) in input.values {
        let view = value.view();
        // A dimension above `i64::MAX` needs more elements than memory has, or another dimension of length 0.
        let dimension = |&length: &usize| i64::try_from(length).unwrap_or(i64::MAX);
        let (datatype, shape) = (name_of(view.dtype()), view.shape().iter().map(dimension));
        let mut tensor = InferInputTensor {
            name: name.into_owned(),
            datatype: datatype.to_owned(),
            shape: shape.collect(),
            ..InferInputTensor::default()
        };
        if lists {
            tensor.contents = Some(contents(&tensor.name, &view)?);
        } else {
            request.raw_input_contents.push(raw_bytes(value)?);
        }
        request.inputs.push(tensor);
    }
    let message = Message::Infer(request);
    grpc::check_size(grpc::Request::Open(message.clone()).len())?;
    Ok(message)
}

/// An input's elements; numbers that are owned or shared are not copied.
fn raw_bytes(value: Value<'_>) -> Result<Bytes> {
    let view = value.view();
    if view.dtype() != DType::String {
        return Ok(grpc::content(value));
    }
    let mut bytes = Vec::with_capacity(raw::length_of(&view));
    raw::write(&mut bytes, &view)?;
    Ok(bytes.into())
}

/// An input's elements in the list of their type.
fn contents(name: &str, view: &TensorView<'_>) -> Result<InferTensorContents> {
    let mut lists = InferTensorContents::default();
    let wide = |values: &[u8]| values.iter().map(|&value| value.into()).collect();
    match view.data() {
        DataView::Bool(values) => lists.bool_contents = values.to_vec(),
        DataView::Int8(values) => {
            lists.int_contents = values.iter().map(|&value| value.into()).collect();
        }
        DataView::Int16(values) => {
            lists.int_contents = values.iter().map(|&value| value.into()).collect();
        }
        DataView::Int32(values) => lists.int_contents = values.to_vec(),
        DataView::Int64(values) => lists.int64_contents = values.to_vec(),
        DataView::Uint8(values) => lists.uint_contents = wide(values),
        DataView::Uint16(values) => {
            lists.uint_contents = values.iter().map(|&value| value.into()).collect();
        }
        DataView::Uint32(values) => lists.uint_contents = values.to_vec(),
        DataView::Uint64(values) => lists.uint64_contents = values.to_vec(),
        DataView::Float(values) => lists.fp32_contents = values.to_vec(),
        DataView::Double(values) => lists.fp64_contents = values.to_vec(),
        DataView::String(values) => {
            lists.bytes_contents = values.iter().map(|v| Bytes::copy_from_slice(v)).collect();
        }
        DataView::Bytes(values) => {
            lists.bytes_contents = values.iter().map(|v| Bytes::copy_from_slice(v)).collect();
        }
        DataView::Half(_) | DataView::Bfloat16(_) => {
            return Err(input_error(
                &format!("{name:?} has dtype {}, for which gRPC has no list", view.dtype()),
                "use the encoding raw, or convert it to DT_FLOAT",
            ));
        }
    }
    Ok(lists)
}

fn read(answer: ModelInferResponse) -> Parsed<Reading> {
    let ModelInferResponse { model_version, outputs, raw_output_contents, .. } = answer;
    if outputs.is_empty() {
        return Err(ParseError::new("it has no output"));
    }
    if outputs.len() > MAX_OUTPUTS {
        return Err(ParseError::new(format!("it has more than {MAX_OUTPUTS} outputs")));
    }
    if !raw_output_contents.is_empty() && raw_output_contents.len() != outputs.len() {
        return Err(ParseError::new(format!(
            "it has {} outputs and the raw elements of {}",
            outputs.len(),
            raw_output_contents.len()
        )));
    }
    let mut raw = raw_output_contents.into_iter();
    let read = |mut output: InferOutputTensor| {
        let name = std::mem::take(&mut output.name);
        let tensor = read_output(output, raw.next());
        let tensor = tensor
            .map_err(|error| ParseError::new(format!("output {name:?}: {}", error.reason)))?;
        Ok((name, tensor))
    };
    let outputs = outputs.into_iter().map(read).collect::<Parsed<_>>()?;
    Ok(Reading::new(outputs, Some(model_version)))
}

fn read_output(mut output: InferOutputTensor, raw: Option<Bytes>) -> Parsed<Tensor> {
    let InferOutputTensor { datatype, shape, .. } = &output;
    if shape.len() > MAX_DIMENSIONS {
        return Err(ParseError::new(format!("an array has more than {MAX_DIMENSIONS} dimensions")));
    }
    let shape = shape
        .iter()
        .map(|&length| usize::try_from(length))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ParseError::new("its shape has a dimension of unknown length"))?;
    let dtype = of_name(datatype)
        .ok_or_else(|| ParseError::new(format!("datatype {datatype:?} is not known")))?;
    let data = match raw {
        Some(bytes) => raw::read(dtype, &bytes).map_err(ParseError::new)?,
        None => listed(dtype, output.contents.take().unwrap_or_default())?,
    };
    let content_type =
        output.parameters.remove("content_type").and_then(|one| one.parameter_choice);
    let content_type = match content_type {
        Some(ParameterChoice::StringParam(text)) => Some(text),
        _ => None,
    };
    response::tensor(&shape, data, content_type.as_deref())
}

fn narrow<W: TryInto<N> + Copy + std::fmt::Display, N>(
    values: &[W],
    dtype: DType,
) -> Parsed<Vec<N>> {
    let narrow = |&value: &W| {
        let error =
            || ParseError::new(format!("{value} is outside the range of {}", name_of(dtype)));
        value.try_into().map_err(|_| error())
    };
    values.iter().map(narrow).collect()
}

/// The elements in the list of their type.
fn listed(dtype: DType, lists: InferTensorContents) -> Parsed<TensorData> {
    let (ints, uints) = (&lists.int_contents, &lists.uint_contents);
    Ok(match dtype {
        DType::Bool => TensorData::Bool(lists.bool_contents),
        DType::Int8 => TensorData::Int8(narrow(ints, dtype)?),
        DType::Int16 => TensorData::Int16(narrow(ints, dtype)?),
        DType::Int32 => TensorData::Int32(lists.int_contents),
        DType::Int64 => TensorData::Int64(lists.int64_contents),
        DType::Uint8 => TensorData::Uint8(narrow(uints, dtype)?),
        DType::Uint16 => TensorData::Uint16(narrow(uints, dtype)?),
        DType::Uint32 => TensorData::Uint32(lists.uint_contents),
        DType::Uint64 => TensorData::Uint64(lists.uint64_contents),
        DType::Float => TensorData::Float(lists.fp32_contents),
        DType::Double => TensorData::Double(lists.fp64_contents),
        DType::String => {
            let values = lists.bytes_contents.into_iter();
            TensorData::String(values.map(|value| value.to_vec()).collect())
        }
        // Some servers list 16-bit floats as 32-bit ones.
        DType::Half => TensorData::Half(
            lists.fp32_contents.iter().map(|&v| half::f16::from_f32(v).to_bits()).collect(),
        ),
        DType::Bfloat16 => TensorData::Bfloat16(
            lists.fp32_contents.iter().map(|&v| half::bf16::from_f32(v).to_bits()).collect(),
        ),
    })
}
