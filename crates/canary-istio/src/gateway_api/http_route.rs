//! `HTTPRoute`: the routes of HTTP requests.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{
    backend_ref::BackendRef, duration::Duration, filter::RouteFilter, http_match::HttpRouteMatch,
    object, parent_ref::ParentRef, retry::HttpRouteRetry, session_persistence::SessionPersistence,
};
use crate::resource::{Version, namespaced};

/// The routes of HTTP requests that arrive at a gateway, or go to a service of the mesh.
///
/// The Gateway API's [`HTTPRoute`](https://gateway-api.sigs.k8s.io/reference/spec/#httproute).
#[derive(Clone, Debug, Default)]
pub struct HttpRoute {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: HttpRouteSpec,
    /// The state that controllers report, as JSON; see [`HttpRoute::route_status`].
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::gateway_api_object!(
    HttpRoute,
    HttpRouteSpec,
    "HTTPRoute",
    "httproutes",
    SINCE_V1BETA1,
    "v1",
    NamespaceResourceScope
);
namespaced!(HttpRoute);

/// The parents, host names and rules of a route.
///
/// The Gateway API's [`HTTPRouteSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
    /// The gateways and services that apply the route, 32 at most. Without any, the route has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_refs: Option<Vec<ParentRef>>,
    /// Attach to the default gateways too. Experimental channel only; Istio ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<UseDefault>,
    /// The host names, 16 at most; `*.` may stand for the labels in front. Default: those of the listeners. Services
    /// of the mesh ignore them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostnames: Option<Vec<String>>,
    /// The rules, 1 to 16. Default: one rule for the prefix `/`, without backends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<HttpRouteRule>>,
}

/// The default gateways that a route attaches to.
///
/// The Gateway API's `GatewayDefaultScope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UseDefault {
    /// All of them.
    All,
    /// None of them.
    None,
}

/// A rule: conditions of which one must hold, and what is then done with the request.
///
/// The order of the rules does not decide: the most specific match of all routes for a host does.
///
/// The Gateway API's [`HTTPRouteRule`](https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRule {
    /// A name, 1 to 253 bytes. In the standard channel since 1.4, where it need not be unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The conditions, 64 at most; one of them must hold. Default: the prefix `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<HttpRouteMatch>>,
    /// The changes, copies and redirects of a request before it is forwarded, 16 at most, in any order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<RouteFilter>>,
    /// The backends, 16 at most, with the share of each. Without any, the answer is 500 unless a filter redirects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_refs: Option<Vec<BackendRef>>,
    /// Limits of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<HttpRouteTimeouts>,
    /// When and how often to try again. Experimental channel only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<HttpRouteRetry>,
    /// Sessions that stay with one backend. Experimental channel only; Istio ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
}

/// Limits of time of a rule.
///
/// The Gateway API's [`HTTPRouteTimeouts`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutetimeouts).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteTimeouts {
    /// The time of the whole request; `0s` is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Duration>,
    /// The time of one attempt, `request` at most. Without `retry`, Istio takes it in place of `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_request: Option<Duration>,
}

impl HttpRouteRule {
    /// A rule that sends every request to these backends.
    pub fn to(backends: impl IntoIterator<Item = BackendRef>) -> Self {
        Self { backend_refs: Some(backends.into_iter().collect()), ..Self::default() }
    }

    /// Names the rule.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a condition; one of them must hold.
    #[must_use]
    pub fn when(mut self, condition: HttpRouteMatch) -> Self {
        self.matches.get_or_insert_default().push(condition);
        self
    }

    /// Adds a filter.
    #[must_use]
    pub fn filter(mut self, filter: RouteFilter) -> Self {
        self.filters.get_or_insert_default().push(filter);
        self
    }

    /// Limits the time of a whole request, retries included.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.get_or_insert_default().request = Some(timeout);
        self
    }
}
