//! The requests that two matches have in common, and the matches that no request reaches.
//!
//! Istio compares the text of matches for IST0130 and IST0131. Here the sets of requests are compared: every claim
//! comes with a request that proves it, and a match that is not claimed to be unused has a request that reaches it.
//! A request is anything that HTTP allows: a path that begins with `/`, header values without control characters,
//! the schemes `http` and `https`, an authority that fits the hosts.
//!
//! Matches on the header `:path`, which mixes path and query, are not judged.

mod automata;
mod conditions;
mod effort;
mod set;
mod solve;
mod witness;

use serde::{Deserialize, Serialize};

pub(crate) use effort::Work;
pub(crate) use set::{Condition, Domain, Hosts, Test};
pub(crate) use solve::{Fit, fit};
pub use witness::Witness;

use super::{index::Item, report::Report};
use crate::{finding::Severity, networking::VirtualService};
use conditions::{MatchSet, Place};
use solve::{Answer, Solver};

/// Two matches with requests in common; the earlier one gets them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Overlap {
    /// The path of the match that comes first, such as `spec.http[0].match[1]`, or of its rule when it has none.
    pub earlier: String,
    /// The path of the one that comes later.
    pub later: String,
    /// True when every request of the later one fits the earlier one.
    pub covers: bool,
    /// A request that fits both.
    pub witness: Witness,
}

/// The reach of a match: the requests that arrive at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reach {
    /// A request that reaches it.
    Reached(Witness),
    /// No request reaches it: earlier matches take every request that fits it, such as this one.
    Covered {
        /// The paths of these earlier matches.
        by: Vec<String>,
        /// A request that fits, and goes to the first of them.
        witness: Witness,
    },
    /// No request fits it.
    Impossible,
    /// The search would take too long.
    Unjudged,
}

/// The cost of a pair beside solving it, in steps.
const PAIR: usize = 50;

/// Every pair of HTTP matches of `service` that have requests in common, in order; the second part lists the pairs
/// that could not be judged. If thousands of matches overlap, some are left out because the comparison would take too
/// long; such a match is listed as a pair with itself.
///
/// ```
/// use canary_core::{VirtualService, analyze::overlap::overlaps};
///
/// let service: VirtualService = serde_json::from_value(serde_json::json!({
///     "metadata": {"name": "a"},
///     "spec": {"hosts": ["a"], "http": [
///         {"match": [{"uri": {"regex": "/v[0-9]+/.*"}}], "route": [{"destination": {"host": "a"}}]},
///         {"match": [{"uri": {"prefix": "/v1/"}}], "route": [{"destination": {"host": "b"}}]},
///     ]},
/// }))?;
/// let (overlaps, unjudged) = overlaps(&service);
/// assert!(overlaps[0].covers && unjudged.is_empty());
/// assert_eq!(overlaps[0].witness.path, "/v1/");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn overlaps(service: &VirtualService) -> (Vec<Overlap>, Vec<(String, String)>) {
    let matches = MatchSet::of(service);
    let mut work = Work::default();
    let mut solver = Solver::new(&matches, &mut work);
    let mut found = Vec::new();
    let mut unjudged = Vec::new();
    for (position, later) in matches.places.iter().enumerate() {
        for earlier in &matches.places[..position] {
            if !solver.work.spend(PAIR) {
                unjudged.push((later.path(), later.path()));
                break;
            }
            let pair = || (earlier.path(), later.path());
            let (Some(one), Some(other)) = (&earlier.conditions, &later.conditions) else {
                unjudged.push(pair());
                continue;
            };
            match solver.both(one, other) {
                Answer::Yes(witness) => {
                    let covers = solver.covers(one, other);
                    let (earlier, later) = pair();
                    found.push(Overlap { earlier, later, covers: covers == Some(true), witness });
                }
                Answer::No => {}
                Answer::Unknown => unjudged.push(pair()),
            }
        }
    }
    (found, unjudged)
}

/// The path and the reach of every HTTP match of `service`, and of every rule without a match.
pub fn reach(service: &VirtualService) -> Vec<(String, Reach)> {
    let matches = MatchSet::of(service);
    let mut work = Work::default();
    let mut solver = Solver::new(&matches, &mut work);
    (0..matches.places.len())
        .map(|position| {
            (matches.places[position].path(), solver.reach(&matches.places[..=position]))
        })
        .collect()
}

/// Adds IST0130 and IST0131 for one object.
pub(super) fn report(item: &Item<'_, VirtualService>, report: &mut Report, work: &mut Work) {
    let http = item.object.spec.http.as_deref().unwrap_or_default();
    let total: usize =
        http.iter().map(|rule| rule.matches.as_ref().map_or(1, |list| list.len().max(1))).sum();
    if total < 2 {
        return;
    }
    let matches = MatchSet::of(item.object);
    let mut solver = Solver::new(&matches, work);
    let mut position = 0;
    for rule in 0..http.len() {
        let count =
            matches.places[position..].iter().take_while(|place| place.rule == rule).count();
        let places = &matches.places[position..position + count];
        let reached: Vec<_> = (position..position + count)
            .map(|last| solver.reach(&matches.places[..=last]))
            .collect();
        position += count;
        add(item, places, &reached, report);
    }
}

fn add(
    item: &Item<'_, VirtualService>,
    places: &[Place<'_>],
    reached: &[Reach],
    report: &mut Report,
) {
    let covered = |reach: &Reach| matches!(reach, Reach::Covered { .. });
    if reached.iter().all(covered)
        && let Some(Reach::Covered { by, witness }) = reached.first()
    {
        let message = format!(
            "the rule is never used: {} before it gets its requests, such as {witness}",
            by.join(" and ")
        );
        report.add(Severity::Warning, "IST0130", &item.id, places[0].rule_path(), message).help =
            Some("move the rule before those, or remove it".to_owned());
        if places[0].index.is_none() || places.len() > 1 {
            return;
        }
    }
    for (place, reach) in places.iter().zip(reached) {
        match reach {
            Reach::Covered { by, witness } => {
                let message = format!(
                    "the match is never used: {} before it gets its requests, such as {witness}",
                    by.join(" and ")
                );
                report.add(Severity::Info, "IST0131", &item.id, place.path(), message).help =
                    Some("move it before those, or remove it".to_owned());
            }
            Reach::Impossible => {
                let message =
                    "no request can fit the match: its conditions contradict each other or HTTP";
                report.add(Severity::Warning, "C502", &item.id, place.path(), message);
            }
            Reach::Unjudged => {
                let reason = format!(
                    "{}: it takes too long to determine whether a request reaches it",
                    place.path()
                );
                report.unjudged_for("IST0131", &item.id, reason);
            }
            Reach::Reached(_) => {}
        }
    }
}
