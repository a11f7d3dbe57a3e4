//! The lab from outside, in one binary so that it links once.

mod gateway;
mod model_server;
mod real_models;
mod store;
