//! The objects of the Gateway API, by what they are looked up by.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::core::v1::Service;

use super::{grants::Grants, route::Route};
use crate::{
    analyze::index::{DEFAULT, Index},
    gateway_api::{Gateway, GatewayApiObject, GatewayClass},
    validate::object_name,
};

/// A gateway with its namespace and the name that findings give it.
pub(super) struct Placed<'o> {
    pub(super) object: &'o Gateway,
    pub(super) namespace: &'o str,
    pub(super) id: String,
}

/// The objects of an analysis.
pub(super) struct Objects<'o> {
    pub(super) gateways: Vec<Placed<'o>>,
    pub(super) routes: Vec<Route<'o>>,
    pub(super) grants: Grants<'o>,
    /// Positions in `gateways` by namespace and name.
    named: HashMap<(&'o str, &'o str), usize>,
    classes: HashMap<&'o str, &'o GatewayClass>,
    /// Services by namespace and name; `None` when they are not known.
    services: Option<HashMap<(&'o str, &'o str), &'o Service>>,
    /// The labels of the namespaces; `None` when they are not known.
    namespaces: Option<HashMap<&'o str, BTreeMap<String, String>>>,
}

impl<'o> Objects<'o> {
    pub(super) fn new(index: &Index<'o>) -> Self {
        let inventory = index.inventory;
        let services = inventory.services.as_ref().map(|services| {
            services
                .iter()
                .map(|service| {
                    let meta = &service.metadata;
                    let namespace = meta.namespace.as_deref().unwrap_or(DEFAULT);
                    ((namespace, meta.name.as_deref().unwrap_or_default()), service)
                })
                .collect()
        });
        let namespaces = inventory.namespaces.as_ref().map(|namespaces| {
            namespaces
                .iter()
                .map(|one| {
                    let name = one.metadata.name.as_deref().unwrap_or_default();
                    let mut labels = one.metadata.labels.clone().unwrap_or_default();
                    // The API server sets this label on every namespace.
                    labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
                    (name, labels)
                })
                .collect()
        });
        let mut objects = Self {
            gateways: Vec::new(),
            routes: Vec::new(),
            grants: Grants::default(),
            named: HashMap::new(),
            classes: HashMap::new(),
            services,
            namespaces,
        };
        for object in index.gateway_api() {
            objects.add(object);
        }
        objects
    }

    fn add(&mut self, object: &'o GatewayApiObject) {
        match object {
            GatewayApiObject::Gateway(object) => {
                let namespace = object.metadata.namespace.as_deref().unwrap_or(DEFAULT);
                self.named.insert((namespace, object.name()), self.gateways.len());
                let id = object_name("Gateway", namespace, object.name());
                self.gateways.push(Placed { object, namespace, id });
            }
            GatewayApiObject::GatewayClass(class) => {
                self.classes.insert(class.name(), class);
            }
            GatewayApiObject::HttpRoute(route) => self.routes.push(Route::http(route)),
            GatewayApiObject::GrpcRoute(route) => self.routes.push(Route::grpc(route)),
            GatewayApiObject::ReferenceGrant(grant) => self.grants.add(grant),
            GatewayApiObject::BackendTlsPolicy(_) => {}
        }
    }

    pub(super) fn gateway(&self, namespace: &str, name: &str) -> Option<&Placed<'o>> {
        self.named.get(&(namespace, name)).map(|place| &self.gateways[*place])
    }

    /// A Service; `Err` when the Services are not known.
    pub(super) fn service(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<&'o Service>, &'static str> {
        let services =
            self.services.as_ref().ok_or("whether Services exist: the Services are not known")?;
        Ok(services.get(&(namespace, name)).copied())
    }

    /// The labels of a namespace; `None` when they are not known.
    pub(super) fn labels(&self, namespace: &str) -> Option<&BTreeMap<String, String>> {
        self.namespaces.as_ref()?.get(namespace)
    }

    /// The controller of a class: that of its object, else that of Istio's class of this name.
    pub(super) fn controller(&self, class: &str) -> Option<&'o str> {
        if let Some(found) = self.classes.get(class) {
            return Some(&found.spec.controller_name);
        }
        match class {
            "istio" | "istio-remote" => Some("istio.io/gateway-controller"),
            "istio-waypoint" => Some("istio.io/mesh-controller"),
            "istio-east-west" => Some("istio.io/eastwest-controller"),
            _ => None,
        }
    }
}

/// True when a Service offers a port.
pub(super) fn offers(service: &Service, port: u32) -> bool {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    ports.iter().any(|one| u32::try_from(one.port) == Ok(port))
}

/// The ports that a Service offers, for messages.
pub(super) fn ports(service: &Service) -> String {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let ports: Vec<String> = ports.iter().map(|one| one.port.to_string()).collect();
    if ports.is_empty() { "none".to_owned() } else { ports.join(", ") }
}
