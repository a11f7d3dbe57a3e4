//! The history of a run, recorded from its progress: for a live view and for the report.

use std::time::Duration;

use super::progress::Progress;
use crate::{
    Plan, Split, Totals, Verdict,
    evidence::Timestamp,
    report::{History, Moment, ReportedRun},
};

/// Records a run: the moments for its pictures, its present state, and its verdict.
///
/// ```
/// use std::time::Duration;
/// use canary_core::{cluster::{Progress, RunLog}, rollout::Split};
///
/// let mut log = RunLog::new();
/// let split = Split::new(5);
/// log.record(Duration::from_secs(1), &Progress::Written { step: 0, split });
/// assert_eq!(log.last().map(|moment| moment.split), Some(split));
/// assert!(log.verdict().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct RunLog {
    began: Option<Timestamp>,
    history: History,
    last: Option<Moment>,
    verdict: Option<Verdict>,
}

impl RunLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an event that happened `at` after the run began.
    pub fn record(&mut self, at: Duration, progress: &Progress) {
        let passed = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        self.began.get_or_insert_with(|| Timestamp(Timestamp::now().0.saturating_sub(passed)));
        match progress {
            Progress::Seen(snapshot) => self.push(snapshot.moment(at)),
            Progress::Written { split, .. } => self.turn(at, *split),
            Progress::Finished { verdict, .. } => self.end(at, verdict),
            _ => {}
        }
    }

    /// The run as a report shows it, with that heading.
    pub fn reported<'a>(&'a self, title: &'a str, plan: &'a Plan) -> ReportedRun<'a> {
        ReportedRun::new(title, plan, &self.history).began(self.began).verdict(self.verdict())
    }

    /// The time of the first event, less the time that had passed since the run began.
    pub fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// The moments so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The latest moment.
    pub fn last(&self) -> Option<&Moment> {
        self.last.as_ref()
    }

    /// The verdict, once there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// The last readings under another split.
    fn turn(&mut self, at: Duration, split: Split) {
        let (totals, readings) = match &self.last {
            Some(last) => (last.totals, last.readings.clone()),
            None => (Totals::default(), Vec::new()),
        };
        self.push(Moment::new(at, split, totals, readings));
    }

    /// The last moment again, with the readings that decided.
    fn end(&mut self, at: Duration, verdict: &Verdict) {
        if let Some(mut last) = self.last.take() {
            last.at = at;
            for reading in verdict.readings() {
                let known = &mut last.readings;
                match known.iter_mut().find(|one| one.guardrail == reading.guardrail) {
                    Some(place) => place.clone_from(reading),
                    // The run ended before the first tick.
                    None => known.push(reading.clone()),
                }
            }
            self.push(last);
        }
        self.verdict = Some(verdict.clone());
    }

    fn push(&mut self, moment: Moment) {
        self.last = Some(moment.clone());
        self.history.push(moment);
    }
}
