//! The reason why a run waits, and the time for which it has waited.

use super::{labelled, one};
use crate::{
    family::{Family, Kind},
    waiting::Reason,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        name: "rollout_waiting",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["reason"],
        help: "1 while the run waits for it: start, hold, evidence, approval, pause, scale_down or cluster.",
        samples: |run| {
            let reasons = Reason::ALL.into_iter();
            reasons.map(|reason| labelled(reason.name(), run.waits_for(reason))).collect()
        },
    },
    Family {
        name: "rollout_waited",
        kind: Kind::Counter,
        unit: Some("seconds"),
        own_labels: &["reason"],
        help: "Time that the driver of this process has waited, by the reason.",
        samples: |run| {
            let reasons = Reason::ALL.into_iter();
            reasons
                .map(|reason| labelled(reason.name(), run.waited.of(reason).as_secs_f64()))
                .collect()
        },
    },
    Family {
        name: "rollout_held",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        own_labels: &[],
        help: "Time spent on the step, pauses aside.",
        samples: |run| {
            let seen = run.seen.as_ref();
            one(seen.map_or(0.0, |seen| seen.held.as_secs_f64()))
        },
    },
    Family {
        name: "rollout_hold",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        own_labels: &[],
        help: "Minimum time of the step's hold; no sample if the plan states none.",
        samples: |run| {
            let time = run.steps.get(run.step).and_then(|step| step.hold.time);
            time.map(|time| one(time.as_secs_f64())).unwrap_or_default()
        },
    },
    Family {
        name: "rollout_retries",
        kind: Kind::Counter,
        unit: None,
        own_labels: &[],
        help: "Actions that failed at the cluster and are retried.",
        samples: |run| one(run.retries),
    },
    Family {
        name: "rollout_failures",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &[],
        help: "Number of times in a row that the present action has failed at the cluster.",
        samples: |run| one(run.failures),
    },
];
