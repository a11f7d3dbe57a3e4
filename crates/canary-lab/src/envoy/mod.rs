//! Real Envoy in place of the lab's gateway: the objects rendered as Istio's control plane renders them for a gateway,
//! and the process that runs them.
//!
//! The rendering is independent of [`canary_core::Mesh`]: the tests of the project send the same requests to both and
//! compare the decisions. It follows what istiod generates
//! (`pilot/pkg/networking/core` of istio/istio): a route configuration for each port, a virtual host for each name, a
//! route for each entry of a `match`, and a cluster `outbound|port|subset|host` for each port and subset of a service.

mod action;
mod answer;
mod bootstrap;
mod clusters;
mod control;
mod delegate;
mod filters;
mod headers;
mod inventory;
mod matches;
mod policy;
mod process;
mod render;
mod routes;
mod rules;

pub use bootstrap::{Routes, access_log, listener};
pub(crate) use bootstrap::{log_format, mark};
pub(crate) use control::get;
#[cfg(feature = "istio")]
pub(crate) use control::get_from;
pub use inventory::{Backend, BackendEndpoint, Inventory};
pub use process::{Envoy, LogLine};
pub(crate) use process::{admin_address, follow_log, start};
pub use render::Configuration;
