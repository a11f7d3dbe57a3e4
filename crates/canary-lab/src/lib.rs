#![doc = include_str!("../README.md")]

// For the tests of the project, which send the same requests to Envoy and to the evaluator; no part of the interface.
#[doc(hidden)]
pub mod envoy;
pub mod gateway;
mod lab;
mod mix;
pub mod model;
mod net;
pub mod server;
pub mod store;

pub use lab::{Lab, LabBuilder};
