//! Metrics of runs: what they say of each event, what is counted around a cluster and a predictor, and the server.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod counted;
mod course;
mod families;
mod server;
mod support;
