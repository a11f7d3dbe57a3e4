//! Choosing an endpoint by the load that endpoints report.

use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// Weights of endpoints from the load that they report in ORCA metrics.
///
/// Istio's [`BackendUtilization`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings),
/// from version 1.32 on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BackendUtilization {
    /// The time that an endpoint must have reported before its weight counts. Default: Envoy's, 10 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_stabilization_period: Option<Duration>,
    /// The time that an endpoint may be silent before its weight is forgotten and it counts like any other.
    /// Default: Envoy's, 3 min.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_expiration_period: Option<Duration>,
    /// The time between two computations of the weights. Default: Envoy's, 1 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_update_period: Option<Duration>,
    /// The load that the errors of an endpoint add, in percent. Default: Envoy's, 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_utilization_penalty_percent: Option<u32>,
    /// The metrics from which the load is computed, by name. Default: the load that endpoints report as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_names_for_computing_utilization: Option<Vec<String>>,
}
