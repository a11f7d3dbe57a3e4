#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod analyze;
pub mod cluster;
pub mod error;
pub mod evidence;
pub mod finding;
#[cfg(feature = "image")]
pub mod image;
pub mod istio;
pub mod manifest;
#[cfg(feature = "predict")]
pub mod predict;
pub mod rollout;
pub mod route;
pub mod serving;
pub mod stats;
pub mod tensor;
pub mod validate;

pub use error::{Error, Result};
pub use finding::{Finding, Findings, Severity};
pub use istio::{DestinationRule, Gateway, VirtualService};
pub use manifest::{Manifest, Object};
pub use rollout::{Plan, Verdict};
pub use route::{Decision, Mesh, Request};
