//! A canary that answers wrongly, or not at all.

use std::time::Duration;

use canary_core::rollout::Guardrail;
use canary_lab::model::Code;

use crate::{
    actor::Acts,
    front::Spoils,
    scene::{Evidence, Scene},
    table::{Way, cannot_be, refused, rolled_back, way},
};

const STATUS_ALONE: &str = "a status of 200 is all that is counted";
const NO_CLASSES: &str = "requests and counts do not say which class was named";
const BEHIND: &str = "the copies do not pass what spoils the responses on their way to the users";

pub(super) const WAYS: &[Way] = &[
    way(
        "the canary answers 404 to everything",
        |scene| scene.canary.acts(Acts::Fails(1.0, Code::NotFound)),
        [refused("404"), refused("404"), rolled_back("404"), rolled_back("canary")],
    ),
    way(
        "the canary answers 404 from its 7th answer on",
        |scene| scene.canary.acts_later(Acts::Fails(1.0, Code::NotFound)),
        [rolled_back("404"), rolled_back("404"), rolled_back("404"), rolled_back("canary")],
    ),
    way(
        "the canary answers 400 to everything",
        |scene| scene.canary.acts(Acts::Fails(1.0, Code::InvalidArgument)),
        [refused("400"), refused("400"), rolled_back("400"), rolled_back("canary")],
    ),
    way(
        "the canary answers 400 from its 7th answer on",
        |scene| scene.canary.acts_later(Acts::Fails(1.0, Code::InvalidArgument)),
        [rolled_back("400"), rolled_back("400"), rolled_back("400"), rolled_back("canary")],
    ),
    way(
        "the canary answers 500 from its 7th answer on",
        |scene| scene.canary.acts_later(Acts::Fails(1.0, Code::Internal)),
        [rolled_back("500"), rolled_back("500"), rolled_back("500"), rolled_back("canary")],
    ),
    way(
        "the canary answers 503 from its 7th answer on",
        |scene| scene.canary.acts_later(Acts::Fails(1.0, Code::Unavailable)),
        [rolled_back("503"), rolled_back("503"), rolled_back("503"), rolled_back("canary")],
    ),
    way(
        "the canary answers 429 from its 7th answer on",
        |scene| scene.canary.acts_later(Acts::Fails(1.0, Code::ResourceExhausted)),
        [rolled_back("429"), rolled_back("429"), rolled_back("429"), rolled_back("canary")],
    ),
    way(
        "the canary answers 504 from its 7th answer on",
        |scene| scene.canary.acts_later(Acts::Fails(1.0, Code::DeadlineExceeded)),
        [rolled_back("504"), rolled_back("504"), rolled_back("504"), rolled_back("canary")],
    ),
    way(
        "the canary fails 60 % of its requests",
        |scene| scene.canary.acts_later(Acts::Fails(0.6, Code::Internal)),
        [rolled_back("500"), rolled_back("500"), rolled_back("500"), rolled_back("canary")],
    ),
    way(
        "the canary fails 90 % of its requests",
        |scene| scene.canary.acts_later(Acts::Fails(0.9, Code::Internal)),
        [rolled_back("500"), rolled_back("500"), rolled_back("500"), rolled_back("canary")],
    ),
    way(
        "the canary hangs, and the client gives up",
        |scene| {
            scene.canary.acts_later(Acts::Hangs);
            // Long enough for the stable version on a slow machine.
            scene.timeout = Duration::from_millis(500);
        },
        [
            rolled_back("canary cannot be reached"),
            rolled_back("canary"),
            rolled_back("canary"),
            cannot_be("the lab's gateway counts no request that its client has left"),
        ],
    ),
    way(
        "the canary hangs, and the gateway gives up",
        |scene| {
            scene.canary.acts_later(Acts::Hangs);
            scene.short_timeouts();
        },
        [rolled_back("504"), rolled_back("504"), rolled_back("504"), rolled_back("canary")],
    ),
    way(
        "the canary hangs from the beginning",
        |scene| {
            scene.canary.acts(Acts::Hangs);
            scene.short_timeouts();
        },
        [refused("504"), refused("504"), rolled_back("504"), rolled_back("canary")],
    ),
    way(
        "the canary takes ten times as long",
        |scene| {
            scene.stable.acts(Acts::Takes(Duration::from_millis(30)));
            scene.canary.acts(Acts::Takes(Duration::from_millis(300)));
            let slow = Guardrail::slower_than(Duration::from_millis(250), 1.0);
            scene.plan.guardrails.push(slow);
            scene.plan.patience = Duration::from_secs(45);
        },
        [
            rolled_back("slowRatio"),
            rolled_back("slowRatio"),
            cannot_be("the records of a mirror have no latencies"),
            rolled_back("slowRatio"),
        ],
    ),
    way(
        "the canary's body is garbage",
        |scene| scene.front = Some((Spoils::Garbage, 6)),
        [
            rolled_back("unreadable"),
            rolled_back("unreadable"),
            cannot_be(BEHIND),
            cannot_be(STATUS_ALONE),
        ],
    ),
    way(
        "the canary's body is empty",
        |scene| scene.front = Some((Spoils::Empty, 6)),
        [
            rolled_back("unreadable"),
            rolled_back("unreadable"),
            cannot_be(BEHIND),
            cannot_be(STATUS_ALONE),
        ],
    ),
    way(
        "the canary's body is a proxy's page",
        |scene| scene.front = Some((Spoils::Page, 0)),
        [refused("v2"), refused("v2"), cannot_be(BEHIND), cannot_be(STATUS_ALONE)],
    ),
    way(
        "the canary's body breaks off",
        |scene| scene.front = Some((Spoils::Cut, 6)),
        [rolled_back("canary"), rolled_back("canary"), cannot_be(BEHIND), cannot_be(STATUS_ALONE)],
    ),
    way(
        "the canary's connections are reset",
        |scene| scene.front = Some((Spoils::Reset, 6)),
        [rolled_back("canary"), rolled_back("canary"), cannot_be(BEHIND), cannot_be(STATUS_ALONE)],
    ),
    way(
        "the canary always names another class",
        |scene| scene.canary.acts(Acts::Disagrees(1.0)),
        [
            cannot_be(NO_CLASSES),
            rolled_back("agreement"),
            rolled_back("agreement"),
            cannot_be(NO_CLASSES),
        ],
    ),
    way(
        "the canary names another class in 50 %",
        |scene| scene.canary.acts(Acts::Disagrees(0.5)),
        [
            cannot_be(NO_CLASSES),
            rolled_back("agreement"),
            rolled_back("agreement"),
            cannot_be(NO_CLASSES),
        ],
    ),
    way(
        "the canary's responses have another form",
        |scene| scene.canary.acts(Acts::NamesNoClass),
        [
            cannot_be("a request that is not a pair asks for no class"),
            refused("class"),
            rolled_back("class"),
            cannot_be(STATUS_ALONE),
        ],
    ),
    way(
        "the canary's probability is NaN",
        |scene| scene.canary.acts_later(Acts::Unsure),
        [
            cannot_be("a request that is not a pair asks for no class"),
            rolled_back("NaN"),
            rolled_back("NaN"),
            cannot_be(STATUS_ALONE),
        ],
    ),
    way(
        "latencies alone are watched, and the canary fails fast",
        |scene| {
            scene.canary.acts_later(Acts::Fails(1.0, Code::Unavailable));
            only_slow(scene);
        },
        [
            rolled_back("503"),
            rolled_back("503"),
            cannot_be("the records of a mirror have no latencies"),
            rolled_back("canary"),
        ],
    ),
];

/// The plan watches latencies, and the split where requests are counted.
fn only_slow(scene: &mut Scene) {
    let keep = |guardrail: &Guardrail| guardrail.name == "observedSplit";
    scene.plan.guardrails.retain(keep);
    scene.plan.guardrails.push(Guardrail::slower_than(Duration::from_millis(100), 1.0));
    if scene.evidence == Evidence::Pairs {
        for step in scene.plan.steps.iter_mut().filter(|step| step.weight < 100) {
            step.hold = canary_core::rollout::Hold::requests(20);
        }
    }
}
