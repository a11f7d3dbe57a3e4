//! A rollout: the plan, its gates and guardrails, and the weight changes as pure functions.

mod comparison;
mod event;
mod gate;
mod guardrail;
mod machine;
mod monitor;
pub mod patch;
mod plan;
mod power;
mod presets;
pub mod report;
mod scenario;
mod simulate;
mod state;
mod summary;
mod validation;
mod verdict;

pub use comparison::{ComparedTraffic, Comparison, Rule, RuleOutcome};
pub use event::{Action, Event};
pub use gate::{Gate, GateOutcome, Golden};
pub use guardrail::{
    Accuracy, Agreement, Check, Custom, ErrorRatio, Guardrail, NumericDrift, ObservedSplit,
    SlowRatio,
};
pub use machine::{MAX_STRIDE, Machine};
pub use plan::{DEFAULT_ALPHA, HeaderRoute, Hold, OnInconclusive, Plan, Split, Step, Target};
pub use power::Power;
pub use scenario::{Rates, Scenario};
pub use simulate::Simulation;
pub use state::{MAX_STATE_BYTES, Phase, STATE_VERSION, State, Totals};
pub use summary::{Chance, Summary};
pub use verdict::{Cause, Reading, Verdict, Why};
