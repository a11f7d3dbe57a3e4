//! The stream of windows.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};

use canary_rollout::evidence::{
    Kind, Observation, Observations, OwnRequests, Seen, Source, Timestamp,
};

use super::{Prometheus, settings::millis};
use crate::{Error, Result};

/// The longest time that one query asks for; a longer one, after an interruption, is asked for in parts.
const LONGEST: Duration = Duration::from_secs(600);

/// How often in a row nothing was found before it is said.
const QUIET: u32 = 3;

struct Asking {
    prometheus: Prometheus,
    /// The end of the last window.
    since: Timestamp,
    /// The last complaint, which is not repeated.
    said: Option<String>,
    quiet: u32,
    /// Whether more is known than was asked for, so that there is nothing to wait for.
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
            kinds.push(Kind::Latency);
        }
        kinds
    }

    fn own_requests(&self) -> OwnRequests {
        self.counts()
    }

    /// A window's number is its end, so that an interrupted rollout goes on with the samples after the last window
    /// that it took.
    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let now = Timestamp::now().0.saturating_sub(millis(self.lag));
        let asking = Asking {
            since: Timestamp(after.unwrap_or(now)),
            prometheus: *self,
            said: None,
            quiet: 0,
            behind: after.is_some(),
            over: false,
        };
        stream::unfold(asking, |mut asking| async move {
            let item = asking.next().await;
            item.map(|item| (item, asking))
        })
        .boxed()
    }
}

impl Asking {
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
            match self.ask(until).await {
                Ok(Some(observation)) => {
                    self.behind = until < now;
                    return Some(Ok(observation));
                }
                Ok(None) => self.behind = until < now && self.since == until,
                Err(error) => {
                    self.over = !error.is_retryable();
                    let text = error.to_string();
                    if self.said.as_ref() != Some(&text) {
                        self.said = Some(text);
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    async fn ask(&mut self, until: Timestamp) -> Result<Option<Observation>> {
        let Some(window) = self.prometheus.window(self.since, until).await? else {
            // The window stays open: a scrape may come late. Only a whole one that is empty is closed.
            self.quiet += 1;
            if until >= self.since.plus(LONGEST) {
                self.since = until;
            }
            return if self.quiet == QUIET { Err(self.silence()) } else { Ok(None) };
        };
        self.quiet = 0;
        self.said = None;
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
