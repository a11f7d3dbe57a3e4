//! The lab from outside, in one binary so that it links once.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod gateway;
mod mirror_log;
mod model_server;
mod real_models;
mod reloads;
mod store;
mod version_labels;
