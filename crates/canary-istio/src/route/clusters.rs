//! Destinations as Envoy clusters: name, port, policy, and reachability.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    address::{Address, Named},
    destination_rules::{Client, DestinationRules},
    policy::{EffectivePolicy, MergedRule},
    registry::Registry,
    scopes::Egress,
    services::Service,
};
use crate::names::service_namespace;

/// The reason why no destination answers, with Envoy's response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The reason, in one line.
    pub reason: Arc<str>,
}

/// The kind of answer that Envoy itself gives when no destination does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// 400: the path cannot be normalised.
    BadPath,
    /// 404, flag `NR`: no host or no rule for the request.
    NoRoute,
    /// 503, flag `NC`: the rule names a cluster that does not exist.
    NoCluster,
    /// 503, flag `UH`: the cluster has no healthy endpoint.
    NoHealthyUpstream,
    /// 500, flag `NC`: a `backendRef` of a route of the Gateway API leads nowhere, because its Service or the port does
    /// not exist, its kind is not supported, or no `ReferenceGrant` permits it.
    InvalidBackend,
}

impl FailureKind {
    /// The HTTP status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::BadPath => 400,
            Self::NoRoute => 404,
            Self::NoCluster | Self::NoHealthyUpstream => 503,
            Self::InvalidBackend => 500,
        }
    }

    /// Envoy's response flag; `-` stands for none.
    pub fn flag(self) -> &'static str {
        match self {
            Self::BadPath => "-",
            Self::NoRoute => "NR",
            Self::NoCluster | Self::InvalidBackend => "NC",
            Self::NoHealthyUpstream => "UH",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.kind.status(), self.kind.flag(), self.reason)
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Failure", 3)?;
        fields.serialize_field("status", &self.kind.status())?;
        fields.serialize_field("flag", self.kind.flag())?;
        fields.serialize_field("reason", &*self.reason)?;
        fields.end()
    }
}

/// The Envoy cluster of a destination.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Cluster {
    /// Envoy's name for it: `outbound|8501|resnet50|image-classifier.default.svc.cluster.local`.
    pub name: String,
    /// The fully qualified host.
    pub host: String,
    /// The subset, when the destination names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// The port of the service; 0 for a `backendRef` that Istio does not follow.
    pub port: u16,
    /// The traffic policy that DestinationRules give it; `None` when none applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<EffectivePolicy>,
    /// The reason why requests cannot reach it; `None` when they can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// True when its endpoints are chosen by a hash of the request.
    #[serde(skip)]
    pub(super) hashes: bool,
}

/// Istio's name for the cluster of a `backendRef` that it does not follow; no cluster has it.
const REFUSED: &str = "UnknownService";

impl Cluster {
    /// The cluster of a `backendRef` that Istio does not follow.
    fn refused(reason: &Arc<str>) -> Self {
        let failure = Failure { kind: FailureKind::InvalidBackend, reason: Arc::clone(reason) };
        Self {
            name: REFUSED.to_owned(),
            host: String::new(),
            subset: None,
            port: 0,
            policy: None,
            failure: Some(failure),
            hashes: false,
        }
    }
}

/// The proxy that calls a destination.
#[derive(Clone, Copy, Debug)]
pub(super) enum Proxy<'e> {
    /// A gateway, which knows every service.
    Gateway,
    /// A sidecar, which looks the services of a rule up among those that listen on the port that the client calls and
    /// that its `Sidecar` resource, if there is one, imports there.
    Sidecar(Option<&'e Egress>),
}

/// The services and rules in which destinations are looked up.
#[derive(Debug, Default)]
pub(super) struct ClusterLookup {
    pub(super) domain: String,
    pub(super) registry: Registry,
    pub(super) rules: DestinationRules,
}

impl ClusterLookup {
    /// The cluster that a destination means for a client, behind a listener (`GetDestinationCluster` of
    /// `pilot/pkg/networking/core/route/route.go`).
    pub(super) fn cluster(
        &self,
        address: &Address,
        client: &Client<'_>,
        listener: u16,
        proxy: Proxy<'_>,
    ) -> Cluster {
        if let Named::Refused(reason) = &address.named {
            return Cluster::refused(reason);
        }
        let viewer = client.namespace;
        let service = match proxy {
            Proxy::Gateway => self.registry.get_of(&address.host, &address.namespace, viewer),
            Proxy::Sidecar(egress) => self
                .registry
                .get_among(&address.host, viewer, |host, namespace| {
                    egress.is_none_or(|egress| egress.has_service(host, namespace, viewer))
                })
                .filter(|service| service.has_port(listener)),
        };
        let external = service.and_then(|service| service.external_name.clone());
        let host = external.unwrap_or_else(|| address.host.clone());
        let behind = self.registry.get(&host, viewer);
        let only_port = service.and_then(|service| match service.ports.as_slice() {
            [port] => Some(*port),
            _ => None,
        });
        let port = address.port.or(only_port).unwrap_or(listener);
        let subset = address.subset.clone();
        let name = format!("outbound|{port}|{}|{host}", subset.as_deref().unwrap_or_default());
        let mut cluster =
            Cluster { name, host, subset, port, policy: None, failure: None, hashes: false };
        let rule = self.rule(client, &cluster.host);
        let subset = cluster.subset.as_deref().unwrap_or_default();
        let declared = rule.and_then(|rule| rule.subsets.get(subset));
        cluster.policy = rule.map(|rule| rule.effective(declared, port));
        // The rules of the host as written apply here, even if it is an alias of another one.
        cluster.hashes = self
            .rule(client, &address.host)
            .is_some_and(|rule| rule.hashes(rule.subsets.get(subset), address.port));
        cluster.failure =
            self.failure(address, behind, &cluster, client.namespace, declared.is_some());
        cluster
    }

    /// The merged rules for a host.
    fn rule(&self, client: &Client<'_>, host: &str) -> Option<&MergedRule> {
        let namespace = self
            .registry
            .namespace_of(host, client.namespace)
            .or_else(|| service_namespace(host, &self.domain));
        self.rules.find(client, host, namespace).map(AsRef::as_ref)
    }

    fn failure(
        &self,
        address: &Address,
        service: Option<&Service>,
        cluster: &Cluster,
        client: &str,
        declared: bool,
    ) -> Option<Failure> {
        let kind = match address.named {
            Named::Destination => FailureKind::NoCluster,
            Named::Backend | Named::Refused(_) => FailureKind::InvalidBackend,
        };
        let no_cluster = |reason: String| Some(Failure { kind, reason: reason.into() });
        if service.is_none() && self.registry.is_complete() {
            let known = if cluster.host != address.host {
                "; the service that names it has no endpoints of its own"
            } else if address.host.contains('.') && !address.host.ends_with(&self.domain) {
                "; a host with a dot is not completed with a namespace"
            } else {
                ""
            };
            return no_cluster(format!("no service {} is known{known}", cluster.host));
        }
        if service.is_some_and(|service| service.external_name.is_some()) {
            let named = &cluster.host;
            return no_cluster(format!(
                "service {named} is an alias of another service and has no cluster"
            ));
        }
        if let Some(service) = service
            && !service.has_port(cluster.port)
        {
            let ports: Vec<String> = service.ports.iter().map(u16::to_string).collect();
            return no_cluster(format!(
                "service {} has no port {}, only {}",
                cluster.host,
                cluster.port,
                ports.join(", ")
            ));
        }
        if let Some(subset) = &cluster.subset
            && !declared
        {
            let seen = match &cluster.policy {
                Some(policy) => format!("{} does not declare it", policy.rules.join(", ")),
                None => "no DestinationRule for the host is visible there".to_owned(),
            };
            return no_cluster(format!(
                "subset {subset} of {} does not exist for a proxy in namespace {client}: {seen}",
                cluster.host
            ));
        }
        let service = service?;
        let labels = cluster.policy.as_ref().map(|policy| &policy.labels);
        let none = std::collections::BTreeMap::new();
        let labels = labels.unwrap_or(&none);
        if service.has_healthy_endpoint(labels) {
            return None;
        }
        let which: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let which =
            if which.is_empty() { String::new() } else { format!(" with {}", which.join(", ")) };
        Some(Failure {
            kind: FailureKind::NoHealthyUpstream,
            reason: format!("service {} has no healthy endpoint{which}", cluster.host).into(),
        })
    }
}
