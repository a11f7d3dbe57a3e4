//! Kubernetes clusters.

pub(crate) mod applied;
mod checks;
mod class;
mod handle;
mod objects;
pub(crate) mod preflight;
pub(crate) mod release;
mod settings;
pub(crate) mod status;
mod waiting;
pub(crate) mod watch;
pub(crate) mod workload;

pub(crate) use self::{class::Cluster, handle::Handle};
