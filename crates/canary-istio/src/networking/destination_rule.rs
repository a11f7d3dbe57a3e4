//! `DestinationRule`: what happens to traffic after a destination is chosen.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{object, traffic_policy::TrafficPolicy};
use crate::resource::Version;

/// Settings of connections to a service, and the subsets of its endpoints.
///
/// Istio's [`DestinationRule`](https://istio.io/latest/docs/reference/config/networking/destination-rule/).
#[derive(Clone, Debug, Default)]
pub struct DestinationRule {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: DestinationRuleSpec,
    /// The state that the control plane reports; written by others.
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::istio_object!(DestinationRule, DestinationRuleSpec, "destinationrules");

/// Settings of connections to a service, and the named subsets of its endpoints.
///
/// Istio's [`DestinationRule`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DestinationRuleSpec {
    /// The name of the service in the registry, with `*` for the leftmost label; a short name is
    /// completed with the namespace of this object. Required.
    pub host: String,
    /// The policy for all of the service's traffic; ports and subsets may have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<TrafficPolicy>,
    /// Named parts of the service's endpoints, such as its versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subsets: Option<Vec<Subset>>,
    /// The namespaces that see this object: `*` all, `.` its own, or names. Default: what the mesh
    /// is configured to, usually all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_to: Option<Vec<String>>,
    /// The client workloads, in this object's namespace, that use this rule. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<WorkloadSelector>,
}

/// A named part of a service's endpoints. Traffic reaches it only where a route names it.
///
/// Istio's [`Subset`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Subset {
    /// The name that routes use. Required.
    pub name: String,
    /// Labels that an endpoint must have, beside the service's own selector. Default: every
    /// endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The policy for this subset; each block given replaces the one of the whole service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<TrafficPolicy>,
}

/// Workloads by their labels.
///
/// Istio's [`WorkloadSelector`](https://istio.io/latest/docs/reference/config/type/workload-selector/#WorkloadSelector).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSelector {
    /// Labels that a workload must have, all of them. At most 4096, values of at most 63
    /// characters, no `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
}
