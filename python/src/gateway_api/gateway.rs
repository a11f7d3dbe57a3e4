//! `canary.KubernetesGateway`.

use canary_core::gateway_api::{Gateway, Listener};
use pyo3::prelude::*;

use super::gateway_api_class;

/// A gateway with one listener.
fn with(
    name: String,
    mut listener: Listener,
    hostname: Option<String>,
    class_name: Option<String>,
    namespace: Option<String>,
) -> KubernetesGateway {
    listener.hostname = hostname;
    let mut gateway = Gateway::new(name).listener(listener);
    if let Some(class) = class_name {
        gateway = gateway.class(class);
    }
    gateway.metadata.namespace = namespace;
    gateway.into()
}

gateway_api_class!(
    KubernetesGateway,
    Gateway,
    "Gateway",
    "GatewaySpec",
    "The Gateway API's `Gateway`: the ports and hosts of a load balancer.",
    {
        #[staticmethod]
        #[pyo3(signature = (name, port = 80, *, hostname = None, class_name = None, namespace = None))]
        fn http(
            name: String,
            port: u32,
            hostname: Option<String>,
            class_name: Option<String>,
            namespace: Option<String>,
        ) -> Self {
            with(name, Listener::http(port), hostname, class_name, namespace)
        }

        #[staticmethod]
        #[pyo3(signature = (name, port = 443, *, secret, hostname = None, class_name = None, namespace = None))]
        fn https(
            name: String,
            port: u32,
            secret: String,
            hostname: Option<String>,
            class_name: Option<String>,
            namespace: Option<String>,
        ) -> Self {
            with(name, Listener::https(port, secret), hostname, class_name, namespace)
        }
    }
);
