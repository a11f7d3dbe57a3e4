//! The server at the lab's gateway address: its own gateway, real Envoy, or Istio's control plane with its gateway.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use canary_core::rollout::Result;
use serde_json::{Value, json};

#[cfg(feature = "istio")]
use super::istio_front::IstioFront;
use super::log_counts::count;
use crate::{
    envoy::{Envoy, Routes, listener, mark},
    gateway::{Pod, Proxy, Snapshot},
    net::Serving,
};

/// The name of the one listener and of its routes.
const GATEWAY: &str = "gateway";

/// The server at the lab's gateway address.
#[derive(Debug)]
pub(super) enum Front {
    Own(Serving),
    Envoy(Arc<EnvoyFront>),
    #[cfg(feature = "istio")]
    Istio(Arc<IstioFront>),
}

/// Hands objects to a front other than the lab's own gateway. The reference is weak, so that its programs stop with the
/// lab even while a handle of the store exists.
#[derive(Debug)]
pub(super) enum Handle {
    Own,
    Envoy(Weak<EnvoyFront>),
    #[cfg(feature = "istio")]
    Istio(Weak<IstioFront>),
}

impl Handle {
    /// Applies objects at the gateway, or starts to.
    #[cfg_attr(
        not(feature = "istio"),
        expect(unused_variables, reason = "Envoy takes the snapshot")
    )]
    pub(super) fn put(&self, snapshot: &Snapshot, objects: &[&Value], pods: &[Pod]) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Envoy(front) => front.upgrade().map_or(Ok(()), |front| front.put(snapshot)),
            #[cfg(feature = "istio")]
            Self::Istio(front) => {
                if let Some(front) = front.upgrade() {
                    front.put(objects, pods, snapshot.port);
                }
                Ok(())
            }
        }
    }
}

impl Front {
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Own(serving) => serving.address(),
            Self::Envoy(front) => front.address,
            #[cfg(feature = "istio")]
            Self::Istio(front) => front.address(),
        }
    }

    pub(super) fn handle(&self) -> Handle {
        match self {
            Self::Own(_) => Handle::Own,
            Self::Envoy(front) => Handle::Envoy(Arc::downgrade(front)),
            #[cfg(feature = "istio")]
            Self::Istio(front) => Handle::Istio(Arc::downgrade(front)),
        }
    }

    /// Waits until the newest objects are in force; only istiod takes a noticeable time.
    #[cfg_attr(
        not(feature = "istio"),
        expect(clippy::unnecessary_wraps, reason = "the other gateways do not fail here")
    )]
    pub(super) fn wait(&self) -> Result<()> {
        match self {
            Self::Own(_) | Self::Envoy(_) => Ok(()),
            #[cfg(feature = "istio")]
            Self::Istio(front) => front.wait(),
        }
    }

    /// The reason why a separate control plane refused the newest objects.
    pub(super) fn refused(&self) -> Option<String> {
        match self {
            Self::Own(_) | Self::Envoy(_) => None,
            #[cfg(feature = "istio")]
            Self::Istio(front) => front.refused(),
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
