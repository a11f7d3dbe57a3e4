//! An embedded lab: object store, gateway and model servers on loopback, in one process.
//!
//! [`Lab`] is to releases behind a mesh what a test container is to a database. It takes the same objects as a cluster
//! with Istio, and decides with [`canary_core::Mesh`], the same code that users call.

pub mod envoy;
pub mod gateway;
mod lab;
pub mod model;
mod net;
pub mod server;
pub mod store;

pub use lab::{Lab, LabBuilder};
