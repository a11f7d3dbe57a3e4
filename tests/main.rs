//! Tests across the crates of the workspace, in one binary so that they link once.

mod architecture;
mod bad_input;
mod kubernetes;
mod overlaps;
mod rollout;
