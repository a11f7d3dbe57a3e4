//! The parts of a request that a proxy knows when it chooses a route.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::{MESH, split_authority};

/// The namespace that a client of the mesh is in when the request does not say.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

/// Read access to a request, so that a proxy can ask for a decision without copying anything.
///
/// [`Request`] implements it; so does `&T` for every `T` that does. Only the methods without a sensible default are
/// required.
pub trait RequestView {
    /// The HTTP method, upper case as sent: `GET`.
    fn method(&self) -> &str;
    /// `http` or `https`: what the proxy saw, with `x-forwarded-proto` taken into account.
    fn scheme(&self) -> &str;
    /// The `Host` header or `:authority`, with its port when one was sent.
    fn authority(&self) -> &str;
    /// The path with its query, as sent: `/v1/models/m:predict?x=1`.
    ///
    /// Rules see it as Istio's proxies normalise it by default (`pathNormalization` `BASE` of the mesh
    /// configuration): the segments `.` and `..` are resolved, `\` becomes `/`, escapes of unreserved characters are
    /// undone, and characters that may not stand in a path are escaped. Slashes are neither merged nor unescaped.
    fn path(&self) -> &str;
    /// The value of a header, several values joined with `,` in order. `name` is lower case.
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;
    /// A number drawn evenly from all of `u64`, new for each request. It selects the destination; the draws of mirrors
    /// and faults are derived from it.
    fn random(&self) -> u64;
    /// The gateway that the request enters by, as `namespace/name`, or `mesh` for the sidecar of a client. With
    /// `None` the mesh takes the gateway that has a server for the request.
    fn gateway(&self) -> Option<&str> {
        None
    }
    /// The port of the listener: of the gateway's server, or of the service called through a sidecar. With `None`
    /// the port of the URL counts, then the scheme's.
    fn port(&self) -> Option<u16> {
        None
    }
    /// The namespace of the client's workload; only sidecars know it.
    fn source_namespace(&self) -> Option<&str> {
        None
    }
    /// A label of the client's workload; only sidecars know them.
    fn source_label(&self, key: &str) -> Option<&str> {
        let _ = key;
        None
    }
    /// The claims of a JWT that the gateway has verified.
    fn claims(&self) -> Option<&Value> {
        None
    }
}

impl<T: RequestView + ?Sized> RequestView for &T {
    fn method(&self) -> &str {
        (**self).method()
    }
    fn scheme(&self) -> &str {
        (**self).scheme()
    }
    fn authority(&self) -> &str {
        (**self).authority()
    }
    fn path(&self) -> &str {
        (**self).path()
    }
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        (**self).header(name)
    }
    fn random(&self) -> u64 {
        (**self).random()
    }
    fn gateway(&self) -> Option<&str> {
        (**self).gateway()
    }
    fn port(&self) -> Option<u16> {
        (**self).port()
    }
    fn source_namespace(&self) -> Option<&str> {
        (**self).source_namespace()
    }
    fn source_label(&self, key: &str) -> Option<&str> {
        (**self).source_label(key)
    }
    fn claims(&self) -> Option<&Value> {
        (**self).claims()
    }
}

/// An owned request, for tests and tools.
///
/// ```
/// use canary_core::Request;
///
/// let request = Request::post("http://models.example.com/v1/models/resnet:predict?trace=1")
///     .header("user-group", "canary")
///     .random(7);
/// assert_eq!(request.authority, "models.example.com");
/// assert_eq!(request.path, "/v1/models/resnet:predict?trace=1");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The HTTP method, upper case.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The `Host` header, with its port when there is one.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// The headers in order; names in any case, a name may occur several times.
    pub headers: Vec<(String, String)>,
    /// The gateway entered by, as `namespace/name`, or `mesh`; see [`RequestView::gateway`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The port of the listener; see [`RequestView::port`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The namespace of the client's workload, for sidecars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
    /// The labels of the client's workload, for sidecars.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_labels: BTreeMap<String, String>,
    /// The claims of a verified JWT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Value>,
    /// The number that decides between destinations; see [`RequestView::random`].
    pub random: u64,
}

impl Default for Request {
    /// `GET http:///`, with nothing else set.
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: String::new(),
            path: "/".to_owned(),
            headers: Vec::new(),
            gateway: None,
            port: None,
            source_namespace: None,
            source_labels: BTreeMap::new(),
            claims: None,
            random: 0,
        }
    }
}

impl Request {
    /// A request of any method to a URL.
    ///
    /// The scheme is `http` when the URL has none; user name and fragment are dropped, as clients do. A URL without a
    /// host (`/v1/models`) gives a request without authority, which only the host `*` can serve.
    pub fn new(method: impl Into<String>, url: &str) -> Self {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => (scheme, rest),
            _ => ("http", url),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Self {
            method: method.into(),
            scheme: scheme.to_ascii_lowercase(),
            authority: authority.to_owned(),
            path,
            ..Self::default()
        }
    }

    /// A GET request to a URL; see [`Request::new`].
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// A POST request to a URL; see [`Request::new`].
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// Appends a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the `Host` header.
    #[must_use]
    pub fn host(mut self, authority: impl Into<String>) -> Self {
        self.authority = authority.into();
        self
    }

    /// Names the gateway entered by, as `namespace/name`.
    #[must_use]
    pub fn gateway(mut self, gateway: impl Into<String>) -> Self {
        self.gateway = Some(gateway.into());
        self
    }

    /// Makes it a call of a workload in the mesh, through the sidecar of the client.
    #[must_use]
    pub fn from_workload<K: Into<String>, V: Into<String>>(
        mut self,
        namespace: impl Into<String>,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.gateway = Some(MESH.to_owned());
        self.source_namespace = Some(namespace.into());
        self.source_labels =
            labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self
    }

    /// Names the port of the listener.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Gives the claims of a verified JWT, as a JSON object.
    #[must_use]
    pub fn claims(mut self, claims: Value) -> Self {
        self.claims = Some(claims);
        self
    }

    /// Gives the number that decides between destinations.
    #[must_use]
    pub fn random(mut self, random: u64) -> Self {
        self.random = random;
        self
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}://{}{}", self.method, self.scheme, self.authority, self.path)?;
        for (name, value) in &self.headers {
            write!(f, ", {name}: {value}")?;
        }
        if let Some(gateway) = &self.gateway {
            write!(f, ", by {gateway}")?;
        }
        if let Some(port) = self.port {
            write!(f, ", port {port}")?;
        }
        if let Some(namespace) = &self.source_namespace {
            write!(f, ", from namespace {namespace}")?;
        }
        for (key, value) in &self.source_labels {
            write!(f, ", from {key}={value}")?;
        }
        if let Some(claims) = &self.claims {
            write!(f, ", claims {claims}")?;
        }
        Ok(())
    }
}

impl RequestView for Request {
    fn method(&self) -> &str {
        &self.method
    }
    fn scheme(&self) -> &str {
        &self.scheme
    }
    fn authority(&self) -> &str {
        &self.authority
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self
            .headers
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        let first = values.next()?;
        let Some(second) = values.next() else {
            return Some(Cow::Borrowed(first));
        };
        let mut joined = format!("{first},{second}");
        for value in values {
            joined.push(',');
            joined.push_str(value);
        }
        Some(Cow::Owned(joined))
    }
    fn random(&self) -> u64 {
        self.random
    }
    fn gateway(&self) -> Option<&str> {
        self.gateway.as_deref()
    }
    fn port(&self) -> Option<u16> {
        self.port
    }
    fn source_namespace(&self) -> Option<&str> {
        self.source_namespace.as_deref()
    }
    fn source_label(&self, key: &str) -> Option<&str> {
        self.source_labels.get(key).map(String::as_str)
    }
    fn claims(&self) -> Option<&Value> {
        self.claims.as_ref()
    }
}

/// The path without query and fragment.
pub(super) fn path_only(path: &str) -> &str {
    path.split_once(['?', '#']).map_or(path, |(path, _)| path)
}

/// The query with its `?`, without the fragment; empty when there is none.
pub(super) fn query_with_mark(path: &str) -> &str {
    let path = path.split_once('#').map_or(path, |(path, _)| path);
    path.find('?').map_or("", |at| &path[at..])
}

/// The first value of a parameter in a query with its `?`, not decoded, as Envoy compares it.
pub(super) fn query_value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let query = query.strip_prefix('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })
}

/// The port written in the authority.
pub(super) fn authority_port(authority: &str) -> Option<u16> {
    split_authority(authority).1.and_then(|port| port.parse().ok())
}

/// A second, independent draw from the random number of a request (the finaliser of `SplitMix64`).
///
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(super) fn derive(random: u64, draw: u64) -> u64 {
    let mut mixed = random ^ draw.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_clients_do() {
        let whole = Request::get("https://user:secret@A.example:8443/v1/x?y=1#part");
        assert_eq!(whole.scheme, "https");
        assert_eq!(whole.authority, "A.example:8443");
        assert_eq!(whole.path, "/v1/x?y=1");
        let bare = Request::get("example.com");
        assert_eq!((bare.authority.as_str(), bare.path.as_str()), ("example.com", "/"));
        let query = Request::get("http://example.com?u=http://b/");
        assert_eq!(
            (query.authority.as_str(), query.path.as_str()),
            ("example.com", "/?u=http://b/")
        );
        let path = Request::get("/v1/models");
        assert_eq!((path.authority.as_str(), path.path.as_str()), ("", "/v1/models"));
    }

    #[test]
    fn header_names_ignore_case_and_values_join() {
        let request = Request::get("http://a/").header("X-Tag", "one").header("x-tag", "two");
        assert_eq!(RequestView::header(&request, "x-tag").unwrap_or_default(), "one,two");
        assert!(RequestView::header(&request, "x-other").is_none());
    }

    #[test]
    fn query_values_are_the_first_and_undecoded() {
        assert_eq!(query_value("?a=1&b=%20&a=2", "a"), Some("1"));
        assert_eq!(query_value("?a=1&b=%20", "b"), Some("%20"));
        assert_eq!(query_value("?flag", "flag"), Some(""));
        assert_eq!(query_value("", "a"), None);
        assert_eq!(path_only("/p?a#b"), "/p");
        assert_eq!(query_with_mark("/p#a?b"), "");
        assert_eq!(query_with_mark("/p?a=1#a=3"), "?a=1");
    }

    #[test]
    fn derived_draws_differ() {
        assert_ne!(derive(7, 0), derive(7, 1));
        assert_ne!(derive(7, 0), 7);
        assert_eq!(derive(7, 3), derive(7, 3));
    }
}
