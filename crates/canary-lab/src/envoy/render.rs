//! The configuration of a gateway's proxies.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{clusters, inventory::Inventory, routes};

/// The configuration of Envoy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// Clusters (`envoy.config.cluster.v3.Cluster`).
    pub clusters: Vec<Value>,
    /// The routes of each port with a server for plain HTTP (`envoy.config.route.v3.RouteConfiguration`).
    pub routes: BTreeMap<u16, Value>,
}

impl Inventory {
    /// Renders the configuration.
    pub fn render(&self) -> Configuration {
        Configuration { clusters: clusters::render(self), routes: routes::render(self) }
    }
}
