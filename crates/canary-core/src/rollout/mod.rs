//! A rollout: the plan, its gates and guardrails, and the weight changes as pure functions.

mod gate;
mod guardrail;
pub mod patch;
mod plan;
mod presets;
mod validation;

pub use gate::{Gate, GateOutcome, Golden};
pub use guardrail::{
    Accuracy, Agreement, Check, Custom, ErrorRatio, Guardrail, Needs, NumericDrift, ObservedSplit,
    SlowRatio,
};
pub use plan::{DEFAULT_ALPHA, HeaderRoute, Hold, OnInconclusive, Plan, Split, Step, Target};
