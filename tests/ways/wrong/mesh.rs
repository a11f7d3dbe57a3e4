//! Objects of the mesh that are not as the run needs them, or that somebody else changes.

use canary_core::cluster::ObjectRef;
use canary_lab::model::Code;
use canary_tests::chaos::Weights;
use serde_json::json;

use crate::{
    actor::Acts,
    kind::{Kind, SERVICES, VIRTUAL_SERVICES},
    scene::{APP, Evidence, HEADER, Scene, When},
    stage::Stage,
    table::{Way, cannot_be, edited, inconclusive, one_of, refused, rolled_back, way},
    trial::End,
};

const NO_HEADER: &str = "the run asks nothing by a header";

fn service(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "Service", "default", name)
}

fn destination_rule() -> ObjectRef {
    ObjectRef::destination_rule("default", APP)
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
            scene.plan = scene.plan.clone().route("split");
            let all = json!({"name": "all", "route": [scene.kind.entry("v1")]});
            scene.rules().insert(0, all);
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
    )
    .of(VIRTUAL_SERVICES),
    way(
        "two routes fit the plan",
        |scene| {
            let mut other = json!({scene.kind.entries(): [scene.kind.entry("v1")]});
            if scene.kind == Kind::HttpRoute {
                other["matches"] = json!([{"path": {"type": "PathPrefix", "value": "/other"}}]);
            } else {
                other["match"] = json!([{"uri": {"prefix": "/other"}}]);
            }
            scene.rules().insert(0, other);
        },
        [refused("has several"); 4],
    ),
    way(
        "a mirror already exists: mirror",
        |scene| {
            scene.route()["mirror"] = scene.kind.entry("v2")["destination"].take();
            scene.route()["mirrorPercentage"] = json!({"value": 10.0});
            scene.mirrored_before = true;
        },
        [refused("mirror"); 4],
    )
    .of(VIRTUAL_SERVICES),
    way(
        "a mirror already exists: mirrors",
        |scene| {
            scene.route()["mirrors"] =
                json!([{"destination": scene.kind.entry("v2")["destination"], "percentage": {"value": 10.0}}]);
            scene.mirrored_before = true;
        },
        [refused("mirrors[0]"); 4],
    )
    .of(VIRTUAL_SERVICES),
    way(
        "an earlier run left its header route",
        |scene| {
            fails(scene);
            let mut left = json!({
                "name": "canary-rollout-v0", scene.kind.entries(): [scene.kind.entry("v1")],
            });
            if scene.kind == Kind::HttpRoute {
                left["matches"] = json!([{"headers": [{"name": HEADER.0, "value": HEADER.1}]}]);
            } else {
                left["match"] = json!([{"headers": {HEADER.0: {"exact": HEADER.1}}}]);
            }
            scene.rules().insert(0, left);
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
    )
    .of(VIRTUAL_SERVICES),
    way(
        "Flagger owns the route",
        |scene| {
            scene.object["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": APP, "uid": "1",
                "controller": true,
            }]);
        },
        [refused("Flagger"); 4],
    ),
    way(
        "the canary has traffic already",
        |scene| {
            if scene.kind == Kind::Subsets {
                scene.definitions[0]["spec"]["subsets"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({"name": "v2", "labels": {"version": "v2"}}));
            }
            let kind = scene.kind;
            let mut entries = ["v1", "v2"].map(|version| kind.entry(version));
            for entry in &mut entries {
                entry["weight"] = 50.into();
            }
            scene.route()[kind.entries()] = json!(entries);
        },
        [refused("already has traffic"); 4],
    ),
    way(
        "the route does not exist",
        |scene| scene.plan.target.routes_mut().unwrap().set_name("dogs"),
        [refused("dogs"); 4],
    ),
    way(
        "the route holds a state that is none",
        |scene| {
            scene.object["metadata"]["annotations"] =
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
    )
    .of(&[Kind::Subsets]),
    way(
        "somebody takes the canary's subset away",
        |scene| {
            scene.when(When::Weight(10), |stage| {
                let path = format!("/spec/subsets/{}", stage.subset("v2"));
                stage.patch(&destination_rule(), json!([{"op": "remove", "path": path}]));
            });
        },
        [edited("a subset v2"); 4],
    )
    .of(&[Kind::Subsets]),
    way(
        "somebody deletes the route",
        |scene| scene.when(When::Weight(10), |stage| stage.delete(&stage.kind.object())),
        [edited("no such object"); 4],
    ),
    way(
        "somebody deletes the DestinationRule",
        |scene| {
            scene.when(When::Weight(10), |stage: &Stage| stage.delete(&destination_rule()));
        },
        [edited("no such object"); 4],
    )
    // The gateway and the driver each watch the server. Where the gateway hears of it first, all requests fail.
    .server([one_of(&[(End::Edited, "no such object"), (End::Inconclusive, "the service fails")]); 4])
    .of(&[Kind::Subsets]),
    way(
        "somebody gives the canary's Service other labels",
        |scene| {
            scene.when(When::Weight(10), |stage| {
                let path = "/spec/selector/version";
                let patch = json!([{"op": "replace", "path": path, "value": "v1"}]);
                stage.patch(&service("v2"), patch);
            });
        },
        [edited("Service v2 spec.selector"); 4],
    )
    .of(SERVICES),
    way(
        "somebody deletes the canary's Service",
        |scene| {
            scene.versions_edited = true;
            scene.when(When::Weight(10), |stage| stage.delete(&service("v2")));
        },
        // The gateway has no backend at once; the objects are compared a moment later.
        [one_of(&[
            (End::Edited, "Service v2 spec.selector"),
            (End::RolledBack, "the canary"),
        ]); 4],
    )
    .of(SERVICES),
    way(
        "the canary has no Service",
        |scene| drop(scene.definitions.pop()),
        [refused("v2"); 4],
    )
    .of(SERVICES),
];
