//! Conditions on gRPC requests.

use serde::{Deserialize, Serialize};

use super::http_match::{HeaderMatch, MatchType};

/// Conditions that must hold together.
///
/// The Gateway API's [`GRPCRouteMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutematch).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteMatch {
    /// The service and the method. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<GrpcMethodMatch>,
    /// Headers, all of which must match; 16 at most, with different names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<HeaderMatch>>,
}

/// A condition on the service and the method; one of them at least.
///
/// The Gateway API's [`GRPCMethodMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#grpcmethodmatch).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcMethodMatch {
    /// The way in which both are compared. Default: `Exact`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// The service with its package, such as `tensorflow.serving.PredictionService`. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The method, such as `Predict`. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

impl GrpcRouteMatch {
    /// Sets the condition on service and method.
    #[must_use]
    pub fn method(mut self, method: GrpcMethodMatch) -> Self {
        self.method = Some(method);
        self
    }

    /// Adds a header that must have exactly this value.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_header(HeaderMatch::exact(name, value))
    }

    /// Adds a condition on a header.
    #[must_use]
    pub fn with_header(mut self, header: HeaderMatch) -> Self {
        self.headers.get_or_insert_default().push(header);
        self
    }
}

impl GrpcMethodMatch {
    /// Every method of a service.
    pub fn service(service: impl Into<String>) -> Self {
        Self { service: Some(service.into()), ..Self::default() }
    }

    /// One method of a service.
    pub fn exact(service: impl Into<String>, method: impl Into<String>) -> Self {
        Self { service: Some(service.into()), method: Some(method.into()), match_type: None }
    }

    /// The way in which both are compared, or its default.
    pub fn type_or_default(&self) -> MatchType {
        self.match_type.unwrap_or_default()
    }
}
