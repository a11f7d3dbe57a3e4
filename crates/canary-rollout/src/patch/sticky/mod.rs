//! Users who stay with the version met first: the cookie that the divided rules set, and the rules that obey it.
//!
//! A weighted rule draws a version for each request. So the response to such a request sets a cookie with the version, and
//! a rule for each version, before the weighted one, takes the requests with its cookie. The cookie names the draw, which
//! is another at each share and in each run: when the weights move, no rule matches the cookies of before.

mod pins;
mod precedence;

use serde_json::Value;

use super::{
    super::plan::{RouteKind, Split},
    cookie::{self, without_cookie},
    differences::Differences,
    limits::within_limits,
    locate::look,
    located::Located,
    ops::Ops,
    route_of::{RouteOf, is_managed, name_of},
};
use crate::{Error, Result, evidence::Pair, sticky::Sticky};

pub(super) use pins::is_pin;

/// The cookie of a plan and the draw of a split; `None` where no user is to be kept.
fn draw(of: RouteOf<'_>, split: Option<Split>) -> Option<(&Sticky, String)> {
    let canary = split.map(|split| split.canary).filter(|share| share.is_part())?;
    let (sticky, began) = (of.plan.sticky.as_ref()?, of.run?);
    let name = format!("{} {} {canary}", of.plan.hash(), began.0);
    let mut digits = format!("{:016x}", Pair::digest(name.as_bytes()));
    digits.truncate(cookie::DIGITS);
    Some((sticky, digits))
}

/// Returns `true` when the object has a rule or a header of any rollout's cookie.
fn is_there(of: RouteOf<'_>, live: &Value) -> bool {
    let bare = |entry: &Value| {
        let Some(mut fields) = entry.as_object().cloned() else { return true };
        without_cookie(of, &mut fields);
        entry.as_object() == Some(&fields)
    };
    of.rules(live).iter().any(|rule| is_pin(rule) || !of.entries(rule).iter().all(bare))
}

/// Brings cookies and rules to a split, behind the other operations of the patch; without a split none is left.
///
/// # Errors
/// [`Error::Plan`] when a rule leaves no place for the cookie or for a condition on it.
pub(super) fn write(
    of: RouteOf<'_>,
    ops: &mut Ops,
    live: &Value,
    split: Option<Split>,
) -> Result<()> {
    let drawn = draw(of, split);
    if drawn.is_none() && !is_there(of, live) {
        return Ok(());
    }
    if let Some(drawn) = &drawn {
        check(of, live, drawn)?;
    }
    // The rules are copied as the other operations leave them, and lie where those leave them.
    let live = &ops.applied(live)?;
    let (located, made) = match &drawn {
        Some((sticky, draw)) => {
            let located = look(of, live)?;
            let made = wanted(of, live, &located, (sticky, draw))?;
            (located, made)
        }
        None => (Vec::new(), Vec::new()),
    };
    write_cookies(ops, cookies(of, live, &located, drawn.as_ref())?);
    let rules = of.rules(live);
    if drawn.is_some() && are_in_place(of, rules, &located, &made) {
        return Ok(());
    }
    let removed = remove(of, ops, live, is_pin);
    if of.is_gateway_api() {
        let made = made.iter().flatten();
        made.clone().for_each(|rule| ops.add("/spec/rules/-", rule.clone()));
        let left = rules.iter().filter(|rule| !is_pin(rule)).chain(made).collect::<Vec<_>>();
        return within_limits(of, &left, "the rules that keep users with a version");
    }
    // From the end, because each insertion moves the rules after it.
    for (one, made) in located.iter().zip(&made).rev() {
        let before = removed.iter().filter(|index| **index < one.rule).count();
        for rule in made.iter().rev() {
            ops.add(of.pointer(one.rule - before), rule.clone());
        }
    }
    Ok(())
}

/// Finds what is in the way of the cookie, by its place in the live object.
///
/// # Errors
/// [`Error::Plan`] with the place.
fn check(of: RouteOf<'_>, live: &Value, drawn: &(&Sticky, String)) -> Result<()> {
    let located = look(of, live)?;
    wanted(of, live, &located, (drawn.0, &drawn.1))?;
    cookies(of, live, &located, Some(drawn))?;
    if of.is_gateway_api() { precedence::check(of, of.rules(live), &located) } else { Ok(()) }
}

/// Removes the cookies and the rules of a run of this plan, behind the other operations of the patch.
///
/// # Errors
/// [`Error::Plan`] when the operations before do not fit the object.
pub(super) fn remove_own(of: RouteOf<'_>, ops: &mut Ops, live: &Value) -> Result<()> {
    if of.plan.sticky.is_none() || !is_there(of, live) {
        return Ok(());
    }
    let live = &ops.applied(live)?;
    write_cookies(ops, cookies(of, live, &[], None)?);
    remove(of, ops, live, |rule| pins::is_own(of, rule));
    Ok(())
}

/// Writes the header edits of destinations: the pointer to each, as it is, and as it should be.
fn write_cookies(ops: &mut Ops, changed: Vec<(String, Value, Value)>) {
    for (path, before, entry) in changed {
        for field in ["headers", "filters"].into_iter().filter(|one| before[one] != entry[one]) {
            let at = format!("{path}/{field}");
            if let Some(old) = before.get(field) {
                ops.test(&at, old);
            }
            match entry.get(field) {
                Some(new) => ops.add(at, new.clone()),
                None => ops.remove(at),
            }
        }
    }
}

/// Removes rules, and gives the places that they had.
fn remove(
    of: RouteOf<'_>,
    ops: &mut Ops,
    live: &Value,
    chosen: impl Fn(&Value) -> bool,
) -> Vec<usize> {
    let gone = of.rules(live).iter().enumerate().filter(|(_, rule)| chosen(rule));
    let mut places = Vec::new();
    for (index, rule) in gone.collect::<Vec<_>>().into_iter().rev() {
        ops.test(of.pointer(index), rule);
        ops.remove(of.pointer(index));
        places.push(index);
    }
    places
}

/// The rules for each of the plan's rules.
fn wanted(
    of: RouteOf<'_>,
    live: &Value,
    located: &[Located],
    (sticky, draw): (&Sticky, &str),
) -> Result<Vec<Vec<Value>>> {
    if !of.takes_headers() || of.route.kind == RouteKind::GrpcRoute {
        return Err(Error::Plan(format!(
            "{}: {} has no HTTP requests of clients that keep cookies, so no user can stay with a version; leave the route \
             out of the target, or sticky out of the plan",
            of.title(),
            of.list_name()
        )));
    }
    let rules = of.rules(live);
    let each = located.iter().enumerate().map(|(place, one)| {
        cookie::check_rule(of, &rules[one.rule], one.rule)?;
        pins::make(of, sticky, draw, &rules[one.rule], one, place)
    });
    each.collect()
}

/// The destinations whose cookies change: the pointer to each, as it is, and as it should be.
fn cookies(
    of: RouteOf<'_>,
    live: &Value,
    located: &[Located],
    drawn: Option<&(&Sticky, String)>,
) -> Result<Vec<(String, Value, Value)>> {
    let mut changed = Vec::new();
    for (index, rule) in of.rules(live).iter().enumerate().filter(|(_, rule)| !is_managed(rule)) {
        let one = located.iter().find(|one| one.rule == index);
        for (place, entry) in of.entries(rule).iter().enumerate() {
            let Some(fields) = entry.as_object() else { continue };
            let arms = one.map_or([None; 2], |one| [Some(one.stable), one.canary]);
            let arm = arms.iter().position(|arm| *arm == Some(place));
            let after = if let (Some(arm), Some((sticky, draw))) = (arm, drawn) {
                let at = format!("{}.{}[{place}]", of.place(index), of.entries_field());
                let value = cookie::value(sticky, draw, pins::ARMS[arm]);
                cookie::with_cookie(of, &at, fields, &value)?
            } else {
                let mut fields = fields.clone();
                without_cookie(of, &mut fields);
                fields
            };
            if *fields != after {
                let path = format!("{}/{}/{place}", of.pointer(index), of.entries_field());
                changed.push((path, entry.clone(), after.into()));
            }
        }
    }
    Ok(changed)
}

/// Returns `true` when these and no other rules for cookies are there, where they are obeyed: before the rule that they
/// are for, and after those of the header.
fn are_in_place(
    of: RouteOf<'_>,
    rules: &[Value],
    located: &[Located],
    made: &[Vec<Value>],
) -> bool {
    let there = rules.iter().filter(|rule| is_pin(rule)).count();
    let probe = rules.iter().rposition(|rule| is_managed(rule) && !is_pin(rule));
    there == made.iter().map(Vec::len).sum::<usize>()
        && located.iter().zip(made).all(|(one, made)| {
            made.iter().all(|made| {
                let place = rules.iter().position(|rule| rule == made);
                place.is_some_and(|place| {
                    if of.is_gateway_api() {
                        probe.is_none_or(|probe| probe < place)
                    } else {
                        let between = rules[place..].iter().take(one.rule.saturating_sub(place));
                        place < one.rule
                            && between.clone().all(|rule| !is_managed(rule) || is_pin(rule))
                    }
                })
            })
        })
}

/// Adds what is missing of a split's cookies and rules. Rules of other draws do not matter: no client that is drawn now
/// has their cookie, and the next write removes them.
pub(super) fn compare(
    of: RouteOf<'_>,
    live: &Value,
    located: &[Located],
    expected: Split,
    differences: &mut Differences,
) {
    let Some((sticky, draw)) = draw(of, Some(expected)) else { return };
    match cookies(of, live, located, Some(&(sticky, draw.clone()))) {
        Ok(missing) => {
            if let Some((path, ..)) = missing.into_iter().next() {
                let wanted = format!("a response header that sets the cookie {}", sticky.cookie);
                differences.push(path.trim_start_matches('/').replace('/', "."), &wanted, "none");
            }
        }
        Err(error) => differences.push(of.list_name(), "a place for the cookie", &error),
    }
    let rules = of.rules(live);
    let made = match wanted(of, live, located, (sticky, &draw)) {
        Ok(made) => made,
        Err(error) => {
            differences.push(of.list_name(), "rules that keep users with a version", &error);
            return;
        }
    };
    for (one, made) in located.iter().zip(&made) {
        let reached = if of.is_gateway_api() { rules } else { &rules[..one.rule] };
        for made in
            made.iter().filter(|made| !reached.iter().any(|rule| pins::is_same(of, rule, made)))
        {
            let name = name_of(made).unwrap_or_default();
            let there = rules.iter().any(|rule| name_of(rule) == Some(name));
            let wanted = format!("a route named {name} that keeps users with the cookie");
            let found = if there { "another one, or one that is not reached" } else { "none" };
            differences.push(of.list_name(), &wanted, found);
        }
    }
}
