//! The server at the lab's gateway address: its own gateway, or real Envoy.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canary_core::rollout::Result;
use serde_json::{Value, json};

use crate::{
    envoy::{Envoy, LogLine, Routes, listener, mark},
    gateway::{Proxy, Series, Snapshot},
    net::Serving,
};

/// The name of the one listener and of its routes.
const GATEWAY: &str = "gateway";

/// The server at the lab's gateway address.
#[derive(Debug)]
pub(super) enum Front {
    Own(Serving),
    Envoy(Arc<EnvoyFront>),
}

impl Front {
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Own(serving) => serving.address(),
            Self::Envoy(front) => front.address,
        }
    }
}

/// Envoy with its present configuration.
#[derive(Debug)]
pub(super) struct EnvoyFront {
    envoy: Envoy,
    address: SocketAddr,
    file: PathBuf,
    now: Mutex<(Vec<Value>, Value)>,
}

impl EnvoyFront {
    /// Starts Envoy without routes; its requests are counted among those of `proxy`.
    pub(super) fn start(binary: &Path, proxy: &Arc<Proxy>) -> Result<Self> {
        let counted = Arc::clone(proxy);
        let envoy = Envoy::start(binary, move |line| count(&counted, &line))?;
        let file = envoy.folder().join("routes.json");
        let none = nowhere();
        envoy.prepare_routes(&file, &none)?;
        envoy.set_listeners(&[listener(GATEWAY, Routes::File(&file, GATEWAY))])?;
        let address = envoy.listeners()?.get(GATEWAY).copied();
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        Ok(Self { envoy, address, file, now: Mutex::new((Vec::new(), none)) })
    }

    /// Brings a snapshot into force. Clusters are added before the routes that name them, and removed after them.
    pub(super) fn put(&self, snapshot: &Snapshot) -> Result<()> {
        let rendered = snapshot.inventory.render();
        let mut routes = rendered.routes.get(&snapshot.port).cloned().unwrap_or_else(nowhere);
        routes["name"] = json!(GATEWAY);
        mark(&mut routes);
        let clusters = rendered.clusters;
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |name: &Value| clusters.iter().any(|cluster| cluster["name"] == *name);
        let leaving = now.0.iter().filter(|cluster| !named(&cluster["name"]));
        let both: Vec<Value> = clusters.iter().chain(leaving).cloned().collect();
        if both != now.0 {
            self.envoy.set_clusters(&both)?;
            now.0 = both;
        }
        if routes != now.1 {
            self.envoy.set_routes(GATEWAY, &self.file, &routes)?;
            now.1 = routes;
        }
        if clusters != now.0 {
            self.envoy.set_clusters(&clusters)?;
            now.0 = clusters;
        }
        Ok(())
    }
}

/// A route configuration without routes.
fn nowhere() -> Value {
    json!({
        "name": GATEWAY,
        "virtual_hosts": [{"name": "blackhole", "domains": ["*"]}],
        "validate_clusters": false,
    })
}

fn count(proxy: &Proxy, line: &LogLine) {
    let snapshot = proxy.snapshot.load();
    let upstream = line.upstream.as_deref().and_then(|address| address.parse().ok());
    let endpoint = upstream.and_then(|address| snapshot.endpoint_at(address));
    // outbound|port|subset|host
    let mut parts = line.cluster.as_deref().unwrap_or_default().splitn(4, '|').skip(2);
    let (subset, service) = (parts.next(), parts.next());
    let label = |name: &str| {
        endpoint.and_then(|endpoint| endpoint.labels.get(name).cloned()).unwrap_or_default()
    };
    let series = Series {
        service: service.unwrap_or_default().to_owned(),
        subset: subset.unwrap_or_default().to_owned(),
        workload: endpoint.map(|endpoint| endpoint.workload.clone()).unwrap_or_default(),
        version: label("version"),
        code: line.status,
        flags: line.flags.clone().unwrap_or_default(),
    };
    proxy.metrics.record(series, Duration::from_millis(line.milliseconds));
}
