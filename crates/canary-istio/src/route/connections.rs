//! Rules for connections that are not terminated here: TLS by server name, and TCP.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    conditions::{Fixed, Listener},
    rule_ref::RuleRef,
    rules::Rule,
};
use crate::{
    names::{MESH, qualify_gateway},
    networking::{L4MatchAttributes, TlsMatchAttributes},
};

/// A rule for connections, with the conditions under which it holds.
#[derive(Debug)]
pub(super) struct ConnectionRule {
    pub(super) rule: Arc<Rule>,
    /// None for a TCP rule that takes every connection.
    pub(super) matches: Vec<Match>,
}

/// One entry of such a rule's `match`.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) place: Arc<RuleRef>,
    /// The names that the client may ask for; empty for TCP.
    pub(super) names: Vec<String>,
    /// True when there is a condition on the address that the client connects to, which a request does not contain.
    pub(super) subnets: bool,
    port: Option<u32>,
    gateways: Vec<String>,
    labels: BTreeMap<String, String>,
    namespace: Option<String>,
}

impl Match {
    pub(super) fn of_tls(written: &TlsMatchAttributes, place: RuleRef, namespace: &str) -> Self {
        let names = written.sni_hosts.iter().flatten().map(|name| name.to_ascii_lowercase());
        let same = L4MatchAttributes {
            destination_subnets: written.destination_subnets.clone(),
            port: written.port,
            source_subnet: None,
            source_labels: written.source_labels.clone(),
            gateways: written.gateways.clone(),
            source_namespace: written.source_namespace.clone(),
        };
        Self { names: names.collect(), ..Self::of_tcp(&same, place, namespace) }
    }

    pub(super) fn of_tcp(written: &L4MatchAttributes, place: RuleRef, namespace: &str) -> Self {
        let gateways = written.gateways.iter().flatten();
        let source = written.source_namespace.clone();
        Self {
            place: Arc::new(place),
            names: Vec::new(),
            subnets: written.destination_subnets.as_ref().is_some_and(|all| !all.is_empty()),
            port: written.port.filter(|port| *port != 0),
            gateways: gateways.map(|gateway| qualify_gateway(gateway, namespace)).collect(),
            labels: written.source_labels.clone().unwrap_or_default(),
            namespace: source.filter(|namespace| !namespace.is_empty()),
        }
    }

    /// Returns true when it holds at a gateway, where there is no condition on the proxy (`l4SingleMatch` of
    /// `pilot/pkg/networking/core/gateway.go`).
    pub(super) fn holds_at(&self, listener: Listener<'_>) -> bool {
        self.port.is_none_or(|port| port == u32::from(listener.port))
            && (self.gateways.is_empty()
                || self.gateways.iter().any(|gateway| gateway == listener.gateway))
    }

    /// Returns true when it holds for a sidecar. Unlike for HTTP, naming gateways leaves the other conditions in force
    /// (`matchTLS` of `pilot/pkg/networking/core/tls.go`).
    pub(super) fn holds_for(&self, fixed: &Fixed<'_>) -> bool {
        self.port.is_none_or(|port| port == u32::from(fixed.port))
            && (self.gateways.is_empty() || self.gateways.iter().any(|gateway| gateway == MESH))
            && self.labels.iter().all(|(key, value)| (fixed.label)(key) == Some(value.as_str()))
            && self.namespace.as_deref().is_none_or(|wanted| wanted == fixed.namespace)
    }
}
