//! The gateway does what the objects say, and answers as Envoy does where it answers itself.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    cluster::{Cluster, ObjectRef},
    error::Origin,
    predict::{Client, Input, Retry},
    rollout::Error,
    serving::{self, Workload},
};
use canary_lab::{
    Lab,
    model::{Code, Scripted},
};
use serde_json::{Value, json};

const IMAGE: &[u8] = b"an image";

/// A lab with two scripted versions behind weights.
fn lab(stable: u32, canary: u32) -> Lab {
    let lab = Lab::builder()
        .model("models/stable", Scripted::new("military uniform", 0.45))
        .model("models/canary", Scripted::new("suit", 0.94))
        .seed(7)
        .start()
        .unwrap();
    for version in ["stable", "canary"] {
        deploy(&lab, version);
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets("image-classifier", ["stable", "canary"])).unwrap();
    lab.apply(&split(stable, canary)).unwrap();
    lab.wait_ready(Duration::from_secs(5)).unwrap();
    lab
}

fn deploy(lab: &Lab, version: &str) {
    let workload = Workload::new("image-classifier", version)
        .model("image_classifier", format!("models/{version}"));
    for object in workload.objects().unwrap() {
        lab.apply(&object).unwrap();
    }
}

fn split(stable: u32, canary: u32) -> VirtualService {
    let route = |subset: &str, weight: u32| json!({"destination": {"host": "image-classifier", "subset": subset, "port": {"number": 8501}}, "weight": weight});
    virtual_service(json!([{"route": [route("stable", stable), route("canary", canary)]}]))
}

#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
fn virtual_service(http: Value) -> VirtualService {
    serde_json::from_value(json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "image-classifier", "namespace": "default"},
        "spec": {"hosts": ["*"], "gateways": ["gateway"], "http": http},
    }))
    .unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
fn to(subset: &str, rest: Value) -> Value {
    let mut rule = json!({"route": [
        {"destination": {"host": "image-classifier", "subset": subset, "port": {"number": 8501}}},
    ]});
    for (key, value) in rest.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

fn client(lab: &Lab) -> Client {
    Client::new(&lab.gateway_url())
        .unwrap()
        .model("image_classifier")
        .signature("serving_preprocess")
        .retry(Retry::never())
}

async fn subset(client: &Client) -> String {
    let answer = client.predict(Input::files([IMAGE])).await.unwrap();
    answer.subset().unwrap().to_owned()
}

/// Origin, status, flags and message of a prediction that fails.
async fn failure(client: &Client) -> (Origin, Option<u16>, String, String) {
    let error = client.predict(Input::files([IMAGE])).await.unwrap_err();
    let serving::Error::Predict(error) = error else { panic!("{error}") };
    let flags = error.response_flags.clone().unwrap_or_default();
    (error.origin, error.status, flags, error.message.clone())
}

#[tokio::test]
async fn twenty_weight_changes_under_load_lose_no_request() {
    let lab = lab(100, 0);
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, stop, answered) = (client(&lab), Arc::clone(&stop), Arc::clone(&answered));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    client.predict(Input::files([IMAGE])).await.unwrap();
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for change in 1..=20 {
        lab.apply(&split(100 - 5 * change, 5 * change)).unwrap();
        let before = answered.load(Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) < before + 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    let answered = answered.load(Ordering::Relaxed);
    assert!(answered >= 400);
    assert_eq!(lab.metrics().requests(|series| series.code == 200), answered);
    assert_eq!(lab.metrics().requests(|_| true), answered);
    assert_eq!(lab.problem(), None);
}

#[tokio::test]
async fn observed_shares_are_those_of_the_weights() {
    let lab = lab(70, 30);
    let client = client(&lab);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..1000 {
        let answer = client.predict(Input::files([IMAGE])).await.unwrap();
        let (subset, label) = (answer.subset().unwrap(), answer.top().unwrap()[0].0.clone());
        assert_eq!(label == "suit", subset == "canary");
        *seen.entry(subset.to_owned()).or_default() += 1;
    }
    // Five standard deviations of a binomial with p = 0.3 and n = 1000 are 73.
    assert!(seen["canary"].abs_diff(300) < 73, "{seen:?}");
    let counted = lab.metrics().requests(|series| series.version == "canary" && series.code == 200);
    assert_eq!(counted, u64::from(seen["canary"]));
}

#[tokio::test]
async fn a_write_is_in_force_when_it_returns() {
    let lab = lab(100, 0);
    let client = client(&lab);
    let object = ObjectRef::virtual_service("default", "image-classifier");
    for (old, new) in [(0, 100), (100, 0), (0, 100)] {
        let patch = serde_json::from_value(json!([
            {"op": "test", "path": "/spec/http/0/route/1/weight", "value": old},
            {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 100 - new},
            {"op": "replace", "path": "/spec/http/0/route/1/weight", "value": new},
        ]))
        .unwrap();
        lab.cluster().patch(&object, &patch).await.unwrap();
        assert_eq!(subset(&client).await, if new == 100 { "canary" } else { "stable" });
    }
}

#[tokio::test]
async fn focused_routing_follows_a_header() {
    let lab = lab(100, 0);
    lab.apply(&virtual_service(json!([
        to("canary", json!({"match": [{"headers": {"user-group": {"exact": "canary"}}}]})),
        to("stable", json!({})),
    ])))
    .unwrap();
    assert_eq!(subset(&client(&lab)).await, "stable");
    assert_eq!(subset(&client(&lab).header("user-group", "canary")).await, "canary");
    assert_eq!(subset(&client(&lab).header("user-group", "Canary")).await, "stable");
}

#[tokio::test]
async fn the_gateway_answers_for_what_it_cannot_reach() {
    let lab = lab(100, 0);
    let asked = client(&lab);
    lab.apply(&virtual_service(json!([to(
        "stable",
        json!({"match": [{"uri": {"prefix": "/other"}}]})
    )])))
    .unwrap();
    let (origin, status, flags, _) = failure(&asked).await;
    assert_eq!((origin, status, flags.as_str()), (Origin::Mesh, Some(404), "NR"));
    lab.apply(&virtual_service(json!([to("missing", json!({}))]))).unwrap();
    let (origin, status, flags, _) = failure(&asked).await;
    assert_eq!((origin, status, flags.as_str()), (Origin::Mesh, Some(503), "NC"));
    lab.apply(&split(100, 0)).unwrap();
    let deployment = ObjectRef::new("apps/v1", "Deployment", "default", "image-classifier-stable");
    assert!(lab.cluster().delete(&deployment).await.unwrap());
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        match asked.predict(Input::files([IMAGE])).await {
            Ok(_) => assert!(Instant::now() < end),
            Err(serving::Error::Predict(error)) => {
                assert_eq!((error.origin, error.status), (Origin::Mesh, Some(503)), "{error}");
                if error.response_flags.as_deref() == Some("UH") {
                    assert!(error.message.contains("no healthy upstream"), "{error}");
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn faults_befall_their_share_and_delays_hold_requests_back() {
    let lab = lab(100, 0);
    let asked = client(&lab);
    let abort = json!({"fault": {"abort": {"httpStatus": 418, "percentage": {"value": 25}}}});
    lab.apply(&virtual_service(json!([to("stable", abort)]))).unwrap();
    let mut aborted = 0u32;
    for _ in 0..400 {
        match asked.predict(Input::files([IMAGE])).await {
            Ok(_) => {}
            Err(serving::Error::Predict(error)) => {
                assert_eq!(
                    (error.status, error.response_flags.as_deref()),
                    (Some(418), Some("FI"))
                );
                aborted += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    // Five standard deviations of a binomial with p = 0.25 and n = 400 are 43.
    assert!(aborted.abs_diff(100) < 43, "{aborted}");
    let delay = json!({"fault": {"delay": {"fixedDelay": "80ms", "percentage": {"value": 100}}}});
    lab.apply(&virtual_service(json!([to("stable", delay)]))).unwrap();
    let began = Instant::now();
    subset(&asked).await;
    assert!(began.elapsed() >= Duration::from_millis(80));
    assert_eq!(lab.metrics().requests(|series| series.flags == "DI"), 1);
}

#[tokio::test]
async fn timeouts_retries_and_mirrors_work() {
    use canary_lab::model::Latency;
    let lab = Lab::builder()
        .model(
            "models/stable",
            Scripted::new("a", 0.4).errors(0.5).error_code(Code::Unavailable).seed(3),
        )
        .model(
            "models/canary",
            Scripted::new("b", 0.4).latency(Latency::Fixed(Duration::from_secs(5))),
        )
        .start()
        .unwrap();
    deploy(&lab, "stable");
    deploy(&lab, "canary");
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets("image-classifier", ["stable", "canary"])).unwrap();
    lab.apply(&virtual_service(json!([to("canary", json!({"timeout": "50ms"}))]))).unwrap();
    lab.wait_ready(Duration::from_secs(5)).unwrap();
    let asked = client(&lab);
    let (_, status, flags, message) = failure(&asked).await;
    assert_eq!((status, flags.as_str()), (Some(504), "UT"));
    assert!(message.contains("upstream request timeout"), "{message}");
    // Half of the attempts fail: with twelve more attempts all requests succeed but one in 8000.
    let retries = json!({
        "retries": {"attempts": 12, "retryOn": "5xx", "backoff": "1ms"},
        "mirrors": [{"destination": {"host": "image-classifier", "subset": "canary", "port": {"number": 8501}}}],
    });
    lab.apply(&virtual_service(json!([to("stable", retries)]))).unwrap();
    for _ in 0..20 {
        assert_eq!(subset(&asked).await, "stable");
    }
    let off = json!({"retries": {"attempts": 0}});
    lab.apply(&virtual_service(json!([to("stable", off)]))).unwrap();
    let mut failed = 0;
    for _ in 0..40 {
        failed += u32::from(asked.predict(Input::files([IMAGE])).await.is_err());
    }
    assert!((5..=35).contains(&failed), "{failed}");
}

#[test]
fn labs_run_side_by_side_and_start_fast() {
    // The first start in a process pays for loading code.
    drop(Lab::start().unwrap());
    let began = Instant::now();
    let first = lab(100, 0);
    let took = began.elapsed();
    assert!(took < Duration::from_millis(500), "a lab took {took:?} to start");
    let second = lab(0, 100);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        assert_eq!(subset(&client(&first)).await, "stable");
        assert_eq!(subset(&client(&second)).await, "canary");
        let address = first.gateway_address();
        drop(first);
        let closed = async {
            while tokio::net::TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), closed).await.unwrap();
        assert_eq!(subset(&client(&second)).await, "canary");
    });
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let lab = Lab::builder().model("models/stable", Scripted::new("a", 0.4)).start().unwrap();
    deploy(&lab, "resnet50");
    let error = lab.wait_ready(Duration::from_secs(5)).unwrap_err().to_string();
    assert!(error.contains("image-classifier-resnet50"), "{error}");
    assert!(error.contains("\"models/resnet50\"") && error.contains("models/stable"), "{error}");
}

#[test]
fn objects_that_the_mesh_refuses_are_refused() {
    let lab = lab(100, 0);
    let mut wrong = serde_json::to_value(split(100, 0)).unwrap();
    wrong["spec"]["http"][0]["route"][1]["weight"] = (-1).into();
    let error = lab.apply(&wrong).unwrap_err();
    assert!(matches!(error, Error::Istio(_)), "{error}");
    assert!(error.to_string().contains("spec.http[0].route[1].weight"), "{error}");
}

#[tokio::test]
async fn prometheus_can_scrape_the_gateway() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let lab = lab(100, 0);
    subset(&client(&lab)).await;
    let address = lab.metrics_url();
    let address = address.trim_start_matches("http://").trim_end_matches("/stats/prometheus");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET /stats/prometheus HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text.lines().find(|line| line.starts_with("istio_requests_total")).unwrap();
    for part in ["reporter=\"source\"", "destination_version=\"stable\"", "response_code=\"200\""] {
        assert!(line.contains(part), "{line}");
    }
    assert!(line.ends_with(" 1"), "{line}");
}

/// The traits that users rely on to move a lab between threads.
#[test]
fn a_lab_can_be_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Lab::start().unwrap());
    let _: fn(&Lab) -> &canary_lab::store::Store = Lab::cluster;
}
