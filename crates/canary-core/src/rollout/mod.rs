//! A rollout: the plan, its gates and guardrails, the state machine, and the weight changes as pure functions.
//!
//! Nothing here does I/O. [`Machine::step`] takes a [`State`] and an [`Event`] and gives the next state with the
//! [`Action`]s to do; a simulation ([`Plan::simulate`]) and the driver on a lab or a cluster
//! (`crate::cluster::Driver`) run the same machine.
//!
//! # What a verdict rests on
//! - **A minimum of observations.** Each [`Guardrail`] needs [`Guardrail::minimum`] observations of each version that it
//!   compares, in each step in which it can have any. A step without them does not end; when [`Plan::patience`] is over,
//!   the verdict is [`Why::NotEnoughData`] with the guardrail and the number. A hold by time alone does not change that.
//! - **A canary that is there.** Before the first weight its pods are looked at ([`Action::Inspect`]) and it answers one
//!   input through a header route ([`Action::Probe`]); [`Cause::NotReady`] otherwise, and no weight is written.
//! - **Failures as users see them.** Every response that is not a well-formed one of the model, of whatever status. A
//!   failed half of a pair is part of the pair.
//! - **The order of sending.** A request counts for the split in force when it was sent, from [`Plan::settle`] after
//!   that split was acknowledged; counts of requests that have ended from [`Plan::request_timeout`] on.
//! - **Blame by comparison.** Beside the guardrails there are rules for plain outages: [`Cause::CanaryFails`],
//!   [`Cause::Unreachable`], and [`Why::ServiceFails`] when the stable version fails as well. They need no guardrail and
//!   spend nothing of [`Plan::alpha`].
//! - **Answered writes.** While a write is without its response ([`Event::Unanswered`]) nothing is decided and no request
//!   counts.
//!
//! A promotion says that no guardrail alarmed. Harm is excluded only where the plan asks for it ([`Guardrail::proven`]);
//! the verdict's sentence says what its intervals exclude.
//!
//! ```
//! use std::time::Duration;
//! use canary_core::rollout::{Guardrail, Hold, Plan, Scenario};
//!
//! // A minute at 10 % is no evidence when nothing is seen in it.
//! let plan = Plan::new("image-classifier", "resnet50", "resnet101")
//!     .weights([10, 100], Hold::time(Duration::from_secs(60)))
//!     .guardrail(Guardrail::error_ratio(1.0));
//! let silence = plan.simulate(&Scenario::new(0.0), 20, 7)?;
//! assert_eq!((silence.promote.p, silence.inconclusive.p), (0.0, 1.0));
//! # Ok::<(), canary_core::Error>(())
//! ```

mod comparison;
mod event;
mod excluded;
mod gate;
mod guardrail;
mod health;
mod machine;
mod monitor;
pub mod patch;
mod plan;
mod power;
mod presets;
pub mod report;
#[cfg(test)]
mod restore_tests;
mod scenario;
mod simulate;
mod state;
mod step;
mod summary;
mod target;
mod validation;
mod verdict;

pub use comparison::{ComparedTraffic, Comparison, Rule, RuleOutcome};
pub use event::{Action, Event, Missing};
pub use gate::{Gate, GateOutcome, Golden};
pub use guardrail::{
    Accuracy, Agreement, Check, Custom, DEFAULT_MINIMUM, ErrorRatio, Guardrail, NumericDrift,
    ObservedSplit, PairErrors, SlowRatio,
};
pub use health::Tally;
pub use machine::{MAX_REFUSALS, MAX_STRIDE, Machine};
pub use plan::{DEFAULT_ALPHA, HeaderRoute, Hold, OnInconclusive, Plan, Split, Step, Target};
pub use power::Power;
pub use scenario::{Rates, Scenario};
pub use simulate::Simulation;
pub use state::{MAX_STATE_BYTES, Phase, STATE_VERSION, SeenAtStep, State, Totals};
pub use summary::{Chance, Summary};
pub use verdict::{Cause, Reading, Verdict, Why};
