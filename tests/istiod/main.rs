//! The seed's lab, releases and changes of weights on Istio's own control plane, through the public interface: every
//! request goes through an Envoy that istiod has configured.
//!
//! A binary of its own: the control plane and the load keep both cores busy, which other tests' clocks would feel.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod forms;
mod lab;
mod log;
mod releases;
mod seed_lab;
mod seed_objects;
mod stage;
mod targets;
mod weights;
