//! Evidence from a real Prometheus where each version has a Service of its own: prepared blocks whose counts are known,
//! and a gateway that is scraped while an `HTTPRoute` moves the weights.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::{
    Plan, Verdict,
    cluster::{Driver, Progress},
    evidence::{
        Counts, Source, Subsets, Timestamp,
        prometheus::{Metrics, Prometheus, Reporter},
    },
    gateway_api::{Gateway, HttpRoute},
    predict::{Client, Input, Retry},
    rollout::{Bursts, Guardrail, Hold, Route, Routes},
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::prometheus::Setup;
use futures_util::StreamExt;

const APP: &str = "pets";
const STABLE: &str = "pets-v1";
const CANARY: &str = "pets-v2";

/// The first scrape, and the time between scrapes, in seconds.
const BEGAN: u64 = 1_700_000_000;
const INTERVAL: u64 = 15;

fn at(scrape: u64) -> Timestamp {
    Timestamp((BEGAN + scrape * INTERVAL) * 1000 + 500)
}

/// The series of a gateway in a cluster of another domain, and of the pods: each grows by so much between two scrapes.
fn open_metrics() -> String {
    let labels = |reporter: &str, service: &str, namespace: &str, rest: &str| {
        format!(
            "reporter=\"{reporter}\",destination_service=\"{service}.{namespace}.svc.corp.example\",\
             destination_service_name=\"{service}\",destination_service_namespace=\"{namespace}\",job=\"all\",{rest}"
        )
    };
    let gateway = |service: &str, version: &str, code: u16| {
        let rest = format!(
            "destination_version=\"{version}\",response_code=\"{code}\",instance=\"gateway\""
        );
        labels("source", service, "default", &rest)
    };
    let pod = |service: &str, version: &str| {
        let rest = format!(
            "destination_version=\"{version}\",response_code=\"200\",instance=\"{version}\""
        );
        labels("destination", service, "default", &rest)
    };
    let other = "destination_version=\"v1\",response_code=\"503\",instance=\"gateway\"";
    let series = [
        (gateway(STABLE, "v1", 200), 70),
        (gateway(CANARY, "v2", 200), 20),
        (gateway(CANARY, "v2", 500), 3),
        // No pod was there to say its version, but the Service is known.
        (gateway(CANARY, "unknown", 503), 7),
        // Others whose names begin or end in the same way, in this namespace and in another.
        (gateway("pets-v10", "v10", 503), 1_000),
        (gateway("my-pets-v1", "v1", 503), 1_000),
        (labels("source", STABLE, "staging", other), 1_000),
        // The pods' own reports; those of the canary name the Service of all versions.
        (pod(STABLE, "v1"), 70),
        (pod(APP, "v2"), 23),
    ];
    let mut text = String::from("# TYPE istio_requests counter\n");
    for (labels, grows) in series {
        for scrape in 0..20 {
            let (value, at) = (grows * scrape, BEGAN + scrape * INTERVAL);
            writeln!(text, "istio_requests_total{{{labels}}} {value} {at}").unwrap();
        }
    }
    text + "# EOF\n"
}

#[tokio::test]
async fn each_service_has_its_own_requests_and_those_that_found_no_pod() {
    let Some(setup) = Setup::new() else { return };
    let server = setup.blocks(&open_metrics()).start().await;
    let source = |metrics: Metrics, stable: &str, canary: &str| {
        Prometheus::new(&server.url(), metrics, Subsets::new(stable, canary)).unwrap()
    };
    let both = || Metrics::istio_services([STABLE, CANARY], "default");
    let window = source(both(), STABLE, CANARY).window(at(2), at(5)).await.unwrap().unwrap();
    assert_eq!(window.stable, Counts { requests: 210, failed: 0, slow: 0 });
    assert_eq!(window.canary, Counts { requests: 90, failed: 30, slow: 0 });
    assert_eq!((window.unknown, window.apart), (0, false));
    // The namespace may be with the name.
    let named = Metrics::istio_services(["default/pets-v1", "default/pets-v2"], "elsewhere");
    let same = source(named, STABLE, CANARY).window(at(2), at(5)).await.unwrap().unwrap();
    assert_eq!((same.stable, same.canary), (window.stable, window.canary));
    let staging = Metrics::istio_services([STABLE, CANARY], "staging");
    let staging = source(staging, STABLE, CANARY).window(at(2), at(5)).await.unwrap().unwrap();
    assert_eq!((staging.stable.failed, staging.canary), (3_000, Counts::default()));

    // At the pods the version is in another label, and the Service in any of those that select the pod.
    let at_pods = Metrics::istio_services([STABLE, CANARY, APP], "default")
        .reporter(Reporter::Destination)
        .subset_label("destination_version");
    let window = source(at_pods, "v1", "v2").window(at(2), at(5)).await.unwrap().unwrap();
    assert_eq!((window.stable.requests, window.canary.requests), (210, 69));
    assert!(window.apart);
}

/// Wrong names are never a canary without failures: nothing counts for it.
#[tokio::test]
async fn wrong_names_are_no_evidence() {
    let Some(setup) = Setup::new() else { return };
    let server = setup.blocks(&open_metrics()).start().await;
    let source = |metrics: Metrics, stable: &str, canary: &str| {
        Prometheus::new(&server.url(), metrics, Subsets::new(stable, canary))
    };
    // The values of another label: every request is of an unknown version.
    let both = || Metrics::istio_services([STABLE, CANARY], "default");
    let versions = source(both(), "v1", "v2").unwrap();
    let window = versions.window(at(2), at(5)).await.unwrap().unwrap();
    assert_eq!((window.stable, window.canary), (Counts::default(), Counts::default()));
    assert_eq!((window.unknown, window.unknown_failed), (300, 30));
    // Services that are not there.
    let absent = Metrics::istio_services(["cats-v1", "cats-v2"], "default");
    let nobody = source(absent, STABLE, CANARY).unwrap();
    assert_eq!(nobody.window(at(2), at(5)).await.unwrap(), None);
    let waiting = Box::new(nobody.every(Duration::from_millis(20)).lag(Duration::ZERO));
    let message = waiting.observations(None).next().await.unwrap().unwrap_err();
    assert!(message.to_string().contains("no samples of"), "{message}");
    // A label that identifies the versions cannot select one of them.
    let one = Metrics::istio(STABLE, "default").subset_label("destination_service_name");
    let error = source(one, STABLE, CANARY).unwrap_err();
    assert!(error.to_string().contains("identifies the subsets"), "{error}");
    // The pods' proxies do not tell the Services apart.
    let error = source(both().reporter(Reporter::Destination), STABLE, CANARY).unwrap_err();
    assert!(error.to_string().contains("use the reporter source"), "{error}");
}

/// The behaviour of the canary.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pods {
    Good,
    Fail,
    /// Its Service has no port on which requests arrive.
    Unreachable,
}

fn lab(pods: Pods) -> Lab {
    let errors = if pods == Pods::Fail { 0.4 } else { 0.0 };
    let lab = Lab::builder()
        .model("models/v1", Scripted::new("cat", 0.9))
        .model("models/v2", Scripted::new("cat", 0.9).errors(errors))
        .seed(7)
        .start()
        .unwrap();
    for version in ["v1", "v2"] {
        let path = format!("models/{version}");
        let workload = Workload::new(APP, version).model("pets", path).own_service();
        for mut object in workload.objects().unwrap() {
            let names_canary = object["kind"] == "Service" && object["metadata"]["name"] == CANARY;
            if pods == Pods::Unreachable && names_canary {
                object["spec"]["ports"] = serde_json::json!([{"name": "http", "port": 1}]);
            }
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("public", 80)).unwrap();
    let route = HttpRoute::weighted(APP, [(STABLE, 100), (CANARY, 0)]).gateway("public").port(8501);
    lab.apply(&route).unwrap();
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    lab
}

/// Sends requests of users until it is stopped.
fn users(lab: &Lab) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let client = Client::new(&lab.gateway_url()).unwrap().model("pets");
    let client = client.signature("serving_preprocess").retry(Retry::never());
    for _ in 0..2 {
        let (client, stop) = (client.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let _ = client.predict(Input::files([b"an image".as_slice()])).await;
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
        });
    }
    stop
}

async fn judged(pods: Pods) -> Option<Verdict> {
    let setup = Setup::new()?;
    let lab = lab(pods);
    let stop = users(&lab);
    let server = setup.scrape(&lab.metrics_url(), Duration::from_millis(100)).start().await;
    let metrics = Metrics::istio_services([STABLE, CANARY], "default");
    let source = Prometheus::new(&server.url(), metrics, Subsets::new(STABLE, CANARY))
        .unwrap()
        .every(Duration::from_millis(250))
        .lag(Duration::from_millis(150));
    let plan = Plan::new(APP, STABLE, CANARY)
        .target(Routes::of([Route::http_route(APP)]))
        .bursts(Bursts::None)
        .weights([50, 100], Hold::requests(600))
        .settle(Duration::from_millis(50))
        .request_timeout(Duration::from_millis(500))
        .patience(Duration::from_secs(60))
        .guardrail(Guardrail::error_ratio(1.0));
    let driver = Driver::new(lab.cluster().clone(), plan).unwrap();
    let driver = driver.tick(Duration::from_millis(100)).source(source);
    let (mut run, _control) = driver.start().await.unwrap();
    while let Some(progress) = run.next().await {
        if let Progress::Finished { verdict, .. } = progress.unwrap() {
            stop.store(true, Ordering::Relaxed);
            return Some(verdict);
        }
    }
    panic!("the stream ended without a verdict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_route_is_judged_by_what_prometheus_scraped() {
    let Some(verdict) = judged(Pods::Good).await else { return };
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    let verdict = judged(Pods::Fail).await.unwrap();
    let Verdict::Rollback { guardrail, .. } = &verdict else { panic!("{verdict}") };
    assert_eq!(guardrail, "errorRatio");
    // No probe and no input: its pods are ready, and the counts alone show that nobody reaches them.
    let verdict = judged(Pods::Unreachable).await.unwrap();
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
}
