//! The ejection of failing endpoints.

use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// The ejection of failing endpoints, decided by each client proxy separately.
///
/// Istio's [`OutlierDetection`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OutlierDetection {
    /// Errors in a row that eject an endpoint. Deprecated in favour of the two fields below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_errors: Option<i32>,
    /// Count failures of the connection apart from errors of the server. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_external_local_origin_errors: Option<bool>,
    /// Failures of the connection in a row that eject an endpoint; counts only when they are
    /// counted apart. Default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_local_origin_failures: Option<u32>,
    /// Answers 502, 503 or 504 in a row that eject an endpoint; 0 switches this off. Default: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_gateway_errors: Option<u32>,
    /// Answers 5xx in a row that eject an endpoint, failures of the connection included; 0 switches
    /// this off. Default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_5xx_errors: Option<u32>,
    /// The time between two looks at the endpoints. Default 10 s. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// The time that an endpoint stays out, times the number of its ejections. Default 30 s. At least 1
    /// ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_ejection_time: Option<Duration>,
    /// The largest share of endpoints that may be out, in percent. Default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ejection_percent: Option<i32>,
    /// The share of healthy endpoints, in percent, under which ejection is off and all endpoints
    /// are used. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_health_percent: Option<i32>,
    /// The statuses that count as errors, 100 to 599. Default: 5xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection_http_error_codes: Option<Vec<u32>>,
}
