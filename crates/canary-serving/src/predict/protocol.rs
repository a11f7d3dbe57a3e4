//! Bodies of requests and responses in the protocol of the client's address: JSON over REST, protobuf over gRPC.
#![cfg_attr(
    not(feature = "grpc"),
    allow(
        clippy::needless_pass_by_value,
        unused_variables,
        reason = "only gRPC takes what it sends"
    )
)]

use std::{borrow::Cow, fmt, time::Instant};

use bytes::Bytes;

#[cfg(feature = "grpc")]
use super::grpc;
use super::{
    config::Config,
    examples::Examples,
    input::Input,
    metadata::{self, Metadata},
    request,
    response::{self, Outputs, Parsed},
    status::{self, ModelStatus},
};
use crate::error::Result;

/// The body of a request, as its protocol has it.
#[derive(Clone)]
pub(crate) enum Payload {
    Json(Bytes),
    #[cfg(feature = "grpc")]
    Message(grpc::Request),
}

impl Default for Payload {
    /// No body.
    fn default() -> Self {
        Self::Json(Bytes::new())
    }
}

impl fmt::Debug for Payload {
    /// Shows only the size, because the body may contain images.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = match self {
            Self::Json(body) => body.len(),
            #[cfg(feature = "grpc")]
            Self::Message(request) => request.len(),
        };
        write!(f, "{size} bytes")
    }
}

impl Payload {
    /// The body in one piece.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Json(body) => Cow::Borrowed(body),
            #[cfg(feature = "grpc")]
            Self::Message(request) => Cow::Owned(request.to_vec()),
        }
    }
}

/// The value of `$grpc` when the client's address is one of gRPC, else that of `$rest`.
macro_rules! by_protocol {
    ($config:expr, grpc: $grpc:expr, rest: $rest:expr) => {{
        #[cfg(feature = "grpc")]
        if $config.is_grpc() {
            return $grpc;
        }
        $rest
    }};
}

#[cfg(feature = "grpc")]
fn spec(config: &Config) -> canary_proto::tensorflow::serving::ModelSpec {
    grpc::model_spec(&config.model, &config.version, &config.signature)
}

pub(crate) fn write_predict(config: &Config, input: Input<'_>) -> Result<Payload> {
    by_protocol!(config, grpc: grpc::predict(spec(config), input).map(Payload::Message), rest: {
        let mut body = Vec::new();
        request::write_predict(&mut body, &config.signature, config.form, &input)?;
        Ok(Payload::Json(body.into()))
    })
}

pub(crate) fn write_examples(config: &Config, examples: &Examples) -> Result<Payload> {
    by_protocol!(
        config,
        grpc: grpc::examples(spec(config), examples).map(Payload::Message),
        rest: Ok(Payload::Json(examples.write(&config.signature)?.into()))
    )
}

/// The request for metadata; over REST it has no body.
pub(crate) fn write_metadata(config: &Config) -> Payload {
    by_protocol!(config, grpc: Payload::Message(grpc::metadata(spec(config))), rest: Payload::default())
}

/// The request for the status; over REST it has no body.
pub(crate) fn write_status(config: &Config) -> Payload {
    by_protocol!(config, grpc: Payload::Message(grpc::status(spec(config))), rest: Payload::default())
}

/// Defines the reader of a response's outputs by its name in both protocols.
macro_rules! outputs_reader {
    ($read:ident) => {
        pub(crate) fn $read(
            config: &Config,
            body: &Bytes,
            deadline: Option<Instant>,
        ) -> Parsed<Outputs> {
            by_protocol!(
                config,
                grpc: grpc::$read(body),
                rest: response::$read(body, config.doubles, deadline)
            )
        }
    };
}

outputs_reader!(read_predict);
outputs_reader!(read_classify);
outputs_reader!(read_regress);

pub(crate) fn read_metadata(
    config: &Config,
    body: &Bytes,
    _deadline: Option<Instant>,
) -> Parsed<Metadata> {
    by_protocol!(config, grpc: grpc::read_metadata(body), rest: metadata::parse(body))
}

pub(crate) fn read_status(
    config: &Config,
    body: &Bytes,
    _deadline: Option<Instant>,
) -> Parsed<ModelStatus> {
    by_protocol!(config, grpc: grpc::read_status(body), rest: status::parse(body))
}
