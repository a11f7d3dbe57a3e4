//! The route by request header that a rollout makes.

use serde::{Deserialize, Serialize};

/// A route by request header that leads to the canary at any weight.
///
/// In a `VirtualService` the route comes before the target's rule under the name [`HeaderRoute::route_name`]; the driver
/// creates it when the live object has none and removes it at the end.
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
