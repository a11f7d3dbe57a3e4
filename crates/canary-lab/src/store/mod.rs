//! The object store: Kubernetes' API for the few kinds a release needs, in memory.

mod admission;
mod apply;
mod fields;
mod memory;
mod stored;
mod watch;

pub use memory::{FIELD_MANAGER, Store};
pub(crate) use watch::Change;
