//! The Open Inference Protocol ("V2"), over REST and gRPC.
//! <https://github.com/open-inference/open-inference-protocol>

mod codec;
mod datatype;
mod describe;
#[cfg(feature = "grpc")]
mod grpc;
mod raw;
mod request;
mod response;

use std::time::Instant;

use canary_http::Response;

pub use codec::{read as read_inference, write as write_inference};
pub(crate) use describe::read_server;
#[cfg(feature = "grpc")]
pub(super) use grpc::Grpc;
#[cfg(feature = "grpc")]
pub(crate) use grpc::{Message, read_server as read_server_message};
pub(crate) use response::JSON_LENGTH;

use super::{Call, Dialect, Payload, Unsupported};
use crate::{
    error::{Error, Origin, Result},
    predict::{
        address::{ModelVersion, open_path},
        config::Config,
        input::Input,
        metadata::Metadata,
        response::{Parsed, Reading},
        status::ModelStatus,
    },
};

/// The names of the gRPC service: the protocol's, and TorchServe's for the same messages.
pub(crate) const SERVICES: [&str; 2] =
    ["inference.GRPCInferenceService", "org.pytorch.serve.grpc.openinference.GRPCInferenceService"];

/// The form of arrays in requests of the Open Inference Protocol.
///
/// The servers differ in what they read: Triton and KServe read every form except `Base64`, MLServer reads lists and base64
/// over REST, TorchServe reads lists. Over gRPC all except TorchServe read raw elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Raw elements over gRPC. Over REST lists of JSON; byte strings and 16-bit floats, which JSON does not have, by the
    /// binary extension.
    #[default]
    Automatic,
    /// Lists: of JSON over REST, of their type over gRPC. Byte strings and bfloat16 are refused over REST.
    Lists,
    /// Raw elements: the binary extension over REST, `raw_input_contents` over gRPC. Responses are asked for in the same
    /// form.
    Raw,
    /// Lists of JSON, byte strings as base64 with the parameter `content_type`, which MLServer reads. Over gRPC as
    /// [`Encoding::Automatic`].
    Base64,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 4] = [Self::Automatic, Self::Lists, Self::Raw, Self::Base64];

    /// The name in settings: `auto`, `lists`, `raw` or `base64`.
    ///
    /// ```
    /// use canary_core::predict::Encoding;
    ///
    /// let names: Vec<_> = Encoding::ALL.iter().map(|encoding| encoding.as_str()).collect();
    /// assert_eq!(names, ["auto", "lists", "raw", "base64"]);
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "auto",
            Self::Lists => "lists",
            Self::Raw => "raw",
            Self::Base64 => "base64",
        }
    }
}

/// The version in a request; empty where the server chooses. A label is the text of a version, as MLServer's are.
fn version(config: &Config) -> String {
    match &config.version {
        ModelVersion::Latest => String::new(),
        ModelVersion::Number(number) => number.to_string(),
        ModelVersion::Label(text) => text.clone(),
    }
}

/// A new id of a request: some models that repeat the id in their answer fail without one.
fn id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// JSON over REST, with the binary extension.
pub(super) struct Rest;

impl Dialect for Rest {
    fn path(&self, config: &Config, call: Call) -> Result<String, Unsupported> {
        let model = open_path(&config.address.prefix, &config.model, &version(config));
        match call {
            Call::Predict => Ok(model + "/infer"),
            Call::Metadata => Ok(model),
            Call::Status => Ok(model + "/ready"),
            Call::Classify | Call::Regress => Err(Unsupported::examples()),
            #[cfg(feature = "grpc")]
            Call::Reload => Err(Unsupported::reload()),
        }
    }

    fn names_inputs(&self) -> bool {
        true
    }

    fn is_typed(&self) -> bool {
        true
    }

    fn write_predict(&self, config: &Config, input: Input<'_>) -> Result<Payload> {
        request::write(config.encoding, &config.outputs, &input)
    }

    fn read_predict(
        &self,
        _: &Config,
        response: &Response,
        deadline: Option<Instant>,
    ) -> Parsed<Reading> {
        response::read(response, deadline)
    }

    fn read_metadata(&self, _: &Config, response: &Response) -> Parsed<Metadata> {
        describe::read_metadata(&response.body)
    }

    fn read_status(&self, _: &Config, response: &Response) -> Parsed<ModelStatus> {
        describe::read_ready(&response.body)
    }

    fn not_ready(&self, error: &Error) -> Option<ModelStatus> {
        let Error::Predict(error) = error else { return None };
        let loading = error.origin == Origin::Server && matches!(error.status, Some(400 | 503));
        loading.then(|| ModelStatus::of_model(false))
    }
}
