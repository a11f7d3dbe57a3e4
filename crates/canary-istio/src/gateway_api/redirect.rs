//! Redirects and rewrites.

use serde::{Deserialize, Serialize};

use super::union;

/// An answer that sends the client elsewhere.
///
/// The Gateway API's
/// [`HTTPRequestRedirectFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httprequestredirectfilter).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRedirect {
    /// The scheme. Default: the request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<RedirectScheme>,
    /// The host. Default: the request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The path. Default: the request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathModifier>,
    /// The port, 1 to 65535. Default: that of `scheme`, else the listener's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// The status: 301, 302, 303, 307 or 308. Default: 302.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u32>,
}

/// A scheme that a redirect can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedirectScheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

/// Changes to the host and the path of a request before it is sent on.
///
/// The Gateway API's [`HTTPURLRewriteFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpurlrewritefilter).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlRewrite {
    /// The host. Default: the request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The path. Default: the request's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathModifier>,
}

/// A change to a path; the query stays.
///
/// The Gateway API's [`HTTPPathModifier`](https://gateway-api.sigs.k8s.io/reference/spec/#httppathmodifier).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PathModifierWire", into = "PathModifierWire")]
pub enum PathModifier {
    /// `replaceFullPath`: this path in place of the whole path.
    ReplaceFullPath(String),
    /// `replacePrefixMatch`: this prefix in place of the prefix that the rule's one match has.
    ReplacePrefixMatch(String),
}

/// The fields of a path modifier.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PathModifierWire {
    /// The type of the change, which names the field that is given. Required.
    #[serde(rename = "type")]
    modifier: PathModifierType,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_full_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_prefix_match: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum PathModifierType {
    ReplaceFullPath,
    ReplacePrefixMatch,
}

impl TryFrom<PathModifierWire> for PathModifier {
    type Error = String;

    fn try_from(wire: PathModifierWire) -> Result<Self, String> {
        let PathModifierWire { modifier, replace_full_path, replace_prefix_match } = wire;
        let found = match modifier {
            PathModifierType::ReplaceFullPath => "ReplaceFullPath",
            PathModifierType::ReplacePrefixMatch => "ReplacePrefixMatch",
        };
        let given = [
            ("replaceFullPath", "ReplaceFullPath", replace_full_path.is_some()),
            ("replacePrefixMatch", "ReplacePrefixMatch", replace_prefix_match.is_some()),
        ];
        union::check("G113", found, &given)?;
        let full = replace_full_path.map(Self::ReplaceFullPath);
        full.or(replace_prefix_match.map(Self::ReplacePrefixMatch))
            .ok_or_else(|| "a path modifier without a path".to_owned())
    }
}

impl From<PathModifier> for PathModifierWire {
    fn from(modifier: PathModifier) -> Self {
        match modifier {
            PathModifier::ReplaceFullPath(path) => Self {
                modifier: PathModifierType::ReplaceFullPath,
                replace_full_path: Some(path),
                replace_prefix_match: None,
            },
            PathModifier::ReplacePrefixMatch(prefix) => Self {
                modifier: PathModifierType::ReplacePrefixMatch,
                replace_full_path: None,
                replace_prefix_match: Some(prefix),
            },
        }
    }
}

impl RequestRedirect {
    /// Sets the scheme.
    #[must_use]
    pub fn scheme(mut self, scheme: RedirectScheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// Sets the host.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Sets the path.
    #[must_use]
    pub fn path(mut self, path: PathModifier) -> Self {
        self.path = Some(path);
        self
    }

    /// Sets the port.
    #[must_use]
    pub fn port(mut self, port: u32) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status_code(mut self, status: u32) -> Self {
        self.status_code = Some(status);
        self
    }
}

impl UrlRewrite {
    /// Sets the host.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Sets the path.
    #[must_use]
    pub fn path(mut self, path: PathModifier) -> Self {
        self.path = Some(path);
        self
    }
}
