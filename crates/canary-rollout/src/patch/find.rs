//! The rules of a live object that a plan moves.

use serde_json::Value;

use super::{
    super::plan::{HeaderRoute, RuleSelector, Rules},
    route_of::{RouteOf, is_managed, name_of},
};
use crate::{Error, Result};

/// The indices of the plan's rules, without a check of their contents: in their order, at least one.
pub(super) fn find(of: RouteOf<'_>, live: &Value) -> Result<Vec<usize>> {
    if of.plan.target.routes().is_none() {
        return Err(Error::Plan(
            "the plan's target is not a route, so it has no weights".to_owned(),
        ));
    }
    let mut found = match &of.route.rules {
        Rules::Only => {
            let all = leading_to_stable(of, live)?;
            if let [_, _, ..] = all[..] {
                return Err(several(of, &all));
            }
            all
        }
        Rules::All => leading_to_stable(of, live)?,
        Rules::Listed(listed) => {
            let each = listed.iter().map(|selector| select(of, live, selector));
            each.collect::<Result<Vec<usize>>>()?
        }
    };
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn candidates<'v>(of: RouteOf<'_>, live: &'v Value) -> impl Iterator<Item = (usize, &'v Value)> {
    of.rules(live).iter().enumerate().filter(|(_, rule)| !is_managed(rule))
}

fn leading_to_stable(of: RouteOf<'_>, live: &Value) -> Result<Vec<usize>> {
    let stable = &of.plan.stable;
    let to_stable = |entry: &Value| of.is_version(of.destination(entry), stable);
    let leads = |rule: &Value| of.entries(rule).iter().any(to_stable);
    let found: Vec<usize> =
        candidates(of, live).filter(|(_, rule)| leads(rule)).map(|(index, _)| index).collect();
    if found.is_empty() {
        return Err(Error::Plan(format!(
            "{} has no {} to {}; its {} are {}",
            of.title(),
            of.rule_word(),
            of.version_words(stable),
            plural(of),
            describe(of, of.rules(live))
        )));
    }
    Ok(found)
}

/// The index of the one rule that a selector chooses.
fn select(of: RouteOf<'_>, live: &Value, selector: &RuleSelector) -> Result<usize> {
    let matches = if of.is_gateway_api() { "matches" } else { "match" };
    let fits = |rule: &Value| match selector {
        RuleSelector::Named(name) => name_of(rule) == Some(name),
        RuleSelector::Matching { matching } => {
            rule.get(matches).and_then(Value::as_array).is_some_and(|all| all.contains(matching))
        }
    };
    let found: Vec<usize> =
        candidates(of, live).filter(|(_, rule)| fits(rule)).map(|(index, _)| index).collect();
    let (what, rules) = (of.title(), of.rules(live));
    match (&found[..], selector) {
        ([index], _) => Ok(*index),
        ([], RuleSelector::Named(name)) if name.starts_with(HeaderRoute::ROUTE_PREFIX) => {
            Err(Error::Plan(format!(
                "{what}: target.route is {name}, but routes whose names begin with {} are created and removed by \
                 rollouts; name the route whose weights are to change",
                HeaderRoute::ROUTE_PREFIX
            )))
        }
        ([], RuleSelector::Named(name)) => Err(Error::Plan(format!(
            "{what} has no {} named {name}; its {} are {}",
            of.rule_word(),
            plural(of),
            describe(of, rules)
        ))),
        ([], RuleSelector::Matching { matching }) => Err(Error::Plan(format!(
            "{what} has no {} with the match {matching}; write it as the object does; its {} are {}",
            of.rule_word(),
            plural(of),
            describe(of, rules)
        ))),
        (all, _) => Err(several(of, all)),
    }
}

fn several(of: RouteOf<'_>, found: &[usize]) -> Error {
    let places: Vec<String> = found.iter().map(|index| of.place(*index)).collect();
    Error::Plan(format!(
        "{} has several {}s that fit ({}); name the one that is meant in target.route, or those that move together in \
         target.routes[].rules, and give them different names",
        of.title(),
        of.rule_word(),
        places.join(", ")
    ))
}

/// The word for all rules of an object.
fn plural(of: RouteOf<'_>) -> &'static str {
    if of.is_gateway_api() { "rules" } else { "routes" }
}

/// The rules in short: names, and the versions or hosts that they lead to.
pub(super) fn describe(of: RouteOf<'_>, rules: &[Value]) -> String {
    if rules.is_empty() {
        return "none".to_owned();
    }
    let version = |entry: &Value| {
        let destination = of.destination(entry);
        if of.by_subset() {
            destination["subset"].as_str().unwrap_or("no subset").to_owned()
        } else {
            of.service(destination).unwrap_or("no Service").to_owned()
        }
    };
    let one = |(index, rule): (usize, &Value)| {
        let to: Vec<String> = of.entries(rule).iter().map(version).collect();
        let name = name_of(rule).map_or_else(|| of.place(index), str::to_owned);
        format!("{name} → {}", if to.is_empty() { "nowhere".to_owned() } else { to.join("+") })
    };
    rules.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}
