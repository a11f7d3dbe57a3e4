//! Servers that mean harm: responses of HTTP/1.1, frames of HTTP/2 and certificates that no honest server sends. The
//! clients answer each of them with an error or the right value, within the time and the memory that they promise.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use canary_tests::memory::Counting;

mod cancelled;
mod certificates;
mod cluster;
mod frames;
mod grpc;
mod http;
mod load;
mod outcome;
mod script;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: the memory of two would be counted together.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
