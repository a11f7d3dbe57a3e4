//! A plan that cannot be right, or that needs evidence that cannot come.

use std::time::Duration;

use canary_core::rollout::{Guardrail, Hold, Step};
use canary_lab::model::Code;

use crate::{
    actor::Acts,
    scene::{Evidence, Inputs, Scene},
    table::{Way, inconclusive, refused, rolled_back, way},
};

/// Every step below 100 has this hold.
fn held(scene: &mut Scene, hold: Hold) {
    for step in scene.plan.steps.iter_mut().filter(|step| step.weight < 100) {
        step.hold = hold;
    }
}

pub(super) const WAYS: &[Way] = &[
    way("the steps end at 50", |scene| drop(scene.plan.steps.pop()), [refused("C122"); 4]),
    way(
        "the first step is 100",
        |scene| scene.plan.steps = vec![Step::new(100)],
        [refused("C1"); 4],
    ),
    way(
        "the weights go down",
        |scene| scene.plan.steps.swap(0, 1),
        [refused("C108"), refused("C108"), refused("C108"), refused("C108")],
    ),
    way(
        "a hold is below the least number",
        |scene| match scene.evidence {
            Evidence::Requests | Evidence::Prometheus => held(scene, Hold::requests(5)),
            Evidence::Pairs | Evidence::Mirror => held(scene, Hold::pairs(5)),
        },
        [refused("C121"); 4],
    ),
    way(
        "a guardrail needs no observations",
        |scene| scene.plan.guardrails.last_mut().unwrap().minimum = 0,
        [refused("C121"); 4],
    ),
    way("α is 0", |scene| scene.plan.alpha = 0.0, [refused("C104"); 4]),
    way(
        "the canary is the stable version",
        |scene| scene.plan.canary = String::from("v1"),
        [refused("C102"); 4],
    ),
    way(
        "held by time alone, and nobody asks",
        |scene| {
            held(scene, Hold::time(Duration::from_millis(100)));
            scene.inputs = Inputs::Waits(0);
            scene.users = false;
            scene.impatient();
        },
        [inconclusive("0 of 20"); 4],
    ),
    way(
        "held by time alone, and the canary fails",
        |scene| {
            held(scene, Hold::time(Duration::from_millis(100)));
            scene.canary.acts_later(Acts::Fails(1.0, Code::NotFound));
        },
        [rolled_back("404"), rolled_back("404"), rolled_back("404"), rolled_back("canary")],
    ),
    way(
        "there is no guardrail, and the canary fails",
        |scene| {
            scene.plan.guardrails.clear();
            scene.canary.acts_later(Acts::Fails(1.0, Code::NotFound));
        },
        [rolled_back("the canary failed"); 4],
    ),
    way(
        "a proof is wanted that so few observations cannot give",
        |scene| {
            let guardrail = scene.plan.guardrails.pop().unwrap();
            let bound = if matches!(scene.evidence, Evidence::Requests | Evidence::Prometheus) {
                1.01
            } else {
                -0.000_1
            };
            scene.plan.guardrails.push(Guardrail::proven(guardrail, bound));
            scene.inputs = Inputs::Waits(2_000);
            scene.impatient();
            scene.plan.patience = Duration::from_secs(7);
        },
        [inconclusive("harm could not be excluded"); 4],
    ),
];
