//! The objects that a rollout changes, and the route by header that it makes.

use serde::{Deserialize, Serialize};

/// The objects that a rollout changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The namespace of both objects.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// The name of the `VirtualService`.
    pub virtual_service: String,
    /// The name of the HTTP route (`spec.http[].name`); without it, the one route that sends to the stable subset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The name of the `DestinationRule` that defines the subsets; without it, the `VirtualService`'s own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_rule: Option<String>,
}

impl Target {
    /// The `VirtualService` of that name in namespace `default`.
    pub fn new(virtual_service: impl Into<String>) -> Self {
        Self {
            namespace: default_namespace(),
            virtual_service: virtual_service.into(),
            route: None,
            destination_rule: None,
        }
    }

    /// The name of the `DestinationRule`: as given, or the `VirtualService`'s.
    pub fn destination_rule_name(&self) -> &str {
        self.destination_rule.as_deref().unwrap_or(&self.virtual_service)
    }
}

/// A route by request header that leads to the canary at any weight.
///
/// The route comes before the target route under the name [`HeaderRoute::route_name`]; the driver creates it when the
/// live object has none and removes it at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderRoute {
    /// The header's name, in lower case as Istio wants it.
    pub name: String,
    /// The value that it must have exactly.
    pub value: String,
}

impl HeaderRoute {
    /// The prefix of the names of all routes that rollouts create. A route of such a name is never a plan's target, and
    /// one that an earlier rollout left behind is replaced.
    pub const ROUTE_PREFIX: &str = "canary-rollout-";

    /// The name (`spec.http[].name`) of the route that the driver makes for a canary.
    pub fn route_name(canary: &str) -> String {
        format!("{}{canary}", Self::ROUTE_PREFIX)
    }
}

fn default_namespace() -> String {
    "default".to_owned()
}
