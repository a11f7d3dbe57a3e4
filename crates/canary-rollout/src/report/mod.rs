//! A run as one page: weights over time, each guardrail's evidence, the observed split, the disagreements; and two runs side
//! by side.

mod axis;
mod chart;
mod compare;
mod escape;
mod gallery;
#[cfg(test)]
mod golden_tests;
mod guardrail;
mod history;
mod page;
mod section;

pub use gallery::{Disagreement, cards};
pub use history::{History, Moment};
pub use page::{Report, figures};
pub use section::ReportedRun;
