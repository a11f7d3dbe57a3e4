//! The client against servers and proxies that do exactly what a test says, however wrong.
// The servers and helpers of the tests fail a test as its own lines do.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

mod bodies;
mod connections;
mod failures;
mod proxies;
mod support;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
