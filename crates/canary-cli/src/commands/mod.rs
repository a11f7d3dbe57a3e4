//! The subcommands, one file each.

pub(crate) mod aa;
pub(crate) mod analyze;
pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod copy_model;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod in_cluster;
pub(crate) mod lab;
pub(crate) mod man;
pub(crate) mod person;
pub(crate) mod power;
pub(crate) mod preflight;
pub(crate) mod replay;
pub(crate) mod route;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod schema;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod validate;

use crate::status::Status;

/// The end of a subcommand's help: examples, exit statuses, and notes.
pub(crate) fn help(examples: [&str; 2], statuses: &[Status], notes: &str) -> String {
    let [one, other] = examples;
    let statuses = Status::lines(statuses);
    let text = format!("Examples:\n  {one}\n  {other}\n\n{statuses}");
    if notes.is_empty() { text } else { format!("{text}\n\n{notes}") }
}
