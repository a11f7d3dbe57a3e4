//! The routes that send requests with a header to the canary at any weight: created, replaced, removed.

mod canary_match;
mod condition;
mod gateway_api;
mod istio;

use serde_json::Value;

use super::{
    locate::look,
    located::Located,
    ops::Ops,
    route_of::{RouteOf, is_managed},
    sticky::is_pin,
};
use crate::{Error, Result};

/// Returns `true` when the routes that answer requests with the header lead them to the canary alone, no matter who
/// created them. The header is [`Plan::probe_header`](crate::Plan::probe_header); rules for TLS and TCP need none.
pub fn has_header_route<'p>(of: impl Into<RouteOf<'p>>, live: &Value) -> bool {
    let of = of.into();
    if !of.takes_headers() {
        return true;
    }
    let Ok(located) = look(of, live) else { return false };
    if of.is_gateway_api() {
        gateway_api::has(of, live, &located)
    } else {
        istio::has(of, live, &located)
    }
}

/// Creates the header routes of the plan's rules, unless they are there or somebody else's do the same. Every other
/// route of a rollout is removed.
///
/// # Errors
/// [`Error::Plan`] when the header cannot be matched beside a rule's own conditions, when other rules answer it, and for
/// rules that match no headers.
pub(super) fn ensure(
    of: RouteOf<'_>,
    ops: &mut Ops,
    live: &Value,
    located: &[Located],
) -> Result<()> {
    if !of.takes_headers() {
        return Err(Error::Plan(format!(
            "{}: {} is for connections, which have no headers, so no header can lead to {}; move its HTTP rules, or a \
             plan without a header",
            of.title(),
            of.place(located[0].rule),
            of.plan.canary
        )));
    }
    if of.is_gateway_api() {
        gateway_api::ensure(of, ops, live, located)
    } else {
        istio::ensure(of, ops, live, located)
    }
}

/// Removes the routes that a run of this plan created, and no others.
pub(super) fn remove_own(of: RouteOf<'_>, ops: &mut Ops, live: &Value) {
    let header = of.plan.probe_header();
    remove_managed(of, ops, live, |_, rule| {
        if of.is_gateway_api() {
            gateway_api::is_own(of, &header, rule)
        } else {
            istio::is_own(of, &header, rule)
        }
    });
}

/// Removes the routes that rollouts created, other than those for cookies, and that are chosen by place and content; the
/// places that they had.
pub(super) fn remove_managed(
    of: RouteOf<'_>,
    ops: &mut Ops,
    live: &Value,
    chosen: impl Fn(usize, &Value) -> bool,
) -> Vec<usize> {
    let rules = of.rules(live).iter().enumerate();
    let gone =
        rules.filter(|(index, rule)| is_managed(rule) && !is_pin(rule) && chosen(*index, rule));
    let mut places = Vec::new();
    // From the end, because each removal moves the routes after it.
    for (index, rule) in gone.collect::<Vec<_>>().into_iter().rev() {
        ops.test(of.pointer(index), rule);
        ops.remove(of.pointer(index));
        places.push(index);
    }
    places
}
