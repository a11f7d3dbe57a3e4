//! The mesh: objects that are compiled once and route many requests.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    clusters::ClusterLookup,
    declared,
    destination_rules::DestinationRules,
    entry::Entry,
    gateway_api::{Deployed, GatewayApiObjects, Surroundings, Translated, translate},
    gateway_workload::{GatewayWorkload, group},
    registry::Registry,
    retries::Retries,
    scopes::Scopes,
    services::Service,
    sidecars::MeshTable,
    sorted::{Sorted, older, sorted},
    tables::{Source, Workload},
    virtual_host::{Size, TooManyRoutes},
    virtual_services::Compiler,
};
use crate::{
    Error, Finding, Result,
    manifest::{Object, ToObject},
    names::CLUSTER_DOMAIN,
    networking::{DestinationRule, Gateway, HttpRetry, VirtualService},
};

/// Gateways, VirtualServices, DestinationRules and the routes of the Gateway API, compiled for routing.
///
/// Compiling is linear in the objects and happens once; cloning a mesh is as cheap as cloning an `Arc`, so that a proxy
/// can hold one behind an atomic pointer and swap it when objects change. [`Mesh::route`] asks where a request goes.
///
/// ```
/// use canary_core::{DestinationRule, Gateway, Mesh, Request, VirtualService};
///
/// let gateway = Gateway::http("image-classifier-gateway", 80, ["*"]);
/// let subsets = DestinationRule::subsets("image-classifier", ["resnet50", "resnet101"]);
/// let split = VirtualService::weighted("image-classifier", [("resnet50", 70), ("resnet101", 30)])
///     .hosts(["*"])
///     .gateway("image-classifier-gateway")
///     .port(8501);
/// let mesh = Mesh::new([&gateway, &subsets, &split])?;
///
/// let request = Request::post("http://203.0.113.7/v1/models/image_classifier:predict").random(75);
/// let decision = mesh.route(&request);
/// let cluster = decision.cluster().expect("the rule forwards");
/// assert_eq!(cluster.subset.as_deref(), Some("resnet101"));
/// assert_eq!(cluster.name, "outbound|8501|resnet101|image-classifier.default.svc.cluster.local");
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mesh(pub(super) Arc<Compiled>);

/// The parts of a compiled mesh.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) lookup: ClusterLookup,
    pub(super) workloads: Vec<Workload>,
    /// For each Gateway the workload that takes it.
    pub(super) gateways: HashMap<String, usize>,
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) mesh: MeshTable,
    pub(super) scopes: Scopes,
    pub(super) default_retries: Retries,
    pub(super) objects: Objects,
    /// The gateways of the Gateway API.
    pub(super) deployed: Vec<Deployed>,
    /// The objects of the Gateway API that are not in force, with the reasons.
    notes: Vec<String>,
}

/// The objects as they were given, sorted.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) gateways: Sorted<Gateway>,
    pub(super) virtual_services: Sorted<VirtualService>,
    pub(super) destination_rules: Sorted<DestinationRule>,
}

impl Mesh {
    /// The mesh of some objects, of one kind or of several, with everything else at its default.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every reason for which Envoy would refuse the routes: expressions that do not
    /// compile, weights that sum to 0, statuses that do not redirect.
    pub fn new<const N: usize>(objects: [&dyn ToObject; N]) -> Result<Self> {
        Self::of(objects.map(ToObject::to_object))
    }

    /// The mesh of any number of objects: a [`Manifest`](crate::Manifest), a reference to one, or a list.
    ///
    /// Of the Gateway API it takes `Gateway`, `GatewayClass`, `HTTPRoute`, `GRPCRoute` and `ReferenceGrant`, as Istio
    /// understands them. Among other kinds a `Service` and a `ServiceEntry` tell what is a service and on which ports, a
    /// `Sidecar` what its workloads know of the mesh, and a `Namespace` its labels; the rest is left aside.
    ///
    /// # Errors
    /// As [`Mesh::new`].
    pub fn of<O: Into<Object>>(objects: impl IntoIterator<Item = O>) -> Result<Self> {
        Self::builder().objects(objects).build()
    }

    /// Starts a builder, with which services and proxies can be described too.
    pub fn builder() -> MeshBuilder {
        MeshBuilder::default()
    }

    /// The parts of objects that have no effect, with the reason: delegates that are missing or not exported, delegate
    /// rules that conflict with their root, servers of Gateways that Istio leaves out, listeners that Envoy refuses,
    /// gateways of other controllers, and routes of the Gateway API that no parent accepts or that Istio leaves out.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        let of_rules = self.0.entries.iter().flat_map(|entry| &entry.notes);
        let of_servers = self.0.workloads.iter().flat_map(|workload| &workload.notes);
        let of_routes = self.0.notes.iter();
        of_rules
            .map(|note| note.text.as_str())
            .chain(of_servers.chain(of_routes).map(String::as_str))
    }
}

/// The objects, services and proxies from which a [`Mesh`] is made.
///
/// ```
/// use canary_core::{Mesh, route::Service};
///
/// let mesh = Mesh::builder()
///     .services([Service::of_cluster("default", "image-classifier").port(8501)])
///     .gateway_namespace("istio-ingress")
///     .build()?;
/// # let _ = mesh;
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MeshBuilder {
    gateways: Vec<Gateway>,
    virtual_services: Vec<VirtualService>,
    destination_rules: Vec<DestinationRule>,
    services: Vec<Service>,
    gateway_api: GatewayApiObjects,
    namespaces: Vec<Value>,
    declared: Vec<Value>,
    sidecars: Vec<Value>,
    complete: bool,
    registry_only: bool,
    domain: String,
    root_namespace: String,
    gateway_namespace: Option<String>,
    workloads: Vec<GatewayWorkload>,
    default_retries: Retries,
}

impl Default for MeshBuilder {
    fn default() -> Self {
        Self {
            gateways: Vec::new(),
            virtual_services: Vec::new(),
            destination_rules: Vec::new(),
            services: Vec::new(),
            gateway_api: GatewayApiObjects::default(),
            namespaces: Vec::new(),
            declared: Vec::new(),
            sidecars: Vec::new(),
            complete: false,
            registry_only: false,
            domain: CLUSTER_DOMAIN.to_owned(),
            root_namespace: "istio-system".to_owned(),
            gateway_namespace: None,
            workloads: Vec::new(),
            default_retries: Retries::of(None),
        }
    }
}

impl MeshBuilder {
    /// Adds objects of any kind; see [`Mesh::of`].
    pub fn objects<O: Into<Object>>(self, objects: impl IntoIterator<Item = O>) -> Self {
        objects.into_iter().fold(self, Self::object)
    }

    /// Adds an object of any kind; see [`Mesh::of`].
    pub fn object(mut self, object: impl Into<Object>) -> Self {
        match object.into() {
            Object::Gateway(gateway) => self.gateways.push(gateway),
            Object::VirtualService(service) => self.virtual_services.push(service),
            Object::DestinationRule(rule) => self.destination_rules.push(rule),
            Object::GatewayApi(object) => self.gateway_api.push(object),
            Object::Other(value) => {
                let version = value["apiVersion"].as_str().unwrap_or_default();
                let of_istio = version.starts_with("networking.istio.io/");
                match value["kind"].as_str() {
                    Some("Service") if version == "v1" => self.declared.push(value),
                    Some("Namespace") if version == "v1" => self.namespaces.push(value),
                    Some("ServiceEntry") if of_istio => self.declared.push(value),
                    Some("Sidecar") if of_istio => self.sidecars.push(value),
                    _ => {}
                }
            }
        }
        self
    }

    /// Adds a Gateway.
    pub fn gateway(mut self, gateway: Gateway) -> Self {
        self.gateways.push(gateway);
        self
    }

    /// Adds a VirtualService.
    pub fn virtual_service(mut self, service: VirtualService) -> Self {
        self.virtual_services.push(service);
        self
    }

    /// Adds a DestinationRule.
    pub fn destination_rule(mut self, rule: DestinationRule) -> Self {
        self.destination_rules.push(rule);
        self
    }

    /// Sets the complete list of services: a destination that is not in it is then answered with 503 NC. Without a
    /// list, every service counts as existing and healthy.
    pub fn services(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.services.extend(services);
        self.complete = true;
        self
    }

    /// Describes one service; other services may exist too.
    pub fn known_service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Lets sidecars reach only what the mesh knows, as `outboundTrafficPolicy` `REGISTRY_ONLY` of the mesh
    /// configuration does: other requests are answered with 502. `Sidecar` resources can say otherwise for their own.
    pub fn registry_only(mut self) -> Self {
        self.registry_only = true;
        self
    }

    /// The domain of the cluster. Default `cluster.local`.
    pub fn cluster_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// The root namespace of the mesh, where DestinationRules for all are found. Default `istio-system`.
    pub fn root_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.root_namespace = namespace.into();
        self
    }

    /// The namespace of the gateways' pods. Default: the root namespace.
    pub fn gateway_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.gateway_namespace = Some(namespace.into());
        self
    }

    /// Describes the proxies of some Gateways. For Gateways without description, those with the same selector share
    /// proxies in the gateway namespace, whose labels are the selector's.
    pub fn gateway_workload(mut self, workload: GatewayWorkload) -> Self {
        self.workloads.push(workload);
        self
    }

    /// The mesh's own `defaultHttpRetryPolicy`, in force for rules without `retries`.
    pub fn default_retries(mut self, retries: &HttpRetry) -> Self {
        self.default_retries = Retries::of(Some(retries));
        self
    }

    /// Compiles the mesh.
    ///
    /// # Errors
    /// As [`Mesh::new`].
    pub fn build(self) -> Result<Mesh> {
        let objects = Objects {
            gateways: sorted(self.gateways, |gateway| &gateway.metadata),
            virtual_services: sorted(self.virtual_services, |service| &service.metadata),
            destination_rules: sorted(self.destination_rules, |rule| &rule.metadata),
        };
        let mut compiler = Compiler::new(&self.domain, self.default_retries.clone());
        let mut size = Size::default();
        let too_many =
            |found: TooManyRoutes| Error::Invalid([Finding::from(found)].into_iter().collect());
        let mut entries = compiler.entries(&objects.virtual_services);
        let declared = declared::by_age(self.declared);
        let services = declared.iter().flat_map(|value| declared::services(value, &self.domain));
        let registry = Registry::new(services, self.services, self.complete, &self.domain);
        let around = Surroundings {
            domain: &self.domain,
            registry: &registry,
            namespaces: &self.namespaces,
            declared: &declared,
        };
        let Translated { deployed, entries: of_routes, notes } =
            translate(&self.gateway_api, &around, compiler.rules(), &mut size).map_err(too_many)?;
        compiler.into_findings().into_result()?;
        entries.extend(of_routes);
        entries.sort_by(|(one, _), (other, _)| older(one, other));
        let entries: Vec<Arc<Entry>> =
            entries.into_iter().map(|(_, entry)| Arc::new(entry)).collect();
        let rules =
            DestinationRules::new(&objects.destination_rules, &self.domain, &self.root_namespace);
        let scopes = Scopes::new(
            &declared::by_age(self.sidecars),
            &self.root_namespace,
            &self.domain,
            self.registry_only,
        );
        let lookup = ClusterLookup { registry, rules, domain: self.domain };
        let namespace = self.gateway_namespace.unwrap_or(self.root_namespace);
        let source = Source::new(&lookup, &entries);
        let groups =
            group(&objects.gateways, &deployed, &self.workloads, &namespace, &lookup.registry);
        let workloads: Vec<Workload> = groups
            .into_iter()
            .map(|group| Workload::new(group, &source, &mut size))
            .collect::<std::result::Result<_, TooManyRoutes>>()
            .map_err(too_many)?;
        let gateways = workloads
            .iter()
            .enumerate()
            .flat_map(|(index, workload)| {
                workload.gateways.iter().map(move |name| (name.clone(), index))
            })
            .collect();
        let mesh = MeshTable::new(&entries);
        Ok(Mesh(Arc::new(Compiled {
            lookup,
            workloads,
            gateways,
            entries,
            mesh,
            scopes,
            default_retries: self.default_retries,
            objects,
            deployed,
            notes,
        })))
    }
}
