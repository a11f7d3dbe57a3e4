//! A run as one page: weights over time, each guardrail's evidence, the observed split, the disagreements.

mod chart;
mod escape;
mod gallery;
mod history;
mod page;

pub use gallery::{Disagreement, cards};
pub use history::{History, Moment};
pub use page::{Report, figures};
