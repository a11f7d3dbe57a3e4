//! `GRPCRoute`: the routes of gRPC requests.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{
    backend_ref::BackendRef, filter::RouteFilter, grpc_match::GrpcRouteMatch,
    http_route::UseDefault, object, parent_ref::ParentRef, session_persistence::SessionPersistence,
};
use crate::resource::{Version, namespaced};

/// The routes of gRPC requests that arrive at a gateway, or go to a service of the mesh.
///
/// The Gateway API's [`GRPCRoute`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcroute).
#[derive(Clone, Debug, Default)]
pub struct GrpcRoute {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: GrpcRouteSpec,
    /// The state that controllers report, as JSON; see [`GrpcRoute::route_status`].
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::gateway_api_object!(
    GrpcRoute,
    GrpcRouteSpec,
    "GRPCRoute",
    "grpcroutes",
    SINCE_V1,
    "v1",
    NamespaceResourceScope
);
namespaced!(GrpcRoute);

/// The parents, host names and rules of a route.
///
/// The Gateway API's [`GRPCRouteSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutespec).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteSpec {
    /// The gateways and services that apply the route, 32 at most. Without any, the route has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_refs: Option<Vec<ParentRef>>,
    /// Attach to the default gateways too. Experimental channel only; Istio ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<UseDefault>,
    /// The host names, 16 at most; `*.` may stand for the labels in front. Default: those of the listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostnames: Option<Vec<String>>,
    /// The rules, 16 at most. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<GrpcRouteRule>>,
}

/// A rule: conditions of which one must hold, and what is then done with the request.
///
/// The Gateway API's [`GRPCRouteRule`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcrouterule).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteRule {
    /// A name, 1 to 253 bytes. In the standard channel since 1.4, where it need not be unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The conditions, 64 at most; one of them must hold. Default: every request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<GrpcRouteMatch>>,
    /// The changes and copies of a request before it is forwarded, 16 at most: header modifiers, mirrors and extensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<RouteFilter>>,
    /// The backends, 16 at most, with the share of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_refs: Option<Vec<BackendRef>>,
    /// Sessions that stay with one backend. Experimental channel only; Istio ignores it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
}

impl GrpcRouteRule {
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
    pub fn when(mut self, condition: GrpcRouteMatch) -> Self {
        self.matches.get_or_insert_default().push(condition);
        self
    }

    /// Adds a filter.
    #[must_use]
    pub fn filter(mut self, filter: RouteFilter) -> Self {
        self.filters.get_or_insert_default().push(filter);
        self
    }
}
