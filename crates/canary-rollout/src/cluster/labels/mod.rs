//! The servers whose labels a rollout moves, and the file that they start from.

mod file;
mod replicas;
mod servers;

pub(super) use file::check_deployment;
pub use replicas::{Replica, replicas_of};
pub use servers::{ModelLabels, ModelServers, ServedVersion};
