//! A plan, its snapshots, and samples read out of the text.

use std::time::Duration;

use canary_metrics::{Format, Metrics};
use canary_rollout::{
    Guardrail, Hold, Machine, Plan, Reading, Split, Totals, cluster::Snapshot, evidence::Timestamp,
};

pub(crate) fn plan() -> Plan {
    Plan::new("pets", "v1", "v2")
        .header("user-group", "canary")
        .weights([30, 100], Hold::requests(100).and_time(Duration::from_secs(60)))
        .guardrail(Guardrail::error_ratio(1.0))
        .guardrail(Guardrail::agreement(0.95))
}

pub(crate) fn split(canary: u32) -> Split {
    Split::new(canary)
}

/// The readings of a run that has seen nothing.
pub(crate) fn readings(plan: &Plan) -> Vec<Reading> {
    Machine::new(plan.clone()).unwrap().begin(Timestamp(0)).unwrap().readings(plan)
}

/// The state at the first step, at its weight, with 100 requests of which the canary served 30.
pub(crate) fn seen(plan: &Plan) -> Snapshot {
    Snapshot {
        step: 0,
        split: Some(split(30)),
        desired: split(30),
        failures: 0,
        requests: 100,
        canary: 30,
        pairs: 4,
        awaiting_labels: 0,
        held: Duration::from_millis(1_500),
        totals: Totals { stable: 70, canary: 30, canary_failed: 2, late: 3, ..Totals::default() },
        readings: readings(plan),
        paused: false,
        awaits_approval: None,
    }
}

/// The value of a sample; its labels beside namespace and object as they are written.
pub(crate) fn sample(metrics: &Metrics, name: &str, labels: &str) -> Option<f64> {
    let separator = if labels.is_empty() { "" } else { "," };
    let begin = format!("{name}{{namespace=\"default\",object=\"pets\"{separator}{labels}}} ");
    let text = metrics.text(Format::OpenMetrics);
    let found = text.lines().find_map(|line| line.strip_prefix(&begin).map(str::to_owned));
    found.map(|value| value.parse().unwrap())
}
