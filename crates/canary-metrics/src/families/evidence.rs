//! The readings of the guardrails.

use canary_rollout::Reading;

use super::labelled;
use crate::{
    family::{Family, Kind, Sample, Value},
    record::Record,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        name: "rollout_evidence",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["guardrail"],
        help: "Evidence of the guardrail against the canary, E.",
        samples: |run| readings(run, |reading| Some(reading.e)),
    },
    Family {
        name: "rollout_evidence_threshold",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["guardrail"],
        help: "Evidence at which the guardrail alarms: 1 over its part of the plan's alpha.",
        samples: |run| readings(run, |reading| Some(1.0 / reading.alpha)),
    },
    Family {
        name: "rollout_alarm",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["guardrail"],
        help: "1 once the evidence of the guardrail has reached its threshold.",
        samples: |run| {
            let all = run.readings.iter();
            all.map(|reading| labelled(&reading.guardrail, reading.alarm)).collect()
        },
    },
    Family {
        name: "rollout_estimate",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["guardrail"],
        help: "Estimate of the tested quantity, such as a ratio of error rates; no sample before there is an estimate.",
        samples: |run| readings(run, |reading| reading.estimate),
    },
    Family {
        name: "rollout_estimate_low",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["guardrail"],
        help: "Lower end of the guardrail's confidence sequence.",
        samples: |run| readings(run, |reading| Some(reading.interval.low)),
    },
    Family {
        name: "rollout_estimate_high",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["guardrail"],
        help: "Upper end of the guardrail's confidence sequence; infinite where nothing is excluded.",
        samples: |run| readings(run, |reading| Some(reading.interval.high)),
    },
];

fn readings(run: &Record, value: fn(&Reading) -> Option<f64>) -> Vec<Sample> {
    let all = run.readings.iter();
    all.filter_map(|reading| Some(labelled(&reading.guardrail, Value::Real(value(reading)?))))
        .collect()
}
