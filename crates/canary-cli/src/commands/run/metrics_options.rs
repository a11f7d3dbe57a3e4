//! The options for the metrics of a run.

use std::time::Duration;

use crate::connection::duration;

/// The metrics of a run.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct MetricsOptions {
    /// Serve the run's metrics for Prometheus at this address, such as 127.0.0.1:9464, or 0.0.0.0:9464 in a pod: weights,
    /// evidence, observations, waits, requests to the API server. Port 0 is any free one, which a line on standard error
    /// names. Nothing protects the address: it has neither TLS nor a login.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<String>,
    /// Serve the last values for this long after the verdict, so that Prometheus sees it: longer than its scrape interval.
    /// Ctrl-C ends the wait.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "0s",
        value_parser = duration,
        requires = "metrics"
    )]
    pub(crate) metrics_linger: Duration,
}
