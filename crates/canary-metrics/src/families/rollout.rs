//! The course of a run: its state, its verdict, its step, its weights.

use canary_rollout::{Percent, Split};

use super::{labelled, one, one_of, seconds_of};
use crate::{
    family::{Family, Kind, Sample, Value},
    outcome::{State, VERDICTS},
    record::Record,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        name: "rollout",
        kind: Kind::Info,
        unit: None,
        own_labels: &["version", "plan", "stable", "canary"],
        help: "The version of the driver, the digest of the plan, and its two subsets.",
        samples: |run| {
            let version = env!("CARGO_PKG_VERSION").to_owned();
            let texts = [&run.digest, &run.stable, &run.canary].map(Clone::clone);
            vec![([version].into_iter().chain(texts).collect(), Value::Info)]
        },
    },
    Family {
        name: "rollout_state",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["state"],
        help: "1 for the state of the run: pending, running, suspended, failed or ended.",
        samples: |run| one_of(State::ALL.map(State::name), run.state.name()),
    },
    Family {
        name: "rollout_verdict",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["verdict"],
        help: "1 for the verdict: none, promoted, promoted_by_person, rolled_back, inconclusive or external_edit.",
        samples: |run| one_of(VERDICTS, run.verdict),
    },
    Family {
        name: "rollout_start_timestamp",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        own_labels: &[],
        help: "Unix time at which the driver started or resumed the run.",
        samples: |run| seconds_of(run.started),
    },
    Family {
        name: "rollout_last_look_timestamp",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        own_labels: &[],
        help: "Unix time of the driver's last event; it comes at every tick while the driver works.",
        samples: |run| seconds_of(run.looked),
    },
    Family {
        name: "rollout_step",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &[],
        help: "Step in force or being prepared, from 0.",
        samples: |run| one(run.step),
    },
    Family {
        name: "rollout_steps",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &[],
        help: "Steps of the plan.",
        samples: |run| one(run.steps.len()),
    },
    Family {
        name: "rollout_weight",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["subset"],
        help: "Weight of the subset that the driver wrote last, from 0 to 100.",
        samples: |run| weights(run, run.split.unwrap_or(Split::STABLE)),
    },
    Family {
        name: "rollout_desired_weight",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["subset"],
        help: "Desired weight of the subset by the step or the verdict, from 0 to 100.",
        samples: |run| weights(run, run.desired),
    },
    Family {
        name: "rollout_mirrored",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &[],
        help: "Share of the requests that is also sent to the canary without using its answers, from 0 to 100.",
        samples: |run| one(run.split.map_or(Percent::NONE, |split| split.mirror)),
    },
    Family {
        name: "rollout_writes",
        kind: Kind::Counter,
        unit: None,
        own_labels: &[],
        help: "Writes of weights that the cluster has accepted.",
        samples: |run| one(run.writes),
    },
    Family {
        name: "rollout_commands",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["command", "outcome"],
        help: "Commands of people, by outcome: done, superseded or refused.",
        samples: |run| {
            let commands = run.commands.iter();
            commands
                .map(|((command, outcome), count)| {
                    (vec![(*command).to_owned(), (*outcome).to_owned()], (*count).into())
                })
                .collect()
        },
    },
];

fn weights(run: &Record, split: Split) -> Vec<Sample> {
    let canary = split.canary.min(Percent::ALL);
    vec![labelled(&run.stable, canary.rest()), labelled(&run.canary, canary)]
}
