//! One case for each rule, with its code and with the words of the server.

use canary_core::cluster::Kubernetes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    generated::whole,
    verdicts::{ours, theirs},
};

/// The cases, which the tests of the library check without a server too.
const CASES: &str =
    include_str!("../../crates/canary-istio/src/validate/tests/gateway_api/cases.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    code: String,
    /// The channel, when it is in one of them only.
    channel: Option<String>,
    kind: String,
    spec: Value,
    /// A part of the server's message.
    server: String,
}

pub(crate) async fn compare(cluster: &Kubernetes, channel: &str) {
    let cases: Vec<Case> = serde_saphyr::from_str(CASES).unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in cases {
        if case.channel.as_deref().is_some_and(|only| only != channel) {
            continue;
        }
        checked += 1;
        let object = whole(json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": case.kind,
            "metadata": {"name": "case", "namespace": "default"}, "spec": case.spec,
        }));
        let ours = ours(&object, channel);
        let code = format!("{} ", case.code);
        if !ours.iter().any(|one| one.starts_with(&code)) {
            wrong.push(format!("{}: ours are {ours:?}: {object}", case.code));
        }
        match theirs(cluster, &object).await {
            Err(reason) if reason.contains(&case.server) => {}
            other => wrong.push(format!("{}: the server says {other:?}: {object}", case.code)),
        }
    }
    println!("{channel}: {checked} cases, each with a rule of its own");
    assert!(checked >= 40 && wrong.is_empty(), "{channel}:\n{}", wrong.join("\n"));
}
