//! A real API server that dies and comes back, and one that forgets versions.

use std::time::Duration;

use canary_core::{
    Verdict,
    cluster::{Cluster, Kubernetes, ObjectRef, Progress, Run, WatchEvent},
    rollout::Split,
};
use canary_tests::apiserver::ApiServer;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::rollouts::{APP, by_hand, driver, feed, set_up, until, verdict, weights, written};

/// Waits until the driver has reported this number of times that it waits for the server.
async fn waited(run: &mut Run, times: u32) -> String {
    let message = |progress| match progress {
        Progress::Waiting { problem, attempt, .. } if attempt >= times => Some(problem),
        _ => None,
    };
    until(run, message).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_dies_in_the_middle_of_a_rollout_and_nothing_is_forgotten() {
    let Some(mut server) = ApiServer::start().await else { return };
    for (space, failing, expected) in [("good", u64::MAX, Split::CANARY), ("bad", 4, Split::STABLE)]
    {
        server.namespace(space).await;
        let cluster = server.connect("admin").await.unwrap();
        set_up(&cluster, space).await;
        let (recorder, source) = by_hand();
        // The lock runs out while the server is away; nobody takes it, so it is renewed afterwards.
        let driver = driver(cluster.clone(), space, source).lease(Duration::from_secs(1));
        let (mut run, _control) = driver.start().await.unwrap();
        written(&mut run, 50).await;

        server.stop();
        feed(&recorder, 1_000, failing);
        // Decided by now: the next step, or the rollback. It cannot be written, and that is reported each time.
        let problem = waited(&mut run, 4).await;
        assert!(problem.contains("cannot be reached"), "{problem}");
        server.run().await;

        let verdict = verdict(&mut run).await;
        assert_eq!(matches!(verdict, Verdict::Promote { .. }), failing == u64::MAX, "{verdict}");
        assert_eq!(matches!(verdict, Verdict::Rollback { .. }), failing == 4, "{verdict}");
        assert_eq!(weights(&cluster, space).await, expected);
    }
}

/// The event that the server itself gives to a watch from a version that it has forgotten.
async fn says_gone(cluster: &Kubernetes, version: &str) -> bool {
    let path = format!(
        "/apis/networking.istio.io/v1/namespaces/default/virtualservices?watch=1&resourceVersion={version}&timeoutSeconds=5"
    );
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    match cluster.client().request_text(request).await {
        Ok(text) => text.contains("\"code\":410"),
        Err(error) => matches!(error, kube::Error::Api(status) if status.code == 410),
    }
}

async fn next(
    events: &mut (impl futures_util::Stream<Item = canary_core::rollout::Result<WatchEvent>> + Unpin),
) -> Value {
    loop {
        let event = tokio::time::timeout(Duration::from_secs(60), events.next()).await.unwrap();
        match event.unwrap() {
            Ok(WatchEvent::Applied(object)) => return object,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_watch_outlives_the_server_and_its_memory() {
    let Some(mut server) = ApiServer::start().await else { return };
    let cluster = server.connect("admin").await.unwrap();
    set_up(&cluster, "default").await;
    let target = ObjectRef::virtual_service("default", APP);
    let mut events = Box::pin(cluster.watch(&target));
    let first = next(&mut events).await;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    // Many changes elsewhere, which the watch does not see; then etcd forgets all before them, and the server dies.
    for number in 0..30 {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "noise"},
            "data": {"number": number.to_string()}});
        cluster.apply(&map).await.unwrap();
    }
    server.compact();
    server.stop();
    server.run().await;
    assert!(says_gone(&cluster, &version).await, "the server has forgotten version {version}");

    let patch = json!([{"op": "add", "path": "/metadata/labels/after", "value": "restart"}]);
    let patch = serde_json::from_value(patch).unwrap();
    let changed = cluster.patch(&target, &patch).await.unwrap();
    // Reported once, and no earlier event is reported again.
    assert_eq!(
        next(&mut events).await["metadata"]["resourceVersion"],
        changed["metadata"]["resourceVersion"]
    );
    let patch = json!([{"op": "replace", "path": "/metadata/labels/after", "value": "again"}]);
    let patch = serde_json::from_value(patch).unwrap();
    let changed = cluster.patch(&target, &patch).await.unwrap();
    assert_eq!(
        next(&mut events).await["metadata"]["resourceVersion"],
        changed["metadata"]["resourceVersion"]
    );
}
