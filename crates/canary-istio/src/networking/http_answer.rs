//! The actions that a rule takes by itself: redirect, answer directly, rewrite.

use serde::{Deserialize, Serialize};

use super::{http_body::HttpBody, oneof};

/// An answer that sends the client elsewhere.
///
/// Istio's [`HTTPRedirect`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "HttpRedirectWire", into = "HttpRedirectWire")]
pub struct HttpRedirect {
    /// The path in the new location, in place of the whole old one; the query is kept. Default: the
    /// request's.
    pub uri: Option<String>,
    /// The authority in the new location. Default: the request's.
    pub authority: Option<String>,
    /// The port in the new location. Default: none is written.
    pub redirect_port: Option<RedirectPort>,
    /// The scheme in the new location, `http` or `https`. Default: the request's.
    pub scheme: Option<String>,
    /// The status: 301, 302, 303, 307 or 308. Default 301.
    pub redirect_code: Option<u32>,
    /// The replacement of the matched prefix of the path. Excludes `uri`.
    pub prefix_rewrite: Option<String>,
}

/// The port in the new location.
///
/// The oneof `redirect_port` of [`HttpRedirect`].
#[derive(Clone, Debug, PartialEq)]
pub enum RedirectPort {
    /// `port`: this port number.
    Port(u32),
    /// `derivePort`: a port found from the request.
    DerivePort(RedirectPortSelection),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HttpRedirectWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    derive_port: Option<RedirectPortSelection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_rewrite: Option<String>,
}

impl TryFrom<HttpRedirectWire> for HttpRedirect {
    type Error = String;

    fn try_from(wire: HttpRedirectWire) -> Result<Self, String> {
        let redirect_port = oneof::at_most_one([
            ("port", wire.port.map(RedirectPort::Port)),
            ("derivePort", wire.derive_port.map(RedirectPort::DerivePort)),
        ])?;
        Ok(Self {
            uri: wire.uri,
            authority: wire.authority,
            redirect_port,
            scheme: wire.scheme,
            redirect_code: wire.redirect_code,
            prefix_rewrite: wire.prefix_rewrite,
        })
    }
}

impl From<HttpRedirect> for HttpRedirectWire {
    fn from(message: HttpRedirect) -> Self {
        let mut wire = Self {
            uri: message.uri,
            authority: message.authority,
            scheme: message.scheme,
            redirect_code: message.redirect_code,
            prefix_rewrite: message.prefix_rewrite,
            ..Self::default()
        };
        match message.redirect_port {
            Some(RedirectPort::Port(value)) => wire.port = Some(value),
            Some(RedirectPort::DerivePort(value)) => wire.derive_port = Some(value),
            None => {}
        }
        wire
    }
}

/// The choice of the port of a redirect.
///
/// Istio's [`RedirectPortSelection`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect-RedirectPortSelection).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RedirectPortSelection {
    /// 80 for `http`, 443 for `https`.
    #[default]
    #[serde(rename = "FROM_PROTOCOL_DEFAULT")]
    FromProtocolDefault,
    /// The port that the request came to.
    #[serde(rename = "FROM_REQUEST_PORT")]
    FromRequestPort,
}

/// A fixed answer, given by the proxy.
///
/// Istio's [`HTTPDirectResponse`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPDirectResponse).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpDirectResponse {
    /// The HTTP status. Required.
    pub status: u32,
    /// The body, at most 1 MiB. Default: empty. Its type is set by a `content-type` among the
    /// headers to set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<HttpBody>,
}

/// Changes to path and authority before the request is sent on.
///
/// Istio's [`HTTPRewrite`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRewrite).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpRewrite {
    /// The replacement of the matched prefix of the path, or of the whole path after an exact or regex
    /// match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The new `Host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// A substitution in the path. Excludes `uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri_regex_rewrite: Option<RegexRewrite>,
}

/// A substitution in the path by regular expression.
///
/// Istio's [`RegexRewrite`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#RegexRewrite).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RegexRewrite {
    /// The pattern to replace, in RE2 syntax.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// The replacement; `\1` and so on stand for captured groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
}
