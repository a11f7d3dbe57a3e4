//! Notices of a run as Events of a real Kubernetes API server, with the permission for them and without.

use std::time::Duration;

use canary_core::{
    cluster::{Cluster, ObjectRef, event_rule, role_for},
    notify::Recipients,
};
use canary_tests::apiserver::ApiServer;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    kubernetes_access::{account, in_force},
    rollouts::{APP, driver, plan, set_up, traffic},
};

#[tokio::test]
async fn a_run_is_told_by_events_on_its_virtual_service() {
    let Some(server) = ApiServer::shared().await else { return };
    let admin = server.connect("admin").await.unwrap();
    for (namespace, permitted) in [("events-permitted", true), ("events-forbidden", false)] {
        let plan = plan(namespace);
        let mut role = role_for(&plan, "canary");
        if permitted {
            role.rules.get_or_insert_default().push(event_rule());
        }
        let cluster = account(server, namespace, &serde_json::to_value(role).unwrap()).await;
        let lacking = async || -> Vec<String> {
            let missing = canary_core::cluster::missing_for(&cluster, &plan).await.unwrap();
            missing.iter().map(ToString::to_string).collect()
        };
        in_force(lacking, &[]).await;
        set_up(&admin, namespace).await;
        let recipients = Recipients::default().events(true);
        let mut teller = recipients.begin(&plan, cluster.clone()).unwrap();
        let driver = driver(cluster.clone(), namespace, traffic(4));
        let (mut run, _control) = driver.start().await.unwrap();
        while let Some(progress) = run.next().await {
            teller.tell(&progress.unwrap());
        }
        let problems = teller.finish(Duration::from_secs(60)).await;
        let events = admin.list("v1", "Event", Some(namespace)).await.unwrap();
        if !permitted {
            let text = problems[0].to_string();
            assert!(text.starts_with("Kubernetes Events: ") && text.contains("events"), "{text}");
            assert_eq!(events, Vec::<Value>::new());
            continue;
        }
        assert_eq!(problems, []);
        let routes = ObjectRef::virtual_service(namespace, APP);
        let uid = admin.get(&routes).await.unwrap().unwrap()["metadata"]["uid"].clone();
        let reason = |event: &Value| event["reason"].as_str().unwrap().to_owned();
        let mut reasons: Vec<String> = events.iter().map(reason).collect();
        reasons.sort();
        assert_eq!(reasons, ["RolloutRolledBack", "RolloutStarted", "RolloutStep", "RolloutStep"]);
        for event in &events {
            assert_eq!(event["involvedObject"]["uid"], uid, "{event}");
            let warning = reason(event) == "RolloutRolledBack";
            assert_eq!(event["type"], if warning { "Warning" } else { "Normal" });
        }
        // `kubectl describe` asks for them by the object's uid.
        let path = format!(
            "/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.uid%3D{}",
            uid.as_str().unwrap()
        );
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        let found = admin.client().request::<Value>(request).await.unwrap();
        assert_eq!(found["items"].as_array().map(Vec::len), Some(4), "{found}");
        assert_eq!(found["items"][0]["source"], json!({"component": "canary"}));
    }
}
