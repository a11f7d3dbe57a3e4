//! Gateways with the proxies that Istio deploys for them, or that a Service names.

use std::collections::BTreeMap;

use super::{
    super::sorted::{Age, full_name},
    listeners::{self, ListenerParent},
    namespaces::Namespaces,
};
use crate::{
    gateway_api::{Gateway, GatewayClass},
    names::{service_name, service_namespace},
    networking,
};

/// The controller of gateways that are translated.
const CONTROLLER: &str = "istio.io/gateway-controller";
/// The classes that istiod creates, with their controllers.
const CLASSES: [(&str, &str); 4] = [
    ("istio", CONTROLLER),
    ("istio-waypoint", "istio.io/mesh-controller"),
    ("istio-east-west", "istio.io/eastwest-controller"),
    ("istio-remote", "istio.io/unmanaged-gateway"),
];
/// The annotation with the name of the Service that Istio deploys.
const NAME_OVERRIDE: &str = "gateway.istio.io/name-override";
/// The label of the proxies that Istio deploys.
const NAME_LABEL: &str = "gateway.networking.k8s.io/gateway-name";

/// A gateway of the Gateway API, with the proxies that take it.
#[derive(Debug)]
pub(in crate::route) struct Deployed {
    /// Its name, as `namespace/name`.
    pub(in crate::route) name: String,
    pub(in crate::route) namespace: String,
    pub(in crate::route) age: Age,
    /// The hosts of the Services in front of the proxies.
    pub(in crate::route) services: Vec<String>,
    /// True when Istio deploys the proxies and the Service, which has the ports of the listeners.
    pub(in crate::route) managed: bool,
    /// The labels of the proxies that Istio deploys; of others they are those that the Service selects.
    pub(in crate::route) labels: BTreeMap<String, String>,
    /// The `Gateway` that Istio makes of each listener, by its name.
    pub(in crate::route) listeners: Vec<(String, networking::Gateway)>,
}

/// One gateway: its deployment, its listeners, and the parts of it that are not in force.
pub(super) struct Read {
    pub(super) deployed: Deployed,
    pub(super) parents: Vec<ListenerParent>,
    pub(super) notes: Vec<String>,
}

/// Reads a gateway.
///
/// # Errors
/// The reason why it is not one of Istio's.
pub(super) fn read(
    gateway: &Gateway,
    classes: &[GatewayClass],
    namespaces: &Namespaces,
    domain: &str,
) -> Result<Read, String> {
    let (namespace, name) = full_name(&gateway.metadata);
    let spec = &gateway.spec;
    let class = spec.gateway_class_name.as_str();
    let declared = classes.iter().find(|one| one.metadata.name.as_deref() == Some(class));
    let built_in = CLASSES.iter().find(|(name, _)| *name == class);
    let controller = declared
        .map(|declared| declared.spec.controller_name.as_str())
        .or(built_in.map(|(_, controller)| *controller));
    if controller != Some(CONTROLLER) {
        let reason = match controller {
            Some(other) => {
                format!(
                    "controller {other} of its class {class} is not Istio's for gateways, {CONTROLLER}"
                )
            }
            None => format!("no GatewayClass {class} is among the objects"),
        };
        return Err(format!("Gateway {namespace}/{name} is left aside: {reason}"));
    }
    let addresses = spec.addresses.as_deref().unwrap_or_default();
    let managed = match addresses {
        [] => true,
        [one] => one.type_or_default() == "IPAddress",
        _ => false,
    };
    let mut outside = None;
    let services = if managed {
        let annotations = gateway.metadata.annotations.as_ref();
        let override_name = annotations.and_then(|all| all.get(NAME_OVERRIDE));
        let service = override_name.cloned().unwrap_or_else(|| format!("{name}-{class}"));
        vec![service_name(&service, &namespace, domain)]
    } else {
        let hosts = addresses.iter().filter(|address| address.type_or_default() == "Hostname");
        let hosts = hosts.filter_map(|address| address.value.as_deref());
        let hosts = hosts.map(|host| {
            if host.contains('.') {
                host.to_owned()
            } else {
                service_name(host, &namespace, domain)
            }
        });
        let own = |host: &String| {
            let of_host = service_namespace(host, domain);
            of_host.is_none_or(|of_host| of_host == namespace)
        };
        let (own, others): (Vec<String>, Vec<String>) = hosts.partition(own);
        outside = own.is_empty().then(|| others.join(", "));
        own
    };
    let mut labels = BTreeMap::new();
    if managed {
        let infrastructure = spec.infrastructure.as_ref();
        labels.extend(infrastructure.and_then(|all| all.labels.clone()).unwrap_or_default());
        labels.insert(NAME_LABEL.to_owned(), name.clone());
    }
    let (mut parents, mut notes) = listeners::parents(&namespace, &name, spec, namespaces);
    let listeners = parents
        .iter_mut()
        .filter_map(|parent| Some((parent.internal.clone(), parent.made.take()?)))
        .collect();
    if let Some(others) = outside {
        notes.push(format!(
            "Gateway {namespace}/{name} has no proxies: none of its addresses is a Service of namespace {namespace}, \
             found {others:?}"
        ));
    }
    let age = (gateway.metadata.creation_timestamp.clone(), name.clone(), namespace.clone());
    let name = format!("{namespace}/{name}");
    let deployed = Deployed { name, namespace, age, services, managed, labels, listeners };
    Ok(Read { deployed, parents, notes })
}
