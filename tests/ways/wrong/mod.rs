//! The ways to be wrong.

mod api;
mod deployments;
mod gateway_api;
mod mesh;
mod plans;
mod questions;
mod responses;
mod sources;

use std::sync::OnceLock;

use super::table::{Way, promoted, way};

/// Nothing is wrong.
pub(crate) const NOTHING: &[Way] = &[way("nothing is wrong", |_| (), [promoted(); 4])];

/// All of them.
pub(crate) fn all() -> &'static [Way] {
    static ALL: OnceLock<Vec<Way>> = OnceLock::new();
    ALL.get_or_init(|| {
        wanted(&[
            responses::WAYS,
            deployments::WAYS,
            mesh::WAYS,
            gateway_api::WAYS,
            questions::WAYS,
            sources::WAYS,
            plans::WAYS,
            api::WAYS,
        ])
    })
}

/// Those of the canary's pods and of routes of the Gateway API.
pub(crate) fn of_routes() -> &'static [Way] {
    static OF_ROUTES: OnceLock<Vec<Way>> = OnceLock::new();
    OF_ROUTES.get_or_init(|| wanted(&[deployments::WAYS, gateway_api::WAYS]))
}

/// Those whose name contains `CANARY_WAY`.
fn wanted(ways: &[&[Way]]) -> Vec<Way> {
    let wanted = std::env::var("CANARY_WAY").unwrap_or_default();
    ways.concat().into_iter().filter(|way| way.name.contains(&wanted)).collect()
}
