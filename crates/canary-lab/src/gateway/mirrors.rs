//! Starts logs of mirrored requests.

use std::sync::{Arc, Weak};

use canary_core::evidence::Subsets;

use super::{
    mirror_log::{MirrorLog, Sink},
    proxy::Proxy,
};

/// Starts logs of mirrored requests without keeping the lab alive, for a rollout that continues after a pause.
#[derive(Clone, Debug)]
pub struct Mirrors(pub(crate) Weak<Proxy>);

impl Mirrors {
    /// Logs mirrored requests from now on, as [`Lab::mirror_log`](crate::Lab::mirror_log) does. The log of a closed lab is
    /// empty.
    pub fn log(&self, subsets: Subsets, capacity: usize) -> MirrorLog {
        let (sink, log) = Sink::channel(subsets, capacity);
        if let Some(proxy) = self.0.upgrade() {
            proxy.mirror_log.store(Some(Arc::new(sink)));
        }
        log
    }
}
