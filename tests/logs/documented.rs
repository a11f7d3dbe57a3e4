//! docs/reference/logs.md: its events are those of the sources, and those that occur are in it with their fields.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use canary_core::{
    Plan,
    cluster::{Cluster, ObjectRef, PreflightOptions, Progress, preflight},
    evidence::{
        Subsets, Timestamp,
        prometheus::{Metrics, Prometheus},
    },
    notify::{Notifier, Webhook},
    predict::Retry,
    rollout::{Notices, Split},
    serving::store::{CopyModel, Location},
};
use canary_tests::{http::Reply, parts::root};
use serde_json::json;

use crate::{
    collect::{Recording, Seen, record},
    scenes::{self, Folder, client, server, unavailable},
};

/// A row of the page: whether it is a span, its level, target and message.
type Row = (bool, String, String, String);

/// The rows of the page with their fields.
fn page() -> BTreeMap<Row, BTreeSet<String>> {
    let page = std::fs::read_to_string(root().join("docs/reference/logs.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, level, target, fields] = cells[..] else { continue };
        let fields = fields.split(", ").map(|field| field.trim_matches('`').to_owned());
        let name = name.trim_matches('`').to_owned();
        // A span is one word beside a row of its table.
        let is_span =
            page.split("## Spans").nth(1).unwrap().split("\n## ").next().unwrap().contains(line);
        let row = (is_span, level.to_owned(), target.trim_matches('`').to_owned(), name);
        let fields = fields.filter(|field| !field.is_empty()).collect();
        assert!(rows.insert(row, fields).is_none(), "{line}: twice");
    }
    assert!(rows.len() > 60, "{}", rows.len());
    rows
}

/// The module path of a source file.
fn target_of(krate: &str, file: &Path) -> String {
    let mut parts: Vec<&str> = file.iter().map(|part| part.to_str().unwrap()).collect();
    let last = parts.pop().unwrap().trim_end_matches(".rs");
    if !matches!(last, "lib" | "mod") {
        parts.push(last);
    }
    parts.insert(0, krate);
    parts.join("::").replace('-', "_")
}

/// The arguments of the macro that begins at a place: up to the parenthesis that closes it.
fn arguments(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    panic!("no end: {text}");
}

/// The spans and events that the sources state.
fn sources() -> BTreeSet<Row> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let mut rows = BTreeSet::new();
    for krate in std::fs::read_dir(root().join("crates")).unwrap() {
        let krate = krate.unwrap().path();
        let mut files = Vec::new();
        walk(&krate.join("src"), &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let name = krate.file_name().unwrap().to_str().unwrap();
            let target = target_of(name, file.strip_prefix(krate.join("src")).unwrap());
            let imported = text.contains("use tracing::{");
            for level in ["error", "warn", "info", "debug", "trace"] {
                for (call, is_span) in
                    [(format!("{level}!("), false), (format!("{level}_span!("), true)]
                {
                    for (at, _) in text.match_indices(&call) {
                        let before = &text[..at];
                        let bare = before.ends_with([' ', '(', '\n']) && imported;
                        if !before.ends_with("tracing::") && !bare {
                            continue;
                        }
                        let arguments = arguments(&text[at + call.len()..]);
                        let quoted: Vec<&str> = arguments.split('"').skip(1).step_by(2).collect();
                        let name = if is_span { quoted.first() } else { quoted.last() };
                        let name = (*name.unwrap()).to_owned();
                        rows.insert((is_span, level.to_uppercase(), target.clone(), name));
                    }
                }
            }
        }
    }
    rows
}

#[test]
fn the_page_has_the_spans_and_events_of_the_sources() {
    let (page, sources): (BTreeSet<Row>, _) = (page().into_keys().collect(), sources());
    let missing: Vec<_> = sources.difference(&page).collect();
    let gone: Vec<_> = page.difference(&sources).collect();
    assert!(missing.is_empty(), "the page lacks {missing:#?}");
    assert!(gone.is_empty(), "the sources have no {gone:#?}");
}

fn row(seen: &Seen) -> Row {
    (seen.is_span, seen.level.to_string(), seen.target.clone(), seen.message.clone())
}

/// Every recorded event and span is in the page, with no field that the page lacks.
fn check(recording: &Recording) -> BTreeSet<String> {
    let page = page();
    for seen in recording.ours() {
        let fields = page.get(&row(&seen));
        let fields = fields.unwrap_or_else(|| panic!("the page lacks {seen:?}"));
        for field in seen.fields.keys() {
            assert!(fields.contains(*field), "the page lacks the field {field} of {seen:?}");
        }
    }
    recording.ours().into_iter().map(|seen| seen.message).collect()
}

fn occur(told: &BTreeSet<String>, messages: &[&str]) {
    for message in messages {
        assert!(told.contains(*message), "{message:?} does not occur: {told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_canary() {
    let recording = record().await;
    let verdict = scenes::rollout(0.0).await;
    let told = check(&recording);
    occur(
        &told,
        &[
            "rollout",
            "step",
            "lock taken",
            "rollout began",
            "pods of the canary inspected",
            "subset of the canary prepared",
            "canary probed",
            "object written",
            "weights written",
            "hold began",
            "look",
            "reading",
            "observation",
            "hold ended",
            "promotion decided",
            "lock released",
            "verdict",
            "lab started",
            "routes changed",
            "model server started",
            "call",
            "attempt",
            "request",
            "response",
            "call answered",
        ],
    );
    let told = recording.events("verdict");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].fields["sentence"], verdict.to_string());
    let (name, rollout) = &told[0].around[0];
    assert_eq!((*name, rollout["virtual_service"].as_str()), ("rollout", "pets"));
    assert_eq!(rollout["plan"], scenes::plan().hash());
    // The order of a run.
    let order: Vec<String> = recording
        .ours()
        .into_iter()
        .filter(|seen| !seen.is_span && seen.level <= tracing::Level::INFO)
        .filter(|seen| seen.target.starts_with("canary_rollout"))
        .map(|seen| match seen.fields.get("weight") {
            Some(weight) => format!("{} {weight}", seen.message),
            None => seen.message,
        })
        .collect();
    assert_eq!(
        order,
        [
            "lock taken",
            "rollout began",
            "weights written 50",
            "hold began",
            "hold ended",
            "weights written 100",
            "promotion decided",
            "weights written 100",
            "verdict",
        ]
    );
    let ended = recording.events("hold ended");
    let requests: u64 = ended[0].fields["canary_requests"].parse().unwrap();
    assert!(requests >= 60, "the hold's end has the counts that ended it: {requests}");
    // A request is recorded with its call and, in a step, with the step of the run.
    let response = recording.events("response").into_iter().rfind(|seen| {
        seen.around.iter().any(|(name, fields)| *name == "step" && fields["step"] == "0")
    });
    let around: Vec<&str> =
        response.as_ref().unwrap().around.iter().map(|(name, _)| *name).collect();
    assert_eq!(around, ["rollout", "step", "call", "attempt", "request"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_canary() {
    let recording = record().await;
    let verdict = scenes::rollout(0.5).await;
    assert_eq!(verdict.name(), "rollback", "{verdict}");
    let told = check(&recording);
    occur(&told, &["alarm", "rollback decided", "verdict", "call failed"]);
    let alarm = &recording.events("alarm")[0];
    assert_eq!(alarm.level, tracing::Level::WARN);
    let number = |name: &str| alarm.fields[name].parse::<f64>().unwrap();
    assert!(number("evidence") >= number("threshold") && number("threshold") > 1.0, "{alarm:?}");
    assert_eq!(
        (alarm.fields["guardrail"].as_str(), alarm.fields["action"].as_str()),
        ("errorRatio", "rollback")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_changed_and_does_not_answer() {
    let recording = record().await;
    let verdict = scenes::disturbed().await;
    assert_eq!(verdict.name(), "promote", "{verdict}");
    occur(&check(&recording), &["conflict", "cluster problem", "verdict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_another_driver() {
    let recording = record().await;
    let verdict = scenes::people().await;
    assert_eq!(verdict.cause(), Some("asked"), "{verdict}");
    let told = check(&recording);
    occur(
        &told,
        &[
            "rollout did not begin",
            "command",
            "paused",
            "resumed",
            "suspended",
            "rollout resumed",
            "step awaits approval",
            "rollback decided",
        ],
    );
    let commands = recording.events("command");
    let commands: Vec<&str> = commands.iter().map(|seen| seen.fields["command"].as_str()).collect();
    assert_eq!(commands, ["pause", "resume", "approve", "abort"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_somebody_else() {
    let recording = record().await;
    let verdict = scenes::edited().await;
    assert_eq!(verdict.name(), "externalEdit", "{verdict}");
    occur(&check(&recording), &["external edit", "verdict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_repeated_or_fail() {
    let recording = record().await;
    let patient = Retry::default().first_pause(Duration::from_millis(1));
    let once = server(|number| match number {
        0 => unavailable(),
        _ => Reply::json(200, &json!({"predictions": [[0.9, 0.1]]})),
    });
    let once = once.await;
    client(&once.url()).retry(patient.clone()).predict(b"x".as_slice()).await.unwrap();
    assert_eq!(recording.events("retry").len(), 1);
    assert!(recording.events("retries exhausted").is_empty());
    let never = server(|_| unavailable()).await;
    client(&never.url()).retry(patient.clone()).predict(b"x".as_slice()).await.unwrap_err();
    let exhausted = &recording.events("retries exhausted")[0];
    assert_eq!(
        (exhausted.fields["attempts"].as_str(), exhausted.fields["origin"].as_str()),
        ("3", "Mesh")
    );
    never.stop();
    // One attempt only: the caller has the error, and nothing was in vain.
    client("http://127.0.0.1:9").predict(b"x".as_slice()).await.unwrap_err();
    assert_eq!(recording.events("retries exhausted").len(), 1);
    let cut = server(|_| Reply::Reset).await;
    client(&cut.url()).status().await.unwrap_err();
    let slow = server(|number| {
        if number == 0 {
            let nothing = futures_util::StreamExt::boxed(futures_util::stream::pending());
            return Reply::Pieces(200, Vec::new(), nothing);
        }
        Reply::json(200, &json!({"predictions": [[0.9, 0.1]]}))
    });
    let slow = slow.await;
    let hedged = client(&slow.url()).retry(patient).hedge(Duration::from_millis(1));
    hedged.predict(b"x".as_slice()).await.unwrap();
    let loading =
        json!({"model_version_status": [{"version": "1", "state": "LOADING", "status": {}}]});
    let loading = server(move |_| Reply::json(200, &loading)).await;
    client(&loading.url()).wait(Duration::from_millis(150), |_| {}).await.unwrap_err();
    occur(
        &check(&recording),
        &[
            "retry",
            "connection failed",
            "request failed",
            "second request sent",
            "model is not available yet",
            "call failed",
            "call answered",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_grpc() {
    let recording = record().await;
    let lab = scenes::lab(0.0);
    let pods = recording.events("model server started");
    let address = &pods[0].fields["address"];
    client(&format!("grpc://{address}")).predict(b"x".as_slice()).await.unwrap();
    client("grpc://127.0.0.1:9").predict(b"x".as_slice()).await.unwrap_err();
    occur(&check(&recording), &["gRPC response", "call answered", "call failed"]);
    let call = recording.events("call answered").pop().unwrap();
    assert_eq!(call.around[0].1["transport"], "gRPC");
    drop(lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_and_prometheus() {
    let recording = record().await;
    let live = |version: &str| {
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"name": "a", "namespace": "default", "resourceVersion": version},
            "spec": {"hosts": ["*"]},
        })
    };
    let refused = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 422,
        "reason": "Invalid", "message": "the server rejected our request due to an error in our request"});
    let answer = live("7");
    let server = server(move |number| match number {
        2 => Reply::json(422, &refused),
        5 => Reply::json(500, &json!({"message": "no"})),
        _ => Reply::json(200, &answer),
    });
    let server = server.await;
    let cluster = scenes::cluster(&server.url(), &json!({"token": "t"})).await;
    let object = ObjectRef::virtual_service("default", "a");
    let patch = |version: &str| {
        serde_json::from_value(json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "replace", "path": "/spec/hosts", "value": ["a"]},
        ]))
        .unwrap()
    };
    cluster.apply(&live("6")).await.unwrap();
    cluster.patch(&object, &patch("7")).await.unwrap();
    cluster.patch(&object, &patch("6")).await.unwrap_err();
    cluster.delete(&object).await.unwrap();
    cluster.get(&object).await.unwrap_err();
    let patched = &recording.events("object patched")[0];
    assert_eq!(patched.fields["paths"], "/spec/hosts");
    assert_eq!(patched.fields["resource_version"], "7");
    assert_eq!(recording.events("conflict")[0].fields["object"], "VirtualService default/a");
    preflight(&cluster, &PreflightOptions::new("default")).await.unwrap_or_default();
    let mut watch =
        Box::pin(scenes::cluster("http://127.0.0.1:9", &json!({})).await.watch(&object));
    futures_util::StreamExt::next(&mut watch).await.unwrap().unwrap_err();
    let metrics = || Metrics::istio("m", "default");
    let found = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    let up = scenes::server(move |_| Reply::json(200, &found)).await;
    for url in [up.url(), "http://127.0.0.1:9".to_owned()] {
        let source = Prometheus::new(&url, metrics(), Subsets::new("a", "b")).unwrap();
        let _ = source.window(Timestamp(0), Timestamp(15_000)).await;
    }
    occur(
        &check(&recording),
        &[
            "API request",
            "API request failed",
            "object applied",
            "object patched",
            "object deleted",
            "conflict",
            "watch failed, and begins again",
            "Prometheus query",
            "Prometheus query failed",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_and_copies() {
    let recording = record().await;
    let server = server(|number| {
        let status = if number == 0 { 503 } else { 200 };
        Reply::Whole(status, Vec::new(), Vec::new())
    });
    let server = server.await;
    let mut notices = Notices::new(&Plan::new("pets", "v1", "v2"));
    let written = Progress::Written { step: 0, split: Split::new(5) };
    let notice = notices.of(&written, Timestamp(1)).unwrap();
    let webhook = |url: &str, attempts| {
        let webhook = Webhook::cloud_events(url).unwrap().attempts(attempts);
        webhook.first_pause(Duration::from_millis(1))
    };
    let webhooks = [webhook(&server.url(), 2), webhook("http://127.0.0.1:9", 1)];
    let notifier = Notifier::spawn(webhooks).unwrap();
    notifier.notice(&notice);
    assert_eq!(notifier.finish(Duration::from_secs(60)).await.len(), 1);
    let folder = Folder::new("copies");
    let from = || Location::folder(folder.model());
    CopyModel::new(from(), Location::folder(folder.at("to/1"))).run().await.unwrap();
    let gone = Location::folder(folder.at("gone/1"));
    CopyModel::new(gone, Location::folder(folder.at("to/2"))).run().await.unwrap_err();
    occur(
        &check(&recording),
        &[
            "notice delivered",
            "notice is sent again",
            "notice not delivered",
            "model copy began",
            "file copied",
            "model copied",
            "model not copied",
            "copy",
        ],
    );
}
