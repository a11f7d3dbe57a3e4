#![doc = include_str!("../README.md")]

pub mod envoy;
pub mod gateway;
mod lab;
pub mod model;
mod net;
pub mod server;
pub mod store;

pub use lab::{Lab, LabBuilder};
