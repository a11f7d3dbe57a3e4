//! Tests across the crates of the workspace, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod architecture;
mod bad_input;
mod kubernetes;
mod overlaps;
mod ramp;
mod rollout;
