//! Servers that send back what they were sent: no error of a client repeats its credentials.

use std::{error::Error, fmt::Write as _, time::Duration};

use canary_core::{
    cluster::{Cluster, Kubernetes, ObjectRef},
    evidence::{
        Subsets, Timestamp,
        prometheus::{Auth, Metrics, Prometheus},
    },
    predict::{Client, Retry},
};
use canary_tests::http::{Reply, Request, Server};
use serde_json::json;

const SECRET: &str = "c7-hunter2-secret";
/// `me:c7-hunter2-secret`, as basic authentication encodes it.
const ENCODED: &str = "bWU6YzctaHVudGVyMi1zZWNyZXQ=";

/// The reply to a request, whose echo is given.
type Way = Box<dyn Fn(&str) -> Reply + Send + Sync>;

/// The headers of the request and what the credentials in it mean, as a server that debugs prints them.
fn echo(request: &Request) -> String {
    let mut text = String::from("you sent");
    for (name, value) in &request.headers {
        write!(text, " {name}={value}").unwrap();
        if value.contains(ENCODED) {
            write!(text, " ({name} is me:{SECRET})").unwrap();
        }
    }
    text
}

/// The ways in which a server sends the text back.
const WAYS: [fn(&str) -> Reply; 9] = [
    |text| Reply::Whole(400, Vec::new(), text.into()),
    |text| Reply::json(400, &json!({"error": text})),
    |text| Reply::json(500, &json!({"error": text})),
    |text| Reply::json(200, &json!({"error": text})),
    |text| Reply::json(200, &json!({text: [1]})),
    |text| Reply::Whole(200, Vec::new(), text.into()),
    |text| Reply::Whole(307, vec![("location".to_owned(), text.to_owned())], Vec::new()),
    |text| {
        let flags = ("x-envoy-response-flags".to_owned(), text.to_owned());
        Reply::Whole(503, vec![flags, ("x-subset".to_owned(), text.to_owned())], text.into())
    },
    // Long enough to be cut, within the secret too.
    |text| Reply::json(400, &json!({"error": format!("{}{text}", "x".repeat(2020))})),
];

/// An error with all its causes, as logs show it.
fn whole(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text} {inner} {inner:?}");
        cause = inner.source();
    }
    text
}

/// No form of the secret, and no beginning of it that would help to guess the rest.
fn assert_hidden(what: &str, text: &str) {
    for part in [SECRET, ENCODED, "c7-hun", "bWU6Yz"] {
        assert!(!text.contains(part), "{what}: {text}");
    }
}

#[tokio::test]
async fn a_model_server_that_sends_the_request_back() {
    for (number, way) in WAYS.into_iter().enumerate() {
        let server = Server::start(move |request| async move { way(&echo(&request)) }).await;
        for (name, value) in [
            ("authorization", format!("Bearer {SECRET}")),
            ("authorization", format!("Basic {ENCODED}")),
            ("cookie", format!("id={SECRET}")),
            ("x-api-key", SECRET.to_owned()),
        ] {
            let client = Client::new(&server.url())
                .unwrap()
                .model("m")
                .retry(Retry::never())
                .header(name, value)
                .header("user-group", "canary");
            let what = format!("way {number}, {name}");
            for error in [
                client.predict(b"x".as_slice()).await.err(),
                client.metadata().await.err(),
                client.wait(Duration::from_millis(30), |_| ()).await.err(),
            ]
            .into_iter()
            .flatten()
            {
                assert_hidden(&what, &whole(&error));
                assert!(!error.to_string().contains("user-group=[redacted]"), "{what}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_prometheus_that_sends_the_request_back() {
    let failed = |text: &str| json!({"status": "error", "errorType": "bad_data", "error": text});
    let ways: [Way; 4] = [
        Box::new(move |text| Reply::json(400, &failed(text))),
        Box::new(move |text| Reply::json(200, &failed(text))),
        Box::new(|text| Reply::Whole(500, Vec::new(), text.into())),
        Box::new(|text| {
            let warned = json!({"status": "success", "warnings": [text],
                "data": {"resultType": "vector", "result": []}});
            Reply::json(200, &warned)
        }),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let server = Server::start(move |request| {
            let reply = way(&echo(&request));
            async move { reply }
        })
        .await;
        for auth in [Auth::bearer(SECRET), Auth::basic("me", SECRET)] {
            let metrics = Metrics::istio("m", "default");
            let source = Prometheus::new(&server.url(), metrics, Subsets::new("a", "b")).unwrap();
            let window = source.auth(auth).window(Timestamp(0), Timestamp(15_000)).await;
            let text = whole(&window.unwrap_err());
            assert_hidden(&format!("way {number}"), &text);
            assert!(text.contains("[redacted]"), "way {number}: {text}");
        }
    }
}

#[tokio::test]
async fn an_api_server_that_sends_the_request_back() {
    let folder = std::env::temp_dir().join(format!("canary-echo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    std::fs::write(&file, SECRET).unwrap();
    for code in [401, 403, 409, 422, 500] {
        let server = Server::start(move |request| async move {
            let text = echo(&request);
            let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code,
                "message": text, "reason": "Invalid",
                "details": {"causes": [{"field": text, "message": text}]}});
            Reply::json(code, &status)
        })
        .await;
        for user in [
            json!({"token": SECRET}),
            json!({"tokenFile": file}),
            json!({"username": "me", "password": SECRET}),
        ] {
            let kubeconfig = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "clusters": [{"name": "c", "cluster": {"server": server.url()}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            });
            let cluster = Kubernetes::from_kubeconfig(&kubeconfig.to_string(), None).await.unwrap();
            let object = ObjectRef::virtual_service("default", "a");
            let text = whole(&cluster.get(&object).await.unwrap_err());
            assert_hidden(&format!("{code}"), &text);
            assert!(text.contains("[redacted]"), "{code}: {text}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
