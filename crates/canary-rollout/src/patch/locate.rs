//! The places of a plan's rules in a live object.

use serde_json::Value;

use super::{
    super::plan::{Percent, Plan, Split},
    find::{describe, find},
    located::Located,
    mirror::{Mirrors, message},
    route_of::{RouteOf, text},
};
use crate::{Error, Result, cluster::ObjectRef};

/// Finds the first of the plan's rules in a route: by its name, or as the only one that sends to the stable version.
///
/// Rules that rollouts created (see [`HeaderRoute::ROUTE_PREFIX`](crate::HeaderRoute::ROUTE_PREFIX)) are never it. The
/// mirrored share of [`Located::split`] is that of the mirror which a run of this plan writes.
///
/// # Errors
/// [`Error::Plan`] when there is no such rule, when several would fit, or when it has a mirror that is not the run's and
/// that leads to either version or is where the plan's own would be.
pub fn locate<'p>(of: impl Into<RouteOf<'p>>, live: &Value) -> Result<Located> {
    // `find` gives at least one.
    Ok(locate_all(of, live)?.swap_remove(0))
}

/// Finds every rule of the plan in a route, in the order of the object: at least one.
///
/// # Errors
/// As [`locate`], of any of them.
pub fn locate_all<'p>(of: impl Into<RouteOf<'p>>, live: &Value) -> Result<Vec<Located>> {
    let of = of.into();
    let located = look(of, live)?;
    for one in &located {
        let mirrors = Mirrors::of(of, &of.rules(live)[one.rule]);
        if let Some((mirror, why)) = mirrors.foreign() {
            return Err(Error::Plan(message(of, one.rule, mirror, &why)));
        }
    }
    Ok(located)
}

/// [`locate_all`] without the checks of mirrors.
pub(super) fn look(of: RouteOf<'_>, live: &Value) -> Result<Vec<Located>> {
    let rules = of.rules(live);
    find(of, live)?.into_iter().map(|index| read(of, &rules[index], index)).collect()
}

fn read(of: RouteOf<'_>, rule: &Value, index: usize) -> Result<Located> {
    let Plan { stable, canary, .. } = of.plan;
    let entries = of.entries(rule);
    let place =
        |name: &str| entries.iter().position(|entry| of.is_version(of.destination(entry), name));
    let stable = place(stable).ok_or_else(|| {
        Error::Plan(format!(
            "{}: {} does not send to {}; it sends to {}",
            of.title(),
            of.place(index),
            of.version_words(stable),
            describe(of, std::slice::from_ref(rule))
        ))
    })?;
    let canary = place(canary);
    let weights = of.weights(entries);
    let mirror = Mirrors::of(of, rule).own().map_or(Percent::NONE, |(_, percent)| percent);
    let canary_weight = canary.map_or(0, |place| weights[place]);
    let both = weights[stable] + canary_weight;
    let part = canary_weight * Percent::ALL.thousandths();
    let split = (both > 0 && part.is_multiple_of(both))
        .then(|| Split { canary: Percent::from_thousandths(part / both), mirror });
    Ok(Located { rule: index, stable, canary, split, weights })
}

/// The `Service` of the version of this name, as the rule that the plan moves names it. A version that the rule does not
/// name is beside the stable one.
///
/// # Errors
/// As [`locate`].
pub(crate) fn service_of(of: RouteOf<'_>, live: &Value, name: &str) -> Result<ObjectRef> {
    let located = locate(of, live)?;
    let entries = of.entries(&of.rules(live)[located.rule]);
    let mut all = entries.iter().map(|entry| of.destination(entry));
    let named = all.find(|destination| of.is_version(destination, name));
    let beside = named.unwrap_or_else(|| of.destination(&entries[located.stable]));
    let namespace = if of.is_gateway_api() {
        text(beside, "namespace")
    } else {
        let host = text(beside, "host").unwrap_or_default();
        host.split_once('.').and_then(|(_, rest)| rest.split('.').next())
    };
    Ok(ObjectRef::new("v1", "Service", namespace.unwrap_or(of.namespace()), name))
}
