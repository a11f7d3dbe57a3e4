//! The same calls over gRPC, by tonic over connections of hyper-util.

mod bounds;
mod call;
mod connect;
mod failure;
mod request;
mod response;
mod tensor;
#[cfg(test)]
mod wire_tests;

pub(crate) use bounds::{Field, STRING, entry, field};
pub(crate) use call::{Grpc, Request};
pub(crate) use failure::failure_of;
pub use request::write_predict as write_predict_grpc;
pub(crate) use request::{check_size, examples, metadata, model_spec, predict, reload, status};
pub use response::read as read_predict_grpc;
pub(crate) use response::{
    decode, read_classify, read_metadata, read_predict, read_regress, read_reload, read_status,
};
pub(crate) use tensor::content;
