//! No event has a secret in it: every part that holds one, under a subscriber of everything.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use canary_core::{
    Plan,
    cluster::{Cluster, ObjectRef, PreflightOptions, Progress, preflight},
    evidence::{
        Subsets, Timestamp,
        prometheus::{Auth, Metrics, Prometheus},
    },
    notify::{Notifier, Webhook},
    predict::{Client, Retry},
    rollout::{Notices, Split},
    serving::store::{
        CopyModel, Location, http_connector,
        object_store::{ObjectStore, RetryConfig, aws::AmazonS3Builder},
    },
};
use canary_tests::http::{Reply, Request, Server};
use serde_json::json;

use crate::{
    collect::{Recording, record},
    scenes::{self, Folder},
};

const SECRET: &str = "c7-hunter2-secret";
/// `me:c7-hunter2-secret`, as basic authentication encodes it.
const ENCODED: &str = "bWU6YzctaHVudGVyMi1zZWNyZXQ=";
/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:9";

/// No event has a secret or a prefix of one that helps to guess the rest. kube repeats any response of an API server,
/// so its events are left out unless a filter names them.
fn assert_hidden(recording: &Recording, expected: &[&str]) {
    let all = recording.all();
    for seen in all.iter().filter(|seen| !seen.target.starts_with("kube_client")) {
        let text = format!("{seen:?}");
        for part in [SECRET, ENCODED, "c7-hun", "bWU6Yz"] {
            assert!(!text.contains(part), "{text}");
        }
    }
    // It is not silence that hides them.
    for message in expected {
        assert!(all.iter().any(|seen| seen.message == *message), "{message}: {all:#?}");
    }
}

/// Sends back what it was sent, with a status and in the form of the one that is asked.
async fn echo(answer: impl Fn(&Request, String) -> Reply + Send + Sync + 'static) -> Server {
    let answer = Arc::new(answer);
    Server::start(move |request| {
        let mut text = format!("you sent {} {}", request.method, request.target);
        for (name, value) in &request.headers {
            write!(text, " {name}={value}").unwrap();
        }
        let reply = answer(&request, text);
        async move { reply }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn predictions_over_rest_and_grpc() {
    let recording = record().await;
    let lab = scenes::lab(0.0);
    let pod = recording.events("model server started")[0].fields["address"].clone();
    let echoing = echo(|_, text| Reply::json(503, &json!({"error": text}))).await;
    let ways = [
        lab.gateway_url(),
        format!("grpc://{pod}"),
        format!("http://{NOBODY}"),
        format!("grpc://{NOBODY}"),
        echoing.url(),
    ];
    for (url, retry) in ways.iter().flat_map(|url| [(url, Retry::never()), (url, Retry::default())])
    {
        for (name, value) in [
            ("authorization", format!("Bearer {SECRET}")),
            ("authorization", format!("Basic {ENCODED}")),
            ("cookie", format!("id={SECRET}")),
            ("x-api-key", SECRET.to_owned()),
        ] {
            let client = scenes::client(url).retry(retry.clone()).header(name, value);
            // The input of a prediction is the caller's own affair.
            let _ = client.predict(SECRET.as_bytes()).await;
            let _ = client.metadata().await;
            let _ = client.status().await;
            let _ = client.wait(Duration::from_millis(150), |_| {}).await;
        }
    }
    let inside = format!("http://me:{SECRET}@{NOBODY}");
    assert!(Client::new(&inside).is_err());
    let through = scenes::client("http://models.invalid").proxy(&inside).unwrap();
    through.predict(b"x".as_slice()).await.unwrap_err();
    assert_hidden(
        &recording,
        &["response", "gRPC response", "retry", "connection failed", "call failed"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus() {
    let recording = record().await;
    let found = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    let good = echo(move |_, _| Reply::json(200, &found)).await;
    let failed = |text: String| json!({"status": "error", "errorType": "bad_data", "error": text});
    let bad = echo(move |_, text| Reply::json(400, &failed(text))).await;
    for url in [good.url(), bad.url(), format!("http://{NOBODY}")] {
        for auth in [Auth::bearer(SECRET), Auth::basic("me", SECRET)] {
            let metrics = Metrics::istio("m", "default");
            let source = Prometheus::new(&url, metrics, Subsets::new("a", "b")).unwrap().auth(auth);
            let source = source.timeout(Duration::from_secs(2));
            let _ = source.window(Timestamp(0), Timestamp(15_000)).await;
        }
    }
    assert_hidden(
        &recording,
        &["Prometheus query", "Prometheus query failed", "connection failed"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server() {
    let recording = record().await;
    let folder = Folder::new("token");
    let file = folder.at("token");
    std::fs::write(&file, SECRET).unwrap();
    let live = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "a", "namespace": "default", "resourceVersion": "1"}, "spec": {"hosts": ["*"]},
    });
    let (written, object) = (live.clone(), ObjectRef::virtual_service("default", "a"));
    let good = echo(move |_, _| Reply::json(200, &written)).await;
    let bad = echo(|_, text| {
        let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 403,
            "message": text, "reason": "Forbidden"});
        Reply::json(403, &status)
    })
    .await;
    let script = format!("echo {SECRET}; echo {SECRET} >&2; exit 3");
    let users = [
        json!({"token": SECRET}),
        json!({"tokenFile": file}),
        json!({"username": "me", "password": SECRET}),
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
            "interactiveMode": "Never"}}),
    ];
    for url in [good.url(), bad.url(), format!("http://{NOBODY}")] {
        for user in &users {
            let Ok(cluster) = scenes::try_cluster(&url, user).await else { continue };
            let _ = cluster.get(&object).await;
            let _ = cluster.apply(&live).await;
            let _ = preflight(&cluster, &PreflightOptions::new("default")).await;
        }
    }
    assert_hidden(&recording, &["API request", "API request failed", "object applied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks() {
    let recording = record().await;
    let folder = Folder::new("webhooks");
    let file = folder.at("token");
    std::fs::write(&file, SECRET).unwrap();
    let good = echo(|_, _| Reply::Whole(200, Vec::new(), Vec::new())).await;
    let bad = echo(|_, text| Reply::Whole(500, Vec::new(), text.into())).await;
    let mut webhooks = Vec::new();
    for url in [good.url(), bad.url(), format!("http://{NOBODY}")] {
        let address = format!("{url}/services/{SECRET}?token={SECRET}");
        for webhook in [Webhook::slack(&address), Webhook::cloud_events(&address)] {
            let webhook = webhook.unwrap().header("x-api-key", SECRET).unwrap();
            let webhook = webhook.attempts(2).first_pause(Duration::from_millis(1));
            webhooks.push(webhook.bearer_from_file(&file));
        }
    }
    let mut notices = Notices::new(&Plan::new("pets", "v1", "v2"));
    let written = Progress::Written { step: 0, split: Split::new(5) };
    let notifier = Notifier::spawn(webhooks).unwrap();
    notifier.notice(&notices.of(&written, Timestamp(1)).unwrap());
    assert_eq!(notifier.finish(Duration::from_secs(60)).await.len(), 4);
    assert_hidden(
        &recording,
        &["notice delivered", "notice is sent again", "notice not delivered", "request"],
    );
    let paths = recording.ours().into_iter().filter_map(|seen| seen.fields.get("path").cloned());
    assert!(paths.clone().count() > 0 && paths.into_iter().all(|path| path == "[redacted]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_store() {
    let recording = record().await;
    let folder = Folder::new("store");
    let bad = echo(|_, text| {
        let text = format!("<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>");
        Reply::Whole(403, Vec::new(), text.into())
    })
    .await;
    for url in [bad.url(), format!("http://{NOBODY}")] {
        let store: Arc<dyn ObjectStore> = Arc::new(
            AmazonS3Builder::new()
                .with_bucket_name("bucket")
                .with_endpoint(url)
                .with_allow_http(true)
                .with_access_key_id(SECRET)
                .with_secret_access_key(SECRET)
                .with_token(SECRET)
                .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
                .with_http_connector(http_connector().unwrap())
                .build()
                .unwrap(),
        );
        let location = || Location::within(Arc::clone(&store), "m/1", "s3://bucket/m/1").unwrap();
        CopyModel::new(location(), Location::folder(folder.at("to/1"))).run().await.unwrap_err();
        CopyModel::new(Location::folder(folder.model()), location()).run().await.unwrap_err();
    }
    assert_hidden(&recording, &["model not copied", "response", "connection failed"]);
}
