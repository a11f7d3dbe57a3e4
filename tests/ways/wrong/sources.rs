//! A source that is broken, or counts what it should not.

use std::time::Duration;

use crate::{
    front::Spoils,
    gauge::Fails,
    scene::{Scene, When},
    table::{Way, cannot_be, inconclusive, rolled_back, way},
};

const ANOTHER: &str = "only a Prometheus can be so";

/// Where the run ends by what it sees, and not by waiting.
const PATIENT: Duration = Duration::from_secs(20);

fn gauge(scene: &mut Scene, fails: Fails) {
    scene.gauge = Some(fails);
    scene.impatient();
}

/// A row of Prometheus alone.
const fn counted(name: &'static str, make: fn(&mut Scene), cell: crate::table::Cell) -> Way {
    way(name, make, [cannot_be(ANOTHER), cannot_be(ANOTHER), cannot_be(ANOTHER), cell])
}

pub(super) const WAYS: &[Way] = &[
    way(
        "the gateway goes away during the run",
        |scene| {
            scene.front = Some((Spoils::Nothing, 0));
            scene.when(When::First, |stage| stage.front.as_ref().unwrap().stop());
            scene.stable_serves = false;
            scene.impatient();
        },
        [
            inconclusive("connection refused"),
            inconclusive("connection refused"),
            inconclusive("of 40 pairs"),
            inconclusive("of 20 requests"),
        ],
    ),
    counted("Prometheus is empty", |scene| gauge(scene, Fails::Empty), inconclusive("no samples")),
    counted(
        "Prometheus answers 500",
        |scene| gauge(scene, Fails::With(500)),
        inconclusive("HTTP 500"),
    ),
    counted(
        "there is no Prometheus at the address: 404",
        |scene| gauge(scene, Fails::With(404)),
        inconclusive("no API of Prometheus"),
    ),
    counted(
        "Prometheus does not answer in time",
        |scene| gauge(scene, Fails::Slow),
        inconclusive("no response within"),
    ),
    counted(
        "Prometheus gives a part of what it has",
        |scene| gauge(scene, Fails::Partial),
        inconclusive("may be incomplete"),
    ),
    counted(
        "Prometheus' counters stand still",
        |scene| gauge(scene, Fails::Stalls),
        inconclusive("of 20 requests"),
    ),
    counted(
        "Prometheus has no series of the canary",
        |scene| {
            gauge(scene, Fails::OfTheCanary);
            scene.plan.patience = PATIENT;
        },
        inconclusive("the mesh does not split"),
    ),
    counted(
        "Prometheus knows no versions",
        |scene| gauge(scene, Fails::OfVersions),
        inconclusive("of unknown origin"),
    ),
    counted(
        "counted at the pods, and the canary loses its own",
        |scene| {
            gauge(scene, Fails::ByDestination);
            scene.plan.patience = PATIENT;
            scene.when(When::Weight(10), |stage| stage.scale("v2", 0));
        },
        rolled_back("the canary cannot be reached"),
    ),
];
