//! An embedded lab: object store, gateway and model servers on loopback, in one process.

pub mod model;
mod net;
pub mod server;
pub mod store;
