//! The position of the plan's route in a live `VirtualService`.

use serde_json::Value;

use super::{
    super::plan::{Plan, Split},
    mirror::{Mirrors, message},
    routes::{describe, destinations, find, http, object_name, subset_of, weights},
};
use crate::{Error, Result};

/// The place of the plan's route, and how it shares the traffic now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Located {
    /// The index in `spec.http`.
    pub http: usize,
    /// The index of the stable subset in `spec.http[].route`.
    pub stable: usize,
    /// The index of the canary in `spec.http[].route`, when it is there.
    pub canary: Option<usize>,
    /// The shares in percent, when they are whole numbers.
    pub split: Option<Split>,
    /// The weights as they are written, in the order of `spec.http[].route`.
    pub weights: Vec<u64>,
}

/// Finds the route of the plan: by its name, or as the only route that sends to the stable subset.
///
/// Routes that rollouts created (see [`HeaderRoute::ROUTE_PREFIX`](crate::HeaderRoute::ROUTE_PREFIX)) are never it. The mirrored share of
/// [`Located::split`] is that of the mirror which a run of this plan writes.
///
/// # Errors
/// [`Error::Plan`] when there is no such route, when several would fit, when it sends to other subsets too, or when it
/// has a mirror that is not the run's and that leads to either version or is where the plan's own would be.
pub fn locate(plan: &Plan, virtual_service: &Value) -> Result<Located> {
    let located = look(plan, virtual_service)?;
    let mirrors = Mirrors::of(plan, &http(virtual_service)[located.http]);
    match mirrors.foreign() {
        Some((mirror, why)) => Err(Error::Plan(message(plan, located.http, mirror, &why))),
        None => Ok(located),
    }
}

/// [`locate`] without the checks of mirrors.
pub(super) fn look(plan: &Plan, virtual_service: &Value) -> Result<Located> {
    let index = find(plan, virtual_service)?;
    read(plan, &object_name(plan), &http(virtual_service)[index], index)
}

fn read(plan: &Plan, what: &str, route: &Value, index: usize) -> Result<Located> {
    let entries = destinations(route);
    let place = |subset: &str| entries.iter().position(|entry| subset_of(entry) == Some(subset));
    let stable = place(&plan.stable).ok_or_else(|| {
        Error::Plan(format!(
            "{what}: spec.http[{index}] does not send to subset {}; it sends to {}",
            plan.stable,
            describe(std::slice::from_ref(route))
        ))
    })?;
    let canary = place(&plan.canary);
    let weights = weights(entries);
    for (other, weight) in weights.iter().enumerate() {
        if *weight > 0 && other != stable && Some(other) != canary {
            return Err(Error::Plan(format!(
                "{what}: spec.http[{index}].route[{other}] sends traffic to {} with weight {weight}; a plan divides \
                 a route between two subsets only",
                entries[other].pointer("/destination").cloned().unwrap_or_default()
            )));
        }
    }
    let mirror = Mirrors::of(plan, route).own().map_or(0, |(_, percent)| percent);
    let total: u64 = weights.iter().sum();
    let canary_weight = canary.map_or(0, |place| weights[place]);
    let share = (total > 0 && (canary_weight * 100).is_multiple_of(total))
        .then(|| canary_weight * 100 / total)
        .and_then(|share| u32::try_from(share).ok());
    let split = share.map(|canary| Split { canary, mirror });
    Ok(Located { http: index, stable, canary, split, weights })
}
