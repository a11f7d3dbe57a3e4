//! Plans, their simulations, and the results of runs.

pub(crate) mod aa;
pub(crate) mod compare;
pub(crate) mod comparison;
pub(crate) mod guardrail;
pub(crate) mod guardrails;
mod hold;
pub(crate) mod observation;
pub(crate) mod pair;
pub(crate) mod plan;
mod plan_methods;
mod plan_new;
mod plan_view;
pub(crate) mod power;
pub(crate) mod progress;
pub(crate) mod reading;
mod replay;
pub(crate) mod route;
mod scenario;
pub(crate) mod scores;
pub(crate) mod simulation;
pub(crate) mod sticky;
pub(crate) mod target;
pub(crate) mod verdict;
pub(crate) mod version_labels;
