//! Responses that a real API server cannot be forced to give: a scripted server in its place.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use canary_core::{
    cluster::{Cluster, Kubernetes, ObjectRef, Patch, WatchEvent},
    rollout::Error,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

const TOKEN: &str = "a-very-secret-token";

/// Answers to requests whose first line contains the key, in order; the last one is repeated.
type Script = BTreeMap<&'static str, Vec<(u16, &'static str, String)>>;

#[derive(Clone)]
struct Fake {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let fake = Self { address, seen: Arc::default() };
        let (script, seen) = (Arc::new(Mutex::new(script)), Arc::clone(&fake.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &script, &seen));
            }
        });
        fake
    }

    async fn connect(&self) -> Kubernetes {
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "fake", "user": {"token": TOKEN}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        });
        Kubernetes::from_kubeconfig(&kubeconfig.to_string(), None).await.unwrap()
    }

    fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn serve(stream: TcpStream, script: &Mutex<Script>, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if header.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        seen.lock().unwrap().push(first.clone());
        let (status, headers, body) = {
            let mut script = script.lock().unwrap();
            let answers = script.iter_mut().find(|(key, _)| first.contains(*key));
            let Some((_, answers)) = answers else { panic!("no answer for {first}") };
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        };
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn status(code: u16, reason: &str, message: &str) -> String {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    })
    .to_string()
}

fn object(version: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "a", "namespace": "default", "resourceVersion": version},
        "spec": {"hosts": ["*"]},
    })
}

fn target() -> ObjectRef {
    ObjectRef::virtual_service("default", "a")
}

/// The error with its causes, as a log would show it, and as `{:?}` does.
fn whole(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text} {inner} {inner:?}");
        cause = inner.source();
    }
    text
}

async fn get(code: u16, body: String) -> Error {
    let fake = Fake::start(BTreeMap::from([("GET", vec![(code, "", body)])]));
    let error = fake.connect().await.get(&target()).await.unwrap_err();
    assert!(!whole(&error).contains(TOKEN), "{error:?}");
    error
}

#[tokio::test]
async fn a_busy_server_is_retried_when_it_says_so() {
    let busy = (429, "Retry-After: 1\r\n", status(429, "TooManyRequests", "busy"));
    let script = vec![busy, (200, "", object("1").to_string())];
    let fake = Fake::start(BTreeMap::from([("GET", script)]));
    let began = Instant::now();
    assert_eq!(fake.connect().await.get(&target()).await.unwrap(), Some(object("1")));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(fake.requests(), 2);
}

#[tokio::test]
async fn each_refusal_says_what_it_means_and_whether_to_try_again() {
    let cases = [
        (500, "InternalError", "etcd is away", true, "the API server failed (500: etcd is away)"),
        (502, "", "bad gateway", true, "the API server failed (502"),
        (410, "Expired", "too old", true, "the resource version is too old"),
        (401, "Unauthorized", "no", false, "log in again"),
        (
            403,
            "Forbidden",
            "no",
            false,
            "grant the verb \"get\" on virtualservices in namespace default",
        ),
        (405, "MethodNotAllowed", "no", false, "refused (405"),
    ];
    for (code, reason, message, retryable, part) in cases {
        let error = get(code, status(code, reason, message)).await;
        assert_eq!(error.is_retryable(), retryable, "{code}: {error}");
        let text = error.to_string();
        assert!(text.contains(part) && text.contains("VirtualService default/a"), "{code}: {text}");
    }
    let error = get(409, status(409, "Conflict", "the object has been modified")).await;
    assert!(
        matches!(&error, Error::Conflict { diff, .. } if diff.contains("modified")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_that_is_none_of_an_api_server_is_reported() {
    let error = get(200, "<html>log in</html>".to_owned()).await;
    assert!(
        error.to_string().contains("not one of an API server") && !error.is_retryable(),
        "{error}"
    );
    // A proxy's error page.
    let error = get(502, "<html>bad gateway</html>".to_owned()).await;
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back() {
    let port = canary_tests::apiserver::free_port();
    let fake = Fake { address: format!("127.0.0.1:{port}"), seen: Arc::default() };
    let error = fake.connect().await.get(&target()).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("cannot be reached"), "{error}");
    assert!(!whole(&error).contains(TOKEN), "{error:?}");
}

#[tokio::test]
async fn a_conflict_on_a_patch_is_one() {
    let answer = vec![(409, "", status(409, "Conflict", "the object has been modified"))];
    let fake = Fake::start(BTreeMap::from([("PATCH", answer)]));
    let patch: Patch =
        serde_json::from_value(json!([{"op": "add", "path": "/a", "value": 1}])).unwrap();
    let error = fake.connect().await.patch(&target(), &patch).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
}

/// A list in pages, whose second page the server has forgotten: it is read again, in one piece.
#[tokio::test]
async fn a_list_that_expires_between_two_pages_is_read_again() {
    let list = |token: &str, items: &[Value]| {
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"continue": token}, "items": items})
            .to_string()
    };
    let fake = Fake::start(BTreeMap::from([(
        "GET",
        vec![
            (200, "", list("next", &[object("1")])),
            (410, "", status(410, "Expired", "the continue token is too old")),
            (200, "", list("", &[object("1"), object("2")])),
        ],
    )]));
    let found =
        fake.connect().await.list("networking.istio.io/v1", "VirtualService", None).await.unwrap();
    assert_eq!(found.len(), 2);
    let seen = fake.seen.lock().unwrap().clone();
    assert!(seen[0].contains("limit=500") && seen[1].contains("continue=next"), "{seen:?}");
    assert!(!seen[2].contains("continue"), "{seen:?}");
}

/// 410 as an answer, and as an event: the present state is read, and the changes meanwhile are reported.
#[tokio::test]
async fn a_watch_whose_version_is_forgotten_goes_on_from_the_present_state() {
    let gone = json!({"type": "ERROR", "object": serde_json::from_str::<Value>(&status(410, "Expired", "too old")).unwrap()});
    let fake = Fake::start(BTreeMap::from([
        (
            "watch=true",
            vec![
                (410, "", status(410, "Expired", "too old")),
                (200, "", format!("{gone}\n")),
                (500, "", status(500, "InternalError", "etcd is away")),
                (200, "", format!("{}\n", json!({"type": "MODIFIED", "object": object("4")}))),
                (200, "", String::new()),
            ],
        ),
        (
            "virtualservices/a",
            ["1", "2", "3"].map(|version| (200, "", object(version).to_string())).to_vec(),
        ),
    ]));
    let mut events = Box::pin(fake.connect().await.watch(&target()));
    let mut seen = Vec::new();
    let mut failures = 0;
    while seen.len() < 4 {
        let event =
            tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap();
        match event {
            Ok(WatchEvent::Applied(object)) => {
                seen.push(object["metadata"]["resourceVersion"].as_str().unwrap().to_owned());
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                failures += 1;
            }
        }
    }
    assert_eq!(seen, ["1", "2", "3", "4"]);
    assert_eq!(failures, 1, "only the server's failure is an error");
}

/// No credential in what is shown or logged.
#[tokio::test]
async fn credentials_are_in_no_error_and_in_no_debug_output() {
    let cluster = Fake::start(BTreeMap::new()).connect().await;
    assert!(!format!("{cluster:?}").contains(TOKEN));

    let config = |user: &str, server: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\n\
             clusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\nusers:\n- name: u\n  user:\n{user}\n"
        )
    };
    let server = "https://127.0.0.1:1";
    let broken = [
        // Not YAML just beside the token.
        config(&format!("    token: {TOKEN}: ["), server),
        config(&format!("    token: [{TOKEN}]"), server),
        config(&format!("    token: \"{TOKEN}\\n\""), server),
        config(&format!("    username: u\n    password: {{a: {TOKEN}}}"), server),
        config(
            &format!("    client-certificate-data: {TOKEN}\n    client-key-data: {TOKEN}"),
            server,
        ),
        config(&format!("    token: {TOKEN}"), "not a url"),
        config(&format!("    token: {TOKEN}\n  {TOKEN}"), server),
    ];
    for (index, text) in broken.iter().enumerate() {
        let error = match Kubernetes::from_kubeconfig(text, None).await {
            Err(error) => error,
            Ok(cluster) => cluster.get(&target()).await.unwrap_err(),
        };
        let text = whole(&error);
        assert!(!text.contains(TOKEN), "{index}: {text}");
    }

    // The output of a credential plugin.
    let plugin = |script: &str| {
        config(
            &format!(
                "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: sh\n      \
                 args: [\"-c\", \"{script}\"]\n      interactiveMode: Never"
            ),
            server,
        )
    };
    for script in [
        format!("echo {TOKEN}; exit 3"),
        format!("echo {TOKEN}"),
        format!("echo {TOKEN} >&2; exit 1"),
    ] {
        let error = match Kubernetes::from_kubeconfig(&plugin(&script), None).await {
            Err(error) => error,
            Ok(cluster) => cluster.get(&target()).await.unwrap_err(),
        };
        let text = whole(&error);
        assert!(!text.contains(TOKEN), "{text}");
        assert!(text.contains("credential plugin"), "{text}");
    }
}
