//! What differs between REST and gRPC: how bodies are written and read.

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

impl Client {
    #[cfg(feature = "grpc")]
    fn spec(&self) -> grpc::messages::ModelSpec {
        let config = &self.config;
        grpc::model_spec(&config.model, &config.version, &config.signature)
    }

    pub(crate) fn write_predict(&self, input: &Input<'_>) -> Result<Vec<u8>> {
        let config = &self.config;
        let mut body = Vec::new();
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            let (model, signature) = (&config.model, &config.signature);
            grpc::write_predict_grpc(&mut body, model, &config.version, signature, input)?;
            return Ok(body);
        }
        request::write_predict(&mut body, &config.signature, config.form, input)?;
        Ok(body)
    }

    pub(crate) fn write_examples(&self, examples: &Examples) -> Result<Vec<u8>> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::write_examples(self.spec(), examples);
        }
        examples.write(&self.config.signature)
    }

    /// The body that asks for metadata: over REST there is none.
    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_self, reason = "with gRPC the protocol decides")
    )]
    pub(crate) fn write_metadata(&self) -> Vec<u8> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::metadata_request(self.spec());
        }
        Vec::new()
    }

    /// The body that asks for the status: over REST there is none.
    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_self, reason = "with gRPC the protocol decides")
    )]
    pub(crate) fn write_status(&self) -> Vec<u8> {
        #[cfg(feature = "grpc")]
        if self.is_grpc() {
            return grpc::status_request(self.spec());
        }
        Vec::new()
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
