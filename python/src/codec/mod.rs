//! `canary.encode_predict` and `canary.decode_predict`, and the same for gRPC: predict calls without a client.

pub(crate) mod decode;
pub(crate) mod encode;
mod interruptible;
