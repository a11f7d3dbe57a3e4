//! Helpers shared by the workspace tests.
#![expect(
    clippy::missing_panics_doc,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "only tests use them, where failing loudly is right"
)]

pub mod apiserver;
pub mod chaos;
pub mod generated;
pub mod http;
pub mod istio;
pub mod istiod;
pub mod memory;
pub mod meshes;
pub mod model_servers;
pub mod parts;
pub mod programs;
pub mod prometheus;
pub mod status;

/// The Rust example of the project's README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The Rust page of the guide, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/rust.md")]
pub struct Guide;

/// The page of evidence from Prometheus, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/prometheus.md")]
pub struct PrometheusPage;

/// The page of the model store, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/model_store.md")]
pub struct ModelStorePage;

/// The page of the comparison with Envoy, compiled as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/envoy.md")]
pub struct EnvoyPage;
