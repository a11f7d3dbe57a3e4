//! A rule for HTTP: what it matches, and what is done with the request.

use serde::{Deserialize, Serialize};

use super::{
    destination::Destination,
    duration::Duration,
    fault::HttpFaultInjection,
    headers::Headers,
    http_answer::{HttpDirectResponse, HttpRedirect, HttpRewrite},
    http_match::HttpMatchRequest,
    http_policy::{CorsPolicy, HttpMirrorPolicy, HttpRetry},
    percent::Percent,
};

/// One rule for HTTP: the first whose conditions hold decides over a request.
///
/// Istio's [`HTTPRoute`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpRoute {
    /// A name for the rule, written to access logs together with the name of the condition that
    /// matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The conditions; one of them must hold. Default: every request matches.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<HttpMatchRequest>>,
    /// The destinations, with the share of each. Excludes `redirect` and `direct_response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<HttpRouteDestination>>,
    /// Answer with a redirect. Excludes `route`, `direct_response`, `rewrite`, `fault` and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<HttpRedirect>,
    /// Answer with a fixed status and body, without asking any server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_response: Option<HttpDirectResponse>,
    /// Continue in another `VirtualService`, whose rules apply under this rule's conditions. Only
    /// where `route` and `redirect` are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<Delegate>,
    /// Change path or authority before the request is sent on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<HttpRewrite>,
    /// The time that the whole request may take, with all its retries. Default: no limit. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// When and how often to try again. Default: the mesh's, which is two retries on failures to
    /// connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<HttpRetry>,
    /// Faults to inject for testing; timeouts and retries are off for a rule that has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<HttpFaultInjection>,
    /// Another destination that gets a copy of each request; its responses are dropped. `mirrors` has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Destination>,
    /// Destinations that get a copy of the requests, each with its own percentage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrors: Option<Vec<HttpMirrorPolicy>>,
    /// The share of requests that `mirror` gets, in whole percent. Deprecated in favour of
    /// `mirror_percentage`.
    #[serde(alias = "mirror_percent", skip_serializing_if = "Option::is_none")]
    pub mirror_percent: Option<u32>,
    /// The share of requests that `mirror` gets. Default: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror_percentage: Option<Percent>,
    /// The answer to browsers that ask for cross-origin access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_policy: Option<CorsPolicy>,
    /// Changes to headers of requests and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
}

/// One destination of a rule, and its share of the requests.
///
/// Istio's [`HTTPRouteDestination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpRouteDestination {
    /// The service, subset and port. Required.
    #[serde(skip_serializing_if = "Destination::is_absent")]
    pub destination: Destination,
    /// The share, as this number over the sum of the rule's weights. A single destination gets all,
    /// whatever its weight. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Changes to headers of requests and answers that take this destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
}

/// The `VirtualService` whose rules apply in place of this rule.
///
/// Istio's [`Delegate`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Delegate {
    /// The name of the delegate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its namespace. Default: that of the object that delegates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl HttpRoute {
    /// A rule that sends every request to these destinations.
    pub fn to(destinations: impl IntoIterator<Item = HttpRouteDestination>) -> Self {
        Self { route: Some(destinations.into_iter().collect()), ..Self::default() }
    }

    /// Adds a condition; one of them must hold.
    #[must_use]
    pub fn when(mut self, condition: HttpMatchRequest) -> Self {
        self.matches.get_or_insert_default().push(condition);
        self
    }

    /// Names the rule.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Limits the time of a whole request, retries included.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Duration>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// Sets when and how often to try again.
    #[must_use]
    pub fn retries(mut self, retries: HttpRetry) -> Self {
        self.retries = Some(retries);
        self
    }
}

impl HttpRouteDestination {
    /// A destination without a weight.
    pub fn new(destination: Destination) -> Self {
        Self { destination, ..Self::default() }
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(mut self, weight: i32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Sets the changes to headers.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = Some(headers);
        self
    }
}
