//! Delegation: a rule of one VirtualService is replaced by the rules of another.

use std::collections::BTreeMap;

use crate::names::{qualify, qualify_gateway};
use crate::networking::{HttpMatchRequest, HttpRoute, StringMatch};

/// A match made of one of the root's and one of the delegate's, with the numbers of both.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MergedMatch {
    pub(super) matches: HttpMatchRequest,
    pub(super) root: Option<usize>,
    pub(super) delegate: Option<usize>,
}

/// The matches of a delegate's rule under a root's rule; `None` when one of the delegate's conflicts with every one of
/// the root's, which removes the whole rule. An empty list matches everything.
pub(super) fn merge_matches(root: &HttpRoute, delegate: &HttpRoute) -> Option<Vec<MergedMatch>> {
    let roots = root.matches.as_deref().unwrap_or_default();
    let delegates = delegate.matches.as_deref().unwrap_or_default();
    let one = |matches: &HttpMatchRequest, root, delegate| MergedMatch {
        matches: matches.clone(),
        root,
        delegate,
    };
    if delegates.is_empty() {
        return Some(
            roots.iter().enumerate().map(|(index, found)| one(found, Some(index), None)).collect(),
        );
    }
    if roots.is_empty() {
        return Some(
            delegates
                .iter()
                .enumerate()
                .map(|(index, found)| one(found, None, Some(index)))
                .collect(),
        );
    }
    let mut merged = Vec::new();
    for (inner, of_delegate) in delegates.iter().enumerate() {
        let before = merged.len();
        for (outer, of_root) in roots.iter().enumerate() {
            if !conflict(of_root, of_delegate) {
                merged.push(MergedMatch {
                    matches: merge_match(of_root, of_delegate),
                    root: Some(outer),
                    delegate: Some(inner),
                });
            }
        }
        if merged.len() == before {
            return None;
        }
    }
    Some(merged)
}

/// A rule with its mirrors and the gateways of its matches named in full, so that it means the same in the other object.
pub(super) fn in_full(rule: &HttpRoute, namespace: &str, domain: &str) -> HttpRoute {
    let mut rule = rule.clone();
    let mirrors = rule.mirrors.iter_mut().flatten().map(|mirror| &mut mirror.destination);
    for destination in rule.mirror.iter_mut().chain(mirrors) {
        destination.host = qualify(&destination.host, namespace, domain);
    }
    for entry in rule.matches.iter_mut().flatten() {
        for gateway in entry.gateways.iter_mut().flatten() {
            *gateway = qualify_gateway(gateway, namespace);
        }
    }
    rule
}

/// The fields other than `match`: the delegate's where it has them, else the root's. Where requests go comes from the
/// delegate alone.
pub(super) fn merge_fields(root: &HttpRoute, delegate: &HttpRoute) -> HttpRoute {
    let mut merged = delegate.clone();
    macro_rules! inherit {
        ($($field:ident),*) => {
            $(if merged.$field.is_none() {
                merged.$field.clone_from(&root.$field);
            })*
        };
    }
    inherit!(
        direct_response,
        rewrite,
        timeout,
        retries,
        fault,
        mirror,
        mirrors,
        mirror_percent,
        mirror_percentage,
        cors_policy,
        headers
    );
    merged.name = join(root.name.as_deref(), delegate.name.as_deref());
    merged.delegate = None;
    merged
}

fn join(root: Option<&str>, delegate: Option<&str>) -> Option<String> {
    match (root.filter(|name| !name.is_empty()), delegate.filter(|name| !name.is_empty())) {
        (Some(root), Some(delegate)) => Some(format!("{root}-{delegate}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn merge_match(root: &HttpMatchRequest, delegate: &HttpMatchRequest) -> HttpMatchRequest {
    let mut merged = delegate.clone();
    // Fields written as zero or empty count as absent.
    merged.port = merged.port.filter(|port| *port != 0);
    merged.gateways = merged.gateways.filter(|gateways| !gateways.is_empty());
    merged.source_namespace = merged.source_namespace.filter(|namespace| !namespace.is_empty());
    macro_rules! inherit {
        ($($field:ident),*) => {
            $(if merged.$field.is_none() {
                merged.$field.clone_from(&root.$field);
            })*
        };
    }
    inherit!(
        uri,
        scheme,
        method,
        authority,
        port,
        gateways,
        source_namespace,
        stat_prefix,
        ignore_uri_case
    );
    merged.name = join(root.name.as_deref(), delegate.name.as_deref());
    merged.headers = unite(root.headers.as_ref(), delegate.headers.as_ref());
    merged.without_headers =
        unite(root.without_headers.as_ref(), delegate.without_headers.as_ref());
    merged.query_params = unite(root.query_params.as_ref(), delegate.query_params.as_ref());
    merged.source_labels = unite(root.source_labels.as_ref(), delegate.source_labels.as_ref());
    merged
}

/// Both maps in one; the delegate's value counts where both have a key.
fn unite<V: Clone>(
    root: Option<&BTreeMap<String, V>>,
    delegate: Option<&BTreeMap<String, V>>,
) -> Option<BTreeMap<String, V>> {
    if root.is_none() && delegate.is_none() {
        return None;
    }
    let mut united = root.cloned().unwrap_or_default();
    united.extend(delegate.cloned().unwrap_or_default());
    Some(united)
}

/// Returns true when no request can match both.
fn conflict(root: &HttpMatchRequest, delegate: &HttpMatchRequest) -> bool {
    let texts = [
        (&root.uri, &delegate.uri),
        (&root.scheme, &delegate.scheme),
        (&root.method, &delegate.method),
        (&root.authority, &delegate.authority),
    ];
    if texts.into_iter().any(|(root, delegate)| text_conflict(root.as_ref(), delegate.as_ref())) {
        return true;
    }
    let maps = [
        (&root.headers, &delegate.headers),
        (&root.without_headers, &delegate.without_headers),
        (&root.query_params, &delegate.query_params),
    ];
    if maps.into_iter().any(|(root, delegate)| map_conflict(root.as_ref(), delegate.as_ref())) {
        return true;
    }
    if root.ignore_uri_case.unwrap_or(false) != delegate.ignore_uri_case.unwrap_or(false) {
        return true;
    }
    let (root_port, port) = (root.port.unwrap_or(0), delegate.port.unwrap_or(0));
    if root_port != 0 && port != 0 && root_port != port {
        return true;
    }
    let namespace = root.source_namespace.as_deref().unwrap_or_default();
    if !namespace.is_empty()
        && delegate.source_namespace.as_deref().unwrap_or_default() != namespace
    {
        return true;
    }
    if let (Some(root), Some(delegate)) = (&root.source_labels, &delegate.source_labels)
        && root.iter().any(|(key, value)| delegate.get(key).is_some_and(|found| found != value))
    {
        return true;
    }
    match (&root.gateways, &delegate.gateways) {
        (Some(root), Some(delegate)) if !root.is_empty() => {
            delegate.iter().any(|gateway| !root.contains(gateway))
        }
        _ => false,
    }
}

fn map_conflict(
    root: Option<&BTreeMap<String, StringMatch>>,
    delegate: Option<&BTreeMap<String, StringMatch>>,
) -> bool {
    let (Some(root), Some(delegate)) = (root, delegate) else {
        return false;
    };
    root.iter().any(|(key, root)| text_conflict(Some(root), delegate.get(key)))
}

fn text_conflict(root: Option<&StringMatch>, delegate: Option<&StringMatch>) -> bool {
    use StringMatch::{Exact, Prefix};
    match (root, delegate) {
        (None, _) | (_, None) => false,
        // Istio treats an empty text as absent, which is compatible with nothing.
        (Some(Exact(root)), Some(Exact(delegate))) => root != delegate || root.is_empty(),
        (Some(Prefix(root)), Some(Prefix(delegate) | Exact(delegate))) => {
            root.is_empty() || delegate.is_empty() || !delegate.starts_with(root.as_str())
        }
        // An expression or presence on either side, or a prefix under an exact value.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: StringMatch) -> HttpMatchRequest {
        HttpMatchRequest { uri: Some(text), ..HttpMatchRequest::default() }
    }

    fn rule(matches: Vec<HttpMatchRequest>) -> HttpRoute {
        HttpRoute { matches: Some(matches), ..HttpRoute::default() }
    }

    #[test]
    fn one_side_without_matches_takes_the_others() {
        let root = rule(vec![uri(StringMatch::prefix("/a"))]);
        let merged = merge_matches(&root, &HttpRoute::default()).unwrap();
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].root, merged[0].delegate), (Some(0), None));
        let merged = merge_matches(&HttpRoute::default(), &root).unwrap();
        assert_eq!((merged[0].root, merged[0].delegate), (None, Some(0)));
        assert_eq!(merge_matches(&HttpRoute::default(), &HttpRoute::default()), Some(vec![]));
    }

    #[test]
    fn the_product_leaves_out_conflicts() {
        let root = rule(vec![uri(StringMatch::prefix("/a")), uri(StringMatch::prefix("/b"))]);
        let inner = rule(vec![uri(StringMatch::exact("/a/x")), uri(StringMatch::prefix("/b/y"))]);
        let merged = merge_matches(&root, &inner).unwrap();
        let pairs: Vec<_> = merged.iter().map(|found| (found.root, found.delegate)).collect();
        assert_eq!(pairs, [(Some(0), Some(0)), (Some(1), Some(1))]);
        assert_eq!(merged[0].matches.uri, Some(StringMatch::exact("/a/x")));
        let stray = rule(vec![uri(StringMatch::exact("/a/x")), uri(StringMatch::prefix("/c"))]);
        assert_eq!(merge_matches(&root, &stray), None);
    }

    #[test]
    fn texts_conflict_as_istio_says() {
        use StringMatch as S;
        let conflict = |root: S, delegate: S| text_conflict(Some(&root), Some(&delegate));
        assert!(conflict(S::regex("a"), S::exact("a")));
        assert!(conflict(S::exact("a"), S::regex("a")));
        assert!(conflict(S::exact("a"), S::prefix("a")));
        assert!(conflict(S::prefix("/a/b"), S::prefix("/a")));
        assert!(!conflict(S::prefix("/a"), S::exact("/a/b")));
        assert!(conflict(S::Present, S::exact("a")));
        assert!(conflict(S::prefix("/"), S::Present));
        assert!(!text_conflict(None, Some(&S::regex("a"))));
    }

    #[test]
    fn other_fields_conflict_too() {
        let with = |change: fn(&mut HttpMatchRequest)| {
            let mut matches = HttpMatchRequest::default();
            change(&mut matches);
            matches
        };
        let from = |namespace: &str| HttpMatchRequest {
            source_namespace: Some(namespace.to_owned()),
            ..HttpMatchRequest::default()
        };
        assert!(conflict(&from("a"), &HttpMatchRequest::default()));
        assert!(!conflict(&HttpMatchRequest::default(), &from("a")));
        assert!(conflict(&with(|m| m.port = Some(1)), &with(|m| m.port = Some(2))));
        assert!(!conflict(&with(|m| m.port = Some(1)), &with(|m| m.port = Some(0))));
        assert!(conflict(&with(|m| m.ignore_uri_case = Some(true)), &with(|_| {})));
        let gateways = |names: &[&str]| HttpMatchRequest {
            gateways: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            ..HttpMatchRequest::default()
        };
        assert!(conflict(&gateways(&["a"]), &gateways(&["a", "b"])));
        assert!(!conflict(&gateways(&["a", "b"]), &gateways(&["b"])));
    }

    #[test]
    fn maps_unite_and_fields_are_inherited_whole() {
        let header = |key: &str| {
            let headers = BTreeMap::from([(key.to_owned(), StringMatch::exact("1"))]);
            HttpMatchRequest { headers: Some(headers), ..HttpMatchRequest::default() }
        };
        let merged = merge_match(&header("a"), &header("b"));
        assert_eq!(merged.headers.unwrap().len(), 2);
        let port = |port| HttpMatchRequest { port: Some(port), ..HttpMatchRequest::default() };
        assert_eq!(merge_match(&port(80), &port(0)).port, Some(80));
        let root = HttpRoute {
            name: Some("root".to_owned()),
            timeout: Some("1s".parse().unwrap()),
            redirect: Some(crate::networking::HttpRedirect::default()),
            ..HttpRoute::default()
        };
        let inner = HttpRoute { name: Some("inner".to_owned()), ..HttpRoute::default() };
        let merged = merge_fields(&root, &inner);
        assert_eq!(merged.name.as_deref(), Some("root-inner"));
        assert_eq!(merged.timeout, root.timeout);
        assert_eq!(merged.redirect, None);
    }
}
