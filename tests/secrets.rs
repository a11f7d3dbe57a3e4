//! Secrets are in no `Debug` output, no error and no page: every type that holds a secret, in one table.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use canary_core::{
    Plan,
    cluster::{Cluster, Driver, HeaderProbe, Kubernetes, ObjectRef, PreflightOptions, preflight},
    evidence::{
        Sample, Subsets, Timestamp, Traffic,
        prometheus::{Auth, Metrics, Prometheus},
    },
    predict::{Client, Input, Retry, Tls},
    rollout::{Error, Guardrail, Hold},
    serving::store::{
        CopyModel, Location, http_connector,
        object_store::{ObjectStore, RetryConfig, aws::AmazonS3Builder},
    },
};
use serde_json::json;

/// In everything that is secret here.
const SECRET: &str = "c7-hunter2-secret";
/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:9";

/// An error with all its causes, as logs show it.
fn whole(error: &(impl std::error::Error + 'static)) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text} {inner} {inner:?}");
        cause = inner.source();
    }
    text
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

fn failed<T, E: std::error::Error + 'static>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => panic!("it must fail"),
        Err(error) => whole(&error),
    }
}

fn metered(url: &str) -> Result<Prometheus, Error> {
    Prometheus::new(url, Metrics::istio("m", "default"), Subsets::new("a", "b"))
}

async fn queried(source: Prometheus) -> String {
    let source = source.timeout(Duration::from_secs(2));
    let window = source.window(Timestamp(0), Timestamp(15_000)).await;
    format!("{} {} {}", source.url(), shown(&source), failed(window))
}

/// A kubeconfig whose user has these fields.
fn kubeconfig(user: &serde_json::Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{NOBODY}")}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    })
    .to_string()
}

async fn of_cluster(user: serde_json::Value) -> String {
    let object = ObjectRef::virtual_service("default", "a");
    match Kubernetes::from_kubeconfig(&kubeconfig(&user), None).await {
        Err(error) => whole(&error),
        Ok(cluster) => {
            let plan = Plan::new("a", "b", "c").weights([50, 100], Hold::requests(20));
            let driver = shown(&Driver::new(cluster.clone(), plan).unwrap());
            let preflight = failed(preflight(&cluster, &PreflightOptions::new("default")).await);
            let got = failed(cluster.get(&object).await);
            format!("{} {driver} {preflight} {got}", shown(&cluster))
        }
    }
}

async fn of_store(folder: &std::path::Path) -> String {
    let store: Arc<dyn ObjectStore> = Arc::new(
        AmazonS3Builder::new()
            .with_bucket_name("bucket")
            .with_endpoint(format!("http://{NOBODY}"))
            .with_allow_http(true)
            .with_access_key_id(SECRET)
            .with_secret_access_key(SECRET)
            .with_token(SECRET)
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(http_connector().unwrap())
            .build()
            .unwrap(),
    );
    let location = Location::within(store, "m/1", "s3://bucket/m/1").unwrap();
    let copy = CopyModel::new(location.clone(), Location::folder(folder.join("1")));
    format!("{location} {} {} {}", shown(&location), shown(&copy), failed(copy.run().await))
}

#[tokio::test]
async fn nothing_secret_is_shown_by_any_type_that_holds_it() {
    let folder = std::env::temp_dir().join(format!("canary-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    std::fs::write(&file, SECRET).unwrap();
    let url = format!("http://{NOBODY}");
    let inside = format!("http://me:{SECRET}@{NOBODY}");
    let of = || metered(&url).unwrap();
    let client = Client::new(&url)
        .unwrap()
        .model("m")
        .retry(Retry::never())
        .header("authorization", format!("Bearer {SECRET}"));
    let plan = Plan::new("a", "b", "c").header("user-group", "canary");
    let guarded =
        plan.clone().weights([50, 100], Hold::requests(20)).guardrail(Guardrail::error_ratio(1.0));
    let samples = || futures_util::stream::iter([Ok(Sample::new("photo", b"bytes".as_slice()))]);
    let traffic = Traffic::requests("t", &client, Subsets::new("b", "c"), samples());
    let tls = Tls::default().identity(SECRET, SECRET).ca_certificate(SECRET);
    let mut table = BTreeMap::from([
        ("Auth, bearer", shown(&Auth::bearer(SECRET))),
        ("Auth, basic", shown(&Auth::basic("me", SECRET))),
        ("Prometheus, bearer", queried(of().auth(Auth::bearer(SECRET))).await),
        ("Prometheus, a token that no header holds", {
            queried(of().auth(Auth::bearer(format!("{SECRET}\n")))).await
        }),
        ("Prometheus, basic", queried(of().auth(Auth::basic("me", SECRET))).await),
        ("Prometheus, a name with a colon", {
            queried(of().auth(Auth::basic("me:", SECRET))).await
        }),
        ("Prometheus, a token's file", queried(of().auth(Auth::bearer_file(&file))).await),
        ("Prometheus, a password's file", queried(of().auth(Auth::basic_file("me", &file))).await),
        ("Prometheus, in the address", failed(metered(&inside))),
        (
            "Prometheus, certificates",
            failed(metered("https://localhost:9").unwrap().tls(tls.clone())),
        ),
        ("Prometheus, a proxy", queried(of().proxy(&inside).unwrap()).await),
        ("Prometheus, a proxy that is none", {
            failed(of().proxy(&format!("ftp://me:{SECRET}@proxy")))
        }),
        ("Client, a proxy", {
            let client = Client::new("http://models.invalid").unwrap().model("m");
            let client = client.retry(Retry::never()).proxy(&inside).unwrap();
            format!("{} {}", shown(&client), failed(client.predict(b"x".as_slice()).await))
        }),
        ("Client, a proxy that is none", {
            failed(Client::new(&url).unwrap().proxy(&format!("http://me:{SECRET}@proxy:port")))
        }),
        ("Tls", shown(&tls)),
        ("Client, a header", {
            let answer = client.predict(Input::files([b"x".as_slice()])).await;
            format!("{} {}", shown(&client), failed(answer))
        }),
        ("Client, in the address", failed(Client::new(&inside))),
        ("Client, certificates", failed(Client::new("https://localhost").unwrap().tls(tls))),
        ("Traffic", shown(&traffic)),
        ("HeaderProbe", shown(&HeaderProbe::new(&plan, &client, b"x".as_slice()))),
        ("Location, in the address", {
            let places =
                [format!("s3://key:{SECRET}@bucket/m/1"), format!("gs://{SECRET}@bucket/m/1")];
            places.map(|text| failed(Location::parse(&text))).join(" ")
        }),
        ("Location, keys", of_store(&folder).await),
        ("Kubernetes, a token", of_cluster(json!({"token": SECRET})).await),
        ("Kubernetes, a token's file", of_cluster(json!({"tokenFile": file})).await),
        ("Kubernetes, basic", of_cluster(json!({"username": "me", "password": SECRET})).await),
        ("Kubernetes, certificates", {
            of_cluster(json!({"client-certificate-data": SECRET, "client-key-data": SECRET})).await
        }),
        ("Kubernetes, a plugin", {
            let script = format!("echo {SECRET}; echo {SECRET} >&2; exit 3");
            of_cluster(json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1",
                "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}}))
            .await
        }),
    ]);
    // As the driver holds them all at once.
    table.insert("Driver", {
        let lab = canary_lab::store::Store::default();
        let driver = Driver::new(lab, guarded).unwrap();
        shown(&driver.source(of().auth(Auth::bearer(SECRET))).source(traffic))
    });
    for (what, text) in &table {
        assert!(!text.contains(SECRET), "{what}: {text}");
        // Nor in the form in which basic authentication sends it.
        assert!(!text.contains("bWU6YzctaHVudGVyMi1zZWNyZXQ"), "{what}: {text}");
        assert!(text.len() > 10, "{what} shows something: {text}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
