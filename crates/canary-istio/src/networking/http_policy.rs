//! Policies of a rule for HTTP: retries, cross-origin access, mirrors.

use serde::{Deserialize, Serialize};

use super::{
    destination::Destination, duration::Duration, percent::Percent, string_match::StringMatch,
};

/// When and how often a failed request is tried again.
///
/// Istio's [`HTTPRetry`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpRetry {
    /// The number of retries after the first try. Default 0, which switches retries off; without any
    /// `retries` the mesh's two apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    /// The time that each try may take. Default: the route's `timeout`. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_try_timeout: Option<Duration>,
    /// The failures to retry: Envoy's conditions and HTTP statuses, separated by commas. Default:
    /// `connect-failure,refused-stream,unavailable,cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_on: Option<String>,
    /// True when retries may go to other localities. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_remote_localities: Option<bool>,
    /// True when retries avoid hosts that failed already. Default `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_ignore_previous_hosts: Option<bool>,
    /// The least time between two tries; it grows with each. Default 25 ms. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Duration>,
}

/// The answer to browsers that ask for cross-origin access.
///
/// Istio's [`CorsPolicy`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CorsPolicy {
    /// Origins allowed, as exact text. Deprecated in favour of `allow_origins`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_origin: Option<Vec<String>>,
    /// Patterns of origins allowed; the first that matches is echoed to the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_origins: Option<Vec<StringMatch>>,
    /// Methods allowed, for `access-control-allow-methods`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_methods: Option<Vec<String>>,
    /// Request headers allowed, for `access-control-allow-headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_headers: Option<Vec<String>>,
    /// Answer headers that a script may read, for `access-control-expose-headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose_headers: Option<Vec<String>>,
    /// The time that a browser may keep the answer to a preflight request. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
    /// True when requests may carry credentials. Default: the header is not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// The treatment of preflight requests from origins not allowed. Default `FORWARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmatched_preflights: Option<UnmatchedPreflights>,
}

/// The treatment of preflight requests from origins that are not allowed.
///
/// Istio's [`UnmatchedPreflights`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy-UnmatchedPreflights).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UnmatchedPreflights {
    /// As `FORWARD`.
    #[default]
    #[serde(rename = "UNSPECIFIED")]
    Unspecified,
    /// They are sent on to the server.
    #[serde(rename = "FORWARD")]
    Forward,
    /// The proxy answers 200 without the headers of permission.
    #[serde(rename = "IGNORE")]
    Ignore,
}

/// A destination that gets copies of requests; its responses are dropped.
///
/// Istio's [`HTTPMirrorPolicy`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpMirrorPolicy {
    /// The service, subset and port. Required.
    #[serde(skip_serializing_if = "Destination::is_absent")]
    pub destination: Destination,
    /// The share of requests copied. Default: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Percent>,
}

impl HttpRetry {
    /// This many retries after the first try; 0 switches retries off.
    pub fn attempts(attempts: i32) -> Self {
        Self { attempts: Some(attempts), ..Self::default() }
    }

    /// Limits the time of each try.
    #[must_use]
    pub fn per_try_timeout(mut self, timeout: impl Into<Duration>) -> Self {
        self.per_try_timeout = Some(timeout.into());
        self
    }

    /// Sets what is retried, such as `5xx,connect-failure`.
    #[must_use]
    pub fn retry_on(mut self, conditions: impl Into<String>) -> Self {
        self.retry_on = Some(conditions.into());
        self
    }
}
