//! Somebody else's changes: a live object compared with what was last written to it.

use serde_json::Value;

use super::{
    super::plan::{HeaderRoute, Percent, RuleSelector, Rules, Split},
    differences::Differences,
    header_route::has_header_route,
    locate::look,
    located::Located,
    mirror::Mirrors,
    route_of::RouteOf,
    sticky,
};
use crate::json::list;

/// Returns somebody else's changes since `expected` was written; empty when the weights are as they were.
///
/// Compared are the weights and the mirrors of the plan's rules, the cookie of sticky users, and the header route when
/// `header_route` says that it was created. Other rules and other fields do not concern the rollout.
pub fn differences<'p>(
    of: impl Into<RouteOf<'p>>,
    live: &Value,
    expected: Split,
    header_route: bool,
) -> Differences {
    let of = of.into();
    let mut differences = Differences::default();
    match look(of, live) {
        Err(error) => {
            let wanted = match &of.route.rules {
                Rules::Listed(listed) if let [RuleSelector::Named(name)] = &listed[..] => {
                    format!("one route {name} with {expected}")
                }
                Rules::Only => format!("one route to {} with {expected}", of.plan.stable),
                _ => format!("the routes to {} with {expected}", of.plan.stable),
            };
            differences.push(of.list_name(), &wanted, &error);
        }
        Ok(located) => {
            for one in &located {
                compare_weights(&mut differences, of, one, expected);
                let rule = &of.rules(live)[one.rule];
                compare_mirrors(&mut differences, of, rule, one.rule, expected);
            }
            if differences.is_empty() {
                sticky::compare(of, live, &located, expected, &mut differences);
            }
        }
    }
    if of.is_gateway_api() && list(live, "/spec/parentRefs").is_empty() {
        differences.push("spec.parentRefs", "a Gateway, or the Service that clients call", "none");
    }
    if header_route && differences.is_empty() && !has_header_route(of, live) {
        let name = of.made_name(0);
        let HeaderRoute { name: header, value } = of.plan.probe_header();
        let wanted = format!("a route named {name} that leads header {header}: {value}");
        differences.push(of.list_name(), &format!("{wanted} to {} alone", of.plan.canary), "none");
    }
    differences
}

fn compare_weights(
    differences: &mut Differences,
    of: RouteOf<'_>,
    located: &Located,
    expected: Split,
) {
    if located.split.is_some_and(|split| split.canary == expected.canary) {
        return;
    }
    let entries = format!("{}.{}", of.place(located.rule), of.entries_field());
    let others = located.others();
    let total = located.weights.iter().sum::<u64>() - others;
    let mut compare = |entry: Option<usize>, version: &str, expected: Percent| {
        let weight = entry.map_or(0, |entry| located.weights[entry]);
        if total == 0 || weight * Percent::ALL.thousandths() != expected.thousandths() * total {
            let path = entry.map_or(entries.clone(), |entry| format!("{entries}[{entry}].weight"));
            let found = entry.map_or_else(|| "no destination".to_owned(), |_| weight.to_string());
            let wanted = if others == 0 && expected.whole().is_some() {
                format!("{expected} ({version})")
            } else {
                format!("{expected} % of what both versions have ({version})")
            };
            differences.push(path, &wanted, &found);
        }
    };
    compare(Some(located.stable), &of.plan.stable, expected.canary.rest());
    compare(located.canary, &of.plan.canary, expected.canary);
}

fn compare_mirrors(
    differences: &mut Differences,
    of: RouteOf<'_>,
    rule: &Value,
    index: usize,
    expected: Split,
) {
    let mirrors = Mirrors::of(of, rule);
    let own = mirrors.own();
    if let Some((mirror, _)) = mirrors.foreign() {
        let in_its_place = mirror.field == "mirror" || of.is_gateway_api() && own.is_none();
        let wanted = if in_its_place && !expected.mirror.is_none() {
            format!("{} % of the requests to {}", expected.mirror, of.plan.canary)
        } else {
            "none".to_owned()
        };
        let path = format!("{}.{}", of.place(index), mirror.field);
        differences.push(path, &wanted, &mirrors.share_and_place(mirror));
    } else if let found = own.map_or(Percent::NONE, |(_, percent)| percent)
        && found != expected.mirror
    {
        let field = if of.is_gateway_api() { "filters" } else { "mirrorPercentage" };
        let path = format!("{}.{field}", of.place(index));
        differences.push(path, &expected.mirror, &found);
    }
}
