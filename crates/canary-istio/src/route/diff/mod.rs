//! The changes for requests when one mesh takes the place of another.

mod change;
mod effect;
mod pairs;
mod regions;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use serde::Serialize;

use super::{decision::Share, mesh::Mesh, request::Request, rule_ref::RuleRef};
use regions::Comparison;

/// A set of requests whose destination changes, with one of them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// One of the requests; its random number is one for which the destination itself differs.
    pub witness: Request,
    /// Its route before.
    pub before: Side,
    /// Its route after.
    pub after: Side,
}

/// The route of requests in one of two meshes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Side {
    /// The rule that takes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// The outcome of the witness, in one line.
    pub outcome: String,
    /// The destinations of the rule with their shares.
    pub shares: Vec<Share>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Side| {
            let shares: Vec<String> = side.shares.iter().map(ToString::to_string).collect();
            if shares.len() > 1 { shares.join(", ") } else { side.outcome.clone() }
        };
        write!(f, "{}: {} -> {}", self.witness, side(&self.before), side(&self.after))
    }
}

/// The differences between two meshes; see [`diff`].
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// The changes: one entry for each pair of rules, before and after, that share requests.
    pub changes: Vec<Change>,
    /// The questions left open: pairs of rules that may share requests, and hosts for which the comparison would have
    /// taken too long.
    pub unjudged: Vec<String>,
}

/// Finds which requests change their destination when `after` takes the place of `before`: the cluster, the shares of
/// several, or the answer that the proxy itself gives.
///
/// Each change comes with a request that proves it, routed by both meshes. Requests that no change covers keep their
/// destination, unless a question is left unjudged. The time is bounded: for meshes of thousands of rules with little
/// in common, [`Diff::unjudged`] lists the open questions.
///
/// ```
/// use canary_core::{Gateway, Mesh, VirtualService, route::diff};
///
/// let gateway = Gateway::http("edge", 80, ["*"]);
/// let mesh = |weight| {
///     let split = VirtualService::weighted("models", [("a", 100 - weight), ("b", weight)])
///         .hosts(["*"])
///         .gateway("edge");
///     Mesh::new([&gateway, &split])
/// };
/// let diff = diff(&mesh(0)?, &mesh(30)?);
/// assert_eq!(diff.changes.len(), 1);
/// assert_eq!(diff.changes[0].after.shares[1].weight, 30);
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn diff(before: &Mesh, after: &Mesh) -> Diff {
    Comparison::new(before, after, None).run().unwrap_or_default()
}

/// As [`diff`], until `stop` is set by another thread; `None` when it was set before the end.
pub fn diff_until(before: &Mesh, after: &Mesh, stop: &Arc<AtomicBool>) -> Option<Diff> {
    Comparison::new(before, after, Some(stop)).run()
}
