//! The command `canary`, for the console script of the package.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::logging;

/// Runs the command with the arguments of a process, the program's name first, and gives its exit status. It writes to
/// the standard streams of the process.
#[pyfunction]
pub(crate) fn _command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| canary_cli::run_with_log(arguments, logging::write_instead).code())
}
