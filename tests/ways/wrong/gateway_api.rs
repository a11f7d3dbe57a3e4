//! Faults that only a route of the Gateway API can have.

use canary_lab::model::Code;
use serde_json::json;

use crate::{
    actor::Acts,
    kind::Kind,
    scene::{HEADER, When},
    table::{Cell, Way, cannot_be, edited, one_of, refused, rolled_back, way},
    trial::End,
};

const HTTP_ROUTE: &[Kind] = &[Kind::HttpRoute];
const NO_HEADER: &str = "the run asks nothing by a header";

const WITHOUT_GATEWAY: Cell = one_of(&[
    (End::Inconclusive, "whichever version serves|observed only"),
    (End::RolledBack, "reports Accepted False"),
]);

pub(super) const WAYS: &[Way] = &[
    way(
        "the route has no parent",
        |scene| {
            scene.object["spec"].as_object_mut().unwrap().remove("parentRefs");
            scene.stable_serves = false;
        },
        [refused("has no spec.parentRefs"); 4],
    )
    .of(HTTP_ROUTE),
    way(
        "the route's Gateway does not exist",
        |scene| {
            scene.object["spec"]["parentRefs"][0]["name"] = "window".into();
            scene.stable_serves = false;
        },
        [refused("Gateway default/window"); 4],
    )
    .of(HTTP_ROUTE),
    way(
        "the Gateway has no listener of the route's",
        |scene| {
            scene.object["spec"]["parentRefs"][0]["sectionName"] = "https".into();
            scene.stable_serves = false;
        },
        [refused("Accepted False"); 4],
    )
    .of(HTTP_ROUTE),
    way(
        "the canary's Service has another port",
        |scene| {
            scene.definitions[1]["spec"]["ports"] = json!([{"name": "http", "port": 80}]);
        },
        [
            refused("500"),
            refused("500"),
            rolled_back("500|503"),
            rolled_back("cannot be reached|errorRatio"),
        ],
    )
    .of(HTTP_ROUTE),
    way(
        "a mirror of somebody else's is in the rule",
        |scene| {
            scene.route()["filters"] = json!([{"type": "RequestMirror",
                "requestMirror": {"backendRef": {"name": "v2", "port": 8501}, "percent": 10}}]);
            scene.mirrored_before = true;
        },
        [refused("mirror"); 4],
    )
    .of(HTTP_ROUTE),
    way(
        "the rule takes the plan's header for the stable version",
        |scene| {
            scene.canary.acts_later(Acts::Fails(1.0, Code::NotFound));
            scene.route()["matches"] = json!([
                {"headers": [{"name": HEADER.0, "value": HEADER.1}]},
                {"path": {"type": "PathPrefix", "value": "/"}},
            ]);
        },
        [rolled_back("404"), refused(""), cannot_be(NO_HEADER), cannot_be(NO_HEADER)],
    )
    .of(HTTP_ROUTE),
    way(
        "somebody takes the parent away",
        |scene| {
            scene.when(When::Weight(10), |stage| {
                let patch = json!([{"op": "remove", "path": "/spec/parentRefs"}]);
                stage.patch(&stage.kind.object(), patch);
            });
        },
        [edited("parentRefs"); 4],
    )
    .of(HTTP_ROUTE),
    way(
        "somebody deletes the Gateway",
        |scene| {
            scene.stable_serves = false;
            scene.when(When::Weight(10), |stage| stage.delete(&Kind::gateway_ref()));
        },
        // No user reaches either version, and the control plane refuses the next weight.
        [WITHOUT_GATEWAY; 4],
    )
    .of(HTTP_ROUTE),
];
