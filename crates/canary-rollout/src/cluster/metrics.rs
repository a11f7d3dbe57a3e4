//! The state of a run as metrics that Prometheus reads.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Progress, Snapshot};
use crate::{CommandOutcome, Plan, Reading, Split};

/// Collects the metrics of a run from its progress, and writes them in Prometheus' text format.
///
/// A clone is another handle of the same metrics: one records the progress, the other answers scrapes.
///
/// ```
/// use canary_core::{Plan, cluster::{Metrics, Progress}, rollout::Split};
///
/// let metrics = Metrics::of(&Plan::new("pets", "v1", "v2"));
/// metrics.record(&Progress::Written { step: 1, split: Split { canary: 30, mirror: 0 } });
/// let text = metrics.to_text();
/// assert!(text.contains(r#"canary_rollout_weight{namespace="default",virtual_service="pets",subset="v2"} 30"#));
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    /// The labels that all samples have.
    labels: String,
    stable: String,
    canary: String,
    steps: usize,
    step: usize,
    split: Split,
    snapshot: Option<Snapshot>,
    failures: u64,
    waited: f64,
    writes: u64,
    commands: BTreeMap<(String, &'static str), u64>,
    verdict: Option<&'static str>,
}

impl Metrics {
    /// The metrics of a run of this plan that has not begun.
    pub fn of(plan: &Plan) -> Self {
        let target = &plan.target;
        let labels = format!(
            "namespace=\"{}\",virtual_service=\"{}\"",
            escaped(&target.namespace),
            escaped(&target.virtual_service)
        );
        Self {
            inner: Arc::new(Mutex::new(Inner {
                labels,
                stable: plan.stable.clone(),
                canary: plan.canary.clone(),
                steps: plan.steps.len(),
                step: 0,
                split: Split::STABLE,
                snapshot: None,
                failures: 0,
                waited: 0.0,
                writes: 0,
                commands: BTreeMap::new(),
                verdict: None,
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves whole numbers behind.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event of the run in.
    pub fn record(&self, progress: &Progress) {
        let mut inner = self.lock();
        match progress {
            Progress::Started { step, .. } => inner.step = *step,
            Progress::Written { step, split } => {
                (inner.step, inner.split) = (*step, *split);
                inner.writes += 1;
            }
            Progress::Seen(snapshot) => {
                inner.step = snapshot.step;
                inner.split = snapshot.split.unwrap_or(Split::STABLE);
                inner.snapshot = Some(snapshot.clone());
            }
            Progress::Waiting { wait, .. } => {
                inner.failures += 1;
                inner.waited += wait.as_secs_f64();
            }
            Progress::Commanded(record) => {
                let outcome = match record.outcome {
                    CommandOutcome::Done => "done",
                    CommandOutcome::Superseded => "superseded",
                    CommandOutcome::Refused(_) => "refused",
                };
                *inner.commands.entry((record.command.clone(), outcome)).or_default() += 1;
            }
            Progress::Finished { verdict, .. } => inner.verdict = Some(verdict.name()),
            _ => {}
        }
    }

    /// The metrics in Prometheus' text exposition format.
    pub fn to_text(&self) -> String {
        let inner = self.lock();
        let mut text = Text { out: String::new(), labels: &inner.labels };
        inner.write(&mut text);
        text.out
    }
}

impl Inner {
    fn write(&self, text: &mut Text<'_>) {
        let (stable, canary) = (subset(&self.stable), subset(&self.canary));
        let share = self.split.canary.min(100);
        text.family("weight", "gauge", "Weight of the subset in percent.");
        text.sample("weight", &stable, f64::from(100 - share));
        text.sample("weight", &canary, f64::from(share));
        text.one("mirror", "gauge", "Mirrored share of the traffic in percent.", self.split.mirror);
        text.one("step", "gauge", "Step in force or being prepared, from 0.", count(self.step));
        text.one("steps", "gauge", "Steps of the plan.", count(self.steps));
        text.one("writes_total", "counter", "Weights written.", large(self.writes));
        text.one(
            "cluster_failures_total",
            "counter",
            "Requests to the API server that failed and are tried again.",
            large(self.failures),
        );
        text.one(
            "cluster_wait_seconds_total",
            "counter",
            "Time between attempts while the API server does not answer.",
            self.waited,
        );
        text.family("commands_total", "counter", "Commands of people by outcome.");
        for ((command, outcome), times) in &self.commands {
            let labels = format!(",command=\"{}\",outcome=\"{outcome}\"", escaped(command));
            text.sample("commands_total", &labels, large(*times));
        }
        if let Some(snapshot) = &self.snapshot {
            self.write_snapshot(text, snapshot);
        }
        text.family("finished", "gauge", "1 when the run is over, with its verdict.");
        if let Some(verdict) = self.verdict {
            text.sample("finished", &format!(",verdict=\"{verdict}\""), 1.0);
        }
    }

    fn write_snapshot(&self, text: &mut Text<'_>, snapshot: &Snapshot) {
        let totals = &snapshot.totals;
        let of = [
            (subset(&self.stable), totals.stable, totals.stable_failed),
            (subset(&self.canary), totals.canary, totals.canary_failed),
            (subset(""), totals.unknown, totals.unknown_failed),
        ];
        text.family(
            "requests_total",
            "counter",
            "Requests observed by the subset that served them.",
        );
        for (labels, requests, _) in &of {
            text.sample("requests_total", labels, large(*requests));
        }
        text.family("failed_requests_total", "counter", "Observed requests that failed.");
        for (labels, _, failed) in &of {
            text.sample("failed_requests_total", labels, large(*failed));
        }
        text.one("pairs_total", "counter", "Pairs of answers compared.", large(totals.pairs));
        text.one(
            "late_requests_total",
            "counter",
            "Requests left out as late.",
            large(totals.late),
        );
        text.one("held_seconds", "gauge", "Time at the step.", snapshot.held.as_secs_f64());
        text.one("paused", "gauge", "1 while a person has paused it.", flag(snapshot.paused));
        let awaits = flag(snapshot.awaits_approval.is_some());
        text.one("awaits_approval", "gauge", "1 while a step waits for approval.", awaits);
        let known = totals.stable + totals.canary;
        if known > 0 {
            let share = large(totals.canary) / large(known);
            text.one("observed_share", "gauge", "Canary's share of the requests served.", share);
        }
        for (name, help, value) in GUARDRAIL {
            text.family(name, "gauge", help);
            for reading in &snapshot.readings {
                if let Some(value) = value(reading) {
                    let labels = format!(",guardrail=\"{}\"", escaped(&reading.guardrail));
                    text.sample(name, &labels, value);
                }
            }
        }
    }
}

/// A number of a reading; none where it is not known yet.
type Of = fn(&Reading) -> Option<f64>;

/// The metrics of each guardrail.
const GUARDRAIL: [(&str, &str, Of); 6] = [
    ("evidence", "Evidence against the canary, E.", |reading| Some(reading.e)),
    ("evidence_threshold", "Evidence at which the guardrail alarms.", |reading| {
        Some(1.0 / reading.alpha)
    }),
    ("alarm", "1 when the guardrail's evidence reached its threshold.", |reading| {
        Some(flag(reading.alarm))
    }),
    ("estimate", "Estimate of the guardrail's quantity.", |reading| reading.estimate),
    ("estimate_low", "Lower end of the confidence sequence.", |reading| Some(reading.interval.low)),
    ("estimate_high", "Upper end of the confidence sequence.", |reading| {
        Some(reading.interval.high)
    }),
];

/// The text as it grows.
struct Text<'a> {
    out: String,
    labels: &'a str,
}

impl Text<'_> {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.out, "# HELP canary_rollout_{name} {help}");
        let _ = writeln!(self.out, "# TYPE canary_rollout_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let value = match value {
            value if value == f64::INFINITY => "+Inf".to_owned(),
            value if value == f64::NEG_INFINITY => "-Inf".to_owned(),
            value => value.to_string(),
        };
        let _ = writeln!(self.out, "canary_rollout_{name}{{{}{labels}}} {value}", self.labels);
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Into<f64>) {
        self.family(name, kind, help);
        self.sample(name, "", value.into());
    }
}

fn subset(name: &str) -> String {
    format!(",subset=\"{}\"", escaped(name))
}

/// A label's value, escaped as the text format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn large(count: u64) -> f64 {
    count as f64
}

fn count(number: usize) -> f64 {
    large(u64::try_from(number).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Command, Guardrail, Machine, Totals, Verb, evidence::Timestamp};

    fn snapshot(plan: &Plan) -> Snapshot {
        let state = Machine::new(plan.clone()).unwrap().begin(Timestamp(0)).unwrap();
        Snapshot {
            step: 1,
            split: Some(Split { canary: 30, mirror: 0 }),
            requests: 100,
            canary: 30,
            pairs: 4,
            awaiting_labels: 0,
            held: Duration::from_millis(1_500),
            totals: Totals { stable: 70, canary: 30, canary_failed: 2, ..Totals::default() },
            readings: state.readings(plan),
            paused: true,
            awaits_approval: None,
        }
    }

    #[test]
    fn every_family_is_declared_once_and_names_cannot_break_out_of_their_quotes() {
        let mut plan = Plan::new("pets", "v1", "v2")
            .weights([30, 100], crate::Hold::requests(100))
            .guardrail(Guardrail::error_ratio(1.0));
        plan.guardrails[1].name = "a\"b\\c".to_owned();
        let metrics = Metrics::of(&plan);
        metrics.record(&Progress::Seen(snapshot(&plan)));
        let command = Command::new(Verb::Pause, "1");
        metrics.record(&Progress::Commanded(command.record(Timestamp(0), CommandOutcome::Done)));
        let problem = "the API server cannot be reached".to_owned();
        let wait = Duration::from_millis(250);
        metrics.record(&Progress::Waiting { problem, attempt: 1, wait });
        let text = metrics.clone().to_text();
        let of = "{namespace=\"default\",virtual_service=\"pets\"";
        for line in [
            format!("canary_rollout_weight{of},subset=\"v1\"}} 70"),
            format!("canary_rollout_failed_requests_total{of},subset=\"v2\"}} 2"),
            format!("canary_rollout_observed_share{of}}} 0.3"),
            format!("canary_rollout_evidence_threshold{of},guardrail=\"observedSplit\"}} 100"),
            format!("canary_rollout_evidence{of},guardrail=\"a\\\"b\\\\c\"}} 1"),
            format!("canary_rollout_estimate_high{of},guardrail=\"a\\\"b\\\\c\"}} +Inf"),
            format!("canary_rollout_commands_total{of},command=\"pause\",outcome=\"done\"}} 1"),
            format!("canary_rollout_cluster_failures_total{of}}} 1"),
            format!("canary_rollout_paused{of}}} 1"),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        let mut declared: Vec<&str> =
            text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let all = declared.len();
        declared.sort_unstable();
        declared.dedup();
        assert_eq!(declared.len(), all);
    }
}
