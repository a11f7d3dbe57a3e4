//! `--log`: the spans and events of the crates as lines on standard error.

use std::io::stderr;

use anyhow::Result;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::LevelFilter, fmt, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::input::Unusable;

/// The environment variable that is used without `--log`.
const VARIABLE: &str = "CANARY_LOG";

/// The layer that writes the log.
pub type LogLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of text for each event.
    #[default]
    Text,
    /// One JSON object a line for each event.
    Json,
}

/// The log of a subcommand.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogOptions {
    /// Write what happens to standard error: error, warn, info, debug or trace; by target too, such as
    /// `canary_http=debug,canary_rollout=info`. Without it the environment variable `CANARY_LOG` is used, and without both
    /// nothing is logged.
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    /// The form of the log.
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value_t)]
    log_format: LogFormat,
}

impl LogOptions {
    /// Starts logging if it is requested.
    pub(crate) fn begin(&self, install: impl FnOnce(LogLayer) -> bool) -> Result<()> {
        let (source, text) = match &self.log {
            Some(text) => ("--log", text.clone()),
            None => match std::env::var(VARIABLE) {
                Ok(text) => (VARIABLE, text),
                Err(_) => return Ok(()),
            },
        };
        let Some(filter) =
            filter(&text).map_err(|why| Unusable::error(format!("{source}: {why}")))?
        else {
            return Ok(());
        };
        let lines = fmt::layer().with_writer(stderr);
        let layer: LogLayer = match self.log_format {
            LogFormat::Text => Box::new(filter.and_then(lines)),
            LogFormat::Json => {
                let lines = lines.json().flatten_event(true).with_current_span(false);
                Box::new(filter.and_then(lines))
            }
        };
        if install(layer) {
            return Ok(());
        }
        Err(Unusable::error(format!("{source}: this process has another subscriber of `tracing`")))
    }
}

/// Makes the layer the subscriber of this process; `false` when it has another one.
pub(crate) fn install(layer: LogLayer) -> bool {
    tracing_subscriber::registry().with(layer).try_init().is_ok()
}

/// The filter that a text describes; a level without a target applies to this project's crates. `None` for an empty
/// text.
fn filter(text: &str) -> Result<Option<EnvFilter>, String> {
    let directives: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(|one| match one.parse::<LevelFilter>() {
            Ok(level) => format!("canary={level}"),
            Err(_) => one.to_owned(),
        })
        .collect();
    if directives.is_empty() {
        return Ok(None);
    }
    // A directive without `=` would be a target at the level trace; usually it is a misspelt level.
    if let Some(odd) = directives.iter().find(|one| !one.contains('=')) {
        return Err(format!(
            "{odd:?} is not a level; write off, error, warn, info, debug or trace, or TARGET=LEVEL"
        ));
    }
    match EnvFilter::builder().with_regex(false).parse(directives.join(",")) {
        Ok(filter) => Ok(Some(filter)),
        Err(error) => Err(format!("{text:?} is not a list of TARGET=LEVEL: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_that_of_this_project() {
        for (text, expected) in [
            ("debug", "canary=debug"),
            ("INFO", "canary=info"),
            ("off", "canary=off"),
            ("warn, canary_http=trace", "canary_http=trace,canary=warn"),
            ("kube_client=debug", "kube_client=debug"),
        ] {
            assert_eq!(filter(text).unwrap().unwrap().to_string(), expected, "{text}");
        }
        assert!(filter(" , ").unwrap().is_none());
    }

    #[test]
    fn a_mistake_is_named_with_what_to_write() {
        for (text, part) in [
            ("loud", "\"loud\" is not a level; write off, error"),
            ("canary_http", "\"canary_http\" is not a level"),
            ("canary_http=loud", "\"canary_http=loud\" is not a list of TARGET=LEVEL"),
        ] {
            let why = filter(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
