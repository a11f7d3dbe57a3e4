//! `canary.Gateway`.

use std::collections::BTreeMap;

use canary_core::istio;
use pyo3::prelude::*;

use super::kind::kind_class;
use crate::convert::given::Names;

/// The hosts given, or all.
fn or_all(hosts: Option<Names>) -> Vec<String> {
    hosts.map_or_else(|| vec!["*".to_owned()], |hosts| hosts.0)
}

/// The keyword arguments that both constructors take.
fn finish(
    mut gateway: istio::Gateway,
    selector: Option<BTreeMap<String, String>>,
    namespace: Option<String>,
) -> Gateway {
    if selector.is_some() {
        gateway.spec.selector = selector;
    }
    gateway.metadata.namespace = namespace;
    gateway.into()
}

kind_class!(Gateway [], "GatewaySpec", "Istio's `Gateway`: the ports and hosts that the mesh lets in.", {
    #[staticmethod]
    #[pyo3(signature = (name, port = 80, hosts = None, *, selector = None, namespace = None))]
    fn http(
        name: String,
        port: u32,
        hosts: Option<Names>,
        selector: Option<BTreeMap<String, String>>,
        namespace: Option<String>,
    ) -> Self {
        let gateway = istio::Gateway::http(name, port, or_all(hosts));
        finish(gateway, selector, namespace)
    }

    #[staticmethod]
    #[pyo3(signature = (name, port = 443, hosts = None, *, credential_name, selector = None, namespace = None))]
    fn https(
        name: String,
        port: u32,
        hosts: Option<Names>,
        credential_name: String,
        selector: Option<BTreeMap<String, String>>,
        namespace: Option<String>,
    ) -> Self {
        let gateway = istio::Gateway::https(name, port, or_all(hosts), credential_name);
        finish(gateway, selector, namespace)
    }
});
