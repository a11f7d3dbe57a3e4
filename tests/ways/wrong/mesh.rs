//! Objects of the mesh that are not as the run needs them, or that somebody else changes.

use canary_core::cluster::ObjectRef;
use canary_lab::model::Code;
use canary_tests::chaos::Weights;
use serde_json::{Value, json};

use crate::{
    actor::Acts,
    scene::{APP, Evidence, HEADER, Scene, When},
    stage::Stage,
    table::{Way, cannot_be, edited, inconclusive, refused, rolled_back, way},
};

const NO_HEADER: &str = "the run asks nothing by a header";

fn virtual_service() -> ObjectRef {
    ObjectRef::virtual_service("default", APP)
}

fn destination_rule() -> ObjectRef {
    ObjectRef::destination_rule("default", APP)
}

fn to(subset: &str) -> Value {
    json!({"host": APP, "subset": subset, "port": {"number": 8501}})
}

/// Somebody else writes weights at the canary's first one.
fn edit(scene: &mut Scene, stable: u64, canary: u64) {
    scene.edited = Some(Weights { stable, canary, mirror: 0 });
    scene.when(When::Weight(10), move |stage| stage.split(stable, canary));
}

/// The canary fails, so that nothing of it could be promoted rightly.
fn fails(scene: &mut Scene) {
    scene.canary.acts_later(Acts::Fails(1.0, Code::NotFound));
}

pub(super) const WAYS: &[Way] = &[
    way(
        "a route before the plan's answers everything",
        |scene| {
            scene.route()["name"] = "split".into();
            scene.plan.target.route = Some("split".to_owned());
            let all = json!({"name": "all", "route": [{"destination": to("v1")}]});
            scene.virtual_service["spec"]["http"].as_array_mut().unwrap().insert(0, all);
            if scene.evidence == Evidence::Mirror {
                scene.impatient();
            }
        },
        [
            refused("all"),
            refused("all"),
            inconclusive("0 of 40 pairs"),
            inconclusive("the mesh does not split"),
        ],
    ),
    way(
        "two routes fit the plan",
        |scene| {
            let match_ = json!([{"uri": {"prefix": "/other"}}]);
            let other = json!({"match": match_, "route": [{"destination": to("v1")}]});
            scene.virtual_service["spec"]["http"].as_array_mut().unwrap().insert(0, other);
        },
        [refused("several HTTP routes"); 4],
    ),
    way(
        "a mirror already exists: mirror",
        |scene| {
            scene.route()["mirror"] = to("v2");
            scene.route()["mirrorPercentage"] = json!({"value": 10.0});
            scene.mirrored_before = true;
        },
        [refused("mirror"); 4],
    ),
    way(
        "a mirror already exists: mirrors",
        |scene| {
            scene.route()["mirrors"] =
                json!([{"destination": to("v2"), "percentage": {"value": 10.0}}]);
            scene.mirrored_before = true;
        },
        [refused("mirrors[0]"); 4],
    ),
    way(
        "an earlier run left its header route",
        |scene| {
            fails(scene);
            let left = json!({
                "name": "canary-rollout-v0",
                "match": [{"headers": {HEADER.0: {"exact": HEADER.1}}}],
                "route": [{"destination": to("v1")}],
            });
            scene.virtual_service["spec"]["http"].as_array_mut().unwrap().insert(0, left);
        },
        [rolled_back("404"), rolled_back("404"), rolled_back("404"), rolled_back("canary")],
    ),
    way(
        "the route asks for requests without the plan's header",
        |scene| {
            fails(scene);
            scene.route()["match"] = json!([{"withoutHeaders": {HEADER.0: {"regex": "*"}}}]);
        },
        [rolled_back("404"), rolled_back("404"), cannot_be(NO_HEADER), cannot_be(NO_HEADER)],
    ),
    way(
        "Flagger owns the VirtualService",
        |scene| {
            scene.virtual_service["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": APP, "uid": "1",
                "controller": true,
            }]);
        },
        [refused("Flagger"); 4],
    ),
    way(
        "the canary has traffic already",
        |scene| {
            scene.destination_rule["spec"]["subsets"]
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "v2", "labels": {"version": "v2"}}));
            scene.route()["route"] = json!([
                {"destination": to("v1"), "weight": 50},
                {"destination": to("v2"), "weight": 50},
            ]);
        },
        [refused("already has traffic"); 4],
    ),
    way(
        "the VirtualService does not exist",
        |scene| scene.plan.target.virtual_service = String::from("dogs"),
        [refused("dogs"); 4],
    ),
    way(
        "the VirtualService holds a state that is none",
        |scene| {
            scene.virtual_service["metadata"]["annotations"] =
                json!({"canary-rs.github.io/rollout-state": "{\"version\": 2, \"phase\": 7}"});
        },
        [refused("state"); 4],
    ),
    way("somebody gives the canary 60 %", |scene| edit(scene, 40, 60), [edited("60"); 4]),
    way(
        "somebody takes everything back to stable",
        |scene| edit(scene, 100, 0),
        [edited("100"); 4],
    ),
    way(
        "somebody gives the canary's subset other labels",
        |scene| {
            scene.when(When::Weight(10), |stage| {
                let path = format!("/spec/subsets/{}/labels/version", stage.subset("v2"));
                let patch = json!([{"op": "replace", "path": path, "value": "v1"}]);
                stage.patch(&destination_rule(), patch);
            });
        },
        [edited("labels"); 4],
    ),
    way(
        "somebody takes the canary's subset away",
        |scene| {
            scene.when(When::Weight(10), |stage| {
                let path = format!("/spec/subsets/{}", stage.subset("v2"));
                stage.patch(&destination_rule(), json!([{"op": "remove", "path": path}]));
            });
        },
        [edited("a subset v2"); 4],
    ),
    way(
        "somebody deletes the VirtualService",
        |scene| scene.when(When::Weight(10), |stage| stage.delete(&virtual_service())),
        [edited("no such object"); 4],
    ),
    way(
        "somebody deletes the DestinationRule",
        |scene| {
            scene.when(When::Weight(10), |stage: &Stage| stage.delete(&destination_rule()));
        },
        [edited("no such object"); 4],
    ),
];
