//! The observations of a run, by version and kind.

use canary_rollout::Totals;

use super::{labelled, large, one};
use crate::{
    family::{Family, Kind, Sample},
    record::Record,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        name: "rollout_requests",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["subset"],
        help: "Requests observed over the whole rollout, by the subset that served them.",
        samples: |run| subsets(run, |totals| [totals.stable, totals.canary]),
    },
    Family {
        name: "rollout_failed_requests",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["subset"],
        help: "Failed requests observed over the whole rollout, by the subset that served them.",
        samples: |run| subsets(run, |totals| [totals.stable_failed, totals.canary_failed]),
    },
    Family {
        name: "rollout_unattributed_requests",
        kind: Kind::Counter,
        unit: None,
        own_labels: &[],
        help: "Observed requests of unknown version.",
        samples: |run| one(totals(run).unknown),
    },
    Family {
        name: "rollout_unattributed_failed_requests",
        kind: Kind::Counter,
        unit: None,
        own_labels: &[],
        help: "Failed requests of unknown version.",
        samples: |run| one(totals(run).unknown_failed),
    },
    Family {
        name: "rollout_pairs",
        kind: Kind::Counter,
        unit: None,
        own_labels: &[],
        help: "Pairs of answers to the same input that were compared.",
        samples: |run| one(totals(run).pairs),
    },
    Family {
        name: "rollout_left_out",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["reason"],
        help: "Observations and labels that are not used, by reason.",
        samples: |run| {
            let totals = totals(run);
            let reasons = [
                ("repeated", totals.repeated),
                ("duplicate", totals.duplicates),
                ("late", totals.late),
                ("refused", totals.refused),
                ("without_room", totals.without_room),
                ("unlabelled", totals.unlabelled),
                ("unmatched_label", totals.unmatched_labels),
                ("beyond_room", totals.beyond_room),
            ];
            reasons.into_iter().map(|(reason, count)| labelled(reason, count)).collect()
        },
    },
    Family {
        name: "rollout_awaiting_labels",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &[],
        help: "Pairs and requests that wait for their labels.",
        samples: |run| one(run.seen.as_ref().map_or(0, |seen| seen.awaiting_labels)),
    },
    Family {
        name: "rollout_step_observations",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["kind"],
        help: "Observations counted at the step: requests of both versions, those of the canary, and pairs.",
        samples: |run| {
            let seen = run.seen.as_ref();
            let counts = seen.map_or([0; 3], |seen| [seen.requests, seen.canary, seen.pairs]);
            KINDS.into_iter().zip(counts).map(|(kind, count)| labelled(kind, count)).collect()
        },
    },
    Family {
        name: "rollout_step_wanted_observations",
        kind: Kind::Gauge,
        unit: None,
        own_labels: &["kind"],
        help: "Observations that the step's hold requires; no sample for a kind that it does not state.",
        samples: |run| {
            let Some(hold) = run.steps.get(run.step).map(|step| step.hold) else {
                return Vec::new();
            };
            let wanted = [hold.total_requests, hold.requests, hold.pairs];
            let stated = KINDS.into_iter().zip(wanted);
            stated.filter_map(|(kind, count)| Some(labelled(kind, count?))).collect()
        },
    },
    Family {
        name: "rollout_share",
        kind: Kind::Gauge,
        unit: Some("ratio"),
        own_labels: &["subset"],
        help: "Share of the step's requests that the subset served, from 0 to 1; no sample before the first request.",
        samples: |run| {
            let seen = run.seen.as_ref().filter(|seen| seen.requests > 0);
            let share = seen.map(|seen| large(seen.canary) / large(seen.requests));
            share.map_or_else(Vec::new, |canary| {
                vec![labelled(&run.stable, 1.0 - canary), labelled(&run.canary, canary)]
            })
        },
    },
];

const KINDS: [&str; 3] = ["requests", "canary_requests", "pairs"];

fn totals(run: &Record) -> Totals {
    run.seen.as_ref().map(|seen| seen.totals).unwrap_or_default()
}

fn subsets(run: &Record, counts: fn(Totals) -> [u64; 2]) -> Vec<Sample> {
    let [stable, canary] = counts(totals(run));
    vec![labelled(&run.stable, stable), labelled(&run.canary, canary)]
}
