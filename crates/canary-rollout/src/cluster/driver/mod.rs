//! Drives a rollout: a thin shell around the state machine that reads and writes the cluster.

mod act;
mod backoff;
mod clock;
mod edits;
mod hand_back;
mod header_probe;
mod journal;
mod lease;
mod listen;
mod obstacles;
mod people;
mod probe;
mod progress;
mod reported;
mod run;
mod run_log;
mod running;
mod scale_down;
mod settings;
mod source_activity;
mod sources;
mod start;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod tick;

pub use clock::{Clock, SystemClock};
pub use header_probe::HeaderProbe;
pub use lease::lease_name;
pub(super) use lease::{held_by, lease_of};
pub use probe::Probe;
pub use progress::{Control, Progress, Snapshot};
pub use run::Run;
pub use run_log::RunLog;
pub use settings::Driver;
pub(super) use settings::LabelStream;
