//! API servers that mean harm, and kubeconfigs that let them.

use canary_core::cluster::{Cluster, Kubernetes, ObjectRef, PreflightOptions, preflight};
use canary_tests::http::{Reply, Server};
use serde_json::{Value, json};

use crate::TURN;

/// A kubeconfig for a cluster with these fields beside its server.
fn kubeconfig(server: &str, more: &Value) -> String {
    let mut cluster = json!({"server": server});
    cluster.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "hunter2"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    })
    .to_string()
}

async fn connect(server: &str, more: &Value) -> Kubernetes {
    Kubernetes::from_kubeconfig(&kubeconfig(server, more), None).await.unwrap()
}

/// Answers with a failure of this text, except for the version.
async fn server(message: String) -> Server {
    Server::start(move |request| {
        let message = message.clone();
        async move {
            if request.target == "/version" {
                return Reply::json(200, &json!({
                    "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "buildDate": "",
                    "gitTreeState": "clean", "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
                }));
            }
            Reply::json(403, &json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403,
                "reason": "Forbidden", "message": message,
            }))
        }
    })
    .await
}

#[tokio::test]
async fn a_certificate_that_is_not_verified_is_told() {
    let _turn = TURN.lock().await;
    let server = server("no".to_owned()).await;
    for (more, told) in [(json!({}), false), (json!({"insecure-skip-tls-verify": true}), true)] {
        let cluster = connect(&server.url(), &more).await;
        assert_eq!(cluster.is_unverified(), told);
        let report = preflight(&cluster, &PreflightOptions::new("default")).await.unwrap();
        let text = report.to_string();
        assert_eq!(text.contains("insecure-skip-tls-verify"), told, "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn the_servers_words_are_shown_safely() {
    let _turn = TURN.lock().await;
    let server = server(format!("\u{1b}[2J\r\nall is well{}", "!".repeat(100_000))).await;
    let cluster = connect(&server.url(), &json!({})).await;
    let object = ObjectRef::virtual_service("default", "a");
    let text = cluster.get(&object).await.unwrap_err().to_string();
    assert!(text.contains("all is well") && text.len() < 4096, "{} bytes", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

#[tokio::test]
async fn the_password_of_a_proxy_is_not_repeated() {
    let _turn = TURN.lock().await;
    for proxy in [
        "ftp://me:c7-hunter2@p:1",
        "http://me:c7-hunter2@127.0.0.1:9",
        "me:c7-hunter2@p:1",
        "http://",
    ] {
        let config = kubeconfig("https://models.invalid", &json!({"proxy-url": proxy}));
        let error = match Kubernetes::from_kubeconfig(&config, None).await {
            Err(error) => error,
            Ok(cluster) => {
                let object = ObjectRef::virtual_service("default", "a");
                cluster.get(&object).await.unwrap_err()
            }
        };
        let mut text = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text} {inner} {inner:?}");
            cause = inner.source();
        }
        assert!(!text.contains("c7-hunter2"), "{proxy}: {text}");
    }
}
