//! Changes of the live objects as pure functions from raw JSON to JSON Patch (RFC 6902).
//!
//! Routes are found by route name or by destination subset, never by position. Only the fields that the rollout owns
//! are named in a patch: unknown fields and the routes of others are neither read nor written. Every patch begins with
//! `test` operations on `metadata.resourceVersion` and on the routes it changes, so that an edit by somebody else in
//! between makes the whole patch fail.

mod added;
mod annotations;
mod arms;
mod compare;
mod cookie;
mod differences;
mod find;
mod gitops;
mod header_route;
mod limits;
mod locate;
mod located;
mod mirror;
mod ops;
mod owner;
mod ownership;
mod route;
mod route_of;
mod sticky;
mod subset;
mod weights;

pub use annotations::{
    DESTINATION_ANNOTATION, STATE_ANNOTATION, SUBSET_ANNOTATION, WRITTEN_ANNOTATION,
};
pub use compare::differences;
pub use differences::{Difference, Differences};
pub use gitops::GitOps;
pub use header_route::has_header_route;
pub(crate) use locate::service_of;
pub use locate::{locate, locate_all};
pub use located::Located;
pub use mirror::initial_mirror;
pub(crate) use ops::{Ops, escape};
pub use owner::foreign_controller;
pub use ownership::Author;
pub(crate) use ownership::{give_up_spec, state_manager};
pub use route::{RouteChange, change_route, clean_up};
pub use route_of::RouteOf;
pub use subset::{SubsetLabels, add_subset, has_subset, keep_subset, remove_subset};

#[cfg(test)]
mod tests;
