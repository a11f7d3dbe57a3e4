//! A run as one page: weights over time, each guardrail's evidence, the observed split, the disagreements.

mod chart;
mod history;
mod page;

pub use history::{History, Moment};
pub use page::{Disagreement, Report};
