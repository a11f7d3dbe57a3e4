//! The objects of an analysis, found by name and by host.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use k8s_openapi::api::core::v1::{Pod, Service};

use super::{
    inventory::{Inventory, ServiceEntry},
    selectors::PodIndex,
    subject::Subject,
};
use crate::{
    gateway_api::GatewayApiObject,
    names::{CLUSTER_DOMAIN, Exports, HostIndex, gateway_name, is_in_cluster, lower, qualify},
    networking::{DestinationRule, Gateway, VirtualService},
    validate::object_name,
};

/// An object with its namespace and the name that findings give it.
pub(super) struct Item<'o, T> {
    pub(super) object: &'o T,
    pub(super) namespace: &'o str,
    pub(super) id: String,
}

/// A host that traffic can be sent to.
pub(super) struct KnownHost<'i> {
    pub(super) ports: Vec<u32>,
    pub(super) exports: Exports,
    /// The Service, when it is one.
    pub(super) service: Option<&'i Service>,
}

/// Everything, indexed.
pub(super) struct Index<'o> {
    pub(super) inventory: &'o Inventory,
    gateways: Vec<Item<'o, Gateway>>,
    virtual_services: Vec<Item<'o, VirtualService>>,
    destination_rules: Vec<Item<'o, DestinationRule>>,
    /// Positions in `gateways` by namespace and name.
    gateway_names: HashMap<(&'o str, &'o str), usize>,
    /// Gateways of the Gateway API, by namespace and name.
    kubernetes_gateways: HashSet<(&'o str, &'o str)>,
    /// The objects of the Gateway API.
    gateway_api: Vec<&'o GatewayApiObject>,
    /// The `ServiceEntry` objects among the objects.
    entries: Vec<ServiceEntry>,
    hosts: HostIndex<Vec<KnownHost<'o>>>,
    pub(super) pods: Option<PodIndex<'o>>,
    /// True when every `ServiceEntry` is known.
    knows_entries: bool,
    /// Services by namespace and one label of their selector.
    selecting: HashMap<(&'o str, &'o str, &'o str), Vec<&'o Service>>,
    /// Set when the analysis is no longer wanted; there are no objects then.
    stop: Option<&'o Arc<AtomicBool>>,
}

pub(super) const DEFAULT: &str = "default";

impl<'o> Index<'o> {
    pub(super) fn new(
        objects: impl Iterator<Item = Subject<'o>>,
        inventory: &'o Inventory,
        stop: Option<&'o Arc<AtomicBool>>,
    ) -> Self {
        let mut index = Self {
            inventory,
            gateways: Vec::new(),
            virtual_services: Vec::new(),
            destination_rules: Vec::new(),
            gateway_names: HashMap::new(),
            kubernetes_gateways: HashSet::new(),
            gateway_api: Vec::new(),
            entries: Vec::new(),
            hosts: HostIndex::default(),
            pods: inventory.pods.as_deref().map(PodIndex::new),
            knows_entries: false,
            selecting: HashMap::new(),
            stop,
        };
        for subject in objects {
            index.add(subject);
        }
        index.add_services();
        index
    }

    /// Returns true when the analysis is no longer wanted.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    pub(super) fn stop(&self) -> Option<&Arc<AtomicBool>> {
        self.stop
    }

    /// Every Gateway, until the analysis is stopped.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &Item<'o, Gateway>> {
        self.gateways.iter().take_while(|_| !self.is_stopped())
    }

    /// Every `VirtualService`, until the analysis is stopped.
    pub(super) fn virtual_services(&self) -> impl Iterator<Item = &Item<'o, VirtualService>> {
        self.virtual_services.iter().take_while(|_| !self.is_stopped())
    }

    /// Every `DestinationRule`, until the analysis is stopped.
    pub(super) fn destination_rules(&self) -> impl Iterator<Item = &Item<'o, DestinationRule>> {
        self.destination_rules.iter().take_while(|_| !self.is_stopped())
    }

    /// Every object of the Gateway API, until the analysis is stopped.
    pub(super) fn gateway_api(&self) -> impl Iterator<Item = &'o GatewayApiObject> {
        self.gateway_api.iter().copied().take_while(|_| !self.is_stopped())
    }

    /// The name of a `VirtualService` by its position.
    pub(super) fn virtual_service_id(&self, position: usize) -> &str {
        &self.virtual_services[position].id
    }

    fn add(&mut self, subject: Subject<'o>) {
        match subject {
            Subject::Gateway(object) => {
                let namespace = object.metadata.namespace.as_deref().unwrap_or(DEFAULT);
                self.gateway_names.insert((namespace, object.name()), self.gateways.len());
                let id = object_name("Gateway", namespace, object.name());
                self.gateways.push(Item { object, namespace, id });
            }
            Subject::VirtualService(object) => {
                let namespace = object.metadata.namespace.as_deref().unwrap_or(DEFAULT);
                let id = object_name("VirtualService", namespace, object.name());
                self.virtual_services.push(Item { object, namespace, id });
            }
            Subject::DestinationRule(object) => {
                let namespace = object.metadata.namespace.as_deref().unwrap_or(DEFAULT);
                let id = object_name("DestinationRule", namespace, object.name());
                self.destination_rules.push(Item { object, namespace, id });
            }
            Subject::KubernetesGateway(object) => {
                let text = |field: &str| object["metadata"][field].as_str();
                let named =
                    (text("namespace").unwrap_or(DEFAULT), text("name").unwrap_or_default());
                self.kubernetes_gateways.insert(named);
            }
            Subject::GatewayApi(object) => {
                if let GatewayApiObject::Gateway(gateway) = object {
                    let namespace = gateway.metadata.namespace.as_deref().unwrap_or(DEFAULT);
                    self.kubernetes_gateways.insert((namespace, gateway.name()));
                }
                self.gateway_api.push(object);
            }
            Subject::ServiceEntry(object) => {
                self.entries.push(ServiceEntry::from_json_value(object));
            }
        }
    }

    fn add_services(&mut self) {
        let inventory = self.inventory;
        for service in inventory.services.iter().flatten() {
            if self.is_stopped() {
                return;
            }
            let namespace = service.metadata.namespace.as_deref().unwrap_or(DEFAULT);
            let name = service.metadata.name.as_deref().unwrap_or_default();
            let spec = service.spec.as_ref();
            let ports = spec.and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
            let annotation = service
                .metadata
                .annotations
                .as_ref()
                .and_then(|annotations| annotations.get("networking.istio.io/exportTo"));
            let exported =
                annotation.map(|list| list.split(',').map(str::trim).collect::<Vec<_>>());
            self.hosts.entry(&qualify(name, namespace, CLUSTER_DOMAIN)).push(KnownHost {
                ports: ports.iter().filter_map(|port| u32::try_from(port.port).ok()).collect(),
                exports: Exports::new(exported.unwrap_or_default(), namespace),
                service: Some(service),
            });
            if let Some((key, value)) =
                spec.and_then(|spec| spec.selector.as_ref()).and_then(BTreeMap::first_key_value)
            {
                self.selecting.entry((namespace, key, value)).or_default().push(service);
            }
        }
        let entries = std::mem::take(&mut self.entries);
        self.knows_entries = inventory.service_entries.is_some() || !entries.is_empty();
        for entry in inventory.service_entries.iter().flatten().chain(&entries) {
            for host in &entry.hosts {
                self.hosts.entry(&lower(host)).push(KnownHost {
                    ports: entry.ports.clone(),
                    exports: Exports::new(
                        entry.export_to.iter().map(String::as_str),
                        &entry.namespace,
                    ),
                    service: None,
                });
            }
        }
    }

    /// The Gateway that `name` stands for in an object of `namespace`.
    pub(super) fn gateway(&self, name: &str, namespace: &str) -> Option<&Item<'o, Gateway>> {
        let (space, name) = gateway_name(name, namespace);
        self.gateway_names.get(&(space, name)).map(|position| &self.gateways[*position])
    }

    /// Returns true when `name` stands for a Gateway of the Gateway API in an object of `namespace`.
    pub(super) fn is_kubernetes_gateway(&self, name: &str, namespace: &str) -> bool {
        self.kubernetes_gateways.contains(&gateway_name(name, namespace))
    }

    /// The host that `host` stands for in an object of `namespace`; `Err` when too little is known.
    pub(super) fn host(
        &self,
        host: &str,
        namespace: &str,
    ) -> Result<Option<&KnownHost<'o>>, &'static str> {
        let full = qualify(host, namespace, CLUSTER_DOMAIN);
        let found =
            self.hosts.covering(&full).flatten().find(|known| known.exports.includes(namespace));
        if found.is_some() {
            return Ok(found);
        }
        let outside = !is_in_cluster(&full, CLUSTER_DOMAIN);
        if self.inventory.services.is_none() && !(outside && self.knows_entries) {
            return Err("whether hosts exist: the Services are not known");
        }
        if outside && !self.knows_entries {
            return Err(
                "whether hosts outside of the cluster exist: the ServiceEntries are not known",
            );
        }
        Ok(None)
    }

    /// The Services that select the pod.
    pub(super) fn services_of<'s>(
        &'s self,
        pod: &'s Pod,
    ) -> impl Iterator<Item = &'o Service> + 's {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or(DEFAULT);
        pod.metadata
            .labels
            .iter()
            .flatten()
            .filter_map(move |(key, value)| {
                self.selecting.get(&(namespace, key.as_str(), value.as_str()))
            })
            .flatten()
            .copied()
            .filter(|service| {
                service
                    .spec
                    .as_ref()
                    .and_then(|spec| spec.selector.as_ref())
                    .is_some_and(|selector| super::selectors::has_labels(pod, selector))
            })
    }
}
