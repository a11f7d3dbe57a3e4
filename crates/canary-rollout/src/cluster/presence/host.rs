//! The `Service` of a `DestinationRule`'s host.

use super::super::ObjectRef;
use canary_istio::names::{CLUSTER_DOMAIN as DOMAIN, expand_alias, qualify, service_namespace};

/// The meaning of a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A `Service`.
    Service(ObjectRef),
    /// A short name with a dot. Kubernetes' DNS completes it to this `Service`, Istio does not change it.
    Alias(ObjectRef),
    /// Not the name of a `Service`.
    Outside,
}

impl Host {
    /// Returns the meaning of the host of a rule in `namespace`.
    pub(crate) fn of(host: &str, namespace: &str) -> Self {
        let full = qualify(host, namespace, DOMAIN);
        if let Some(service) = service(&full, DOMAIN) {
            return Self::Service(service);
        }
        // A cluster may have another domain, which only its DNS knows.
        if let Some((_, domain)) = full.split_once(".svc.")
            && let Some(service) = service(&full, domain)
        {
            return Self::Service(service);
        }
        let alias = if full.contains('.') { expand_alias(&full, namespace, DOMAIN) } else { None };
        alias.and_then(|full| service(&full, DOMAIN)).map_or(Self::Outside, Self::Alias)
    }
}

fn service(full: &str, domain: &str) -> Option<ObjectRef> {
    let namespace = service_namespace(full, domain)?;
    let (name, _) = full.split_once('.')?;
    (name != "*").then(|| ObjectRef::new("v1", "Service", namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_resolved_as_istio_does() {
        let service = |namespace, name| ObjectRef::new("v1", "Service", namespace, name);
        let of = |host| Host::of(host, "shop");
        assert_eq!(of("pets"), Host::Service(service("shop", "pets")));
        assert_eq!(of("Pets"), Host::Service(service("shop", "pets")));
        for full in ["pets.zoo.svc.cluster.local", "pets.zoo.svc.corp.example"] {
            assert_eq!(of(full), Host::Service(service("zoo", "pets")), "{full}");
        }
        assert_eq!(of("pets.svc.svc.cluster.local"), Host::Service(service("svc", "pets")));
        for alias in ["pets.zoo", "pets.zoo.svc"] {
            assert_eq!(of(alias), Host::Alias(service("zoo", "pets")), "{alias}");
        }
        for outside in
            ["", "*", "*.zoo", "*.zoo.svc.cluster.local", "10.0.0.1", "::1", "a.b.example.com"]
        {
            assert_eq!(of(outside), Host::Outside, "{outside}");
        }
    }
}
