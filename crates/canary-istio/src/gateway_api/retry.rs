//! Retries of failed requests.

use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// When and how often a request is tried again. Experimental channel only.
///
/// The Gateway API's [`HTTPRouteRetry`](https://gateway-api.sigs.k8s.io/reference/spec/#httprouteretry).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRetry {
    /// The statuses that are tried again, 400 to 599, besides failures to connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<Vec<i64>>,
    /// The number of retries, 1 or more. Istio's default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i64>,
    /// The shortest time between two attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Duration>,
}
