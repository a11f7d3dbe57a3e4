//! The client of model servers: requests, responses, retries, errors.
//!
//! [`Client`] is the type to begin with. An [`Input`] goes to a model, an [`Answer`] comes back.

#[doc(hidden)]
pub mod address;
mod answer;
mod attempts;
mod calls;
mod client;
mod config;
mod detect;
mod examples;
pub(crate) mod failure;
#[cfg(feature = "grpc")]
mod grpc;
mod image_input;
mod input;
mod little_endian;
mod many;
mod metadata;
mod names;
mod peer;
mod prediction;
mod protocol;
mod request;
mod response;
mod retry;
mod send;
mod status;
mod top;
mod transport;
mod wait;

pub use address::ModelVersion;
pub use answer::{Answer, AnswerParts};
#[cfg(feature = "tls")]
pub use canary_http::Tls;
pub use canary_http::is_credential;
pub use client::Client;
pub use examples::{Example, Examples, Feature};
#[cfg(feature = "grpc")]
pub use grpc::{read_predict_grpc, write_predict_grpc};
pub use input::{Input, Value};
pub use many::Answers;
pub use metadata::{Metadata, Signature, TensorInfo};
#[cfg(feature = "rollout")]
pub(crate) use peer::Peer;
pub use prediction::{Predicted, Prediction};
pub use protocol::{
    Encoding, Protocol,
    open::{read_inference, write_inference},
};
#[doc(hidden)]
pub use request::float_rows_by_kernel;
pub use request::{Body, Form, write_predict};
pub use response::read as read_predict;
pub use retry::Retry;
pub use send::Prepared;
#[cfg(test)]
pub(crate) use status::status_of;
pub use status::{ModelStatus, State, VersionStatus};
pub use top::read_top;
pub use wait::Waiting;
