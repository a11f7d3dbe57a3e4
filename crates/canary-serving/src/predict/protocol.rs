//! What differs between REST and gRPC: how bodies are written and read.

use std::{borrow::Cow, fmt};

use bytes::Bytes;

#[cfg(feature = "grpc")]
use super::grpc;
use super::{
    client::Client,
    examples::Examples,
    input::Input,
    metadata::{self, Metadata},
    request,
    response::{self, Outputs, Read},
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
    /// Its size alone: it may be an image, or many.
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
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Json(body) => Cow::Borrowed(body),
            #[cfg(feature = "grpc")]
            Self::Message(request) => Cow::Owned(request.to_vec()),
        }
    }
}

impl Client {
    #[cfg(feature = "grpc")]
    fn spec(&self) -> canary_proto::tensorflow::serving::ModelSpec {
        let config = &self.config;
        grpc::model_spec(&config.model, &config.version, &config.signature)
    }

    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::needless_pass_by_value, reason = "gRPC sends what is owned without a copy")
    )]
    pub(crate) fn write_predict(&self, input: Input<'_>) -> Result<Payload> {
        let config = &self.config;
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return Ok(Payload::Message(grpc::predict(self.spec(), input)?));
        }
        let mut body = Vec::new();
        request::write_predict(&mut body, &config.signature, config.form, &input)?;
        Ok(Payload::Json(body.into()))
    }

    pub(crate) fn write_examples(&self, examples: &Examples) -> Result<Payload> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return Ok(Payload::Message(grpc::examples(self.spec(), examples)?));
        }
        Ok(Payload::Json(examples.write(&self.config.signature)?.into()))
    }

    /// What asks for metadata: over REST there is no body.
    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_self, reason = "with gRPC the protocol decides")
    )]
    pub(crate) fn write_metadata(&self) -> Payload {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return Payload::Message(grpc::metadata(self.spec()));
        }
        Payload::default()
    }

    /// What asks for the status: over REST there is no body.
    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_self, reason = "with gRPC the protocol decides")
    )]
    pub(crate) fn write_status(&self) -> Payload {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return Payload::Message(grpc::status(self.spec()));
        }
        Payload::default()
    }

    pub(crate) fn read_predict(&self, body: &Bytes) -> Read<Outputs> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::read_predict(body);
        }
        response::read_predict(body, self.config.doubles)
    }

    pub(crate) fn read_classify(&self, body: &Bytes) -> Read<Outputs> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::read_classify(body);
        }
        response::read_classify(body, self.config.doubles)
    }

    pub(crate) fn read_regress(&self, body: &Bytes) -> Read<Outputs> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::read_regress(body);
        }
        response::read_regress(body, self.config.doubles)
    }

    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_self, reason = "with gRPC the protocol decides")
    )]
    pub(crate) fn read_metadata(&self, body: &Bytes) -> Read<Metadata> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::read_metadata(body);
        }
        metadata::parse(body)
    }

    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_self, reason = "with gRPC the protocol decides")
    )]
    pub(crate) fn read_status(&self, body: &Bytes) -> Read<ModelStatus> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::read_status(body);
        }
        status::parse(body)
    }
}
