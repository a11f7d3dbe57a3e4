//! The conditions of matches, each on one part of a request.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::set::{Condition, Domain, Hosts, Test};
use crate::names::{CLUSTER_DOMAIN, MESH, aliases};
use crate::networking::{HttpMatchRequest, StringMatch, VirtualService};

/// A part of a request that a condition can be on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key<'m> {
    Path,
    Scheme,
    Method,
    Authority,
    Port,
    Gateway,
    SourceNamespace,
    SourceLabel(&'m str),
    /// By its name in lower case.
    Header(Cow<'m, str>),
    Query(&'m str),
    Claim(&'m str),
}

/// Conditions that all have to hold.
pub(super) type Conditions<'m> = Vec<(Key<'m>, Condition<'m>)>;

/// A match, or a rule without one.
pub(super) struct Place<'m> {
    pub(super) rule: usize,
    /// `None` for a rule without matches.
    pub(super) index: Option<usize>,
    /// `None` when the match cannot be judged.
    pub(super) conditions: Option<Conditions<'m>>,
}

impl Place<'_> {
    pub(super) fn rule_path(&self) -> String {
        format!("spec.http[{}]", self.rule)
    }

    pub(super) fn path(&self) -> String {
        match self.index {
            Some(index) => format!("spec.http[{}].match[{index}]", self.rule),
            None => self.rule_path(),
        }
    }
}

/// The HTTP matches of a `VirtualService` in the order in which they are tried.
pub(super) struct MatchSet<'m> {
    pub(super) places: Vec<Place<'m>>,
    /// The possible values of some parts of a request.
    pub(super) gateways: Vec<&'m str>,
    pub(super) ports: Vec<String>,
    /// The hosts, unless every authority fits them, and authorities that fit.
    pub(super) hosts: Option<Hosts>,
    pub(super) authorities: Vec<String>,
}

impl<'m> MatchSet<'m> {
    pub(super) fn of(service: &'m VirtualService) -> Self {
        let spec = &service.spec;
        let mut places = Vec::new();
        let mut ports = BTreeSet::new();
        for (rule, route) in spec.http.iter().flatten().enumerate() {
            let list = route.matches.as_deref().unwrap_or_default();
            if list.is_empty() {
                places.push(Place { rule, index: None, conditions: Some(Vec::new()) });
            }
            for (index, condition) in list.iter().enumerate() {
                ports.extend(condition.port.filter(|port| *port != 0));
                places.push(Place { rule, index: Some(index), conditions: conditions(condition) });
            }
        }
        let other = (1..=65535).find(|port| *port >= 80 && !ports.contains(port)).unwrap_or(80);
        let mut gateways: Vec<&str> = spec.gateways.iter().flatten().map(String::as_str).collect();
        if gateways.is_empty() {
            gateways.push(MESH);
        }
        let hosts = spec.hosts.as_deref().unwrap_or_default();
        let namespace = service.metadata.namespace.as_deref().unwrap_or("default");
        let (hosts, authorities) = authorities(hosts, namespace);
        Self {
            places,
            gateways,
            ports: std::iter::once(other).chain(ports).map(|port| port.to_string()).collect(),
            hosts,
            authorities,
        }
    }

    /// The values that a part of a request can have.
    pub(super) fn domain(&self, key: &Key<'_>) -> Domain<'_> {
        match key {
            Key::Path => Domain::Path,
            Key::Scheme => Domain::Finite(vec!["http", "https"]),
            Key::Method => Domain::Token,
            Key::Authority => Domain::Authority(&self.authorities),
            Key::Port => Domain::Finite(self.ports.iter().map(String::as_str).collect()),
            Key::Gateway => Domain::Finite(self.gateways.clone()),
            Key::SourceNamespace | Key::SourceLabel(_) | Key::Header(_) | Key::Claim(_) => {
                Domain::Optional
            }
            Key::Query(_) => Domain::Query,
        }
    }
}

/// The authorities of requests for these hosts, with examples; `None` when every authority fits.
fn authorities(hosts: &[String], namespace: &str) -> (Option<Hosts>, Vec<String>) {
    let mut names = Vec::new();
    let mut examples = Vec::new();
    for host in hosts {
        match host.strip_prefix('*') {
            Some("") => return (None, vec!["example.com".to_owned()]),
            Some(suffix) => {
                names.push(host.clone());
                examples.push(format!("a{suffix}"));
            }
            None if host.contains('.') => {
                names.push(host.clone());
                examples.push(host.clone());
            }
            None => {
                // A short name also has longer forms.
                let all = aliases(host, namespace, CLUSTER_DOMAIN);
                names.extend(all.iter().cloned());
                examples.extend(all.into_iter().rev());
            }
        }
    }
    if names.is_empty() {
        return (None, vec!["example.com".to_owned()]);
    }
    (Some(Hosts(names)), examples)
}

fn test(condition: &StringMatch) -> Test<'_> {
    match condition {
        StringMatch::Exact(text) => Test::Exact(text),
        StringMatch::Prefix(text) => Test::Prefix(text),
        // Istio reads this one as presence.
        StringMatch::Regex(pattern) if pattern == "*" => Test::Any,
        StringMatch::Regex(pattern) => Test::Regex(pattern),
        StringMatch::Present => Test::Any,
    }
}

/// The conditions of one match; `None` when it cannot be judged.
fn conditions(condition: &HttpMatchRequest) -> Option<Conditions<'_>> {
    let mut list: Conditions<'_> = Vec::new();
    if let Some(uri) = &condition.uri {
        let fold = condition.ignore_uri_case == Some(true);
        let test = match uri {
            StringMatch::Exact(text) if fold => Test::ExactFold(text),
            StringMatch::Prefix(text) if fold => Test::PrefixFold(text),
            other => test(other),
        };
        list.push((Key::Path, Condition::is(test)));
    }
    for (key, value) in [
        (Key::Scheme, &condition.scheme),
        (Key::Method, &condition.method),
        (Key::Authority, &condition.authority),
    ] {
        list.extend(value.iter().map(|value| (key.clone(), Condition::is(test(value)))));
    }
    for (name, value) in condition.headers.iter().flatten() {
        list.push((header_key(name)?, Condition::is(test(value))));
    }
    for (name, value) in condition.without_headers.iter().flatten() {
        let key = header_key(name)?;
        let test = test(value);
        // A missing header counts as empty in conditions that exclude a value.
        let missing =
            matches!(test, Test::Any) || matches!(key, Key::Claim(_)) || !test.matches("")?;
        list.push((key, Condition { test, wanted: false, missing }));
    }
    for (name, value) in condition.query_params.iter().flatten() {
        list.push((Key::Query(name), Condition::is(test(value))));
    }
    if let Some(port) = condition.port.filter(|port| *port != 0) {
        list.push((Key::Port, Condition::is(Test::Number(port))));
    }
    let gateways = condition.gateways.as_deref().unwrap_or_default();
    if gateways.is_empty() {
        source_conditions(condition, &mut list);
    } else {
        list.push((Key::Gateway, Condition::is(Test::OneOf(gateways))));
    }
    Some(list)
}

fn source_conditions<'m>(condition: &'m HttpMatchRequest, list: &mut Conditions<'m>) {
    let namespace = condition.source_namespace.as_deref().unwrap_or_default();
    if !namespace.is_empty() {
        list.push((Key::SourceNamespace, Condition::is(Test::Exact(namespace))));
    }
    for (name, value) in condition.source_labels.iter().flatten() {
        list.push((Key::SourceLabel(name), Condition::is(Test::Exact(value))));
    }
}

fn header_key(name: &str) -> Option<Key<'_>> {
    if name.starts_with('@') {
        return Some(Key::Claim(name));
    }
    let lower: Cow<'_, str> = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    };
    match lower.as_ref() {
        ":scheme" => Some(Key::Scheme),
        ":method" => Some(Key::Method),
        ":authority" | "host" => Some(Key::Authority),
        // Pseudo-headers for the path with its query, and those that only responses have.
        other if other.starts_with(':') => None,
        _ => Some(Key::Header(lower)),
    }
}

/// Conditions by the part of the request they are on.
pub(super) fn grouped<'c, 'm>(
    lists: impl IntoIterator<Item = &'c Conditions<'m>>,
) -> BTreeMap<&'c Key<'m>, Vec<&'c Condition<'m>>>
where
    'm: 'c,
{
    let mut groups: BTreeMap<&Key<'_>, Vec<&Condition<'_>>> = BTreeMap::new();
    for (key, condition) in lists.into_iter().flatten() {
        groups.entry(key).or_default().push(condition);
    }
    groups
}
