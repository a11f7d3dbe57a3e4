//! The conditions of one `match` entry: compiled, evaluated in order, and described when one fails.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    expressions::Expressions,
    invalid_match::InvalidMatch,
    request::{DEFAULT_NAMESPACE, RequestView, path_only, query_value, query_with_mark},
    text::{Text, is_presence},
};
use crate::names::{MESH, qualify_gateway};
use crate::networking::{HttpMatchRequest, StringMatch};

/// The condition on the path.
#[derive(Clone, Debug)]
pub(super) enum Uri {
    /// Every path; a rewrite then uses `"/"` as the matched prefix.
    Any,
    /// This path.
    Exact(Box<str>),
    /// Paths with this prefix, which may end in the middle of a segment.
    Prefix(Box<str>),
    /// Paths that the expression matches as a whole.
    Regex(Text),
}

/// The source of a value to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Method,
    Scheme,
    Authority,
    Path,
    /// A header, with its number for the cache.
    Header(u32, Box<str>),
    Query(Box<str>),
    Claim(Box<[String]>),
}

/// One condition other than that on the path.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// A value of the request; `field` is the place in the match, such as `headers[user-group]`.
    Value { source: Source, text: Text, invert: bool, field: Box<str> },
    /// The port of the listener.
    Port(u16),
    /// One of these gateways; `mesh` is every sidecar.
    Gateways(Box<[String]>),
    /// Labels of the proxy.
    SourceLabels(BTreeMap<String, String>),
    /// The namespace of the proxy.
    SourceNamespace(String),
}

/// Every condition of one `match` entry.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) uri: Uri,
    pub(super) ignore_case: bool,
    pub(super) rest: Box<[Condition]>,
}

/// A gateway's listener, as far as it is known before any request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener<'p> {
    /// The Gateway, as `namespace/name`.
    pub(super) gateway: &'p str,
    /// The port of the server.
    pub(super) port: u16,
    /// The namespace of the gateway's pods.
    pub(super) namespace: &'p str,
    /// The labels of the gateway's pods.
    pub(super) labels: &'p BTreeMap<String, String>,
}

/// The port, namespace and labels of a client, which are the same for all its requests.
pub(super) struct Fixed<'c> {
    /// The port that the client calls.
    pub(super) port: u16,
    /// The namespace of the client.
    pub(super) namespace: &'c str,
    /// The labels of the client.
    pub(super) label: &'c dyn Fn(&str) -> Option<&'c str>,
}

/// The condition that kept a rule from being chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unmet {
    /// The place of the condition in its object, such as `spec.http[0].match[1].headers[user-group]`.
    pub path: String,
    /// The value required, in words: `exactly "canary"`.
    pub expected: String,
    /// The value that the request, or the listener, has; `None` when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} wants {}, ", self.path, self.expected)?;
        match &self.found {
            Some(found) => write!(f, "found {found:?}"),
            None => f.write_str("found none"),
        }
    }
}

/// Numbers the names of headers, so that a value is looked up once for a request.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderNames(std::collections::HashMap<Box<str>, u32>);

impl HeaderNames {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.into(), number);
        number
    }

    fn source(&mut self, key: &str) -> Source {
        if let Some(path) = claim_path(key) {
            return Source::Claim(path);
        }
        let name = key.to_ascii_lowercase();
        match name.as_str() {
            ":method" => Source::Method,
            ":scheme" => Source::Scheme,
            ":authority" | "host" => Source::Authority,
            ":path" => Source::Path,
            _ => Source::Header(self.number(&name), name.into()),
        }
    }
}

/// The claim that a header key names: `@request.auth.claims.group.id` or `@request.auth.claims[group][id]`.
fn claim_path(key: &str) -> Option<Box<[String]>> {
    const PREFIX: &str = "@request.auth.claims";
    let prefix = key.get(..PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let rest = &key[PREFIX.len()..];
    if let Some(inner) = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(inner.split("][").map(str::to_owned).collect());
    }
    let dotted = rest.strip_prefix('.')?;
    Some(dotted.split('.').map(str::to_owned).collect())
}

impl Conditions {
    /// The conditions of a rule without `match`: none.
    pub(super) fn none() -> Self {
        Self { uri: Uri::Any, ignore_case: false, rest: Box::default() }
    }

    /// Compiles a match of an object in `namespace`; every expression that does not compile is reported.
    pub(super) fn new(
        written: &HttpMatchRequest,
        namespace: &str,
        names: &mut HeaderNames,
        expressions: &mut Expressions,
    ) -> Result<Self, Vec<InvalidMatch>> {
        let mut broken = Vec::new();
        let mut text = |written: &StringMatch, field: &str| match Text::new(written, expressions) {
            Ok(text) => Some(text),
            Err(reason) => {
                broken.push(InvalidMatch::expression(field, reason));
                None
            }
        };
        let uri = match &written.uri {
            None | Some(StringMatch::Present) => Uri::Any,
            Some(StringMatch::Exact(path)) => Uri::Exact(path.as_str().into()),
            Some(StringMatch::Prefix(prefix)) => Uri::Prefix(prefix.as_str().into()),
            Some(expression @ StringMatch::Regex(_)) => {
                text(expression, "uri").map_or(Uri::Any, Uri::Regex)
            }
        };
        let mut rest = Vec::new();
        if let Some(port) = written.port.filter(|port| *port != 0) {
            // A port beyond 65535 equals none; 0 stands for that here.
            rest.push(Condition::Port(u16::try_from(port).unwrap_or(0)));
        }
        let non_empty = |text: &&String| !text.is_empty();
        if let Some(gateways) = written.gateways.as_deref().filter(|all| !all.is_empty()) {
            rest.push(Condition::Gateways(
                gateways.iter().map(|gateway| qualify_gateway(gateway, namespace)).collect(),
            ));
        } else {
            if let Some(labels) = written.source_labels.as_ref().filter(|all| !all.is_empty()) {
                rest.push(Condition::SourceLabels(labels.clone()));
            }
            if let Some(source) = written.source_namespace.as_ref().filter(non_empty) {
                rest.push(Condition::SourceNamespace(source.clone()));
            }
        }
        let mut empty = Vec::new();
        let mut value = |source, written: &StringMatch, invert, field: String| {
            if matches!(source, Source::Claim(_)) && is_presence(written) {
                empty.push(InvalidMatch::claim(field));
            } else if let Some(text) = text(written, &field) {
                rest.push(Condition::Value { source, text, invert, field: field.into() });
            }
        };
        for (source, field, written) in [
            (Source::Method, "method", &written.method),
            (Source::Scheme, "scheme", &written.scheme),
            (Source::Authority, "authority", &written.authority),
        ] {
            if let Some(written) = written {
                value(source, written, false, field.to_owned());
            }
        }
        for (key, written) in written.headers.iter().flatten() {
            value(names.source(key), written, false, format!("headers[{key}]"));
        }
        for (key, written) in written.without_headers.iter().flatten() {
            value(names.source(key), written, true, format!("withoutHeaders[{key}]"));
        }
        for (key, written) in written.query_params.iter().flatten() {
            let source = Source::Query(key.as_str().into());
            value(source, written, false, format!("queryParams[{key}]"));
        }
        broken.extend(empty);
        if broken.is_empty() {
            let ignore_case = written.ignore_uri_case.unwrap_or(false);
            Ok(Self { uri, ignore_case, rest: rest.into() })
        } else {
            Err(broken)
        }
    }

    /// Evaluates the conditions that are known at a gateway before any request. Returns the remaining conditions, or
    /// the one that can never hold there. `field` precedes the names of fields.
    pub(super) fn at_gateway(&self, listener: Listener<'_>, field: &str) -> Result<Self, Unmet> {
        let mut rest = Vec::with_capacity(self.rest.len());
        for condition in &self.rest {
            match condition {
                Condition::Value { .. } => rest.push(condition.clone()),
                fixed => {
                    if let Some(unmet) = fixed.unmet_at(listener, field) {
                        return Err(unmet);
                    }
                }
            }
        }
        Ok(Self { uri: self.uri.clone(), ignore_case: self.ignore_case, rest: rest.into() })
    }

    /// Returns true when a sidecar has a route for it: when the conditions that do not depend on the request hold.
    pub(super) fn apply(&self, fixed: &Fixed<'_>) -> bool {
        self.rest.iter().all(|condition| condition.applies(fixed))
    }

    /// Returns true when Envoy treats it as a catch-all: every path, without conditions on headers, query or claims.
    pub(super) fn is_catch_all(&self) -> bool {
        let every_path = match &self.uri {
            Uri::Any => true,
            Uri::Prefix(prefix) => &**prefix == "/",
            Uri::Regex(Text::Regex(_, source)) => &**source == ".*",
            _ => false,
        };
        every_path
            && !self.rest.iter().any(|condition| matches!(condition, Condition::Value { .. }))
    }

    /// Returns true when every condition holds.
    #[inline]
    pub(super) fn hold<R: RequestView>(&self, seen: &mut Seen<'_, R>) -> bool {
        self.uri_holds(seen.path) && self.rest.iter().all(|condition| condition.holds(seen))
    }

    #[inline]
    fn uri_holds(&self, path: &str) -> bool {
        match &self.uri {
            Uri::Any => true,
            Uri::Exact(wanted) if self.ignore_case => path.eq_ignore_ascii_case(wanted),
            Uri::Exact(wanted) => path == &**wanted,
            Uri::Prefix(wanted) if self.ignore_case => path
                .as_bytes()
                .get(..wanted.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(wanted.as_bytes())),
            Uri::Prefix(wanted) => path.starts_with(&**wanted),
            Uri::Regex(text) => text.matches(path),
        }
    }

    /// The first condition that does not hold, in words.
    pub(super) fn unmet<R: RequestView>(
        &self,
        seen: &mut Seen<'_, R>,
        field: &str,
    ) -> Option<Unmet> {
        if !self.uri_holds(seen.path) {
            let expected = match &self.uri {
                Uri::Exact(path) => format!("exactly {path:?}"),
                Uri::Prefix(prefix) => format!("prefix {prefix:?}"),
                Uri::Regex(text) => text.describe(),
                Uri::Any => "any path".to_owned(),
            };
            return Some(Unmet {
                path: format!("{field}.uri"),
                expected,
                found: Some(seen.path.to_owned()),
            });
        }
        self.rest.iter().find_map(|condition| condition.unmet(seen, field))
    }
}

impl Condition {
    fn holds<R: RequestView>(&self, seen: &mut Seen<'_, R>) -> bool {
        match self {
            Self::Value { source: Source::Claim(path), text, invert, .. } => {
                claim_matches(seen.request.claims(), path, text) != *invert
            }
            Self::Value { source, text, invert, .. } => {
                let value = seen.value(source);
                match (text, invert) {
                    (Text::Present, false) => value.is_some(),
                    (Text::Present, true) => value.is_none(),
                    (_, false) => value.is_some_and(|value| text.matches(value)),
                    // An absent header counts as empty here.
                    (_, true) => !text.matches(value.unwrap_or_default()),
                }
            }
            Self::Port(port) => seen.port == *port,
            Self::Gateways(gateways) => gateways.iter().any(|gateway| gateway == MESH),
            Self::SourceLabels(labels) => labels
                .iter()
                .all(|(key, value)| seen.request.source_label(key) == Some(value.as_str())),
            Self::SourceNamespace(namespace) => {
                seen.request.source_namespace().unwrap_or(DEFAULT_NAMESPACE) == namespace
            }
        }
    }

    fn applies(&self, fixed: &Fixed<'_>) -> bool {
        match self {
            Self::Value { .. } => true,
            Self::Port(port) => fixed.port == *port,
            Self::Gateways(gateways) => gateways.iter().any(|gateway| gateway == MESH),
            Self::SourceLabels(labels) => {
                labels.iter().all(|(key, value)| (fixed.label)(key) == Some(value.as_str()))
            }
            Self::SourceNamespace(namespace) => fixed.namespace == namespace,
        }
    }

    fn unmet<R: RequestView>(&self, seen: &mut Seen<'_, R>, field: &str) -> Option<Unmet> {
        if self.holds(seen) {
            return None;
        }
        let unmet = |name: &str, expected: String, found: Option<String>| {
            Some(Unmet { path: format!("{field}.{name}"), expected, found })
        };
        match self {
            Self::Value { source, text, invert, field: name } => {
                let found = match source {
                    Source::Claim(path) => {
                        claim_at(seen.request.claims(), path).map(ToString::to_string)
                    }
                    source => seen.value(source).map(str::to_owned),
                };
                let expected = match (text, invert) {
                    (Text::Present, true) => "none".to_owned(),
                    (text, true) => format!("anything but {}", text.describe()),
                    (text, false) => text.describe(),
                };
                unmet(name, expected, found)
            }
            Self::Port(port) => {
                unmet("port", format!("listener port {port}"), Some(seen.port.to_string()))
            }
            Self::Gateways(gateways) => {
                unmet("gateways", format!("one of {}", gateways.join(", ")), Some(MESH.to_owned()))
            }
            Self::SourceLabels(labels) => {
                let (key, value) = labels
                    .iter()
                    .find(|(key, value)| seen.request.source_label(key) != Some(value.as_str()))?;
                let found = seen.request.source_label(key).map(str::to_owned);
                unmet(&format!("sourceLabels[{key}]"), format!("exactly {value:?}"), found)
            }
            Self::SourceNamespace(namespace) => {
                let found = seen.request.source_namespace().map(str::to_owned);
                unmet("sourceNamespace", format!("exactly {namespace:?}"), found)
            }
        }
    }

    fn unmet_at(&self, listener: Listener<'_>, field: &str) -> Option<Unmet> {
        let unmet = |name: &str, expected: String, found: Option<String>| {
            Some(Unmet { path: format!("{field}.{name}"), expected, found })
        };
        match self {
            Self::Port(port) if *port != listener.port => {
                unmet("port", format!("listener port {port}"), Some(listener.port.to_string()))
            }
            Self::Gateways(all) if !all.iter().any(|gateway| gateway == listener.gateway) => unmet(
                "gateways",
                format!("one of {}", all.join(", ")),
                Some(listener.gateway.to_owned()),
            ),
            Self::SourceLabels(labels) => {
                let (key, value) =
                    labels.iter().find(|(key, value)| listener.labels.get(*key) != Some(value))?;
                unmet(
                    &format!("sourceLabels[{key}]"),
                    format!("{value:?} on the gateway's pods"),
                    listener.labels.get(key).cloned(),
                )
            }
            Self::SourceNamespace(namespace) if namespace != listener.namespace => unmet(
                "sourceNamespace",
                format!("{namespace:?} as the gateway's namespace"),
                Some(listener.namespace.to_owned()),
            ),
            _ => None,
        }
    }
}

fn claim_at<'c>(claims: Option<&'c Value>, path: &[String]) -> Option<&'c Value> {
    path.iter().try_fold(claims?, |value, key| value.get(key))
}

/// A claim fulfils a condition when it is a text that does, or a list with such a text in it.
fn claim_matches(claims: Option<&Value>, path: &[String], text: &Text) -> bool {
    match (claim_at(claims, path), text) {
        (Some(_), Text::Present) => true,
        (Some(Value::String(value)), text) => text.matches(value),
        (Some(Value::Array(values)), text) => {
            values.iter().filter_map(Value::as_str).any(|value| text.matches(value))
        }
        _ => false,
    }
}

/// A cached header: its number and its value.
type Cached<'r> = Option<(u32, Option<Cow<'r, str>>)>;

/// The number of headers that are cached while one request is evaluated.
const CACHE: usize = 8;

/// A request under evaluation, with the headers already looked up.
pub(super) struct Seen<'r, R> {
    pub(super) request: &'r R,
    /// The whole target, with its path normalised.
    target: &'r str,
    pub(super) path: &'r str,
    /// The query with its `?`, without the fragment.
    query: &'r str,
    pub(super) port: u16,
    headers: [Cached<'r>; CACHE],
}

impl<'r, R: RequestView> Seen<'r, R> {
    /// `target` is the normalised target of the request.
    pub(super) fn new(request: &'r R, target: &'r str, port: u16) -> Self {
        let bare = path_only(target);
        // Most requests have no query, which `path_only` has then found out.
        let query = if bare.len() == target.len() { "" } else { query_with_mark(target) };
        Self { request, target, path: bare, query, port, headers: [const { None }; CACHE] }
    }

    /// The value that a source has in the request; claims are judged elsewhere.
    pub(super) fn value(&mut self, source: &Source) -> Option<&str> {
        match source {
            Source::Method => Some(self.request.method()),
            Source::Scheme => Some(self.request.scheme()),
            Source::Authority => Some(self.request.authority()),
            Source::Path => Some(self.target),
            Source::Header(number, name) => {
                let slot = &mut self.headers[*number as usize % CACHE];
                match slot {
                    Some((found, _)) if found == number => {}
                    _ => *slot = Some((*number, self.request.header(name))),
                }
                slot.as_ref().and_then(|(_, value)| value.as_deref())
            }
            Source::Query(name) => query_value(self.query, name),
            Source::Claim(_) => None,
        }
    }
}
