#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

mod args;
mod commands;
mod connection;
mod file;
mod findings;
mod input;
mod junit;
mod kind;
mod lab_access;
mod log;
mod metered;
mod output;
mod release;
mod status;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

pub use file::write_file;
pub use log::LogLayer;
pub use status::Status;

/// Runs the command with the arguments of a process, the program's name first, and gives its exit status.
///
/// Results are written to the standard output of the process, messages and progress to its standard error. The caller
/// ends the process with the status. A first Ctrl-C suspends a release; everything else is left to the process's own
/// handling of signals.
///
/// ```
/// use canary_cli::Status;
///
/// assert_eq!(canary_cli::run(["canary", "schema", "cases"]), Status::Done);
/// assert_eq!(canary_cli::run(["canary", "validate", "no-such-file.yaml"]), Status::Unusable);
/// ```
pub fn run<I, T>(arguments: I) -> Status
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    run_with_log(arguments, log::install)
}

/// As [`run`], in a process that has a subscriber of `tracing` already: with `--log` or `CANARY_LOG` the layer that writes
/// the log is handed to `install`, which says whether it could be put in its place.
pub fn run_with_log<I, T>(arguments: I, install: impl FnOnce(LogLayer) -> bool) -> Status
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // A closed pipe is not an error.
            let _ = error.print();
            return if error.use_stderr() { Status::Unusable } else { Status::Done };
        }
    };
    let status = args::Canary::from_arg_matches(&matches)
        .map_err(anyhow::Error::from)
        .and_then(|canary| {
            canary.log.begin(install)?;
            canary.command.run()
        })
        .unwrap_or_else(|error| {
            output::error(&error);
            if error.is::<input::Unusable>() { Status::Unusable } else { Status::Failed }
        });
    output::flush();
    status
}

/// The command line: its subcommands, options and help texts.
///
/// ```
/// let mut subcommands = canary_cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect::<Vec<_>>();
/// assert!(subcommands.contains(&"validate".to_owned()));
/// ```
pub fn command() -> clap::Command {
    args::Canary::command()
}
