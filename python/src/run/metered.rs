//! The servers of metrics of this process: one for each address, which lasts as long as the process.

use std::{collections::BTreeMap, sync::Arc};

use canary_core::{
    metrics::{Metrics, RunMetrics, Server},
    rollout::{Error, Plan, Result},
};
use tokio::sync::Mutex;

/// Metrics at an address, and their server.
type Served = (Metrics, Arc<Server>);

static SERVED: Mutex<BTreeMap<String, Served>> = Mutex::const_new(BTreeMap::new());

/// The metrics of one run, and the server at which they are scraped.
#[derive(Clone)]
pub(super) struct Metered {
    pub(super) run: RunMetrics,
    server: Arc<Server>,
}

impl Metered {
    /// Adds a run to those that are served at the address, which is listened at from now on. Each use of port 0 is another
    /// free one.
    pub(super) async fn at(address: &str, plan: &Plan) -> Result<Self> {
        let mut all = SERVED.lock().await;
        if !all.contains_key(address) {
            let metrics = Metrics::new();
            let server = metrics.serve(address).await.map_err(|error| {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                Error::Plan(format!("metrics: {error}{}", cause.unwrap_or_default()))
            })?;
            // Named by what it is, so that a port that was chosen can be named again.
            let named = server.address().to_string();
            all.insert(named.clone(), (metrics, Arc::new(server)));
            return Ok(Self::of(&all[&named], plan));
        }
        Ok(Self::of(&all[address], plan))
    }

    fn of((metrics, server): &Served, plan: &Plan) -> Self {
        Self { run: metrics.run(plan), server: Arc::clone(server) }
    }

    /// The URL to scrape.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }
}
