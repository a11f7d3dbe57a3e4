//! The ways to be wrong.

mod api;
mod deployments;
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
        let wanted = std::env::var("CANARY_WAY").unwrap_or_default();
        let all = [
            responses::WAYS,
            deployments::WAYS,
            mesh::WAYS,
            questions::WAYS,
            sources::WAYS,
            plans::WAYS,
            api::WAYS,
        ];
        all.concat().into_iter().filter(|way| way.name.contains(&wanted)).collect()
    })
}
