//! The gateway: a reverse proxy on loopback that follows the decisions of [`canary_core::Mesh`].
//!
//! It speaks HTTP/1.1 and HTTP/2. A request is buffered whole before it is forwarded, so that it can be retried
//! and mirrored; a response is streamed.

mod edits;
mod exposition;
mod forward;
mod metrics;
mod mirror_log;
mod mirrors;
mod outgoing;
mod proxy;
mod recent;
mod reply;
mod series;
mod snapshot;
mod view;

pub use metrics::Metrics;
pub use mirror_log::MirrorLog;
pub use mirrors::Mirrors;
pub(crate) use proxy::Proxy;
pub use recent::Exchange;
pub(crate) use recent::Recent;
#[cfg(feature = "istio")]
pub(crate) use reply::SUBSET;
pub use series::{Count, Series};
pub(crate) use snapshot::{Pod, Snapshot};
