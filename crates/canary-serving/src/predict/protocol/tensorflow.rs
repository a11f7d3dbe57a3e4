//! TensorFlow Serving's protocol, over REST and gRPC.

use std::time::Instant;

use canary_http::Response;

use super::{Call, Dialect, Payload, Unsupported};
#[cfg(feature = "grpc")]
use crate::predict::grpc;
use crate::{
    error::Result,
    predict::{
        address::model_path,
        config::Config,
        examples::Examples,
        input::Input,
        metadata::{self, Metadata},
        request,
        response::{self, Parsed, Reading},
        status::{self, ModelStatus},
    },
};

/// JSON over REST.
pub(super) struct Rest;

impl Dialect for Rest {
    fn path(&self, config: &Config, call: Call) -> Result<String, Unsupported> {
        let verb = match call {
            Call::Predict => ":predict",
            Call::Classify => ":classify",
            Call::Regress => ":regress",
            Call::Metadata => "/metadata",
            Call::Status => "",
            #[cfg(feature = "grpc")]
            Call::Reload => return Err(Unsupported::reload()),
        };
        Ok(model_path(&config.address.prefix, &config.model, &config.version) + verb)
    }

    fn names_inputs(&self) -> bool {
        false
    }

    fn is_typed(&self) -> bool {
        false
    }

    fn write_predict(&self, config: &Config, input: Input<'_>) -> Result<Payload> {
        let mut body = Vec::new();
        request::write_predict(&mut body, &config.signature, config.form, &input)?;
        Ok(Payload::Json(body.into()))
    }

    fn read_predict(
        &self,
        config: &Config,
        response: &Response,
        deadline: Option<Instant>,
    ) -> Parsed<Reading> {
        response::read_predict(&response.body, config.doubles, deadline).map(Into::into)
    }

    fn write_examples(&self, config: &Config, examples: &Examples) -> Result<Payload> {
        Ok(Payload::Json(examples.write(&config.signature)?.into()))
    }

    fn read_classify(
        &self,
        config: &Config,
        response: &Response,
        deadline: Option<Instant>,
    ) -> Parsed<Reading> {
        response::read_classify(&response.body, config.doubles, deadline).map(Into::into)
    }

    fn read_regress(
        &self,
        config: &Config,
        response: &Response,
        deadline: Option<Instant>,
    ) -> Parsed<Reading> {
        response::read_regress(&response.body, config.doubles, deadline).map(Into::into)
    }

    fn read_metadata(&self, _: &Config, response: &Response) -> Parsed<Metadata> {
        metadata::parse(&response.body)
    }

    fn read_status(&self, _: &Config, response: &Response) -> Parsed<ModelStatus> {
        status::parse(&response.body)
    }
}

/// Messages over gRPC.
#[cfg(feature = "grpc")]
pub(super) struct Grpc;

#[cfg(feature = "grpc")]
fn spec(config: &Config) -> canary_proto::tensorflow::serving::ModelSpec {
    grpc::model_spec(&config.model, &config.version, &config.signature)
}

#[cfg(feature = "grpc")]
impl Dialect for Grpc {
    fn path(&self, _: &Config, call: Call) -> Result<String, Unsupported> {
        let procedure = match call {
            Call::Predict => "PredictionService/Predict",
            Call::Classify => "PredictionService/Classify",
            Call::Regress => "PredictionService/Regress",
            Call::Metadata => "PredictionService/GetModelMetadata",
            Call::Status => "ModelService/GetModelStatus",
            Call::Reload => "ModelService/HandleReloadConfigRequest",
        };
        Ok(format!("/tensorflow.serving.{procedure}"))
    }

    fn names_inputs(&self) -> bool {
        true
    }

    fn is_typed(&self) -> bool {
        true
    }

    fn write_predict(&self, config: &Config, input: Input<'_>) -> Result<Payload> {
        grpc::predict(spec(config), input, &config.outputs).map(Payload::Message)
    }

    fn read_predict(&self, _: &Config, response: &Response, _: Option<Instant>) -> Parsed<Reading> {
        grpc::read_predict(&response.body)
    }

    fn write_examples(&self, config: &Config, examples: &Examples) -> Result<Payload> {
        grpc::examples(spec(config), examples).map(Payload::Message)
    }

    fn read_classify(
        &self,
        _: &Config,
        response: &Response,
        _: Option<Instant>,
    ) -> Parsed<Reading> {
        grpc::read_classify(&response.body)
    }

    fn read_regress(&self, _: &Config, response: &Response, _: Option<Instant>) -> Parsed<Reading> {
        grpc::read_regress(&response.body)
    }

    fn write_metadata(&self, config: &Config) -> Payload {
        Payload::Message(grpc::metadata(spec(config)))
    }

    fn read_metadata(&self, _: &Config, response: &Response) -> Parsed<Metadata> {
        grpc::read_metadata(&response.body)
    }

    fn write_status(&self, config: &Config) -> Payload {
        Payload::Message(grpc::status(spec(config)))
    }

    fn read_status(&self, _: &Config, response: &Response) -> Parsed<ModelStatus> {
        grpc::read_status(&response.body)
    }
}
