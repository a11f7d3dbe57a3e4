//! The conditions of a rule for HTTP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::string_match::StringMatch;

/// A condition on HTTP requests: all fields given must hold.
///
/// Istio's [`HTTPMatchRequest`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpMatchRequest {
    /// A name for the condition, written to access logs after the rule's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The path, without query and fragment. Prefixes are of the text: `/v1` also matches
    /// `/v1beta`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<StringMatch>,
    /// The scheme, `http` or `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<StringMatch>,
    /// The method, such as `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<StringMatch>,
    /// The `Host` or `:authority` header, as sent, port included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<StringMatch>,
    /// Headers by name, in lower case with hyphens; `{}` asks for presence alone. When `uri` or
    /// `method` are keys here, they are ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, StringMatch>>,
    /// The port of the listener that received the request, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// Labels of the workload that sends the request; for sidecars only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_labels: Option<BTreeMap<String, String>>,
    /// The gateways where this condition holds, in place of the object's own list; `mesh` means all
    /// sidecars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// Query parameters by name; `{}` asks for presence alone. The first value of a name counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_params: Option<BTreeMap<String, StringMatch>>,
    /// True when exact and prefix matches of `uri` take no notice of letter case. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_uri_case: Option<bool>,
    /// Conditions on headers that must not hold; `{}` asks for absence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_headers: Option<BTreeMap<String, StringMatch>>,
    /// The namespace of the workload that sends the request; for sidecars only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
    /// The prefix of statistics that Envoy keeps for this condition. Default: none are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stat_prefix: Option<String>,
}

impl HttpMatchRequest {
    /// Sets the condition on the path.
    #[must_use]
    pub fn uri(mut self, condition: StringMatch) -> Self {
        self.uri = Some(condition);
        self
    }

    /// Sets the condition on the method.
    #[must_use]
    pub fn method(mut self, condition: StringMatch) -> Self {
        self.method = Some(condition);
        self
    }

    /// Adds a condition on a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, condition: StringMatch) -> Self {
        self.headers.get_or_insert_default().insert(name.into(), condition);
        self
    }

    /// Adds a condition on a header that must not hold.
    #[must_use]
    pub fn without_header(mut self, name: impl Into<String>, condition: StringMatch) -> Self {
        self.without_headers.get_or_insert_default().insert(name.into(), condition);
        self
    }

    /// Adds a condition on a query parameter.
    #[must_use]
    pub fn query_param(mut self, name: impl Into<String>, condition: StringMatch) -> Self {
        self.query_params.get_or_insert_default().insert(name.into(), condition);
        self
    }
}
