//! The conditions of one `match` entry: compiled, evaluated in order, and described when one fails.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    expressions::Expressions,
    invalid_match::InvalidMatch,
    request::{DEFAULT_NAMESPACE, RequestView},
    seen::Seen,
    source::{HeaderNames, Source},
    text::{Text, is_presence},
    uri::Uri,
};
use crate::names::{MESH, qualify_gateway};
use crate::networking::{HttpMatchRequest, StringMatch};

/// The field of a VirtualService with the condition on the path.
const URI: &str = "uri";

/// One condition other than that on the path.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// A value of the request; `field` is the place in the match, such as `headers[user-group]`.
    Value { source: Source, text: Text, invert: bool, field: Box<str> },
    /// The port of the listener.
    Port(u16),
    /// The port of the listener, as a reference of a route to its parent names it; the field is its place in the object.
    ParentPort(u16, Box<str>),
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
    /// The field with the condition on the path: `uri` in a VirtualService, `path` or `method` in a route of the
    /// Gateway API.
    pub(super) uri_field: &'static str,
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

impl Conditions {
    /// The conditions of a rule without `match`: none.
    pub(super) fn none() -> Self {
        Self { uri: Uri::Any, uri_field: URI, ignore_case: false, rest: Box::default() }
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
            Ok(Self { uri, uri_field: URI, ignore_case, rest: rest.into() })
        } else {
            Err(broken)
        }
    }

    /// Makes these the conditions of a route of the Gateway API: a prefix ends at the end of a segment, and the port is
    /// that of a reference to the parent at `port_field`.
    pub(super) fn become_route(&mut self, uri_field: &'static str, port_field: Option<&str>) {
        self.uri_field = uri_field;
        if let Uri::Prefix(prefix) = &self.uri
            && &**prefix != "/"
        {
            self.uri = Uri::Segments(prefix.strip_suffix('/').unwrap_or(prefix).into());
        }
        for condition in &mut self.rest {
            if let (Condition::Port(port), Some(field)) = (&condition, port_field) {
                *condition = Condition::ParentPort(*port, field.into());
            }
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
        Ok(Self { uri: self.uri.clone(), rest: rest.into(), ..*self })
    }

    /// Returns true when a sidecar has a route for it: when the conditions that do not depend on the request hold.
    pub(super) fn apply(&self, fixed: &Fixed<'_>) -> bool {
        self.rest.iter().all(|condition| condition.applies(fixed))
    }

    /// Returns true when Envoy treats it as a catch-all: every path, without conditions on headers, query or claims.
    pub(super) fn is_catch_all(&self) -> bool {
        self.uri.is_every_path()
            && !self.rest.iter().any(|condition| matches!(condition, Condition::Value { .. }))
    }

    /// Returns true when every condition holds.
    #[inline]
    pub(super) fn hold<R: RequestView>(&self, seen: &mut Seen<'_, R>) -> bool {
        self.uri.holds(seen.path, self.ignore_case)
            && self.rest.iter().all(|condition| condition.holds(seen))
    }

    /// The first condition that does not hold, in words.
    pub(super) fn unmet<R: RequestView>(
        &self,
        seen: &mut Seen<'_, R>,
        field: &str,
    ) -> Option<Unmet> {
        if !self.uri.holds(seen.path, self.ignore_case) {
            return Some(Unmet {
                path: format!("{field}.{}", self.uri_field),
                expected: self.uri.describe(),
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
            Self::Port(port) | Self::ParentPort(port, _) => seen.port == *port,
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
            Self::Port(port) | Self::ParentPort(port, _) => fixed.port == *port,
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
            Self::ParentPort(port, field) => Some(Unmet {
                path: field.to_string(),
                expected: format!("port {port}"),
                found: Some(seen.port.to_string()),
            }),
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
