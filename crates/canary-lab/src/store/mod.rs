//! The object store: Kubernetes' API for the few kinds a release needs, in memory.

mod admission;
mod apply;
mod change;
mod fields;
mod memory;
#[cfg(feature = "api")]
mod recent;
mod stored;
#[cfg(feature = "api")]
mod versions;
mod watch;

pub(crate) use change::Change;
pub use memory::{FIELD_MANAGER, Store};
#[cfg(feature = "api")]
pub(crate) use stored::shown;
#[cfg(feature = "api")]
pub(crate) use watch::AllChanges;
