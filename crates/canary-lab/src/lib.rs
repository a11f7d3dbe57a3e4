#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "api")]
mod api;
// For the tests of the project, which send the same requests to Envoy and to the evaluator; not part of the public
// interface.
#[doc(hidden)]
pub mod envoy;
pub mod gateway;
// For the same tests, against istiod; not part of the public interface.
#[doc(hidden)]
pub mod istio;
mod lab;
mod mix;
pub mod model;
mod net;
mod program;
pub mod server;
pub mod store;

#[cfg(feature = "istio")]
pub use istio::IstioParts;
pub use lab::{Lab, LabBuilder};
