//! The counts of a whole rollout.

use serde::{Deserialize, Serialize};

/// The counts of the whole rollout, with the excluded ones by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Totals {
    /// Requests served by the stable subset.
    pub stable: u64,
    /// The failed ones of them.
    pub stable_failed: u64,
    /// Requests served by the canary: the exposure.
    pub canary: u64,
    /// The failed ones of them.
    pub canary_failed: u64,
    /// Requests of unknown version; they are not used in ratios.
    pub unknown: u64,
    /// The failed ones of them, such as requests that found no endpoint.
    pub unknown_failed: u64,
    /// Pairs of answers to inputs not seen before.
    pub pairs: u64,
    /// Pairs whose input was seen before; they are not used.
    pub repeated: u64,
    /// Observations that a source gave twice; they are not used.
    pub duplicates: u64,
    /// Requests, pairs and scores that were sent before the step's weights: requests before these had settled, pairs and
    /// scores before they were acknowledged. No test and no hold uses them.
    pub late: u64,
    /// Observations with numbers outside their range.
    pub refused: u64,
    /// Pairs that were to be labelled later and for which there was no room; their other guardrails have judged them.
    #[serde(skip_serializing_if = "is_none")]
    pub without_room: u64,
    /// Pairs whose label has not come in the time that the plan gives.
    #[serde(skip_serializing_if = "is_none")]
    pub unlabelled: u64,
    /// Labels for which no pair waited: they came too late, twice, or for an unknown id.
    #[serde(skip_serializing_if = "is_none")]
    pub unmatched_labels: u64,
    /// Pairs of new inputs that were not judged, because the rollout remembers no more inputs.
    #[serde(skip_serializing_if = "is_none")]
    pub beyond_room: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_none(count: &u64) -> bool {
    *count == 0
}
