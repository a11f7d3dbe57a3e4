//! A run with wrong requests, or whose own functions are wrong.

use std::{sync::Arc, time::Duration};

use canary_core::rollout::Guardrail;

use crate::{
    scene::{Evidence, HEADER, Inputs, Scene, When},
    stage::Stage,
    table::{Way, cannot_be, inconclusive, refused, way},
};

const SENDS_NOTHING: &str = "the run asks nothing itself";
const EACH_COUNTS: &str = "each request counts, whatever it asks";

/// The plan's own score, whose function gives this.
fn scored(scene: &mut Scene, score: fn() -> Option<f64>) {
    scene.plan.guardrails.push(Guardrail::custom("score", 0.5));
    scene.score = Some(Arc::new(move |_| score()));
    // A window is one observation, and ten scores that are none end a run.
    scene.plan.request_timeout = Duration::from_millis(300);
}

pub(super) const WAYS: &[Way] = &[
    way(
        "the address refuses connections",
        |scene| {
            scene.url = Some("http://127.0.0.1:1".to_owned());
            scene.impatient();
        },
        [
            refused("127.0.0.1:1"),
            refused("127.0.0.1:1"),
            cannot_be("a log has no address"),
            inconclusive("127.0.0.1:1"),
        ],
    ),
    way(
        "the run asks for a model that nobody serves",
        |scene| scene.model = "dogs",
        [refused("404"), refused("404"), cannot_be(SENDS_NOTHING), cannot_be(SENDS_NOTHING)],
    ),
    way(
        "the run asks for a signature that nobody has",
        |scene| scene.signature = "serving_nothing",
        [
            refused("serving_nothing"),
            refused("serving_nothing"),
            cannot_be(SENDS_NOTHING),
            cannot_be(SENDS_NOTHING),
        ],
    ),
    way(
        "the run's inputs do not fit the model",
        |scene| scene.inputs = Inputs::Numbers,
        [refused("400"), refused("400"), cannot_be(SENDS_NOTHING), cannot_be(SENDS_NOTHING)],
    ),
    way(
        "there are no inputs",
        |scene| scene.inputs = Inputs::Few(0),
        [
            inconclusive("no more observations"),
            inconclusive("no more observations"),
            cannot_be(SENDS_NOTHING),
            cannot_be(SENDS_NOTHING),
        ],
    ),
    way(
        "the inputs end early",
        |scene| scene.inputs = Inputs::Few(70),
        [
            inconclusive("no more observations"),
            inconclusive("no more observations"),
            cannot_be(SENDS_NOTHING),
            cannot_be(SENDS_NOTHING),
        ],
    ),
    way(
        "all inputs are alike",
        |scene| {
            scene.inputs = Inputs::Equal;
            scene.users_alike = true;
            // A thousand repeated inputs end the run; a slow machine takes its time for them.
            scene.plan.patience = Duration::from_secs(60);
        },
        [
            cannot_be(EACH_COUNTS),
            inconclusive("distinct inputs"),
            inconclusive("distinct inputs"),
            cannot_be(EACH_COUNTS),
        ],
    ),
    way(
        "nobody asks anything",
        |scene| {
            scene.inputs = Inputs::Waits(0);
            scene.users = false;
            scene.impatient();
        },
        [
            inconclusive("0 of 20 requests of the canary"),
            inconclusive("0 of 60 pairs"),
            inconclusive("0 of 40 pairs"),
            inconclusive("0 of 20 requests of the canary"),
        ],
    ),
    way(
        "nobody asks any more after a while",
        |scene| {
            scene.inputs = Inputs::Waits(30);
            scene.when(When::First, Stage::dismiss_users);
            scene.impatient();
        },
        [inconclusive("step 0 observed only"); 4],
    ),
    way(
        "a score is NaN",
        |scene| scored(scene, || Some(f64::NAN)),
        [inconclusive("the last one NaN"); 4],
    ),
    way("a score is 2", |scene| scored(scene, || Some(2.0)), [inconclusive("the last one 2"); 4]),
    way(
        "a score is −1",
        |scene| scored(scene, || Some(-1.0)),
        [inconclusive("the last one -1"); 4],
    ),
    way(
        "there is never a score",
        |scene| {
            scored(scene, || None);
            scene.impatient();
        },
        [inconclusive("0 of 20 scores for score"); 4],
    ),
    way(
        "an accuracy is wanted, and no source has labels",
        |scene| scene.plan.guardrails.push(Guardrail::accuracy()),
        [refused("accuracy"); 4],
    ),
    way(
        "a source says that it has labels, and has none",
        |scene| {
            scene.plan.guardrails.push(Guardrail::accuracy());
            scene.says_labelled = true;
            scene.impatient();
        },
        [
            cannot_be("requests and counts have no labels"),
            inconclusive("0 of 20 pairs for accuracy"),
            inconclusive("0 of 20 pairs for accuracy"),
            cannot_be("requests and counts have no labels"),
        ],
    ),
    way(
        "an agreement is wanted, and no source has pairs",
        |scene| {
            scene.plan.guardrails.push(Guardrail::agreement(0.9));
            scene.plan = scene.plan.clone().header(HEADER.0, HEADER.1);
            assert_ne!(scene.evidence, Evidence::Pairs);
        },
        [
            refused("agreement"),
            cannot_be("there are pairs"),
            cannot_be("there are pairs"),
            refused("agreement"),
        ],
    ),
];
