//! The protocols of model servers: the paths of their calls, and the bodies of requests and responses.

mod kserve;
pub(crate) mod open;
mod payload;
mod tensorflow;

use std::{fmt, str::FromStr, time::Instant};

use canary_http::Response;
use http::Method;

pub use open::Encoding;
pub(crate) use payload::Payload;

use super::{
    config::Config,
    examples::Examples,
    input::{Input, input_error},
    metadata::Metadata,
    response::{ParseError, Parsed, Reading},
    status::ModelStatus,
};
use crate::error::{Error, Result};

/// The protocols of model servers that a [`Client`](super::Client) speaks.
///
/// ```
/// use canary_core::predict::Protocol;
///
/// assert_eq!("v2".parse(), Ok(Protocol::OpenInference));
/// assert_eq!(Protocol::default().to_string(), "tensorflow");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// `tensorflow`: TensorFlow Serving's own, over REST (`/v1/models/…:predict`) and gRPC.
    #[default]
    TensorFlow,
    /// `v1`: KServe's V1, over REST: the paths of TensorFlow Serving without versions, labels and metadata.
    KServe,
    /// `v2`: the Open Inference Protocol of Triton, MLServer, KServe, OpenVINO Model Server and others, over REST
    /// (`/v2/models/…/infer`) and gRPC.
    OpenInference,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 3] = [Self::TensorFlow, Self::KServe, Self::OpenInference];

    /// The name in settings: `tensorflow`, `v1` or `v2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TensorFlow => "tensorflow",
            Self::KServe => "v1",
            Self::OpenInference => "v2",
        }
    }

    /// The name for people, as in "the server speaks …".
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TensorFlow => "TensorFlow Serving's protocol",
            Self::KServe => "KServe's V1 protocol",
            Self::OpenInference => "the Open Inference Protocol (V2)",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = String;

    /// The protocol of that name.
    ///
    /// # Errors
    /// A line that lists the names.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
            format!("{name:?} is not one of the protocols \"tensorflow\", \"v1\" and \"v2\"")
        })
    }
}

/// The methods of a model server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Predict,
    Classify,
    Regress,
    Metadata,
    Status,
    /// Replaces the models of the server.
    #[cfg(feature = "grpc")]
    Reload,
}

impl Call {
    /// True when it concerns the one model that the client names.
    pub(crate) fn is_of_model(self) -> bool {
        match self {
            Self::Predict | Self::Classify | Self::Regress | Self::Metadata | Self::Status => true,
            #[cfg(feature = "grpc")]
            Self::Reload => false,
        }
    }

    /// The method of REST.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Predict | Self::Classify | Self::Regress => Method::POST,
            Self::Metadata | Self::Status => Method::GET,
            #[cfg(feature = "grpc")]
            Self::Reload => Method::POST,
        }
    }
}

/// The reason for which a call or a setting has no place in a protocol, and the remedy.
#[derive(Debug)]
pub(crate) struct Unsupported {
    pub(crate) reason: String,
    pub(crate) help: &'static str,
}

impl Unsupported {
    pub(crate) fn new(reason: impl Into<String>, help: &'static str) -> Self {
        Self { reason: reason.into(), help }
    }

    /// The reload of the models, which only TensorFlow Serving's gRPC has.
    #[cfg(feature = "grpc")]
    fn reload() -> Self {
        Self::new(
            "only TensorFlow Serving's gRPC can replace the models of a running server",
            "give the gRPC address of the server, such as grpc://host:8500, and the protocol tensorflow",
        )
    }

    /// Classify and regress, which no other protocol has.
    fn examples() -> Self {
        Self::new(
            "classify and regress are calls of TensorFlow Serving alone",
            "use predict, or the protocol tensorflow",
        )
    }
}

/// One protocol over one transport.
///
/// A response is read only when its status is a success; [`super::failure`] reads the others.
pub(crate) trait Dialect: Sync {
    /// The path of a call on the model that the settings name.
    ///
    /// # Errors
    /// The call, the version or another setting is none of the protocol's.
    fn path(&self, config: &Config, call: Call) -> Result<String, Unsupported>;

    /// True when every input needs a name.
    fn names_inputs(&self) -> bool;

    /// True when numbers are sent with their element type, and false when a number of JSON is all that is sent.
    fn is_typed(&self) -> bool;

    fn write_predict(&self, config: &Config, input: Input<'_>) -> Result<Payload>;

    fn read_predict(
        &self,
        config: &Config,
        response: &Response,
        deadline: Option<Instant>,
    ) -> Parsed<Reading>;

    /// A request of classify or regress.
    fn write_examples(&self, _: &Config, _: &Examples) -> Result<Payload> {
        let Unsupported { reason, help } = Unsupported::examples();
        Err(input_error(&reason, help))
    }

    fn read_classify(&self, _: &Config, _: &Response, _: Option<Instant>) -> Parsed<Reading> {
        Err(ParseError::new("the protocol has no classifications"))
    }

    fn read_regress(&self, _: &Config, _: &Response, _: Option<Instant>) -> Parsed<Reading> {
        Err(ParseError::new("the protocol has no regressions"))
    }

    /// The request for metadata; over REST it has no body.
    fn write_metadata(&self, _: &Config) -> Payload {
        Payload::default()
    }

    fn read_metadata(&self, config: &Config, response: &Response) -> Parsed<Metadata>;

    /// The request for the status; over REST it has no body.
    fn write_status(&self, _: &Config) -> Payload {
        Payload::default()
    }

    fn read_status(&self, config: &Config, response: &Response) -> Parsed<ModelStatus>;

    /// The status that a failed response to the request for it stands for, when it means that the model is not ready.
    fn not_ready(&self, _: &Error) -> Option<ModelStatus> {
        None
    }
}

/// The dialect of a client with these settings.
pub(crate) fn of(config: &Config) -> &'static dyn Dialect {
    match (config.protocol, config.is_grpc()) {
        #[cfg(feature = "grpc")]
        (Protocol::TensorFlow, true) => &tensorflow::Grpc,
        #[cfg(feature = "grpc")]
        (Protocol::OpenInference, true) => &open::Grpc,
        (Protocol::TensorFlow, _) => &tensorflow::Rest,
        (Protocol::KServe, _) => &kserve::Rest,
        (Protocol::OpenInference, _) => &open::Rest,
    }
}

/// Refuses the settings that only some protocols have.
pub(crate) fn check(config: &Config) -> Result<(), Unsupported> {
    let protocol = config.protocol;
    let refuse = |reason: String, help| Err(Unsupported::new(reason, help));
    if protocol == Protocol::KServe && config.is_grpc() {
        return refuse(
            "KServe's V1 protocol has no gRPC".to_owned(),
            "use an http:// address, or the protocol v2",
        );
    }
    if protocol != Protocol::TensorFlow && !config.signature.is_empty() {
        return refuse(
            format!("a signature is named, and {} has none", protocol.title()),
            "leave the signature out",
        );
    }
    let has_outputs = match protocol {
        Protocol::TensorFlow => config.is_grpc(),
        Protocol::KServe => false,
        Protocol::OpenInference => true,
    };
    if !config.outputs.is_empty() && !has_outputs {
        let over = if protocol == Protocol::TensorFlow { " over REST" } else { "" };
        return refuse(
            format!("outputs are chosen, and {}{over} cannot choose them", protocol.title()),
            "leave `outputs` out: every output is answered",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::Client;

    #[test]
    fn names_are_read_back() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.as_str().parse(), Ok(protocol));
        }
        let error = "V2".parse::<Protocol>().unwrap_err();
        assert!(error.contains("\"v2\""), "{error}");
    }

    #[test]
    fn settings_of_other_protocols_are_refused() {
        let client = |url: &str| Client::new(url).unwrap().model("m");
        for (client, word) in [
            (client("grpc://a").protocol(Protocol::KServe), "no gRPC"),
            (client("http://a").protocol(Protocol::KServe).signature("s"), "signature"),
            (client("http://a").protocol(Protocol::OpenInference).signature("s"), "signature"),
            (client("http://a").protocol(Protocol::KServe).version(1), "no versions"),
            (client("http://a").outputs(["y"]), "over REST"),
        ] {
            let error = client.prepare(vec![1_u8]).unwrap_err().to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
