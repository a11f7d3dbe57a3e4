//! Generated objects: what this library's validation admits, a real API server admits by Istio's schemas and CEL rules.

use std::collections::BTreeMap;

use canary_core::{
    DestinationRule, Gateway, Severity, VirtualService,
    cluster::{Cluster, Kubernetes},
    rollout::Error,
};
use canary_tests::{apiserver::ApiServer, generated::Generator};
use futures_util::{StreamExt, stream};
use serde_json::Value;

const OF_EACH_KIND: usize = 1_000;

/// Our own verdict: the codes of its errors, or the reason why the text is none of the kind's type.
fn ours(object: &Value) -> Vec<String> {
    let found = match object["kind"].as_str() {
        Some("Gateway") => Gateway::from_json_value(object).map(|object| object.validate()),
        Some("VirtualService") => {
            VirtualService::from_json_value(object).map(|object| object.validate())
        }
        _ => DestinationRule::from_json_value(object).map(|object| object.validate()),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return vec![format!("{READ}{error}")],
    };
    let errors = found.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.code.clone()).collect()
}

const READ: &str = "cannot be read: ";

/// Returns `true` when a refusal is one that the server's schema cannot see. docs/validation.md lists these.
fn beyond_the_schema(code: &str) -> bool {
    let Some(reason) = code.strip_prefix(READ) else { return !code.starts_with('S') };
    // The schema takes any text for some durations, and knows two names of one field.
    reason.contains("is not a duration") || reason.contains("duplicate field `mirrorPercent`")
}

/// The server's answer about an object that it is to check and not to store.
async fn theirs(cluster: &Kubernetes, object: &Value) -> Result<(), String> {
    match cluster.apply(object).await {
        Ok(_) => Ok(()),
        Err(error @ Error::Istio(_)) => Err(error.to_string()),
        Err(error) => panic!("{error}: {object}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_our_validation_admits_the_server_admits() {
    let Some(server) = ApiServer::shared().await else { return };
    let namespace = "generated-objects";
    server.namespace(namespace).await;
    let cluster = server.connect("admin").await.unwrap().dry_run(true);
    let definitions = ApiServer::definitions().unwrap();
    let mut objects = Vec::new();
    for kind in ["VirtualService", "DestinationRule", "Gateway"] {
        let mut generator = Generator::new(&definitions, kind, 7);
        objects.extend((0..OF_EACH_KIND).map(|_| generator.next(namespace)));
    }
    let total = objects.len();
    let results: Vec<_> = stream::iter(objects)
        .map(|object| {
            let cluster = cluster.clone();
            async move { (ours(&object), theirs(&cluster, &object).await, object) }
        })
        .buffer_unordered(32)
        .collect()
        .await;

    let mut counts = [0; 4];
    let mut by_webhook = BTreeMap::<String, usize>::new();
    let mut wrong = Vec::new();
    for (ours, theirs, object) in &results {
        match (ours.is_empty(), theirs) {
            (true, Ok(())) => counts[0] += 1,
            (false, Err(_)) => counts[1] += 1,
            (true, Err(error)) => {
                counts[2] += 1;
                wrong.push(format!("we admit, the server does not: {error}\n  {object}"));
            }
            (false, Ok(())) => {
                counts[3] += 1;
                for code in ours {
                    let code = if code.starts_with(READ) { READ.trim() } else { code };
                    *by_webhook.entry(code.to_owned()).or_default() += 1;
                }
                if !ours.iter().any(|code| beyond_the_schema(code)) {
                    wrong.push(format!("we refuse by {ours:?}, the server admits:\n  {object}"));
                }
            }
        }
    }
    let [both_admit, both_refuse, only_we, only_server] = counts;
    println!(
        "{total} objects: both admit {both_admit}, both refuse {both_refuse}, we alone admit {only_we}, the server alone \
         admits {only_server} (Istio's webhook, which is not here, refuses them: {by_webhook:?})"
    );
    assert!(total >= 2_000 && both_admit * 5 >= total && both_refuse * 10 >= total, "{counts:?}");
    assert!(
        wrong.is_empty(),
        "{} differences, the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
}
