//! Writes requests. A predict request is written by hand in one pass: its arrays are copied once, from where they
//! lie into the body.

use prost::{
    Message,
    encoding::{encode_varint, encoded_len_varint},
};

use super::{
    messages::{
        BytesList, Example, ExampleList, ExampleListWithContext, ExamplesRequest, Feature,
        Features, FloatList, GetModelMetadataRequest, GetModelStatusRequest, Input as WireInput,
        Int64List, Int64Value, Kind, ModelSpec,
    },
    tensor::code_of,
};
use crate::{
    error::Result,
    predict::{
        address::ModelVersion,
        examples::{self, Examples},
        input::{Input, bad_input},
    },
    tensor::{DataView, TensorView},
};

const LENGTH: u8 = 2;

/// Names the model, its version and the signature.
pub(crate) fn model_spec(model: &str, version: &ModelVersion, signature: &str) -> ModelSpec {
    let mut spec = ModelSpec {
        name: model.to_owned(),
        signature_name: signature.to_owned(),
        ..ModelSpec::default()
    };
    match version {
        ModelVersion::Latest => {}
        // A number that does not fit was refused when it was set.
        ModelVersion::Number(number) => {
            spec.version = Some(Int64Value { value: i64::try_from(*number).unwrap_or(i64::MAX) });
        }
        ModelVersion::Label(label) => spec.version_label.clone_from(label),
    }
    spec
}

fn key(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

/// The size of a field with a length in front of it.
fn field_size(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

fn start(body: &mut Vec<u8>, field: u8, length: usize) {
    body.push(key(field, LENGTH));
    encode_varint(length as u64, body);
}

fn write_bytes(body: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    /// What is copied at once. Longer copies are left to an instruction (`rep movsb`) that takes a third longer when
    /// its ends are not aligned alike, and what stands before an array has any length.
    const STRIDE: usize = 2048;
    start(body, field, bytes.len());
    body.reserve(bytes.len());
    for part in bytes.chunks(STRIDE) {
        body.extend_from_slice(part);
    }
}

/// The sizes of an array's parts, reckoned before it is written.
struct Sizes {
    shape: usize,
    tensor: usize,
}

fn dim_size(size: usize) -> usize {
    // `size` is left out when it is zero, as proto3 has it.
    if size == 0 { 0 } else { 1 + encoded_len_varint(size as u64) }
}

impl Sizes {
    fn of(view: &TensorView<'_>) -> Self {
        let shape = view.shape().iter().map(|&size| field_size(dim_size(size))).sum();
        let elements = match view.data() {
            DataView::Float(values) => content_size(values),
            DataView::Double(values) => content_size(values),
            DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
                content_size(values)
            }
            DataView::Int8(values) => content_size(values),
            DataView::Int16(values) => content_size(values),
            DataView::Int32(values) => content_size(values),
            DataView::Int64(values) => content_size(values),
            DataView::Uint8(values) => content_size(values),
            DataView::Uint32(values) => content_size(values),
            DataView::Uint64(values) => content_size(values),
            DataView::Bool(values) => content_size(values),
            DataView::String(values) => values.iter().map(|value| field_size(value.len())).sum(),
            DataView::Bytes(values) => values.iter().map(|value| field_size(value.len())).sum(),
        };
        // The element type, whose number is below 128, and the shape, which is there also for a scalar.
        Self { shape, tensor: 2 + field_size(shape) + elements }
    }
}

/// `tensor_content`, which is left out when it is empty.
fn content_size<T>(values: &[T]) -> usize {
    if values.is_empty() { 0 } else { field_size(size_of_val(values)) }
}

#[cfg(target_endian = "little")]
fn write_content<T: bytemuck::NoUninit>(body: &mut Vec<u8>, values: &[T]) {
    if !values.is_empty() {
        write_bytes(body, 4, bytemuck::cast_slice(values));
    }
}

#[cfg(target_endian = "big")]
fn write_content<T: bytemuck::NoUninit>(body: &mut Vec<u8>, values: &[T]) {
    if !values.is_empty() {
        start(body, 4, size_of_val(values));
        for value in values {
            body.extend(bytemuck::bytes_of(value).iter().rev());
        }
    }
}

fn write_tensor(body: &mut Vec<u8>, view: &TensorView<'_>, sizes: &Sizes) {
    body.push(key(1, 0));
    // All numbers of element types are positive.
    encode_varint(u64::from(code_of(view.dtype()).unsigned_abs()), body);
    start(body, 2, sizes.shape);
    for &size in view.shape() {
        start(body, 2, dim_size(size));
        if size != 0 {
            body.push(key(1, 0));
            encode_varint(size as u64, body);
        }
    }
    match view.data() {
        DataView::Float(values) => write_content(body, values),
        DataView::Double(values) => write_content(body, values),
        DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
            write_content(body, values);
        }
        DataView::Int8(values) => write_content(body, values),
        DataView::Int16(values) => write_content(body, values),
        DataView::Int32(values) => write_content(body, values),
        DataView::Int64(values) => write_content(body, values),
        DataView::Uint8(values) => write_content(body, values),
        DataView::Uint32(values) => write_content(body, values),
        DataView::Uint64(values) => write_content(body, values),
        DataView::Bool(values) => write_content(body, values),
        DataView::String(values) => values.iter().for_each(|value| write_bytes(body, 8, value)),
        DataView::Bytes(values) => values.iter().for_each(|value| write_bytes(body, 8, value)),
    }
}

/// Writes a `PredictRequest` to the end of `body`, byte for byte as protobuf does.
///
/// # Errors
/// [`crate::Error::Image`] for no input, a name given twice, or an input without a name: gRPC asks by names.
pub fn write_predict(
    body: &mut Vec<u8>,
    model: &str,
    version: &ModelVersion,
    signature: &str,
    input: &Input<'_>,
) -> Result<()> {
    let views = input.views()?;
    let sizes: Vec<_> = views.iter().map(|(_, view)| Sizes::of(view)).collect();
    let spec = model_spec(model, version, signature).encode_to_vec();
    let entry = |name: &str, sizes: &Sizes| field_size(name.len()) + field_size(sizes.tensor);
    let total: usize =
        views.iter().zip(&sizes).map(|((name, _), sizes)| field_size(entry(name, sizes))).sum();
    body.reserve(field_size(spec.len()) + total);
    write_bytes(body, 1, &spec);
    for ((name, view), sizes) in views.iter().zip(&sizes) {
        if name.is_empty() {
            return Err(bad_input(
                "it has no name, and gRPC asks by names",
                "give the inputs by name",
            ));
        }
        start(body, 2, entry(name, sizes));
        write_bytes(body, 1, name.as_bytes());
        start(body, 2, sizes.tensor);
        write_tensor(body, view, sizes);
    }
    Ok(())
}

fn example(example: &examples::Example) -> Example {
    let feature = example.features.iter().map(|(name, feature)| {
        let kind = match feature {
            examples::Feature::Bytes(value) => Kind::Bytes(BytesList { value: value.clone() }),
            examples::Feature::Floats(value) => Kind::Floats(FloatList { value: value.clone() }),
            examples::Feature::Ints(value) => Kind::Ints(Int64List { value: value.clone() }),
        };
        (name.clone(), Feature { kind: Some(kind) })
    });
    Example { features: Some(Features { feature: feature.collect() }) }
}

/// A `ClassificationRequest` or a `RegressionRequest`.
pub(crate) fn write_examples(spec: ModelSpec, asked: &Examples) -> Result<Vec<u8>> {
    if asked.examples.is_empty() {
        return Err(bad_input("there is no example", "give at least one"));
    }
    let examples = asked.examples.iter().map(example).collect();
    let input = match &asked.context {
        None => WireInput {
            example_list: Some(ExampleList { examples }),
            example_list_with_context: None,
        },
        Some(context) => WireInput {
            example_list: None,
            example_list_with_context: Some(ExampleListWithContext {
                examples,
                context: Some(example(context)),
            }),
        },
    };
    Ok(ExamplesRequest { model_spec: Some(spec), input: Some(input) }.encode_to_vec())
}

pub(crate) fn metadata_request(spec: ModelSpec) -> Vec<u8> {
    let metadata_field = vec!["signature_def".to_owned()];
    GetModelMetadataRequest { model_spec: Some(spec), metadata_field }.encode_to_vec()
}

pub(crate) fn status_request(spec: ModelSpec) -> Vec<u8> {
    GetModelStatusRequest { model_spec: Some(spec) }.encode_to_vec()
}
