//! The annotations that a rollout keeps in the objects of its routes.

/// The annotation of the first route that holds the state of the rollout.
pub const STATE_ANNOTATION: &str = "canary-rs.github.io/rollout-state";

/// The annotation of every other route with what the run wrote there last.
pub const WRITTEN_ANNOTATION: &str = "canary-rs.github.io/rollout-written";

/// The annotation of a route with the canary's destinations that the run added there.
pub const DESTINATION_ANNOTATION: &str = "canary-rs.github.io/rollout-destination";

/// The annotation of the `DestinationRule` that names the subset which the driver added.
pub const SUBSET_ANNOTATION: &str = "canary-rs.github.io/rollout-subset";
