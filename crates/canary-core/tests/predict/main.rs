//! The prediction client against servers made of plain sockets.
#![cfg(feature = "predict")]

mod calls;
mod faults;
#[cfg(feature = "grpc")]
mod grpc;
mod many;
mod models;
mod server;
#[cfg(feature = "tls")]
mod tls;
