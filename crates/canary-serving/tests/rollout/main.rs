//! The client as the predictor of a rollout: its traffic and its pairs against a scripted mesh.
#![allow(clippy::unwrap_used)]

mod failures;
mod pairs;
mod probe;
mod server;
mod traffic;
