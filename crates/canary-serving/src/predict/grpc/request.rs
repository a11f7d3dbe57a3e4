//! Requests as messages, from inputs.

use bytes::Bytes;
use canary_proto::tensorflow::{
    self as wire,
    feature::Kind,
    serving::{
        self, ClassificationRequest, ExampleList, ExampleListWithContext, GetModelMetadataRequest,
        GetModelStatusRequest, ModelSpec, PredictRequest, ReloadConfigRequest,
        model_spec::VersionChoice,
    },
};

use super::{
    call::Request,
    tensor::{size_of_elements, write},
};
use crate::{
    error::Result,
    predict::{
        address::ModelVersion,
        examples::{Example, Examples, Feature},
        input::{Input, input_error},
        request::Body,
    },
    workload::ModelServerConfig,
};

/// protobuf's own limit for one message.
const MAX: usize = i32::MAX as usize;

/// Names the model, its version and the signature.
pub(crate) fn model_spec(model: &str, version: &ModelVersion, signature: &str) -> ModelSpec {
    ModelSpec {
        name: model.to_owned(),
        signature_name: signature.to_owned(),
        version_choice: match version {
            ModelVersion::Latest => None,
            // A number that does not fit was refused when it was set.
            ModelVersion::Number(number) => {
                Some(VersionChoice::Version(i64::try_from(*number).unwrap_or(i64::MAX)))
            }
            ModelVersion::Label(label) => Some(VersionChoice::VersionLabel(label.clone())),
        },
    }
}

/// Refuses a message that protobuf cannot hold.
pub(crate) fn check_size(size: usize) -> Result<()> {
    if size <= MAX {
        return Ok(());
    }
    Err(input_error(
        &format!("its message takes {size} bytes, and protobuf's limit is {MAX}"),
        "send fewer of them in one request",
    ))
}

/// Writes a `PredictRequest` to the end of `body`.
///
/// A [`Client`](crate::predict::Client) does it by itself.
///
/// # Errors
/// [`crate::Error::Input`] for no input, a name given twice, an input without a name (gRPC has no inputs without one),
/// or more than the 2 GiB that protobuf can hold.
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
    /// The bytes that are copied between two calls of `is_abandoned`.
    const STRIDE: usize = 64 << 10;
    let message = predict(model_spec(model, version, signature), input.into(), &[])?.to_vec();
    body.reserve(message.len());
    for part in message.chunks(STRIDE) {
        if body.is_abandoned() {
            break;
        }
        body.append(part);
    }
    Ok(())
}

/// A `PredictRequest` for these outputs, or for all.
pub(crate) fn predict(spec: ModelSpec, input: Input<'_>, outputs: &[String]) -> Result<Request> {
    let views = input.views()?;
    if views.iter().any(|(name, _)| name.is_empty()) {
        let reason = "it has no name, and gRPC has no inputs without a name";
        return Err(input_error(reason, "give the inputs by name"));
    }
    // Before anything is copied.
    check_size(views.iter().map(|(_, view)| size_of_elements(view.data())).sum())?;
    let inputs = input.values.into_iter().map(|(name, value)| (name.into_owned(), write(value)));
    let request = PredictRequest {
        model_spec: Some(spec),
        inputs: inputs.collect(),
        output_filter: outputs.to_vec(),
    };
    checked(Request::Predict(request))
}

fn checked(request: Request) -> Result<Request> {
    check_size(request.len())?;
    Ok(request)
}

fn example(example: &Example) -> wire::Example {
    let feature = example.features.iter().map(|(name, feature)| {
        let kind = match feature {
            Feature::Bytes(values) => {
                let value = values.iter().map(|value| Bytes::copy_from_slice(value)).collect();
                Kind::BytesList(wire::BytesList { value })
            }
            Feature::Floats(value) => Kind::FloatList(wire::FloatList { value: value.clone() }),
            Feature::Ints(value) => Kind::Int64List(wire::Int64List { value: value.clone() }),
        };
        (name.clone(), wire::Feature { kind: Some(kind) })
    });
    wire::Example { features: Some(wire::Features { feature: feature.collect() }) }
}

/// A `ClassificationRequest` or a `RegressionRequest`.
pub(crate) fn examples(spec: ModelSpec, given: &Examples) -> Result<Request> {
    if given.examples.is_empty() {
        return Err(input_error("there is no example", "give at least one"));
    }
    let examples = given.examples.iter().map(example).collect();
    let kind = match &given.context {
        None => serving::input::Kind::ExampleList(ExampleList { examples }),
        Some(context) => serving::input::Kind::ExampleListWithContext(ExampleListWithContext {
            examples,
            context: Some(example(context)),
        }),
    };
    checked(Request::Examples(ClassificationRequest {
        model_spec: Some(spec),
        input: Some(serving::Input { kind: Some(kind) }),
    }))
}

pub(crate) fn metadata(spec: ModelSpec) -> Request {
    let metadata_field = vec!["signature_def".to_owned()];
    Request::Metadata(GetModelMetadataRequest { model_spec: Some(spec), metadata_field })
}

/// The request that replaces the models of a server.
pub(crate) fn reload(config: &ModelServerConfig) -> Result<Request> {
    checked(Request::Reload(ReloadConfigRequest { config: Some(config.to_message()) }))
}

pub(crate) fn status(spec: ModelSpec) -> Request {
    Request::Status(GetModelStatusRequest { model_spec: Some(spec) })
}
