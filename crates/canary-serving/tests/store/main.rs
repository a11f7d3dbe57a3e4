//! Copies of models between folders and buckets.
#![allow(clippy::unwrap_used, reason = "helpers of the tests fail a test as its own lines do")]

mod cloud;
mod copies;
mod model;
