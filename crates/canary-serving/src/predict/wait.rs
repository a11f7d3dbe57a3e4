//! Waiting until a version of a model is available.

use std::time::{Duration, Instant};

use canary_http::milliseconds;

use super::{client::Client, status::ModelStatus};
use crate::error::{Error, Origin, PredictError, Result};

/// One poll of a model's status while [`Client::wait`] waits.
#[derive(Debug)]
#[non_exhaustive]
pub struct Waiting<'a> {
    /// The time since the wait began.
    pub elapsed: Duration,
    /// The model's status, or the error of reading it.
    pub seen: Result<&'a ModelStatus, &'a Error>,
}

/// Polls the status until a version is available; see [`Client::wait`].
pub(super) async fn until_ready(
    client: &Client,
    url: String,
    timeout: Duration,
    mut progress: impl FnMut(Waiting<'_>) + Send,
) -> Result<ModelStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(100);
    let mut polls = 0;
    loop {
        let left = timeout.saturating_sub(start.elapsed()).max(Duration::from_millis(10));
        let each = left.min(Duration::from_secs(5));
        let seen = client.clone().timeout(each).status().await;
        polls += 1;
        progress(Waiting { elapsed: start.elapsed(), seen: seen.as_ref() });
        let mut last_error = None;
        let (last, failed) = match seen {
            Ok(status) if status.ready() => return Ok(status),
            Ok(status) if status.to_string().is_empty() => ("no version is known".into(), false),
            Ok(status) => (status.to_string(), status.failed()),
            Err(Error::Predict(error)) if error.origin == Origin::Request => {
                return Err(Error::Predict(error));
            }
            Err(Error::Predict(error)) => {
                let message = error.message.clone();
                last_error = Some(error);
                (message, false)
            }
            Err(other) => return Err(other),
        };
        if failed || start.elapsed() + pause >= timeout {
            let message = if failed {
                format!("every version failed to load: {last}")
            } else {
                format!("no version was ready within {timeout:?}; seen last: {last}")
            };
            let origin = last_error.as_ref().map_or(Origin::Server, |last| last.origin);
            let mut error = PredictError::new(origin, url, message);
            if let Some(last) = last_error {
                error.help = last.help;
                error.status = last.status;
                error.response_flags = last.response_flags;
            }
            error.attempts = polls;
            error.elapsed = start.elapsed();
            error.retryable = !failed;
            error.timed_out = !failed;
            return Err(error.into());
        }
        tracing::debug!(
            seen = last,
            elapsed_ms = milliseconds(start.elapsed()),
            pause_ms = milliseconds(pause),
            "model is not available yet"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
