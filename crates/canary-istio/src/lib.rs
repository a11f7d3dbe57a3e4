#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod analyze;
mod duration_text;
mod error;
pub mod finding;
pub mod gateway_api;
pub mod manifest;
pub mod names;
pub mod networking;
mod path;
mod resource;
pub mod route;
pub mod validate;

pub use error::{Error, Result};
pub use finding::{Finding, Findings, Severity};
pub use manifest::{Manifest, Object};
pub use networking::{DestinationRule, Gateway, VirtualService};
pub use route::{Decision, Mesh, Request};
