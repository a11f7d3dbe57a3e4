//! The prediction client against servers made of plain sockets.
#![cfg(feature = "predict")]
// The servers and helpers of the tests fail a test as its own lines do.
#![allow(clippy::unwrap_used, clippy::large_stack_arrays, clippy::needless_pass_by_value)]

mod calls;
mod detect;
mod faults;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "grpc")]
mod grpc_faults;
mod many;
mod models;
mod open;
#[cfg(feature = "grpc")]
mod open_grpc;
mod proxies;
mod server;
#[cfg(feature = "tls")]
mod tls;
