//! The effect of a route, in a form in which two of them can be compared.

use std::{collections::BTreeMap, sync::Arc};

use super::super::{
    chance::Chance,
    decision::{Decision, Outcome},
    mesh::Mesh,
    request::Request,
    routes::Route,
};

/// The effect of a route, for comparing.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Effect {
    answer: String,
    /// For each cluster its weight and the total, reduced.
    shares: BTreeMap<String, (u64, u64)>,
}

impl Effect {
    pub(super) fn of(mesh: &Mesh, route: &Arc<Route>, sample: &Request) -> Self {
        let decision = mesh.by_route(sample, sample.port.unwrap_or(80), Arc::clone(route));
        Self::told(&decision)
    }

    /// The effect on requests that no route takes.
    pub(super) fn none(mesh: &Mesh, sample: &Request, no_routes: bool) -> Self {
        if no_routes {
            Self::told(&mesh.route(sample))
        } else {
            Self { answer: "404 NR".to_owned(), shares: BTreeMap::new() }
        }
    }

    pub(super) fn told(decision: &Decision<&Request>) -> Self {
        let mut weights: BTreeMap<String, u64> = BTreeMap::new();
        let mut total = 1;
        for share in decision.shares().iter().filter(|share| share.weight > 0) {
            let flag = share.cluster.failure.as_ref().map_or("", |failure| failure.kind.flag());
            *weights.entry(format!("{} {flag}", share.cluster.name)).or_default() += share.weight;
            total = share.total;
        }
        // A fault with a share is the same effect for all requests here, independently of the random draw.
        let partial = decision
            .abort_share()
            .filter(|(_, chance)| *chance > Chance::NEVER && *chance < Chance::ALWAYS);
        if let Some((abort, chance)) = partial {
            let abort = Outcome::Abort(abort.clone());
            *weights.entry(format!("{abort} for {chance}")).or_default() += total;
        }
        let answer = match &decision.outcome {
            Outcome::Forward(_) => String::new(),
            Outcome::Abort(_) if partial.is_some() => String::new(),
            Outcome::Failure(_) if !weights.is_empty() => String::new(),
            Outcome::Failure(failure) => {
                format!("{} {}", failure.kind.status(), failure.kind.flag())
            }
            other => other.to_string(),
        };
        let shares = weights
            .into_iter()
            .map(|(name, weight)| {
                let common = gcd(weight, total);
                (name, (weight / common, total / common))
            })
            .collect();
        Self { answer, shares }
    }
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one.max(1) } else { gcd(other, one % other) }
}
