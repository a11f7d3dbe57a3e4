//! The values of the metrics after each event of a run.

use std::time::Duration;

use canary_metrics::{Metrics, RunMetrics};
use canary_rollout::{
    Cause, Command, CommandOutcome, CommandRecord, ScaleDown, Split, Verb, Verdict,
    cluster::Progress, evidence::Timestamp,
};
use futures_util::{StreamExt, stream};

use crate::support::{plan, sample, seen, split};

const STARTED: Progress = Progress::Started { resumed: false, step: 0, anew: None, stored: None };

/// A run of the plan, and what its samples are.
struct Watched {
    metrics: Metrics,
    run: RunMetrics,
    now: u64,
}

impl Watched {
    fn new() -> Self {
        let metrics = Metrics::new();
        let run = metrics.run(&plan());
        Self { metrics, run, now: 1_000_000 }
    }

    /// Records an event so many milliseconds after the last one.
    fn after(&mut self, millis: u64, progress: &Progress) {
        self.now += millis;
        self.run.record(progress, Timestamp(self.now));
    }

    #[track_caller]
    #[expect(clippy::float_cmp, reason = "infinities differ by no number")]
    fn expect(&self, name: &str, labels: &str, value: impl Into<Option<f64>>) {
        let found = sample(&self.metrics, name, labels);
        let equal = match (found, value.into()) {
            (Some(found), Some(value)) => found == value || (found - value).abs() < 1e-9,
            (found, value) => found == value,
        };
        assert!(equal, "{name}{{{labels}}} is {found:?}");
    }

    /// The reasons for which the run waits now.
    fn waits(&self) -> Vec<&'static str> {
        let reasons = ["start", "hold", "evidence", "approval", "pause", "scale_down", "cluster"];
        let waits = |reason: &&str| {
            let labels = format!("reason=\"{reason}\"");
            sample(&self.metrics, "canary_rollout_waiting", &labels) == Some(1.0)
        };
        reasons.into_iter().filter(waits).collect()
    }
}

#[test]
fn a_run_that_has_not_begun_is_pending_and_waits_for_nothing() {
    let watched = Watched::new();
    watched.expect("canary_rollout_state", "state=\"pending\"", 1.0);
    watched.expect("canary_rollout_verdict", "verdict=\"none\"", 1.0);
    watched.expect("canary_rollout_weight", "subset=\"v1\"", 100.0);
    watched.expect("canary_rollout_weight", "subset=\"v2\"", 0.0);
    watched.expect("canary_rollout_start_timestamp_seconds", "", None);
    watched.expect("canary_rollout_share_ratio", "subset=\"v2\"", None);
    assert_eq!(watched.waits(), Vec::<&str>::new());
    let labels = format!(
        "version=\"{}\",plan=\"{}\",stable=\"v1\",canary=\"v2\"",
        env!("CARGO_PKG_VERSION"),
        plan().hash()
    );
    watched.expect("canary_rollout_info", &labels, 1.0);
}

#[test]
fn the_weight_that_is_wanted_differs_from_the_one_that_is_written() {
    let mut watched = Watched::new();
    watched.after(0, &STARTED);
    watched.expect("canary_rollout_state", "state=\"running\"", 1.0);
    watched.expect("canary_rollout_desired_weight", "subset=\"v2\"", 30.0);
    watched.expect("canary_rollout_weight", "subset=\"v2\"", 0.0);
    watched.after(500, &Progress::Written { step: 0, split: split(30) });
    watched.expect("canary_rollout_weight", "subset=\"v1\"", 70.0);
    watched.expect("canary_rollout_writes_total", "", 1.0);
    // A rollback is decided, and the cluster does not answer.
    let mut snapshot = seen(&plan());
    (snapshot.desired, snapshot.failures) = (Split::STABLE, 3);
    watched.after(500, &Progress::Seen(snapshot));
    watched.expect("canary_rollout_desired_weight", "subset=\"v1\"", 100.0);
    watched.expect("canary_rollout_weight", "subset=\"v2\"", 30.0);
    watched.expect("canary_rollout_failures", "", 3.0);
    assert_eq!(watched.waits(), ["cluster"]);
    watched.expect("canary_rollout_start_timestamp_seconds", "", 1_000.0);
    watched.expect("canary_rollout_last_look_timestamp_seconds", "", 1_001.0);
}

#[test]
fn observations_are_by_subset_and_by_kind() {
    let mut watched = Watched::new();
    watched.after(0, &STARTED);
    watched.after(500, &Progress::Seen(seen(&plan())));
    watched.expect("canary_rollout_requests_total", "subset=\"v1\"", 70.0);
    watched.expect("canary_rollout_requests_total", "subset=\"v2\"", 30.0);
    watched.expect("canary_rollout_failed_requests_total", "subset=\"v1\"", 0.0);
    watched.expect("canary_rollout_failed_requests_total", "subset=\"v2\"", 2.0);
    watched.expect("canary_rollout_left_out_total", "reason=\"late\"", 3.0);
    watched.expect("canary_rollout_share_ratio", "subset=\"v2\"", 0.3);
    watched.expect("canary_rollout_share_ratio", "subset=\"v1\"", 0.7);
    watched.expect("canary_rollout_step_observations", "kind=\"requests\"", 100.0);
    watched.expect("canary_rollout_step_observations", "kind=\"canary_requests\"", 30.0);
    watched.expect("canary_rollout_step_observations", "kind=\"pairs\"", 4.0);
    watched.expect("canary_rollout_step_wanted_observations", "kind=\"canary_requests\"", 100.0);
    watched.expect("canary_rollout_step_wanted_observations", "kind=\"pairs\"", None);
    watched.expect("canary_rollout_held_seconds", "", 1.5);
    watched.expect("canary_rollout_hold_seconds", "", 60.0);
}

#[test]
fn each_reason_to_wait_is_told_and_its_time_is_added_up() {
    let mut watched = Watched::new();
    watched.after(0, &STARTED);
    assert_eq!(watched.waits(), ["start"]);
    watched.after(2_000, &Progress::Written { step: 0, split: split(30) });
    watched.after(0, &Progress::Seen(seen(&plan())));
    assert_eq!(watched.waits(), ["hold"]);
    let mut snapshot = seen(&plan());
    (snapshot.canary, snapshot.held) = (100, Duration::from_secs(60));
    watched.after(3_000, &Progress::Seen(snapshot.clone()));
    assert_eq!(watched.waits(), ["evidence"]);
    watched.after(4_000, &Progress::AwaitingApproval { step: 1, timeout: None });
    assert_eq!(watched.waits(), ["approval"]);
    snapshot.awaits_approval = Some(1);
    snapshot.paused = true;
    watched.after(5_000, &Progress::Seen(snapshot.clone()));
    assert_eq!(watched.waits(), ["approval", "pause"]);
    let problem = "the API server cannot be reached".to_owned();
    let waiting = Progress::Waiting { problem, attempt: 1, wait: Duration::from_millis(200) };
    watched.after(6_000, &waiting);
    assert_eq!(watched.waits(), ["approval", "pause", "cluster"]);
    watched.expect("canary_rollout_retries_total", "", 1.0);
    snapshot.awaits_approval = None;
    watched.after(7_000, &Progress::Seen(snapshot));
    watched.after(0, &Progress::Resumed);
    assert_eq!(watched.waits(), ["evidence"]);
    // Nobody drives a suspended run, and its time is nobody's.
    watched.after(0, &Progress::Suspended { step: 0, split: Some(split(30)) });
    assert_eq!(watched.waits(), Vec::<&str>::new());
    watched.expect("canary_rollout_state", "state=\"suspended\"", 1.0);
    watched.after(60_000, &Progress::Started { resumed: true, step: 0, anew: None, stored: None });
    for (reason, seconds) in [
        ("start", 2.0),
        ("hold", 3.0),
        ("evidence", 4.0),
        ("approval", 18.0),
        ("pause", 13.0),
        ("cluster", 7.0),
    ] {
        let labels = format!("reason=\"{reason}\"");
        watched.expect("canary_rollout_waited_seconds_total", &labels, seconds);
    }
}

#[test]
fn a_promotion_that_keeps_the_old_version_for_a_time_waits_for_nothing_else() {
    let mut watched = Watched::new();
    watched.after(0, &Progress::Started { resumed: false, step: 1, anew: None, stored: None });
    watched.after(0, &Progress::Written { step: 1, split: Split::CANARY });
    let mut snapshot = seen(&plan());
    (snapshot.step, snapshot.split) = (1, Some(Split::CANARY));
    (snapshot.desired, snapshot.canary) = (Split::CANARY, 100);
    snapshot.held = Duration::from_secs(60);
    watched.after(0, &Progress::Seen(snapshot));
    assert_eq!(watched.waits(), ["evidence"]);
    let deployment = "Deployment default/v1".to_owned();
    let awaited = Progress::ScaleDownAwaited { deployment: deployment.clone(), at: Timestamp(0) };
    watched.after(0, &awaited);
    assert_eq!(watched.waits(), ["scale_down"]);
    let outcome = ScaleDown::Done { deployment, replicas: 1 };
    watched.after(9_000, &Progress::ScaledDown { outcome });
    let waited = "canary_rollout_waited_seconds_total";
    watched.expect(waited, "reason=\"scale_down\"", 9.0);
}

#[test]
fn the_reading_that_decided_is_the_last_one() {
    let plan = plan();
    let mut watched = Watched::new();
    watched.after(0, &STARTED);
    watched.after(500, &Progress::Seen(seen(&plan)));
    let guardrail = "guardrail=\"errorRatio\"";
    watched.expect("canary_rollout_evidence", guardrail, 1.0);
    watched.expect("canary_rollout_alarm", guardrail, 0.0);
    watched.expect("canary_rollout_estimate", guardrail, None);
    watched.expect("canary_rollout_estimate_high", guardrail, f64::INFINITY);
    let mut reading = seen(&plan).readings.into_iter().nth(1).unwrap();
    assert_eq!(reading.guardrail, "errorRatio");
    watched.expect("canary_rollout_evidence_threshold", guardrail, 1.0 / reading.alpha);
    (reading.e, reading.alarm) = (1e300, true);
    let verdict = Verdict::Rollback {
        guardrail: reading.guardrail.clone(),
        e: reading.e,
        evidence: Cause::Alarm(reading),
        exposure: 30,
        stable: 70,
        pairs: 4,
        problem: None,
    };
    watched.after(500, &Progress::Finished { verdict, stored: None });
    watched.expect("canary_rollout_verdict", "verdict=\"rolled_back\"", 1.0);
    watched.expect("canary_rollout_verdict", "verdict=\"none\"", 0.0);
    watched.expect("canary_rollout_state", "state=\"ended\"", 1.0);
    watched.expect("canary_rollout_alarm", guardrail, 1.0);
    assert_eq!(sample(&watched.metrics, "canary_rollout_evidence", guardrail), Some(1e300));
    // The other guardrail keeps what was seen of it, and a later error of nobody changes the end.
    watched.expect("canary_rollout_evidence", "guardrail=\"agreement\"", 1.0);
    watched.run.fail();
    watched.expect("canary_rollout_state", "state=\"ended\"", 1.0);
}

#[test]
fn commands_that_nobody_knows_share_one_label() {
    let mut watched = Watched::new();
    let known = Command::new(Verb::Pause, "1").record(Timestamp(0), CommandOutcome::Done);
    let refused = CommandOutcome::Refused("it is no command".to_owned());
    let record = |command: &str| CommandRecord {
        command: command.to_owned(),
        outcome: refused.clone(),
        ..known.clone()
    };
    for command in [known.clone(), record("dance"), record("sing")] {
        watched.after(0, &Progress::Commanded(command));
    }
    let name = "canary_rollout_commands_total";
    watched.expect(name, "command=\"pause\",outcome=\"done\"", 1.0);
    watched.expect(name, "command=\"unknown\",outcome=\"refused\"", 2.0);
}

#[tokio::test]
async fn a_stream_that_is_followed_is_recorded_with_its_error() {
    let watched = Watched::new();
    let error = canary_rollout::Error::Plan("no".to_owned());
    let items = stream::iter([Ok(STARTED), Err(error)]);
    let passed: Vec<_> = watched.run.follow(items).collect().await;
    assert!(passed[0].is_ok() && passed[1].is_err());
    watched.expect("canary_rollout_state", "state=\"failed\"", 1.0);
    watched.expect("canary_rollout_verdict", "verdict=\"none\"", 1.0);
}

#[test]
fn a_new_run_on_an_object_takes_the_place_of_the_one_before() {
    let mut watched = Watched::new();
    watched.after(0, &Progress::Written { step: 0, split: split(30) });
    watched.run = watched.metrics.run(&plan());
    watched.expect("canary_rollout_writes_total", "", 0.0);
    watched.expect("canary_notices_total", "result=\"delivered\"", None);
    watched.run.notices(3, 1);
    watched.expect("canary_notices_total", "result=\"delivered\"", 3.0);
    watched.expect("canary_notices_total", "result=\"failed\"", 1.0);
    watched.metrics.forget("default", "pets");
    watched.expect("canary_rollout_writes_total", "", None);
}
