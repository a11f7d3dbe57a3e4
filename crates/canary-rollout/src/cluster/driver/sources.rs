//! Observations and labels as they come, and the sources that end or are silent.

use super::{super::Cluster, journal, progress::Progress, running::Running};
use crate::{
    Error, Event, Phase,
    evidence::{Observation, Stored, Timestamp, scored},
};

pub(super) fn observe<C: Cluster + 'static>(
    running: &mut Running<C>,
    mut observation: Observation,
) {
    running.activity.observed(&observation.source, running.driver.clock.now());
    journal::observed(&observation);
    let scored = scored(&running.driver.scores, running.driver.machine.plan(), &mut observation);
    running.store(|| Stored::Observed(observation.clone()));
    let before = running.state.totals();
    running.handle(Event::Observed(observation));
    let after = running.state.totals();
    // A duplicate or a repeated input is no new observation for a score either.
    if (before.duplicates, before.repeated) == (after.duplicates, after.repeated) {
        for observation in scored {
            running.store(|| Stored::Observed(observation.clone()));
            running.handle(Event::Observed(observation));
        }
    }
}

/// Processes a label that came later than its pair.
pub(super) fn label<C: Cluster + 'static>(running: &mut Running<C>, id: String, truth: String) {
    let at = running.driver.clock.now();
    running.store(|| Stored::Labelled { at, id: id.clone(), truth: truth.clone() });
    running.handle(Event::Labelled { id, truth });
}

pub(super) fn ended<C: Cluster + 'static>(
    running: &mut Running<C>,
    source: String,
    error: Option<Error>,
) {
    let passing = error.as_ref().is_some_and(Error::is_retryable);
    let error = error.map(|error| error.to_string());
    if !passing {
        running.open -= 1;
        let message = error.as_deref().unwrap_or("it has no more observations");
        running.ended.push(format!("{source}: {message}"));
        running.activity.ended(&source);
    } else if let Some(error) = &error {
        running.activity.failed(&source, error);
        report_problems(running);
    }
    running.reports.push_back(Progress::SourceEnded { source, error });
    end_without_any(running);
}

/// Ends the rollout when nothing more can come: every source has ended, and no pair waits for its label.
pub(super) fn end_without_any<C: Cluster + 'static>(running: &mut Running<C>) {
    if running.open == 0 && running.state.awaiting_labels() == 0 {
        running.handle(Event::SourcesEnded(running.ended.join("; ")));
    }
}

/// Reports each source that has been silent for long while the step is held, once for each silence.
pub(super) fn report_silent<C: Cluster + 'static>(running: &mut Running<C>, now: Timestamp) {
    if *running.state.phase() != Phase::Holding {
        return;
    }
    let quiet = running.activity.newly_silent(now, running.state.since());
    if !quiet.is_empty() {
        let report = |(source, silent)| Progress::SourceQuiet { source, silent };
        running.reports.extend(quiet.into_iter().map(report));
        report_problems(running);
    }
}

/// Passes on the problems of the sources that give nothing, for the verdict's sentence.
fn report_problems<C: Cluster + 'static>(running: &mut Running<C>) {
    let problems = running.activity.problems(running.driver.clock.now(), running.state.since());
    running.handle(Event::SourceProblem(problems));
}
