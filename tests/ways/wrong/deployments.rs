//! A canary that is deployed wrongly or goes away, and a service that fails as a whole.

use std::sync::Arc;

use canary_lab::model::Code;
use serde_json::json;

use crate::{
    actor::Acts,
    front::Spoils,
    kind::Kind,
    scene::{Evidence, When},
    stage::Stage,
    table::{Cell, Way, cannot_be, edited, inconclusive, refused, rolled_back, way},
};

/// The expectations once no pod is left.
const NO_POD: [Cell; 4] = [
    rolled_back("503"),
    rolled_back("503"),
    rolled_back("503"),
    rolled_back("the canary cannot be reached"),
];
/// The same where the versions are Services: failures name the canary's Service, and its missing pods may be seen before the
/// next weight.
const NO_POD_OF_SERVICE: [Cell; 4] = [
    rolled_back("503"),
    rolled_back("503"),
    rolled_back("503|not ready for its next weight"),
    rolled_back("the canary cannot be reached|errorRatio|the canary failed"),
];

pub(super) const WAYS: &[Way] = &[
    way(
        "the canary's model has another name",
        |scene| scene.canary.model = "dogs",
        [refused("404"), refused("404"), rolled_back("404"), rolled_back("canary")],
    ),
    way(
        "a typo in the plan: v3 does not exist",
        |scene| scene.plan.canary = String::from("v3"),
        [refused("version=v3"); 4],
    )
    .services([refused("no Service default/v3"); 4]),
    way(
        "the canary has no Deployment",
        |scene| scene.canary.applied = false,
        [refused("version=v2"); 4],
    ),
    way(
        "the canary's Deployment has 0 replicas",
        |scene| scene.canary.replicas = 0,
        [refused("scaled to 0 replicas"); 4],
    ),
    way(
        "the canary's model path is missing",
        |scene| {
            scene.canary.path = "models/nowhere";
            scene.impatient();
        },
        [refused("models/nowhere"); 4],
    ),
    way(
        "the canary's subset or Service selects other labels",
        |scene| match scene.kind {
            Kind::Subsets => {
                let subset = json!({"name": "v2", "labels": {"version": "v22"}});
                scene.definitions[0]["spec"]["subsets"].as_array_mut().unwrap().push(subset);
            }
            _ => scene.definitions[1]["spec"]["selector"]["version"] = "v22".into(),
        },
        [refused("version=v22"); 4],
    ),
    way(
        "the canary loses its endpoints at the first weight",
        |scene| scene.when(When::Weight(10), |stage| stage.scale("v2", 0)),
        NO_POD,
    )
    .services(NO_POD_OF_SERVICE),
    way(
        "the canary loses its endpoints at 50 %",
        |scene| scene.when(When::Weight(50), |stage| stage.scale("v2", 0)),
        NO_POD,
    )
    .services(NO_POD_OF_SERVICE),
    way(
        "the same, and its failures name no version",
        |scene| {
            scene.front = Some((Spoils::Name, 0));
            scene.when(When::Weight(10), |stage| stage.scale("v2", 0));
        },
        [
            rolled_back("the canary cannot be reached"),
            rolled_back("503"),
            cannot_be("the log of the copies knows whose they are"),
            rolled_back("the canary cannot be reached"),
        ],
    )
    .services([
        rolled_back("the canary cannot be reached"),
        rolled_back("503"),
        cannot_be("the log of the copies knows whose they are"),
        NO_POD_OF_SERVICE[3],
    ]),
    way(
        "the canary's Deployment is deleted during the run",
        |scene| {
            let deleted = |stage: &Stage| stage.delete(&Stage::deployment("v2"));
            scene.when(When::Weight(10), deleted);
        },
        NO_POD,
    )
    .services(NO_POD_OF_SERVICE),
    way(
        "the canary's pods become another release's",
        |scene| {
            scene.when(When::Weight(10), |stage| {
                stage.deploy("v2", "models/v1");
            });
        },
        [edited("another release"); 4],
    ),
    way(
        "the plan has promoted a release, and the next one fails",
        |scene| {
            scene.earlier = Some(Arc::new(|stage: &Stage| {
                stage.deploy("v2", "models/bad");
                stage.split(100, 0);
            }));
        },
        [refused("404"), refused("404"), rolled_back("404"), rolled_back("canary")],
    ),
    way(
        "the same, and the weights are where the last run left them",
        |scene| {
            scene.earlier = Some(Arc::new(|stage: &Stage| stage.deploy("v2", "models/bad")));
            scene.stable_serves = false;
        },
        [refused("already has traffic"); 4],
    ),
    way(
        "both versions fail everything from the beginning",
        |scene| {
            scene.stable.acts(Acts::Fails(1.0, Code::Internal));
            scene.canary.acts(Acts::Fails(1.0, Code::Internal));
            scene.stable_serves = false;
        },
        [
            refused("the stable version v1 does not answer"),
            refused("the stable version v1 does not answer"),
            inconclusive("the service fails"),
            inconclusive("the service fails"),
        ],
    ),
    way(
        "both versions fail everything from some moment on",
        |scene| {
            scene.stable.acts_later(Acts::Fails(1.0, Code::Internal));
            scene.canary.acts_later(Acts::Fails(1.0, Code::Internal));
            scene.stable_serves = false;
        },
        [inconclusive("the service fails"); 4],
    ),
    way(
        "the stable version fails 70 %",
        |scene| {
            scene.stable.acts_later(Acts::Fails(0.7, Code::Internal));
            scene.stable_serves = false;
        },
        [inconclusive("the service fails"); 4],
    ),
    way(
        "the stable version dies during the run",
        |scene| {
            scene.when(When::First, |stage| stage.scale("v1", 0));
            scene.stable_serves = false;
            if scene.evidence == Evidence::Mirror {
                scene.impatient();
            }
        },
        [
            inconclusive("the service fails"),
            inconclusive("the service fails"),
            // A request that finds no endpoint is not copied.
            inconclusive("of 40 pairs"),
            inconclusive("the service fails"),
        ],
    ),
    way(
        "the stable version hangs during the run",
        |scene| {
            scene.stable.acts_later(Acts::Hangs);
            scene.short_timeouts();
            scene.stable_serves = false;
        },
        [
            inconclusive("the service fails"),
            inconclusive("the service fails"),
            inconclusive("the service fails"),
            inconclusive("the service fails"),
        ],
    ),
    way(
        "both versions refuse the inputs of the users: 400",
        |scene| {
            scene.stable.acts_later(Acts::Fails(1.0, Code::InvalidArgument));
            scene.canary.acts_later(Acts::Fails(1.0, Code::InvalidArgument));
            scene.stable_serves = false;
        },
        [inconclusive("the service fails"); 4],
    ),
];
