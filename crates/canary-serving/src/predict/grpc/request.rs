//! Writes requests.

use prost::Message;

use super::{
    content,
    frame::Frame,
    layout::{Layout, check_size},
    messages::{
        BytesList, Example, ExampleList, ExampleListWithContext, ExamplesRequest, Feature,
        Features, FloatList, GetModelMetadataRequest, GetModelStatusRequest, Input as WireInput,
        Int64List, Int64Value, Kind, ModelSpec,
    },
};
use crate::{
    error::Result,
    predict::{
        address::ModelVersion,
        examples::{self, Examples},
        input::{Input, bad_input},
        request::Body,
    },
};

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

/// Writes a `PredictRequest` to the end of `body`, byte for byte as protobuf does.
///
/// A [`Client`](crate::predict::Client) does not need it: it sends arrays from where they lie.
///
/// # Errors
/// [`crate::Error::Input`] for no input, a name given twice, an input without a name (gRPC asks by names), or more
/// than the 2 GiB that protobuf can hold.
///
/// ```
/// use canary_core::predict::{Input, ModelVersion, write_predict_grpc};
///
/// let mut body = Vec::new();
/// let input = Input::named([("raw_image", b"a photo".as_slice())]);
/// write_predict_grpc(&mut body, "resnet", &ModelVersion::Latest, "", &input)?;
/// assert!(body.ends_with(b"a photo"));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn write_predict(
    body: &mut impl Body,
    model: &str,
    version: &ModelVersion,
    signature: &str,
    input: &Input<'_>,
) -> Result<()> {
    let spec = model_spec(model, version, signature).encode_to_vec();
    Layout::new(&spec, content::borrowed(input)?)?.write(body);
    Ok(())
}

/// A `PredictRequest` ready to be sent.
pub(crate) fn frame_predict(spec: &ModelSpec, input: Input<'_>) -> Result<Frame> {
    Ok(Frame::of_parts(Layout::new(&spec.encode_to_vec(), content::owned(input)?)?))
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
pub(crate) fn write_examples(spec: ModelSpec, asked: &Examples) -> Result<Frame> {
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
    let request = ExamplesRequest { model_spec: Some(spec), input: Some(input) };
    check_size(request.encoded_len())?;
    Ok(Frame::of(&request))
}

pub(crate) fn metadata_request(spec: ModelSpec) -> Frame {
    let metadata_field = vec!["signature_def".to_owned()];
    Frame::of(&GetModelMetadataRequest { model_spec: Some(spec), metadata_field })
}

pub(crate) fn status_request(spec: ModelSpec) -> Frame {
    Frame::of(&GetModelStatusRequest { model_spec: Some(spec) })
}
