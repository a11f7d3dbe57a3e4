//! The spread of traffic over regions and zones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::number;

/// The spread of traffic over localities, each `region/zone/subzone`. At most one of `distribute`,
/// `failover` and `failover_priority`, except that the last two go together.
///
/// Istio's [`LocalityLoadBalancerSetting`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LocalityLoadBalancerSetting {
    /// The share of each locality, by the locality of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribute: Option<Vec<Distribute>>,
    /// Where traffic goes when a region has no healthy endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<Vec<LocalityFailover>>,
    /// Labels in order of importance; endpoints that share more of the first ones with the client
    /// come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_priority: Option<Vec<String>>,
    /// Switches the setting on. Default: the mesh's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Where traffic from one locality goes.
///
/// Istio's [`Distribute`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting-Distribute).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Distribute {
    /// The locality of the client, with `*` at the end as a wildcard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The share of each destination locality, in percent; together 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<BTreeMap<String, u32>>,
}

/// Where traffic goes when a region has no healthy endpoint.
///
/// Istio's [`Failover`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting-Failover).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LocalityFailover {
    /// The region that traffic comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The region that it goes to then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Envoy's zone-aware routing: stay in the client's zone as far as it has room.
///
/// Istio's [`ZoneAwareLoadBalancerSetting`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ZoneAwareLoadBalancerSetting).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ZoneAwareLoadBalancerSetting {
    /// Switches the setting on. Default: the mesh's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Where traffic goes when a region has no healthy endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<Vec<ZoneAwareFailover>>,
    /// Labels in order of importance; endpoints that share more of the first ones with the client
    /// come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_priority: Option<Vec<String>>,
    /// The least number of endpoints for which the client's zone is preferred. Default 6; at least
    /// 1.
    #[serde(deserialize_with = "number::optional_u64", skip_serializing_if = "Option::is_none")]
    pub min_cluster_size: Option<u64>,
}

/// Where traffic goes when a region has no healthy endpoint.
///
/// Istio's [`Failover`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ZoneAwareLoadBalancerSetting-Failover).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ZoneAwareFailover {
    /// The region that traffic comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The region that it goes to then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}
