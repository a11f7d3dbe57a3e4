#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "cluster")]
mod access;
#[cfg(feature = "cluster")]
mod api_error;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod credentials;
#[cfg(feature = "cluster")]
mod in_cluster;
#[cfg(feature = "cluster")]
mod kubernetes;
#[cfg(feature = "cluster")]
mod kubernetes_watch;
#[cfg(feature = "cluster")]
mod preflight;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "cluster")]
mod proxy;
#[cfg(feature = "cluster")]
mod quota;
#[cfg(feature = "cluster")]
mod resource;

#[cfg(feature = "cluster")]
pub use access::{
    Permission, event_rule, missing, missing_for, person_role, role, role_binding, role_for,
    roles_for,
};
// The errors of calls on a cluster and of sources are those of `canary-rollout`.
pub(crate) use canary_rollout::{Error, Result};
#[cfg(feature = "cluster")]
pub use in_cluster::{InCluster, Mount};
#[cfg(feature = "cluster")]
pub use kubernetes::{FIELD_MANAGER, Kubernetes};
#[cfg(feature = "cluster")]
pub use preflight::{Check, Outcome, Preflight, PreflightOptions, preflight};
