//! Merges a rule of a root `VirtualService` with a rule of its delegate.

use std::collections::BTreeMap;

use canary_core::istio::{HttpMatchRequest, HttpRoute, StringMatch};

/// Merges the delegate's rule into the root's; `None` when one of its matches is compatible with none of the root's.
pub(super) fn merge(root: &HttpRoute, delegate: &HttpRoute) -> Option<HttpRoute> {
    let outer = root.matches.as_deref().unwrap_or_default();
    let inner = delegate.matches.as_deref().unwrap_or_default();
    let matches = match (outer, inner) {
        ([], inner) => inner.to_vec(),
        (outer, []) => outer.to_vec(),
        (outer, inner) => {
            let mut all = Vec::new();
            for narrow in inner {
                let fitting = outer.iter().filter(|wide| fits(wide, narrow));
                let before = all.len();
                all.extend(fitting.map(|wide| merge_match(wide, narrow)));
                if all.len() == before {
                    return None;
                }
            }
            all
        }
    };
    let name = joined(root.name.as_deref(), delegate.name.as_deref());
    let (root, delegate) = (root.clone(), delegate.clone());
    Some(HttpRoute {
        name,
        matches: (!matches.is_empty()).then_some(matches),
        route: delegate.route,
        redirect: delegate.redirect,
        delegate: None,
        direct_response: delegate.direct_response.or(root.direct_response),
        rewrite: delegate.rewrite.or(root.rewrite),
        timeout: delegate.timeout.or(root.timeout),
        retries: delegate.retries.or(root.retries),
        fault: delegate.fault.or(root.fault),
        mirror: delegate.mirror.or(root.mirror),
        mirrors: delegate.mirrors.or(root.mirrors),
        mirror_percent: delegate.mirror_percent.or(root.mirror_percent),
        mirror_percentage: delegate.mirror_percentage.or(root.mirror_percentage),
        cors_policy: delegate.cors_policy.or(root.cors_policy),
        headers: delegate.headers.or(root.headers),
    })
}

fn joined(root: Option<&str>, delegate: Option<&str>) -> Option<String> {
    let names: Vec<&str> =
        [root, delegate].into_iter().flatten().filter(|name| !name.is_empty()).collect();
    (!names.is_empty()).then(|| names.join("-"))
}

fn merge_match(root: &HttpMatchRequest, delegate: &HttpMatchRequest) -> HttpMatchRequest {
    let name = joined(root.name.as_deref(), delegate.name.as_deref());
    let (root, delegate) = (root.clone(), delegate.clone());
    HttpMatchRequest {
        name,
        uri: delegate.uri.or(root.uri),
        scheme: delegate.scheme.or(root.scheme),
        method: delegate.method.or(root.method),
        authority: delegate.authority.or(root.authority),
        headers: both(root.headers, delegate.headers),
        without_headers: both(root.without_headers, delegate.without_headers),
        query_params: both(root.query_params, delegate.query_params),
        source_labels: both(root.source_labels, delegate.source_labels),
        port: delegate.port.filter(|port| *port != 0).or(root.port),
        gateways: delegate.gateways.filter(|all| !all.is_empty()).or(root.gateways),
        source_namespace: delegate
            .source_namespace
            .filter(|name| !name.is_empty())
            .or(root.source_namespace),
        ignore_uri_case: delegate.ignore_uri_case,
        stat_prefix: delegate.stat_prefix.or(root.stat_prefix),
    }
}

type Map<V> = Option<BTreeMap<String, V>>;

fn both<V>(root: Map<V>, delegate: Map<V>) -> Map<V> {
    let mut all = root.unwrap_or_default();
    all.extend(delegate.unwrap_or_default());
    (!all.is_empty()).then_some(all)
}

/// Returns `true` when the delegate's match does not contradict the root's.
fn fits(root: &HttpMatchRequest, delegate: &HttpMatchRequest) -> bool {
    let single = [
        (&root.uri, &delegate.uri),
        (&root.scheme, &delegate.scheme),
        (&root.method, &delegate.method),
        (&root.authority, &delegate.authority),
    ];
    let maps = [
        (&root.headers, &delegate.headers),
        (&root.without_headers, &delegate.without_headers),
        (&root.query_params, &delegate.query_params),
    ];
    let text = single.iter().all(|(root, delegate)| narrows(root.as_ref(), delegate.as_ref()))
        && maps.iter().all(|(root, delegate)| {
            delegate.iter().flatten().all(|(key, narrow)| {
                narrows(root.as_ref().and_then(|map| map.get(key)), Some(narrow))
            })
        });
    let ports = match (root.port.unwrap_or(0), delegate.port.unwrap_or(0)) {
        (0, _) | (_, 0) => true,
        (root, delegate) => root == delegate,
    };
    let empty = String::new();
    let outer = root.source_namespace.as_ref().unwrap_or(&empty);
    let namespaces =
        outer.is_empty() || outer == delegate.source_namespace.as_ref().unwrap_or(&empty);
    let labels = delegate.source_labels.iter().flatten().all(|(key, value)| {
        let outer = root.source_labels.as_ref().and_then(|labels| labels.get(key));
        outer.is_none_or(|outer| outer == value)
    });
    let outer = root.gateways.as_deref().unwrap_or_default();
    let inner = delegate.gateways.as_deref().unwrap_or_default();
    let gateways = outer.is_empty()
        || (inner.len() <= outer.len() && inner.iter().all(|name| outer.contains(name)));
    text && ports
        && namespaces
        && labels
        && gateways
        && root.ignore_uri_case.unwrap_or(false) == delegate.ignore_uri_case.unwrap_or(false)
}

/// Returns `true` when a text condition of a delegate is compatible with one of the root's: both are exact and equal, or
/// the delegate's text begins with the root's prefix. Regular expressions and presence are compatible with nothing.
fn narrows(root: Option<&StringMatch>, delegate: Option<&StringMatch>) -> bool {
    use StringMatch::{Exact, Prefix};
    match (root, delegate) {
        (None, _) | (_, None) => true,
        (Some(Exact(root)), Some(Exact(delegate))) => !root.is_empty() && root == delegate,
        (Some(Prefix(root)), Some(Prefix(delegate) | Exact(delegate))) => {
            !root.is_empty() && !delegate.is_empty() && delegate.starts_with(root.as_str())
        }
        _ => false,
    }
}
