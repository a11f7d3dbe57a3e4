//! Tests across the crates of the workspace, in one binary so that they link once.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod admission;
mod api_faults;
mod backend;
mod bad_input;
mod commands;
mod container;
mod contract;
mod envoy;
mod gitops;
mod kubernetes;
mod kubernetes_access;
mod kubernetes_outage;
mod lab_rollouts;
mod metered;
mod metrics;
mod notify_events;
mod overlaps;
mod packaging;
mod person;
mod presence;
mod prometheus;
mod prometheus_api;
mod rollouts;
mod scale_contract;
mod scale_down;
mod second_terminal;
mod secret_echo;
mod secrets;
mod slow_canaries;
mod stage;
