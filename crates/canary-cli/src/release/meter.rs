//! The metrics of a run, served while it lasts.

use anyhow::Result;
use canary_core::{
    Plan,
    cluster::Progress,
    evidence::Timestamp,
    metrics::{Error, Metrics, RunMetrics, Server},
};

use super::{Ending, signal, tell::Teller};
use crate::{commands::run::metrics_options::MetricsOptions, input::Unusable, output};

/// The metrics of one run and their server.
pub(super) struct Meter {
    run: RunMetrics,
    /// Ends with this value.
    _server: Server,
}

impl Meter {
    /// Starts listening before anything is written; `None` without an address.
    pub(super) async fn start(options: &MetricsOptions, plan: &Plan) -> Result<Option<Self>> {
        let Some(address) = &options.metrics else { return Ok(None) };
        let metrics = Metrics::new();
        let server = metrics.serve(address).await.map_err(|error| match error {
            Error::Address { .. } => Unusable::error(format!("--metrics: {error}")),
            error => anyhow::Error::new(error).context("--metrics"),
        })?;
        if address.ends_with(":0") {
            output::message(&format!("--metrics: {}", server.url()));
        }
        Ok(Some(Self { run: metrics.run(plan), _server: server }))
    }

    /// The metrics that the run records into.
    pub(super) fn run(&self) -> RunMetrics {
        self.run.clone()
    }

    pub(super) fn record(&self, progress: &Progress) {
        self.run.record(progress, Timestamp::now());
    }

    /// Takes over the counts of the notices.
    pub(super) fn notices(&self, teller: Option<&Teller>) {
        if let Some(teller) = teller {
            let (delivered, undelivered) = teller.counts();
            self.run.notices(delivered, undelivered);
        }
    }

    /// Serves the last values for the time that the options give, where the run is over.
    pub(super) async fn end(self, options: &MetricsOptions, ending: &Ending) {
        let time = options.metrics_linger;
        if matches!(ending, Ending::Suspended) || time.is_zero() {
            return;
        }
        let seconds = time.as_secs_f64();
        output::message(&format!(
            "--metrics: serving for another {seconds} s; press Ctrl-C to stop"
        ));
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = signal() => {}
        }
    }
}
