//! The proof of a change: one request, routed by both meshes.

use super::{
    super::{mesh::Mesh, request::Request},
    Change, Side,
    effect::Effect,
};

/// Routes a request in both meshes; `None` when its outcome is the same.
pub(super) fn change(before: &Mesh, after: &Mesh, request: &Request) -> Option<Change> {
    let mut witness = request.clone();
    let (first, second) = (before.route(request), after.route(request));
    if Effect::told(&first) == Effect::told(&second) {
        return None;
    }
    let end = |mesh: &Mesh, request: &Request| {
        let decision = mesh.route(request);
        let cluster = decision.cluster().map(|cluster| cluster.name.clone());
        (cluster, decision.outcome().to_string())
    };
    // The ends of the intervals are where destinations change.
    let mut candidates = vec![0];
    for decision in [&first, &second] {
        let mut end = 0;
        for share in decision.shares() {
            end += share.weight;
            candidates.extend([end.saturating_sub(1), end]);
        }
    }
    witness.random = candidates
        .into_iter()
        .chain(0..1000)
        .find(|random| {
            let drawn = request.clone().random(*random);
            end(before, &drawn) != end(after, &drawn)
        })
        .unwrap_or(0);
    let side = |mesh: &Mesh| {
        let decision = mesh.route(&witness);
        Side {
            rule: decision.rule().cloned(),
            outcome: decision.outcome().to_string(),
            shares: decision.shares(),
        }
    };
    let (before, after) = (side(before), side(after));
    Some(Change { witness, before, after })
}
