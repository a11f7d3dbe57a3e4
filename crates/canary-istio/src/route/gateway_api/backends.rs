//! The backends of rules and mirrors (`buildDestination` of `pilot/pkg/config/kube/gateway/conversion.go`).

use std::sync::Arc;

use super::{
    super::{
        address::{Address, Named},
        registry::Registry,
    },
    grants::{Grants, RouteKind},
};
use crate::names::service_name;

/// The reference of a rule or of a mirror to a backend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'r> {
    pub(super) group: &'r str,
    pub(super) kind: &'r str,
    pub(super) namespace: Option<&'r str>,
    pub(super) name: &'r str,
    pub(super) port: Option<u32>,
}

/// The route whose references are followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Referrer<'r> {
    pub(super) kind: RouteKind,
    pub(super) namespace: &'r str,
    /// The grants that references to other namespaces need; `None` for routes of the mesh, which need none.
    pub(super) grants: Option<&'r Grants>,
    /// The services, of which a mirror must be one.
    pub(super) registry: &'r Registry,
    /// The domain of the cluster.
    pub(super) domain: &'r str,
}

impl Referrer<'_> {
    /// Returns true when there is a service for a destination, as far as the services are known.
    pub(super) fn exists(&self, address: &Address) -> bool {
        let known = self.registry.get(&address.host, self.namespace).is_some();
        known || !self.registry.is_complete()
    }

    /// The destination of a reference.
    ///
    /// # Errors
    /// The reason why Istio leaves the whole route out.
    pub(super) fn follow(&self, to: Reference<'_>) -> Result<Address, &'static str> {
        let target = to.namespace.unwrap_or(self.namespace);
        let refused = |reason: String| {
            Ok(Address {
                host: String::new(),
                subset: None,
                port: None,
                namespace: self.namespace.to_owned(),
                named: Named::Refused(Arc::from(reason)),
            })
        };
        if let Some(grants) = self.grants
            && target != self.namespace
        {
            let service = to.group.is_empty() && to.kind == "Service";
            if !service || !grants.permit(self.kind, self.namespace, target, to.name) {
                return refused(format!(
                    "no ReferenceGrant of namespace {target} permits {} of namespace {} to send requests to {} {}",
                    self.kind.name(),
                    self.namespace,
                    to.kind,
                    to.name
                ));
            }
        }
        let host = match (to.group, to.kind) {
            ("", "Service") if to.name.contains('.') => {
                return Err("the name of a Service has no dot; write the name, not the host");
            }
            ("", "Service") | ("multicluster.x-k8s.io", "ServiceImport") => {
                service_name(to.name, target, self.domain)
            }
            ("networking.istio.io", "Hostname") if to.namespace.is_some() => {
                return Err("a Hostname has no namespace");
            }
            ("networking.istio.io", "Hostname") => to.name.to_owned(),
            (group, kind) => {
                return refused(format!(
                    "kind {kind} of group {group:?} is not supported as a backend"
                ));
            }
        };
        let Some(port) = to.port else { return Err("a port is required") };
        Ok(Address {
            host: host.to_ascii_lowercase(),
            subset: None,
            port: Some(u16::try_from(port).unwrap_or(0)),
            namespace: self.namespace.to_owned(),
            named: Named::Backend,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Reference<'_> =
        Reference { group: "", kind: "Service", namespace: None, name: "a", port: Some(80) };

    fn follow(to: Reference<'_>, mesh: bool) -> Result<Address, &'static str> {
        let grants = Grants::default();
        let referrer = Referrer {
            kind: RouteKind::Http,
            namespace: "shop",
            grants: (!mesh).then_some(&grants),
            registry: &Registry::default(),
            domain: "cluster.local",
        };
        referrer.follow(to)
    }

    fn refused(to: Reference<'_>) -> String {
        match follow(to, false).unwrap().named {
            Named::Refused(reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_service_is_a_host_and_a_port() {
        let found = follow(SERVICE, false).unwrap();
        assert_eq!((found.host.as_str(), found.port), ("a.shop.svc.cluster.local", Some(80)));
        let elsewhere = Reference { namespace: Some("other"), ..SERVICE };
        assert_eq!(follow(elsewhere, true).unwrap().host, "a.other.svc.cluster.local");
    }

    #[test]
    fn some_references_cost_their_share_and_some_the_whole_route() {
        let elsewhere = Reference { namespace: Some("other"), ..SERVICE };
        assert!(refused(elsewhere).starts_with("no ReferenceGrant of namespace other"));
        let pool =
            Reference { group: "inference.networking.k8s.io", kind: "InferencePool", ..SERVICE };
        assert!(refused(pool).starts_with("kind InferencePool"));
        // A kind that is not supported needs no port.
        assert!(follow(Reference { port: None, ..pool }, false).is_ok());
        for lost in [
            Reference { name: "a.shop", ..SERVICE },
            Reference { port: None, ..SERVICE },
            Reference {
                group: "networking.istio.io",
                kind: "Hostname",
                namespace: Some("shop"),
                name: "x.org",
                port: Some(80),
            },
        ] {
            assert!(follow(lost, false).is_err(), "{lost:?}");
        }
    }
}
