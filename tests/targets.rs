//! Whole releases on the lab, through its gateway, of every kind of target: several rules, several objects, two Services,
//! routes of the Gateway API. Each is released with a good canary, a bad one, and three that cannot serve: without pods, with
//! another model, and behind a port that is not there.

use std::time::Duration;

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Cluster, Progress, Rollout},
    evidence::Sample,
    gateway_api::{self, GrpcRoute, HttpRoute},
    predict::Client,
    rollout::{
        Cause, Guardrail, Hold, Result, Route, Routes, Split,
        patch::{RouteOf, locate_all},
    },
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::rollouts::APP;

/// The ways in which a release can be good or bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Canary {
    Good,
    /// It disagrees with the stable version.
    Wrong,
    /// Its pods do not start.
    Dead,
    /// It serves another model, and answers 404 to the name that clients ask for.
    Unknown,
    /// Its Service has no port on which requests arrive.
    Unreachable,
}

/// A target, its objects, and the address of its model.
pub(crate) struct Scene {
    pub(crate) plan: Plan,
    objects: Vec<Value>,
    grpc: bool,
}

fn plan(stable: &str, canary: &str, routes: Routes) -> Plan {
    Plan::new(APP, stable, canary)
        .target(routes)
        .header("user-group", "canary")
        .bursts(canary_core::rollout::Bursts::None)
        .weights([30, 100], Hold::total_requests(200).and_pairs(60))
        .settle(Duration::ZERO)
        .startup_timeout(Duration::from_secs(3))
        .guardrail(Guardrail::error_ratio(1.0))
        .guardrail(Guardrail::agreement(0.9))
}

fn value(object: impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

/// One `VirtualService` with a rule for REST and one for gRPC, which move together.
pub(crate) fn two_rules() -> Scene {
    let split = |port: u16| {
        let to = |subset: &str, weight: u32| {
            json!({
                "destination": {"host": APP, "subset": subset, "port": {"number": port}}, "weight": weight,
                "headers": {"response": {"set": {Client::SUBSET_HEADER: subset}}},
            })
        };
        json!([to("lite0", 100), to("lite1", 0)])
    };
    let routes = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"hosts": ["*"], "gateways": ["gateway"], "http": [
            {"name": "grpc", "match": [{"uri": {"prefix": "/tensorflow.serving."}}], "route": split(8500)},
            {"name": "rest", "route": split(8501)},
        ]},
    });
    let target = Routes::of([Route::virtual_service(APP).rules(["rest", "grpc"])]);
    Scene {
        plan: plan("lite0", "lite1", target),
        objects: vec![
            value(Gateway::http("gateway", 80, ["*"])),
            value(DestinationRule::subsets(APP, ["lite0", "lite1"])),
            routes,
        ],
        grpc: false,
    }
}

/// Two `VirtualService`s of two host names; the second one in a namespace of its own.
fn two_objects() -> Scene {
    let split = |name: &str, host: &str| {
        let to = [("lite0", 100), ("lite1", 0)];
        VirtualService::weighted(name, to).hosts([host]).gateway("default/gateway").port(8501)
    };
    let first = split(APP, "*").stamp_subset(Client::SUBSET_HEADER);
    let mut second = value(split("edge", "models.example.com").namespace("edge"));
    for entry in second["spec"]["http"][0]["route"].as_array_mut().unwrap() {
        entry["destination"]["host"] = json!(format!("{APP}.default.svc.cluster.local"));
    }
    let edge = Route::virtual_service("edge").namespace("edge");
    let target = Routes::of([Route::virtual_service(APP), edge]);
    Scene {
        plan: plan("lite0", "lite1", target),
        objects: vec![
            value(Gateway::http("gateway", 80, ["*"])),
            value(DestinationRule::subsets(APP, ["lite0", "lite1"])),
            value(first),
            second,
        ],
        grpc: false,
    }
}

pub(crate) const STABLE: &str = "image-classifier-lite0";
pub(crate) const CANARY: &str = "image-classifier-lite1";

/// One `VirtualService` between two Services.
pub(crate) fn two_services() -> Scene {
    let to = |host: &str| {
        json!({
            "destination": {"host": host, "port": {"number": 8501}},
            "headers": {"response": {"set": {Client::SUBSET_HEADER: host}}},
        })
    };
    let routes = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"hosts": ["*"], "gateways": ["gateway"], "http": [{"route": [to(STABLE)]}]},
    });
    let target = Routes::of([Route::virtual_service(APP)]).services();
    Scene {
        plan: plan(STABLE, CANARY, target),
        objects: vec![value(Gateway::http("gateway", 80, ["*"])), routes],
        grpc: false,
    }
}

/// A rule that leaves a fifth to a third destination.
fn three_services() -> Scene {
    let mut scene = two_services();
    let rule = &mut scene.objects[1]["spec"]["http"][0]["route"];
    let mut third = rule[0].clone();
    third["weight"] = json!(20);
    rule[0]["weight"] = json!(80);
    // A Service of the same pods under another name.
    third["destination"]["host"] = json!(APP);
    third["headers"]["response"]["set"][Client::SUBSET_HEADER] = json!("others");
    rule.as_array_mut().unwrap().push(third);
    scene
}

pub(crate) fn http_route() -> Scene {
    let route = HttpRoute::weighted(APP, [(STABLE, 100), (CANARY, 0)]).gateway("public").port(8501);
    Scene {
        plan: plan(STABLE, CANARY, Routes::of([Route::http_route(APP)])),
        objects: vec![
            value(gateway_api::Gateway::http("public", 80)),
            value(route.stamp_backend(Client::SUBSET_HEADER)),
        ],
        grpc: false,
    }
}

fn grpc_route() -> Scene {
    let route = GrpcRoute::weighted(APP, [(STABLE, 100), (CANARY, 0)]).gateway("public").port(8500);
    Scene {
        plan: plan(STABLE, CANARY, Routes::of([Route::grpc_route(APP)])),
        objects: vec![
            value(gateway_api::Gateway::http("public", 80)),
            value(route.stamp_backend(Client::SUBSET_HEADER)),
        ],
        grpc: true,
    }
}

/// REST by an `HTTPRoute` and gRPC by a `GRPCRoute`, moved together.
fn both_routes() -> Scene {
    let (mut http, grpc) = (http_route(), grpc_route());
    http.objects.push(grpc.objects.into_iter().next_back().unwrap());
    http.objects[2]["metadata"]["name"] = json!("grpc");
    http.objects[2]["spec"]["rules"][0]["matches"] =
        json!([{"method": {"service": "tensorflow.serving.PredictionService"}}]);
    let routes = Routes::of([Route::http_route(APP), Route::grpc_route("grpc")]);
    http.plan = plan(STABLE, CANARY, routes);
    http
}

pub(crate) fn lab(scene: &Scene, canary: Canary) -> Lab {
    let disagree = if canary == Canary::Wrong { 0.5 } else { 0.0 };
    let lab = Lab::builder()
        .seed(7)
        .model("m/lite0", Scripted::new("suit", 0.9))
        .model("m/lite1", Scripted::new("suit", 0.8).disagree(disagree, "gown").seed(3))
        .start()
        .unwrap();
    for version in ["lite0", "lite1"] {
        // There is no model at the path of a dead one.
        let dead = canary == Canary::Dead && version == "lite1";
        let path = if dead { "m/nowhere".to_owned() } else { format!("m/{version}") };
        let unknown = canary == Canary::Unknown && version == "lite1";
        let name = if unknown { "other" } else { "m" };
        let workload = Workload::new(APP, version).model(name, path).own_service();
        for mut object in workload.objects().unwrap() {
            if canary == Canary::Unreachable
                && object["metadata"]["name"] == CANARY
                && object["kind"] == "Service"
            {
                object["spec"]["ports"] = json!([{"name": "http", "port": 1}]);
            }
            lab.apply(&object).unwrap();
        }
    }
    for object in &scene.objects {
        lab.apply(object).unwrap();
    }
    if canary != Canary::Dead {
        lab.wait_ready(Duration::from_secs(10)).unwrap();
    }
    lab
}

/// The live objects of a plan's routes.
pub(crate) async fn live(lab: &Lab, plan: &Plan) -> Vec<Value> {
    let mut all = Vec::new();
    for of in RouteOf::all(plan) {
        all.push(lab.cluster().get(&of.object()).await.unwrap().unwrap());
    }
    all
}

/// The split of every rule of every route.
async fn splits(lab: &Lab, plan: &Plan) -> Vec<Option<Split>> {
    let live = live(lab, plan).await;
    let each = RouteOf::all(plan).zip(&live);
    each.flat_map(|(of, live)| locate_all(of, live).unwrap()).map(|one| one.split).collect()
}

async fn release(scene: &Scene, lab: &Lab) -> Result<Verdict> {
    let url = lab.gateway_url();
    let url = if scene.grpc { url.replace("http://", "grpc://") } else { url };
    let client = Client::new(&url).unwrap().model("m").signature("serving_preprocess");
    let input = |number: u64| Sample::new(format!("{number}"), number.to_le_bytes().to_vec());
    let inputs = stream::iter((0_u64..).map(move |number| Ok(input(number))));
    let rollout = Rollout::of(scene.plan.clone()).requests(client, input(0), inputs);
    let driver = rollout.tick(Duration::from_millis(20)).on(lab.cluster().clone())?;
    let (mut run, _control) = driver.start().await?;
    while let Some(progress) = run.next().await {
        if let Progress::Finished { verdict, .. } = progress? {
            return Ok(verdict);
        }
    }
    panic!("the run ended without a verdict")
}

fn by_subset(plan: &Plan) -> bool {
    plan.target.routes().is_some_and(|routes| routes.destination_rule().is_some())
}

async fn released(name: &str, scene: fn() -> Scene) {
    let all = [Canary::Good, Canary::Wrong, Canary::Dead, Canary::Unknown, Canary::Unreachable];
    for canary in all {
        let scene = scene();
        let lab = lab(&scene, canary);
        let before = live(&lab, &scene.plan).await;
        let verdict = release(&scene, &lab)
            .await
            .unwrap_or_else(|error| panic!("{name}, {canary:?}: {error}"));
        let splits = splits(&lab, &scene.plan).await;
        let after = live(&lab, &scene.plan).await;
        let when = format!("{name}, {canary:?}: {verdict}");
        match canary {
            Canary::Good => {
                assert!(matches!(verdict, Verdict::Promote { .. }), "{when}");
                assert!(
                    splits.iter().all(|split| *split == Some(Split::CANARY)),
                    "{when}: {splits:?}"
                );
            }
            Canary::Wrong => {
                assert!(verdict.to_string().starts_with("rolled back: agreement"), "{when}");
            }
            // By subset both versions have the ports of one Service.
            Canary::Unreachable if by_subset(&scene.plan) => {}
            Canary::Dead | Canary::Unknown | Canary::Unreachable => {
                let refused =
                    matches!(&verdict, Verdict::Rollback { evidence: Cause::NotReady(_), .. });
                assert!(refused, "{when}");
            }
        }
        for (before, after) in before.iter().zip(&after) {
            let rules = |object: &Value| {
                let spec = &object["spec"];
                spec.get("http").or(spec.get("rules")).unwrap().as_array().unwrap().len()
            };
            assert_eq!(rules(before), rules(after), "{when}: the header route is gone");
            if !matches!(verdict, Verdict::Promote { .. }) {
                assert!(
                    splits.iter().all(|split| *split == Some(Split::STABLE)),
                    "{when}: {splits:?}"
                );
            }
        }
    }
}

macro_rules! released {
    ($($scene:ident)*) => {
        $(mod $scene {
            #[tokio::test]
            async fn is_released() {
                super::released(stringify!($scene), super::$scene).await;
            }
        })*
    };
}

released!(two_rules two_objects two_services three_services http_route grpc_route both_routes);

/// A route of the Gateway API that lacks something is an error before anything is written.
#[tokio::test]
async fn a_route_that_leads_nowhere_is_refused_before_any_write() {
    let refused = |change: fn(&mut Vec<Value>), words: &'static str| async move {
        let mut scene = http_route();
        change(&mut scene.objects);
        let lab = lab(&scene, Canary::Good);
        let before = live(&lab, &scene.plan).await;
        let error = release(&scene, &lab).await.unwrap_err().to_string();
        assert!(error.contains(words), "{words:?} is not in {error}");
        let after = live(&lab, &scene.plan).await;
        assert_eq!(before[0]["spec"], after[0]["spec"], "{words}");
    };
    refused(
        |objects| drop(objects.remove(0)),
        "names Gateway default/public, which does not exist",
    )
    .await;
    refused(
        |objects| {
            objects[1]["spec"].as_object_mut().unwrap().remove("parentRefs");
        },
        "has no spec.parentRefs, so it attaches to nothing",
    )
    .await;
    refused(
        |objects| {
            objects[0]["spec"]["listeners"][0]["hostname"] = json!("a.example.com");
            objects[1]["spec"]["hostnames"] = json!(["b.example.com"]);
        },
        "NoMatchingListenerHostname",
    )
    .await;
    refused(
        |objects| {
            objects[1]["spec"]["rules"][0]["backendRefs"][1]["namespace"] = json!("elsewhere");
        },
        "RefNotPermitted",
    )
    .await;
    refused(
        |objects| {
            objects[1]["spec"]["rules"][0]["backendRefs"][0]["weight"] = json!(0);
        },
        "gives weight to neither image-classifier-lite0 nor image-classifier-lite1",
    )
    .await;
    // The first of two rules with the same match takes every request.
    refused(
        |objects| {
            let rules = objects[1]["spec"]["rules"].as_array_mut().unwrap();
            let mut first = rules[0].clone();
            // Another Service of the same pods, which say the same name.
            first["backendRefs"] = json!([first["backendRefs"][0]]);
            first["backendRefs"][0]["name"] = json!(APP);
            rules.insert(0, first);
        },
        "rule 0 has the same match and comes first, so this one takes no request, so the weights of this rule would move \
         nothing",
    )
    .await;
    // The older of two routes does, for the same host and parent; here the first by name.
    refused(
        |objects| {
            let mut older = objects[1].clone();
            older["metadata"]["name"] = json!("a-first");
            objects.insert(1, older);
        },
        "of HTTPRoute default/a-first has the same match",
    )
    .await;
    refused(
        |objects| {
            objects[1]["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "name": "pets", "uid": "1"}]);
        },
        "is owned by KServe (InferenceService pets)",
    )
    .await;
}
