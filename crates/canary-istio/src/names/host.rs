//! Hosts of services: short names and full ones.

use std::net::IpAddr;

/// The default domain of a cluster.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

/// The fully qualified form of a host written in an object of `namespace`.
///
/// A name without a dot belongs to the object's namespace; a name with a dot, an IP address and a wildcard stay
/// unchanged, so `reviews.other` is *not* completed. The result is in lower case.
///
/// ```
/// use canary_core::names::qualify;
///
/// assert_eq!(qualify("reviews", "shop", "cluster.local"), "reviews.shop.svc.cluster.local");
/// ```
pub fn qualify(host: &str, namespace: &str, domain: &str) -> String {
    if host.is_empty() || host.contains(['.', '*']) || host.parse::<IpAddr>().is_ok() {
        host.to_ascii_lowercase()
    } else {
        service_name(&host.to_ascii_lowercase(), namespace, domain)
    }
}

/// The fully qualified name of the service `name` of `namespace`.
///
/// ```
/// use canary_core::names::service_name;
///
/// assert_eq!(service_name("reviews", "shop", "cluster.local"), "reviews.shop.svc.cluster.local");
/// ```
pub fn service_name(name: &str, namespace: &str, domain: &str) -> String {
    format!("{name}.{namespace}.svc.{domain}")
}

/// The names by which clients in `namespace` call its service `name`, the shortest first.
pub(crate) fn aliases(name: &str, namespace: &str, domain: &str) -> [String; 4] {
    [
        name.to_owned(),
        format!("{name}.{namespace}"),
        format!("{name}.{namespace}.svc"),
        service_name(name, namespace, domain),
    ]
}

/// The namespace of a service from its fully qualified name.
///
/// ```
/// use canary_core::names::service_namespace;
///
/// assert_eq!(service_namespace("reviews.shop.svc.cluster.local", "cluster.local"), Some("shop"));
/// ```
pub fn service_namespace<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let rest = host.strip_suffix(domain)?.strip_suffix(".svc.")?;
    let (name, namespace) = rest.split_once('.')?;
    (!name.is_empty() && !namespace.is_empty() && !namespace.contains('.')).then_some(namespace)
}

/// Returns true for a name that ends as the services of the cluster do.
///
/// ```
/// use canary_core::names::is_in_cluster;
///
/// assert!(is_in_cluster("reviews.shop.svc.cluster.local", "cluster.local"));
/// assert!(!is_in_cluster("example.com", "cluster.local"));
/// ```
pub fn is_in_cluster(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with(".svc."))
}

/// The name that a client in `namespace` means by a host: `reviews`, `reviews.ns` and `reviews.ns.svc` are the
/// service's short names.
///
/// ```
/// use canary_core::names::expand_alias;
///
/// let full = expand_alias("reviews.shop", "default", "cluster.local");
/// assert_eq!(full.as_deref(), Some("reviews.shop.svc.cluster.local"));
/// ```
pub fn expand_alias(host: &str, namespace: &str, domain: &str) -> Option<String> {
    match host.split('.').count() {
        1 if !host.is_empty() => Some(service_name(host, namespace, domain)),
        2 => Some(format!("{host}.svc.{domain}")),
        3 if host.split('.').next_back() == Some("svc") => Some(format!("{host}.{domain}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_without_a_dot_are_completed() {
        let full = |host| qualify(host, "shop", "cluster.local");
        assert_eq!(full("reviews"), "reviews.shop.svc.cluster.local");
        assert_eq!(full("reviews.other"), "reviews.other");
        assert_eq!(full("*"), "*");
        assert_eq!(full("10.0.0.1"), "10.0.0.1");
        assert_eq!(full("::1"), "::1");
        assert_eq!(full("A.Example"), "a.example");
        assert_eq!(full("Reviews"), "reviews.shop.svc.cluster.local");
        assert_eq!(full("*.shop"), "*.shop");
        assert_eq!(full(""), "");
    }

    #[test]
    fn services_have_short_names() {
        assert_eq!(service_namespace("r.shop.svc.cluster.local", "cluster.local"), Some("shop"));
        assert_eq!(service_namespace("r.example.com", "cluster.local"), None);
        let full = |host: &str| expand_alias(host, "shop", "cluster.local");
        assert_eq!(full("r").as_deref(), Some("r.shop.svc.cluster.local"));
        assert_eq!(full("r.other").as_deref(), Some("r.other.svc.cluster.local"));
        assert_eq!(full("r.other.svc").as_deref(), Some("r.other.svc.cluster.local"));
        assert_eq!(full("a.b.c.d"), None);
        for alias in aliases("r", "shop", "cluster.local") {
            let expanded = full(&alias);
            assert_eq!(expanded.as_ref().unwrap_or(&alias), "r.shop.svc.cluster.local");
        }
    }
}
