//! Results on standard output, messages on standard error.

use std::io::{self, ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Plain {
    /// For people.
    #[default]
    Text,
    /// JSON.
    Json,
}

/// The form of results that are cases of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cases {
    /// For people.
    #[default]
    Text,
    /// JSON.
    Json,
    /// JUnit's XML, which CI servers show as tests.
    Junit,
}

/// The form of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Report {
    /// Text for people, in the style of a compiler.
    #[default]
    Text,
    /// JSON.
    Json,
    /// SARIF 2.1.0, which code hosts show beside the lines.
    Sarif,
    /// JUnit's XML, which CI servers show as tests.
    Junit,
}

/// Text in a style, which [`print`] removes where the output is not a terminal or `NO_COLOR` is set.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes a result and the end of its line.
///
/// # Errors
/// As of writing, except that a reader that closes the pipe is not an error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write the result"))
        }
        _ => Ok(()),
    }
}

/// Writes a result as indented JSON.
///
/// # Errors
/// As [`print`].
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Writes a line of progress or a message.
pub(crate) fn message(text: &str) {
    // If standard error is closed, there is nowhere to report it.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Writes an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    message(&format!("{} {error:#}", styled(ERROR, "error:")));
}

/// Flushes the buffers: a host process in another language does not do it at its end.
pub(crate) fn flush() {
    let _ = io::stdout().flush();
}
