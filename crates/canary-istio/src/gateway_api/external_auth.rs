//! Authorization of requests by another service.

use serde::{Deserialize, Serialize};

use super::backend_object_ref::BackendObjectRef;

/// A service that is asked about each request. Experimental channel only; Istio removes a route with it from the
/// proxies.
///
/// The Gateway API's [`HTTPExternalAuthFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httpexternalauthfilter).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalAuth {
    /// The protocol of the service. Required.
    pub protocol: ExternalAuthProtocol,
    /// The service. Required.
    pub backend_ref: BackendObjectRef,
    /// Settings of the protocol `GRPC`; required with it, and absent with any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcAuth>,
    /// Settings of the protocol `HTTP`; required with it, and absent with any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpAuth>,
    /// The part of the body that is sent along. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_body: Option<ForwardBody>,
}

/// The protocol of a service of authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ExternalAuthProtocol {
    /// Requests of HTTP.
    Http,
    /// Envoy's gRPC protocol `ext_authz`.
    Grpc,
}

/// Settings of authorization by gRPC.
///
/// The Gateway API's `GRPCAuthConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcAuth {
    /// Headers of the request that are sent along, 64 at most. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_headers: Option<Vec<String>>,
}

/// Settings of authorization by HTTP.
///
/// The Gateway API's `HTTPAuthConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAuth {
    /// The prefix of the path, 1024 bytes at most. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers of the request that are sent along, 64 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_headers: Option<Vec<String>>,
    /// Headers of the answer that are added to the request, 64 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_response_headers: Option<Vec<String>>,
}

/// The part of the body that is sent to the service of authorization.
///
/// The Gateway API's `ForwardBodyConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardBody {
    /// The number of bytes. Default: 0, which is no body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<i64>,
}
