//! The activity of each source: the time of its last observation, and the reason when none comes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::evidence::Timestamp;

/// The time without an observation after which a source is reported.
const SILENT: Duration = Duration::from_secs(10);

/// The sources that have not ended.
#[derive(Default)]
pub(super) struct SourceActivity(BTreeMap<Arc<str>, Last>);

struct Last {
    /// The time of its last observation, or of the beginning of the run.
    at: Timestamp,
    /// `true` when the silence since then was reported.
    reported: bool,
    /// The failure since then, such as a query without samples.
    problem: Option<String>,
}

impl SourceActivity {
    /// Records that a source gave an observation, or begins.
    pub(super) fn observed(&mut self, source: &Arc<str>, now: Timestamp) {
        self.0.insert(Arc::clone(source), Last { at: now, reported: false, problem: None });
    }

    /// Records that a source failed with a retryable error.
    pub(super) fn failed(&mut self, source: &str, problem: &str) {
        if let Some(last) = self.0.get_mut(source) {
            last.problem = Some(problem.to_owned());
        }
    }

    /// Records that a source has ended.
    pub(super) fn ended(&mut self, source: &str) {
        self.0.remove(source);
    }

    /// The sources that have been silent for long since a write at `since`, each once for each silence.
    pub(super) fn newly_silent(
        &mut self,
        now: Timestamp,
        since: Timestamp,
    ) -> Vec<(String, Duration)> {
        let mut newly = Vec::new();
        for (source, last) in &mut self.0 {
            let silent = last.silent(now, since);
            if !last.reported && silent >= SILENT {
                last.reported = true;
                newly.push((source.to_string(), silent));
            }
        }
        newly
    }

    /// The problem of every source that gives no observations.
    pub(super) fn problems(&self, now: Timestamp, since: Timestamp) -> String {
        let problems = self.0.iter().filter_map(|(name, last)| last.problem(name, now, since));
        problems.collect::<Vec<_>>().join("; ")
    }
}

impl Last {
    fn silent(&self, now: Timestamp, since: Timestamp) -> Duration {
        now.since(self.at.max(since))
    }

    /// The reason for the silence of a source; its own error is more specific than the length of the silence.
    fn problem(&self, source: &str, now: Timestamp, since: Timestamp) -> Option<String> {
        if let Some(problem) = &self.problem {
            return Some(format!("{source}: {problem}"));
        }
        let silent = self.silent(now, since);
        (silent >= SILENT).then(|| format!("{source} has sent nothing for {} s", silent.as_secs()))
    }
}
