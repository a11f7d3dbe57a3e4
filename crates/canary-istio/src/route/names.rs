//! Names as Istio resolves them: hosts, gateways, authorities.

use std::{borrow::Cow, net::IpAddr};

/// The fully qualified form of a host written in an object of `namespace`.
///
/// A name without a dot belongs to the object's namespace; anything with a dot, an IP address and `*` stay as they
/// are, so `reviews.other` is *not* completed.
///
/// ```
/// use canary_core::route::names::qualify;
///
/// assert_eq!(qualify("reviews", "shop", "cluster.local"), "reviews.shop.svc.cluster.local");
/// ```
pub fn qualify(host: &str, namespace: &str, domain: &str) -> String {
    if host.is_empty() || host.contains(['.', '*']) || host.parse::<IpAddr>().is_ok() {
        host.to_ascii_lowercase()
    } else {
        format!("{}.{namespace}.svc.{domain}", host.to_ascii_lowercase())
    }
}

/// The full `namespace/name` of an entry of a `gateways` list; `mesh` stays.
pub(super) fn qualify_gateway(gateway: &str, namespace: &str) -> String {
    if gateway == super::request::MESH {
        return gateway.to_owned();
    }
    if let Some((prefix, name)) = gateway.split_once('/') {
        let prefix = if prefix == "." { namespace } else { prefix };
        return format!("{prefix}/{name}");
    }
    let mut parts = gateway.split('.');
    match (parts.next(), parts.next()) {
        (Some(name), Some(in_namespace)) => format!("{in_namespace}/{name}"),
        _ => format!("{namespace}/{gateway}"),
    }
}

/// Host and port of an authority; brackets of an IPv6 address stay with the host.
pub(super) fn split_authority(authority: &str) -> (&str, Option<&str>) {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_bracket..].rfind(':') {
        Some(at) => {
            let at = after_bracket + at;
            let port = &authority[at + 1..];
            // Two colons and no bracket: an IPv6 address without a port.
            if after_bracket == 0 && authority[..at].contains(':') {
                (authority, None)
            } else {
                (&authority[..at], Some(port))
            }
        }
        None => (authority, None),
    }
}

/// Lower case, without a copy when it is lower case already.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether every host that `narrow` stands for is one that `wide` stands for (`*` at the front is a wildcard).
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    match (wide.strip_prefix('*'), narrow.strip_prefix('*')) {
        (Some(wide), Some(narrow)) => narrow.len() >= wide.len() && narrow.ends_with(wide),
        (Some(wide), None) => narrow.ends_with(wide),
        (None, Some(_)) => false,
        (None, None) => wide == narrow,
    }
}

/// The more specific of two hosts when one covers the other.
pub(super) fn intersect<'h>(one: &'h str, other: &'h str) -> Option<&'h str> {
    if covers(one, other) {
        Some(other)
    } else if covers(other, one) {
        Some(one)
    } else {
        None
    }
}

/// The namespace of a service from its fully qualified name.
///
/// ```
/// use canary_core::route::names::service_namespace;
///
/// assert_eq!(service_namespace("reviews.shop.svc.cluster.local", "cluster.local"), Some("shop"));
/// ```
pub fn service_namespace<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let rest = host.strip_suffix(domain)?.strip_suffix(".svc.")?;
    let (name, namespace) = rest.split_once('.')?;
    (!name.is_empty() && !namespace.is_empty() && !namespace.contains('.')).then_some(namespace)
}

/// The name that a client in `namespace` means by a host: `reviews`, `reviews.ns` and `reviews.ns.svc` are the
/// service's short names.
///
/// ```
/// use canary_core::route::names::expand_alias;
///
/// let full = expand_alias("reviews.shop", "default", "cluster.local");
/// assert_eq!(full.as_deref(), Some("reviews.shop.svc.cluster.local"));
/// ```
pub fn expand_alias(host: &str, namespace: &str, domain: &str) -> Option<String> {
    match host.split('.').count() {
        1 if !host.is_empty() => Some(format!("{host}.{namespace}.svc.{domain}")),
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
    }

    #[test]
    fn gateways_in_every_spelling() {
        let full = |gateway| qualify_gateway(gateway, "shop");
        assert_eq!(full("mesh"), "mesh");
        assert_eq!(full("gw"), "shop/gw");
        assert_eq!(full("./gw"), "shop/gw");
        assert_eq!(full("edge/gw"), "edge/gw");
        assert_eq!(full("gw.edge.svc.cluster.local"), "edge/gw");
    }

    #[test]
    fn authorities_with_and_without_port() {
        assert_eq!(split_authority("a.example:80"), ("a.example", Some("80")));
        assert_eq!(split_authority("a.example"), ("a.example", None));
        assert_eq!(split_authority("[::1]:80"), ("[::1]", Some("80")));
        assert_eq!(split_authority("[::1]"), ("[::1]", None));
        assert_eq!(split_authority("::1"), ("::1", None));
        assert_eq!(split_authority(""), ("", None));
    }

    #[test]
    fn a_wildcard_is_a_suffix() {
        assert!(covers("*", "a.foo.com"));
        assert!(covers("*.foo.com", "a.b.foo.com"));
        assert!(!covers("*.foo.com", "foo.com"));
        assert!(covers("*.com", "*.foo.com"));
        assert!(!covers("a.foo.com", "*.foo.com"));
        assert_eq!(intersect("*.foo.com", "a.foo.com"), Some("a.foo.com"));
        assert_eq!(intersect("a.foo.com", "*"), Some("a.foo.com"));
        assert_eq!(intersect("a.foo.com", "b.foo.com"), None);
    }

    #[test]
    fn services_have_short_names() {
        assert_eq!(service_namespace("r.shop.svc.cluster.local", "cluster.local"), Some("shop"));
        assert_eq!(service_namespace("r.example.com", "cluster.local"), None);
        let full = |host| expand_alias(host, "shop", "cluster.local");
        assert_eq!(full("r").as_deref(), Some("r.shop.svc.cluster.local"));
        assert_eq!(full("r.other").as_deref(), Some("r.other.svc.cluster.local"));
        assert_eq!(full("r.other.svc").as_deref(), Some("r.other.svc.cluster.local"));
        assert_eq!(full("a.b.c.d"), None);
    }
}
