//! Requests and their ends as text: `POST http://a.example/x version=2 -> b path:/y`.

use std::time::Duration;

use super::super::super::{Decision, HeaderEdit, Mesh, Outcome, Request, apply_header_edits};

/// The request of a line: method, URL, headers as `name=value`, and where it enters: `port:8080`, `gateway:ns/name`, or
/// `from:ns` for the sidecar of a client. `@5` is its random number.
pub(super) fn request(text: &str) -> Request {
    let mut words = text.split_whitespace();
    let method = words.next().expect("a method");
    let mut request = Request::new(method, words.next().expect("a URL"));
    for word in words {
        request = match word.split_once([':', '=', '@']) {
            Some(("port", port)) => request.port(port.parse().expect("a port")),
            Some(("gateway", name)) => request.gateway(name),
            Some(("from", namespace)) => request.from_workload(namespace, [("app", "caller")]),
            Some(("", number)) => request.random(number.parse().expect("a number")),
            Some((name, value)) => request.header(name, value),
            None => panic!("{word} of {text}"),
        };
    }
    request
}

/// The end of a request: the service, as `name` or `name.namespace`, or the status, and `404` for no route.
fn end(decision: &Decision<&Request>) -> String {
    match decision.outcome() {
        Outcome::Forward(cluster) => {
            let short = cluster.host.trim_end_matches(".svc.cluster.local");
            short.trim_end_matches(".default").to_owned()
        }
        Outcome::Failure(failure) => failure.kind.status().to_string(),
        Outcome::Redirect(redirect) => format!("{} {}", redirect.status, redirect.location),
        Outcome::DirectResponse(direct) => direct.status.to_string(),
        Outcome::Passthrough => "passed".to_owned(),
        Outcome::Preflight(_) => "preflight".to_owned(),
        other => other.to_string(),
    }
}

/// The difference between the outcome of a request and the expected one; `None` when there is none. A line can expect the path
/// that is sent (`path:`), the host (`host:`), headers of the request (`name=value`, `!name` for none), headers that are
/// set on the answer (`answer.name=value`), copies (`copy:service`), a time limit (`limit:5s`), the rule (`rule:`) and
/// shares (`share:2/3`).
pub(super) fn wrong(mesh: &Mesh, line: &str) -> Option<String> {
    let (asked, expected) = line.split_once(" -> ").expect("an arrow");
    let request = request(asked);
    let decision = mesh.route(&request);
    let mut words = expected.split_whitespace();
    let mut wanted = words.next().expect("an end").to_owned();
    if wanted.starts_with('3') {
        wanted = format!("{wanted} {}", words.next().expect("a location"));
    }
    let found = end(&decision);
    if found != wanted {
        return Some(format!("{line}: found {found}\n{}", decision.why()));
    }
    words.find_map(|word| {
        let (found, wanted) = detail(&decision, word);
        (found != wanted).then(|| format!("{line}: {word}: found {found:?}\n{}", decision.why()))
    })
}

/// The value found for a word of an expectation, and the value expected.
fn detail(decision: &Decision<&Request>, word: &str) -> (String, String) {
    if let Some(name) = word.strip_prefix('!') {
        return (header(decision, name).unwrap_or_default(), String::new());
    }
    let (key, wanted) = word.split_once([':', '=']).expect("a key and a value");
    let found = match key {
        "path" => decision.path().into_owned(),
        "host" => decision.authority().to_owned(),
        "rule" => decision.rule().map(|rule| rule.path.clone()).unwrap_or_default(),
        "route" => decision.rule().map(|rule| rule.name.clone()).unwrap_or_default(),
        "limit" => seconds(decision.timeout()),
        "attempt" => seconds(decision.retries().and_then(|retries| retries.per_try_timeout)),
        "retries" => decision.retries().map_or(0, |retries| retries.attempts).to_string(),
        "copy" => {
            let mirrors = decision.mirrors();
            let names = mirrors.iter().map(|one| one.host.split('.').next().unwrap_or_default());
            names.collect::<Vec<_>>().join(",")
        }
        "share" => {
            let shares = decision.shares();
            let chosen = decision.cluster().map(|cluster| cluster.name.clone());
            let share = shares.iter().find(|share| Some(&share.cluster.name) == chosen.as_ref());
            share.map(|share| format!("{}/{}", share.weight, share.total)).unwrap_or_default()
        }
        _ => match key.strip_prefix("answer.") {
            Some(name) => edited(Vec::new(), decision.response_edits(), name).unwrap_or_default(),
            None => header(decision, key).unwrap_or_default(),
        },
    };
    (found, wanted.to_owned())
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "none".to_owned(), |time| format!("{}s", time.as_secs_f64()))
}

/// A header of the request as it is sent on.
fn header(decision: &Decision<&Request>, name: &str) -> Option<String> {
    edited(decision.request().headers.clone(), decision.request_edits(), name)
}

fn edited(mut headers: Vec<(String, String)>, edits: &[HeaderEdit], name: &str) -> Option<String> {
    apply_header_edits(&mut headers, edits, |_, _, _| None);
    let values: Vec<String> = headers
        .into_iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}
