//! KServe's V1 protocol: REST with the paths of TensorFlow Serving, without versions, labels, signatures and metadata.
//! <https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol>

use std::time::Instant;

use canary_http::Response;
use serde::Deserialize;

use super::{Call, Dialect, Payload, Unsupported};
use crate::{
    error::{Error, Origin, Result},
    predict::{
        address::{ModelVersion, model_path},
        config::Config,
        input::Input,
        metadata::Metadata,
        request,
        response::{self, ParseError, Parsed, Reading},
        status::ModelStatus,
    },
};

/// JSON over REST.
pub(super) struct Rest;

/// `{"name": "m", "ready": true}`; earlier versions write the truth value as a text.
#[derive(Deserialize)]
struct Ready {
    ready: serde_json::Value,
}

impl Dialect for Rest {
    fn path(&self, config: &Config, call: Call) -> Result<String, Unsupported> {
        if config.version != ModelVersion::Latest {
            return Err(Unsupported::new(
                "a version or a label is selected, and KServe's V1 protocol has no versions",
                "leave it out, or use the protocol v2",
            ));
        }
        let model = model_path(&config.address.prefix, &config.model, &config.version);
        match call {
            Call::Predict => Ok(model + ":predict"),
            Call::Status => Ok(model),
            Call::Metadata => Err(Unsupported::new(
                "KServe's V1 protocol has no metadata",
                "use the protocol v2, which KServe's servers speak as well",
            )),
            Call::Classify | Call::Regress => Err(Unsupported::examples()),
            #[cfg(feature = "grpc")]
            Call::Reload => Err(Unsupported::reload()),
        }
    }

    fn names_inputs(&self) -> bool {
        false
    }

    fn is_typed(&self) -> bool {
        false
    }

    fn write_predict(&self, config: &Config, input: Input<'_>) -> Result<Payload> {
        let mut body = Vec::new();
        request::write_predict(&mut body, "", config.form, &input)?;
        Ok(Payload::Json(body.into()))
    }

    fn read_predict(
        &self,
        config: &Config,
        response: &Response,
        deadline: Option<Instant>,
    ) -> Parsed<Reading> {
        response::read_any_predict(&response.body, config.doubles, deadline).map(Into::into)
    }

    fn read_metadata(&self, _: &Config, _: &Response) -> Parsed<Metadata> {
        Err(ParseError::new("the protocol has no metadata"))
    }

    fn read_status(&self, _: &Config, response: &Response) -> Parsed<ModelStatus> {
        let read: Ready = serde_json::from_slice(&response.body).map_err(|error| {
            ParseError::new(format!("it does not say if the model is ready: {error}"))
        })?;
        match &read.ready {
            serde_json::Value::Bool(ready) => Ok(ModelStatus::of_model(*ready)),
            serde_json::Value::String(text) if text.eq_ignore_ascii_case("true") => {
                Ok(ModelStatus::of_model(true))
            }
            serde_json::Value::String(text) if text.eq_ignore_ascii_case("false") => {
                Ok(ModelStatus::of_model(false))
            }
            other => Err(ParseError::new(format!("\"ready\" is {other}, expected true or false"))),
        }
    }

    fn not_ready(&self, error: &Error) -> Option<ModelStatus> {
        let Error::Predict(error) = error else { return None };
        let loading = error.origin == Origin::Server && error.status == Some(503);
        loading.then(|| ModelStatus::of_model(false))
    }
}
