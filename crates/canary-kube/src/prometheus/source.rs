//! Prometheus as a source of evidence: a stream of windows.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};

use canary_rollout::evidence::{
    Kind, Observation, Observations, OwnRequests, Seen, Source, Timestamp,
};

use super::{Prometheus, settings::millis};
use crate::{Error, Result};

/// The longest window of one query; a longer one, after an interruption, is divided.
const LONGEST: Duration = Duration::from_secs(600);

/// The number of queries in a row without samples before that is reported.
const QUIET: u32 = 3;

struct Windows {
    prometheus: Prometheus,
    /// The end of the last window.
    since: Timestamp,
    /// The last error, which is not repeated.
    reported: Option<String>,
    quiet: u32,
    /// `true` when the next window has ended already, so that there is no need to wait.
    behind: bool,
    over: bool,
}

impl Source for Prometheus {
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Requests];
        if self.counts_slow() {
            kinds.push(Kind::SlowCounts);
        }
        kinds
    }

    fn own_requests(&self) -> OwnRequests {
        self.counts()
    }

    /// A window's number is its end, so that an interrupted rollout continues with the samples after the last window
    /// that it took.
    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let now = Timestamp::now().0.saturating_sub(millis(self.lag));
        let windows = Windows {
            since: Timestamp(after.unwrap_or(now)),
            prometheus: *self,
            reported: None,
            quiet: 0,
            behind: after.is_some(),
            over: false,
        };
        stream::unfold(windows, |mut windows| async move {
            let item = windows.next().await;
            item.map(|item| (item, windows))
        })
        .boxed()
    }
}

impl Windows {
    async fn next(&mut self) -> Option<Result<Observation>> {
        while !self.over {
            if !std::mem::take(&mut self.behind) {
                tokio::time::sleep(self.prometheus.every).await;
            }
            let now = Timestamp(Timestamp::now().0.saturating_sub(millis(self.prometheus.lag)));
            let until = now.min(self.since.plus(LONGEST));
            if until <= self.since {
                continue;
            }
            match self.query(until).await {
                Ok(Some(observation)) => {
                    self.behind = until < now;
                    return Some(Ok(observation));
                }
                Ok(None) => self.behind = until < now && self.since == until,
                Err(error) => {
                    self.over = !error.is_retryable();
                    let text = error.to_string();
                    if self.reported.as_ref() != Some(&text) {
                        self.reported = Some(text);
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    async fn query(&mut self, until: Timestamp) -> Result<Option<Observation>> {
        let Some(window) = self.prometheus.window(self.since, until).await? else {
            // The window stays open: a scrape may come late. Only a complete window that is empty is closed.
            self.quiet += 1;
            if until >= self.since.plus(LONGEST) {
                self.since = until;
            }
            return if self.quiet == QUIET { Err(self.silence()) } else { Ok(None) };
        };
        self.quiet = 0;
        self.reported = None;
        self.since = until;
        if window.stable.requests + window.canary.requests + window.unknown == 0 {
            return Ok(None);
        }
        Ok(Some(Observation {
            source: Arc::clone(&self.prometheus.name),
            sequence: Some(until.0),
            at: until,
            what: Seen::Window(window),
        }))
    }

    fn silence(&self) -> Error {
        self.prometheus.nothing()
    }
}
