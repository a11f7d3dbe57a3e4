//! The choice of an endpoint.

use serde::{Deserialize, Serialize};

use super::{
    backend_utilization::BackendUtilization,
    consistent_hash::ConsistentHashLb,
    duration::Duration,
    locality::{LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting},
    number::Double,
    oneof,
};

/// The choice of an endpoint of a service.
///
/// Istio's [`LoadBalancerSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LoadBalancerSettingsWire", into = "LoadBalancerSettingsWire")]
pub struct LoadBalancerSettings {
    /// The algorithm. Default: `LEAST_REQUEST`.
    pub lb_policy: Option<LbPolicy>,
    /// The spread of traffic over localities. Replaces the mesh's setting entirely.
    pub locality_lb_setting: Option<LocalityLoadBalancerSetting>,
    /// Prefer endpoints of the client's zone, by Envoy's zone-aware routing.
    pub zone_aware_lb_setting: Option<ZoneAwareLoadBalancerSetting>,
    /// The time during which a new endpoint gets a growing share. Deprecated in favour of `warmup`. At least 1
    /// ms.
    pub warmup_duration_secs: Option<Duration>,
    /// The growth of a new endpoint's share. For `ROUND_ROBIN` and `LEAST_REQUEST`.
    pub warmup: Option<WarmupConfiguration>,
}

/// The algorithm.
///
/// The oneof `lb_policy` of [`LoadBalancerSettings`].
#[derive(Clone, Debug, PartialEq)]
pub enum LbPolicy {
    /// `simple`: an algorithm without parameters.
    Simple(SimpleLb),
    /// `consistentHash`: a hash of the request, so that like requests reach the same endpoint.
    ConsistentHash(ConsistentHashLb),
    /// `backendUtilization`: by the load that the endpoints report; from Istio 1.32 on.
    BackendUtilization(BackendUtilization),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LoadBalancerSettingsWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    simple: Option<SimpleLb>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistent_hash: Option<ConsistentHashLb>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_utilization: Option<BackendUtilization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality_lb_setting: Option<LocalityLoadBalancerSetting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone_aware_lb_setting: Option<ZoneAwareLoadBalancerSetting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_duration_secs: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup: Option<WarmupConfiguration>,
}

impl TryFrom<LoadBalancerSettingsWire> for LoadBalancerSettings {
    type Error = String;

    fn try_from(wire: LoadBalancerSettingsWire) -> Result<Self, String> {
        let lb_policy = oneof::at_most_one([
            ("simple", wire.simple.map(LbPolicy::Simple)),
            ("consistentHash", wire.consistent_hash.map(LbPolicy::ConsistentHash)),
            ("backendUtilization", wire.backend_utilization.map(LbPolicy::BackendUtilization)),
        ])?;
        Ok(Self {
            lb_policy,
            locality_lb_setting: wire.locality_lb_setting,
            zone_aware_lb_setting: wire.zone_aware_lb_setting,
            warmup_duration_secs: wire.warmup_duration_secs,
            warmup: wire.warmup,
        })
    }
}

impl From<LoadBalancerSettings> for LoadBalancerSettingsWire {
    fn from(message: LoadBalancerSettings) -> Self {
        let mut wire = Self {
            locality_lb_setting: message.locality_lb_setting,
            zone_aware_lb_setting: message.zone_aware_lb_setting,
            warmup_duration_secs: message.warmup_duration_secs,
            warmup: message.warmup,
            ..Self::default()
        };
        match message.lb_policy {
            Some(LbPolicy::Simple(value)) => wire.simple = Some(value),
            Some(LbPolicy::ConsistentHash(value)) => wire.consistent_hash = Some(value),
            Some(LbPolicy::BackendUtilization(value)) => wire.backend_utilization = Some(value),
            None => {}
        }
        wire
    }
}

/// An algorithm without parameters.
///
/// Istio's [`SimpleLB`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-SimpleLB).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SimpleLb {
    /// Istio's default, `LEAST_REQUEST`.
    #[default]
    #[serde(rename = "UNSPECIFIED")]
    Unspecified,
    /// The old name of `LEAST_REQUEST`; deprecated by Istio.
    #[serde(rename = "LEAST_CONN")]
    LeastConn,
    /// A healthy endpoint at random.
    #[serde(rename = "RANDOM")]
    Random,
    /// The address that the client asked for, without load balancing.
    #[serde(rename = "PASSTHROUGH")]
    Passthrough,
    /// One after the other.
    #[serde(rename = "ROUND_ROBIN")]
    RoundRobin,
    /// The less busy of two endpoints drawn at random.
    #[serde(rename = "LEAST_REQUEST")]
    LeastRequest,
}

/// The growth of a new endpoint's share.
///
/// Istio's [`WarmupConfiguration`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#WarmupConfiguration).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WarmupConfiguration {
    /// The time that it takes to reach the full share. Required. At least 1 ms.
    pub duration: Duration,
    /// The share at the start, in percent of the full one, 0 to 100. Default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_percent: Option<Double>,
    /// The shape of the growth: 1 is linear, more is faster at first. Above 0. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggression: Option<Double>,
}
