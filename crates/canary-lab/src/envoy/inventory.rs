//! The input of the rendering: Istio's objects, the services behind them, and the gateway's pods.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use canary_core::{DestinationRule, Gateway, Object, VirtualService, istio::Server};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
/// A service with its pods, as in a cluster's registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    /// The fully qualified name.
    pub host: String,
    /// The ports that clients use.
    pub ports: Vec<u16>,
    /// The host that an `ExternalName` service stands for.
    pub external_name: Option<String>,
    /// The pods that are ready.
    pub endpoints: Vec<BackendEndpoint>,
}

/// A pod behind a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendEndpoint {
    /// The labels of the pod, by which subsets select it.
    pub labels: BTreeMap<String, String>,
    /// Its addresses, by port of the service.
    pub addresses: BTreeMap<u16, SocketAddr>,
}

/// Everything that a gateway's configuration is rendered from.
///
/// ```
/// use canary_core::{DestinationRule, Gateway, VirtualService};
/// use canary_lab::envoy::{Backend, Inventory};
///
/// let inventory = Inventory::default()
///     .object(Gateway::http("gateway", 80, ["*"]))
///     .object(DestinationRule::subsets("image-classifier", ["resnet50", "resnet101"]))
///     .object(
///         VirtualService::weighted("image-classifier", [("resnet50", 70), ("resnet101", 30)])
///             .hosts(["*"])
///             .gateway("gateway")
///             .port(8501),
///     )
///     .backend(Backend {
///         host: "image-classifier.default.svc.cluster.local".to_owned(),
///         ports: vec![8501],
///         ..Backend::default()
///     });
/// let rendered = inventory.render();
/// let weights = &rendered.routes[&80]["virtual_hosts"][0]["routes"][0]["route"]["weighted_clusters"]["clusters"];
/// assert_eq!(weights[1]["weight"], 30);
/// assert_eq!(weights[1]["name"], "outbound|8501|resnet101|image-classifier.default.svc.cluster.local");
/// assert_eq!(rendered.clusters.len(), 3);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Inventory {
    pub(super) gateways: Vec<Gateway>,
    pub(super) virtual_services: Vec<VirtualService>,
    pub(super) destination_rules: Vec<DestinationRule>,
    pub(super) backends: Vec<Backend>,
    pub(super) domain: String,
    pub(super) root_namespace: String,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Default for Inventory {
    /// An empty inventory for a gateway in the namespace `istio-system`, which is also the root namespace of the mesh.
    fn default() -> Self {
        Self {
            gateways: Vec::new(),
            virtual_services: Vec::new(),
            destination_rules: Vec::new(),
            backends: Vec::new(),
            domain: "cluster.local".to_owned(),
            root_namespace: "istio-system".to_owned(),
            namespace: "istio-system".to_owned(),
            labels: BTreeMap::new(),
        }
    }
}

impl Inventory {
    /// Adds an object; kinds other than Istio's three are ignored. All Gateways are served by the same proxies, whose
    /// labels are those of the Gateways' selectors.
    pub fn object(mut self, object: impl Into<Object>) -> Self {
        match object.into() {
            Object::Gateway(gateway) => {
                self.labels.extend(gateway.spec.selector.clone().unwrap_or_default());
                self.gateways.push(gateway);
            }
            Object::VirtualService(service) => self.virtual_services.push(service),
            Object::DestinationRule(rule) => self.destination_rules.push(rule),
            _ => {}
        }
        self
    }

    /// The `VirtualServices` in it.
    pub(crate) fn virtual_services(&self) -> &[VirtualService] {
        &self.virtual_services
    }

    /// Adds a service.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backends.push(backend);
        self
    }

    /// Adds a label to the gateway's pods, beside those that the selectors of Gateways name.
    pub fn gateway_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Sets the namespace of the gateway's pods; `istio-system` by default.
    pub fn gateway_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The ports with a server for plain HTTP.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.gateways
            .iter()
            .flat_map(|gateway| gateway.spec.servers.iter().flatten())
            .filter(|server| is_plain_http(server))
            .filter_map(|server| u16::try_from(server.port.number?).ok())
            .collect()
    }

    pub(super) fn find(&self, host: &str) -> Option<&Backend> {
        self.backends.iter().find(|backend| backend.host == host)
    }
}

/// Returns `true` for a server that speaks plain HTTP.
pub(super) fn is_plain_http(server: &Server) -> bool {
    let protocol = server.port.protocol.to_ascii_uppercase();
    ["HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY"].contains(&protocol.as_str())
}

/// The namespace of an object.
pub(super) fn namespace(metadata: &ObjectMeta) -> &str {
    metadata.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or("default")
}

/// Objects in Istio's order of preference: oldest first, ties by name and then by namespace; those that the API server
/// has not stamped come last, as they were given.
pub(super) fn by_age<T>(objects: &[T], metadata: impl Fn(&T) -> &ObjectMeta) -> Vec<&T> {
    let mut sorted: Vec<&T> = objects.iter().collect();
    sorted.sort_by_key(|object| {
        let metadata = metadata(object);
        let stamp = metadata.creation_timestamp.as_ref().map(|time| time.0);
        let named = |text: &str| if stamp.is_some() { text.to_owned() } else { String::new() };
        let name = named(metadata.name.as_deref().unwrap_or_default());
        (stamp.is_none(), stamp, name, named(namespace(metadata)))
    });
    sorted
}
