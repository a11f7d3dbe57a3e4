//! Evidence from a real Prometheus: prepared blocks whose counts are known, and a gateway that is scraped.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Driver, Progress},
    evidence::{
        Counts, Seen, Source, Subsets, Timestamp,
        prometheus::{Auth, Matcher, Metrics, Prometheus, Reporter},
    },
    predict::{Client, Input, Retry, Tls},
    rollout::{Error, Guardrail, Hold},
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::prometheus::Setup;
use futures_util::StreamExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The first scrape, in seconds.
const BEGAN: u64 = 1_700_000_000;
/// The time between scrapes, in seconds.
const INTERVAL: u64 = 15;
const SCRAPES: u64 = 60;

/// One series with what it counts between two scrapes.
struct Series {
    labels: String,
    /// The first scrape that shows it, and how much it grows before each.
    first: u64,
    grows: fn(u64) -> u64,
    /// The scrape before which its pod restarted.
    restart: Option<u64>,
}

impl Series {
    fn value(&self, scrape: u64) -> u64 {
        let from = self.restart.filter(|restart| *restart <= scrape).unwrap_or(self.first);
        (from..=scrape).map(self.grows).sum()
    }
}

/// Scrapes 30 to 33 failed.
fn scraped(scrape: u64) -> bool {
    !(30..34).contains(&scrape)
}

fn labels(reporter: &str, version: &str, rest: &str) -> String {
    format!(
        "reporter=\"{reporter}\",destination_service_name=\"image-classifier\",\
         destination_service_namespace=\"default\",destination_version=\"{version}\",job=\"pods\",{rest}"
    )
}

fn requests() -> Vec<Series> {
    let gateway = "instance=\"10.0.0.1:15020\"";
    let series = |labels, first, restart, grows| Series { labels, first, grows, restart };
    let code =
        |version, code| labels("source", version, &format!("response_code=\"{code}\",{gateway}"));
    vec![
        series(code("resnet50", 200), 0, Some(20), |n| 70 + n % 3),
        series(code("resnet101", 200), 4, Some(20), |n| 30 + n % 2),
        // Its first error makes the series.
        series(code("resnet101", 503), 10, Some(20), |n| u64::from(n % 5 == 0)),
        // No pod was there.
        series(code("unknown", 503), 12, Some(20), |_| 2),
        // The same requests once more, at the other side.
        series(
            labels("destination", "resnet50", "response_code=\"200\",instance=\"10.0.0.2:15020\""),
            0,
            None,
            |n| 70 + n % 3,
        ),
    ]
}

/// The buckets: an eighth of the stable subset's requests is slower than 100 ms, half of the canary's.
fn buckets() -> Vec<Series> {
    let bucket = |version: &str, edge: &str, first, grows| Series {
        labels: labels("source", version, &format!("le=\"{edge}\",instance=\"10.0.0.1:15020\"")),
        first,
        grows,
        restart: Some(20),
    };
    vec![
        bucket("resnet50", "50", 0, |_| 10),
        bucket("resnet50", "100", 0, |_| 56),
        bucket("resnet50", "+Inf", 0, |_| 64),
        bucket("resnet101", "50", 4, |_| 0),
        bucket("resnet101", "100", 4, |_| 15),
        bucket("resnet101", "+Inf", 4, |_| 30),
    ]
}

fn open_metrics() -> String {
    let mut text = String::from("# TYPE istio_requests counter\n");
    let mut write = |name: &str, series: &[Series]| {
        for one in series {
            for scrape in (one.first..SCRAPES).filter(|scrape| scraped(*scrape)) {
                let (value, at) = (one.value(scrape), BEGAN + scrape * INTERVAL);
                writeln!(text, "{name}{{{}}} {value} {at}", one.labels).unwrap();
            }
        }
    };
    write("istio_requests_total", &requests());
    text.push_str("# TYPE istio_request_duration_milliseconds_bucket unknown\n");
    let mut write = |name: &str, series: &[Series]| {
        for one in series {
            for scrape in (one.first..SCRAPES).filter(|scrape| scraped(*scrape)) {
                let (value, at) = (one.value(scrape), BEGAN + scrape * INTERVAL);
                writeln!(text, "{name}{{{}}} {value} {at}", one.labels).unwrap();
            }
        }
    };
    write("istio_request_duration_milliseconds_bucket", &buckets());
    text.push_str("# EOF\n");
    text
}

/// The counts of the series between two moments, by the events and not by the scrapes.
fn truth(series: &[Series], part: &str, since: u64, until: u64) -> u64 {
    let scrapes = (1..SCRAPES).filter(|scrape| scraped(*scrape));
    scrapes
        .filter(|scrape| {
            let at = BEGAN + scrape * INTERVAL;
            since < at && at <= until
        })
        .map(|scrape| {
            let last = (0..scrape).rev().find(|before| scraped(*before)).unwrap();
            let series = series.iter().filter(|one| one.labels.contains(part));
            series
                .map(|one| {
                    (last + 1..=scrape).filter(|n| *n >= one.first).map(one.grows).sum::<u64>()
                })
                .sum::<u64>()
        })
        .sum()
}

fn source(url: &str) -> Prometheus {
    let metrics = Metrics::istio("image-classifier", "default");
    Prometheus::new(url, metrics, Subsets::new("resnet50", "resnet101")).unwrap()
}

fn at(scrape: u64) -> Timestamp {
    Timestamp((BEGAN + scrape * INTERVAL) * 1000 + 500)
}

#[tokio::test]
async fn prepared_blocks_give_the_counts_that_happened() {
    let Some(setup) = Setup::new() else { return };
    let server = setup.blocks(&open_metrics()).start().await;
    let source = source(&server.url()).slower_than(Duration::from_millis(100));
    assert_eq!(
        source.thresholds().await.unwrap(),
        Vec::<Duration>::new(),
        "nothing was scraped in the last hour"
    );
    let (series, edges) = (requests(), buckets());
    let mut sum = BTreeMap::<&str, u64>::new();
    // Windows of three scrapes; over the restart, the appearing series and the gap.
    for first in (0..SCRAPES - 1).step_by(3) {
        let (since, until) = (at(first), at(first + 3));
        let window = source.window(since, until).await.unwrap();
        let again = source.window(since, until).await.unwrap();
        assert_eq!(window, again, "a window is what it is, however often it is asked for");
        if !(first + 1..=first + 3).any(|scrape| scraped(scrape) && scrape < SCRAPES) {
            assert_eq!(window, None, "nothing was scraped, so nothing is known");
            continue;
        }
        let window = window.unwrap();
        let count = |part: &str| {
            let part = format!(
                "reporter=\"source\",destination_service_name=\"image-classifier\",\
                destination_service_namespace=\"default\",destination_version=\"{part}\""
            );
            truth(&series, &part, since.0 / 1000, until.0 / 1000)
        };
        let errors = truth(
            &series,
            "destination_version=\"resnet101\",job=\"pods\",response_code=\"503\"",
            since.0 / 1000,
            until.0 / 1000,
        );
        let slow = |version: &str| {
            let edge = |edge: &str| {
                let part = format!("destination_version=\"{version}\",job=\"pods\",le=\"{edge}\"");
                truth(&edges, &part, since.0 / 1000, until.0 / 1000)
            };
            edge("+Inf") - edge("100")
        };
        let stable = Counts { requests: count("resnet50"), failed: 0, slow: slow("resnet50") };
        let canary =
            Counts { requests: count("resnet101"), failed: errors, slow: slow("resnet101") };
        assert_eq!((window.stable, window.canary), (stable, canary), "after scrape {first}");
        assert_eq!(window.unknown, count("unknown"), "after scrape {first}");
        assert_eq!(window.unknown_failed, window.unknown, "no pod was there");
        let last = (0..=first).rev().find(|scrape| scraped(*scrape)).unwrap();
        assert_eq!(window.since.0, at(last).0 - 500, "the last sample before");
        for (what, n) in [("stable", stable.requests), ("canary", canary.requests)] {
            *sum.entry(what).or_default() += n;
        }
        *sum.entry("failed").or_default() += canary.failed;
    }
    let whole = source.window(at(0), at(SCRAPES)).await.unwrap().unwrap();
    assert_eq!(
        [whole.stable.requests, whole.canary.requests, whole.canary.failed],
        [sum["stable"], sum["canary"], sum["failed"]]
    );
    assert!(sum["failed"] > 5 && sum["stable"] > 3_000);

    // The other reporter has its own counts.
    let metrics = Metrics::istio("image-classifier", "default").reporter(Reporter::Destination);
    let subsets = Subsets::new("resnet50", "resnet101");
    let other = Prometheus::new(&server.url(), metrics, subsets).unwrap();
    let window = other.window(at(0), at(9)).await.unwrap().unwrap();
    assert!(window.apart, "each pod reports its own requests");
    assert_eq!(
        (window.stable.requests, window.canary.requests),
        ((1..10).map(|n| 70 + n % 3).sum(), 0)
    );
}

/// Two pods, each of one version, as their own metrics describe them.
fn of_tensorflow_serving() -> String {
    let mut counts = String::from("# TYPE :tensorflow:serving:request_count unknown\n");
    let mut buckets = String::from("# TYPE :tensorflow:serving:request_latency_bucket unknown\n");
    for (version, ok, failed, quick) in [("v1", 20, 0, 15), ("v2", 10, 2, 10)] {
        let pod =
            format!("model_name=\"resnet\",version=\"{version}\",instance=\"{version}:8501\"");
        for scrape in 0..SCRAPES {
            let at = BEGAN + scrape * INTERVAL;
            for (status, each) in [("OK", ok), ("INTERNAL", failed), ("INVALID_ARGUMENT", 1)] {
                let series =
                    format!(":tensorflow:serving:request_count{{{pod},status=\"{status}\"}}");
                writeln!(counts, "{series} {} {at}", each * scrape).unwrap();
            }
            for (edge, each) in [("188.9568", 0), ("340.12224", quick), ("+Inf", ok)] {
                let labels = format!("{pod},API=\"Predict\",entrypoint=\"REST\",le=\"{edge}\"");
                let series = format!(":tensorflow:serving:request_latency_bucket{{{labels}}}");
                writeln!(buckets, "{series} {} {at}", each * scrape).unwrap();
            }
        }
    }
    format!("{counts}{buckets}# EOF\n")
}

#[tokio::test]
async fn tensorflow_servings_own_metrics_are_counted_by_pod() {
    let Some(setup) = Setup::new() else { return };
    let server = setup.blocks(&of_tensorflow_serving()).start().await;
    let metrics = Metrics::tensorflow_serving("resnet", "version");
    let source = Prometheus::new(&server.url(), metrics, Subsets::new("v1", "v2")).unwrap();
    let slower = |nanos| source.clone().slower_than(Duration::from_nanos(nanos));
    let window = slower(340_122).window(at(10), at(20)).await.unwrap().unwrap();
    // An invalid argument is a failure too: the canary's signature may be another.
    assert_eq!(window.stable, Counts { requests: 210, failed: 10, slow: 50 });
    assert_eq!(window.canary, Counts { requests: 130, failed: 30, slow: 0 });
    assert!(window.apart);
    let error = slower(300_000).window(at(10), at(20)).await.unwrap_err().to_string();
    assert!(error.contains("choose one of 188.957µs, 340.122µs"), "{error}");
    // The suggestion of the message works.
    let window = slower(188_957).window(at(10), at(20)).await.unwrap().unwrap();
    assert_eq!((window.stable.slow, window.canary.slow), (200, 100));
}

#[tokio::test]
async fn what_cannot_be_answered_is_reported() {
    let Some(setup) = Setup::new() else { return };
    let server = setup.blocks(&open_metrics()).start().await;
    let source = source(&server.url());
    let until = at(10);
    // Between two edges nothing is known.
    let between = source.clone().slower_than(Duration::from_millis(70));
    let error = between.window(at(5), until).await.unwrap_err();
    assert!(matches!(error, Error::Plan(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("70ms is not a bucket boundary")
            && text.contains("choose one of 50ms, 100ms"),
        "{text}"
    );
    // More series than wanted.
    let error = source.clone().max_series(2).window(at(12), at(14)).await.unwrap_err();
    assert!(error.to_string().contains("series are more than the limit"), "{error}");
    let error = source.clone().max_answer_bytes(100).window(at(12), at(14)).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
    // Queries that Prometheus itself refuses.
    let metrics = Metrics::istio("image-classifier", "default").with(Matcher {
        label: "pod".to_owned(),
        relation: canary_core::evidence::prometheus::Relation::Regex,
        value: "(".to_owned(),
    });
    let broken = Prometheus::new(&server.url(), metrics, Subsets::new("a", "b")).unwrap();
    let error = broken.window(at(5), until).await.unwrap_err();
    assert!(error.to_string().contains("bad_data"), "{error}");
    assert!(!error.is_retryable());
    // A service that is not there.
    let metrics = Metrics::istio("another", "default");
    let nobody = Prometheus::new(&server.url(), metrics, Subsets::new("a", "b")).unwrap();
    assert_eq!(nobody.window(at(5), until).await.unwrap(), None);
    let waiting = Box::new(nobody.every(Duration::from_millis(20)).lag(Duration::ZERO));
    let message = waiting.observations(None).next().await.unwrap().unwrap_err();
    assert!(message.is_retryable() && message.to_string().contains("no samples of"), "{message}");
    // An address without an API.
    let elsewhere = Prometheus::new(
        &format!("{}/nowhere", server.url()),
        Metrics::istio("image-classifier", "default"),
        Subsets::new("a", "b"),
    );
    let error = elsewhere.unwrap().window(at(5), until).await.unwrap_err();
    assert!(error.to_string().contains("no API of Prometheus at this address"), "{error}");
}

#[tokio::test]
async fn an_interrupted_stream_goes_on_behind_its_last_window() {
    let Some(setup) = Setup::new() else { return };
    let server = setup.blocks(&open_metrics()).start().await;
    // The last window that was taken ended in scrape 40; the following ones are long past and requested at once.
    let source = source(&server.url()).every(Duration::from_secs(3600));
    let mut windows = Box::new(source.clone()).observations(Some(at(40).0));
    let first = windows.next().await.unwrap().unwrap();
    let Seen::Window(window) = first.what else { panic!("{first:?}") };
    let expected = source.window(at(40), at(SCRAPES)).await.unwrap().unwrap();
    assert_eq!((window.stable, window.canary), (expected.stable, expected.canary));
    assert_eq!(first.sequence, Some(first.at.0));
    assert!(first.at > at(SCRAPES - 1), "{first:?}");
}

/// bcrypt of `hunter2`.
const PASSWORD: &str = "$2b$04$JWXKg44H6cBBCWehnOMV7.Ii2SGB6c/yxUMGpQasAWSAzzmxWGrj2";

#[tokio::test]
async fn certificates_and_passwords_are_shown_to_prometheus_alone() {
    let Some(setup) = Setup::new() else { return };
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, key) = issue();
    let folder = setup.folder().to_owned();
    for (name, text) in
        [("server.pem", &certificate), ("server.key", &key), ("ca.pem", &authority.pem())]
    {
        fs::write(folder.join(name), text).unwrap();
    }
    let web = format!(
        "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_ca_file: ca.pem\n  \
         client_auth_type: RequireAndVerifyClientCert\nbasic_auth_users:\n  me: '{PASSWORD}'\n"
    );
    let server = setup.blocks(&open_metrics()).web(web).start().await;
    let source = source(&format!("https://localhost:{}", server.port()));
    let trusting = Tls::default().without_system_authorities().ca_certificate(authority.pem());
    let (certificate, key) = issue();
    let known = trusting.clone().identity(certificate, key);
    let password = folder.join("password");
    fs::write(&password, "hunter2\n").unwrap();
    let auth = Auth::basic_file("me", &password);

    // Not trusted; trusted but nobody; somebody without a password; with a wrong one; with the right one.
    let error = source.window(at(5), at(10)).await.unwrap_err().to_string();
    assert!(error.contains("give the authority"), "{error}");
    source.clone().tls(trusting).unwrap().window(at(5), at(10)).await.unwrap_err();
    let source = source.tls(known).unwrap();
    let error = source.window(at(5), at(10)).await.unwrap_err().to_string();
    assert!(error.contains("401") && error.contains("credentials"), "{error}");
    let wrong = source.clone().auth(Auth::basic("me", "hunter3"));
    let error = wrong.window(at(5), at(10)).await.unwrap_err();
    assert!(!format!("{error:?}{error}{wrong:?}").contains("hunter3"));
    let right = source.auth(auth);
    let window = right.window(at(5), at(10)).await.unwrap().unwrap();
    assert!(window.canary.requests > 100);
    // The file is read again each time.
    fs::write(&password, "another").unwrap();
    right.window(at(5), at(10)).await.unwrap_err();
}

const APP: &str = "image-classifier";

/// A lab whose canary fails so often, with requests flowing through its gateway.
fn busy_lab(failing: f64) -> (Lab, Arc<AtomicBool>) {
    let lab = Lab::builder()
        .model("models/stable", Scripted::new("military uniform", 0.45).errors(0.02))
        .model("models/canary", Scripted::new("suit", 0.94).errors(failing))
        .seed(7)
        .start()
        .unwrap();
    for version in ["stable", "canary"] {
        let workload =
            Workload::new(APP, version).model("image_classifier", format!("models/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["stable", "canary"])).unwrap();
    let split = VirtualService::weighted(APP, [("stable", 100), ("canary", 0)]);
    lab.apply(&split.hosts(["*"]).gateway("gateway").port(8501)).unwrap();
    lab.wait_ready(Duration::from_secs(5)).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let client = Client::new(&lab.gateway_url())
        .unwrap()
        .model("image_classifier")
        .signature("serving_preprocess")
        .retry(Retry::never());
    for _ in 0..2 {
        let (client, stop) = (client.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let _ = client.predict(Input::files([b"an image".as_slice()])).await;
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
        });
    }
    (lab, stop)
}

async fn judged(failing: f64) -> Option<(Verdict, u64)> {
    let setup = Setup::new()?;
    let (lab, stop) = busy_lab(failing);
    let server = setup.scrape(&lab.metrics_url(), Duration::from_millis(100)).start().await;
    let metrics = Metrics::istio(APP, "default");
    let source = Prometheus::new(&server.url(), metrics, Subsets::new("stable", "canary"))
        .unwrap()
        .every(Duration::from_millis(250))
        .lag(Duration::from_millis(150));
    let plan = Plan::new(APP, "stable", "canary")
        .bursts(canary_core::rollout::Bursts::None)
        .weights([50, 100], Hold::requests(600))
        .settle(Duration::from_millis(50))
        .patience(Duration::from_secs(60))
        .guardrail(Guardrail::error_ratio(1.0));
    let driver = Driver::new(lab.cluster().clone(), plan)
        .unwrap()
        .tick(Duration::from_millis(100))
        .source(source);
    let (mut run, _control) = driver.start().await.unwrap();
    let mut seen = 0;
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::Finished { verdict, .. } => {
                stop.store(true, Ordering::Relaxed);
                return Some((verdict, seen));
            }
            Progress::Seen(snapshot) => {
                seen = snapshot.totals.stable + snapshot.totals.canary;
                let counted = lab.metrics().requests(|_| true);
                assert!(seen <= counted, "{seen} of {counted} requests");
            }
            _ => {}
        }
    }
    panic!("the stream ended without a verdict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_judged_by_what_prometheus_scraped() {
    let Some((verdict, _)) = judged(0.4).await else { return };
    let Verdict::Rollback { guardrail, .. } = &verdict else { panic!("{verdict}") };
    assert_eq!(guardrail, "errorRatio");
    let (verdict, seen) = judged(0.02).await.unwrap();
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    // The last look before the end, of at least 600 requests.
    assert!(seen >= 300, "{seen}");
}
