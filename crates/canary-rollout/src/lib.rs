#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod aa;
mod approval;
mod bound;
mod bursts;
mod checks;
pub mod cluster;
mod command;
mod comparison;
mod counted;
mod error;
mod event;
pub mod evidence;
mod evidence_steps;
mod gate;
mod guardrail;
mod health;
mod json;
mod labels;
mod looks;
mod machine;
mod monitor;
mod notice;
mod offline;
mod on_alarm;
pub mod patch;
mod percent;
mod plan;
mod power;
mod reading;
mod replay;
pub mod report;
#[cfg(test)]
mod restore_tests;
mod room;
mod scale_down;
mod scenario;
mod sequential;
mod simulate;
mod state;
mod step;
mod sticky;
mod summary;
mod tally;
mod target;
mod totals;
mod users;
mod usual;
mod validation;
mod verdict;
mod waiting;
mod wording;

pub use aa::{AaAdvice, AaAlarm, AaGuardrail, AaLevel, AaReport};
pub use approval::{Approval, Otherwise};
pub use bursts::Bursts;
pub use command::{COMMAND_ANNOTATION, Command, CommandLine, CommandOutcome, CommandRecord, Verb};
pub use comparison::{ComparedTraffic, Comparison, Rule, RuleOutcome};
pub use error::{BoxError, Error, Result};
pub use event::{Action, Event, Missing};
pub use gate::{Gate, GateOutcome, Golden};
pub use guardrail::{
    Accuracy, Agreement, Check, Custom, DEFAULT_MINIMUM, ErrorRate, ErrorRatio, Guardrail, Mean,
    NumericDrift, ObservedSplit, PairErrors, QuantileRatio, SlowRatio,
};
pub use labels::Labels;
pub use machine::{MAX_REFUSALS, Machine};
pub use notice::{Notice, NoticeKind, Notices};
pub use on_alarm::OnAlarm;
pub use plan::{
    Arms, CanaryMatch, Cookie, DEFAULT_ALPHA, HeaderRoute, Hold, OnInconclusive, Percent, Plan,
    Protocol, ProvenOn, Route, RouteKind, Routes, RuleSelector, Rules, Split, Step, Target,
    VersionLabels,
};
pub use power::{OtherTest, Power};
pub use reading::Reading;
pub use replay::Replay;
pub use scale_down::{OldVersion, ScaleDown};
pub use scenario::{Rates, Scenario};
pub use sequential::Sequential;
pub use simulate::Simulation;
pub use state::{MAX_STATE_BYTES, MAX_STRIDE, Phase, STATE_VERSION, SeenAtStep, State};
pub use sticky::Sticky;
pub use summary::{Chance, Summary};
pub use tally::Tally;
pub use totals::Totals;
pub use users::Users;
pub use verdict::{Cause, Verdict, Why};
pub use waiting::MAX_WAITING;
