//! The evaluator's answer for a request, and Envoy's, field by field.

use std::collections::BTreeMap;

use canary_core::{
    Decision, Mesh, Request,
    route::{FailureKind, HeaderEdit, Outcome, apply_header_edits},
};
use canary_lab::envoy::LogLine;

use super::{
    backends::{ANSWERED, Backends, Received},
    client::{Answer, TAG},
};

/// The handling of one request on Envoy.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The client's answer.
    pub answer: Answer,
    /// The line in Envoy's access log.
    pub line: LogLine,
    /// The request that the destination received.
    pub received: Option<Received>,
    /// The servers that got a copy.
    pub copies: Vec<String>,
}

impl Observed {
    /// Separates the copies from the request that the destination received: the access log names its endpoint.
    pub fn sort(&mut self, mut messages: Vec<Received>) {
        // Both may have gone to one server. To the chain of proxies of copies Envoy adds its own address.
        let proxies = |message: &Received| {
            let all = message.headers.iter().filter(|(name, _)| name == "x-forwarded-for");
            all.map(|(_, chain)| chain.split(',').count()).sum::<usize>()
        };
        messages.sort_by_key(proxies);
        let upstream = self.line.upstream.as_deref().and_then(|address| address.rsplit(':').next());
        let upstream = upstream.and_then(|port| port.parse::<u16>().ok());
        for message in messages {
            let first = self.received.is_none();
            if first && upstream.is_none_or(|port| port == message.port) {
                self.received = Some(message);
            } else {
                self.copies.push(message.server);
            }
        }
    }
}

/// The server, and Envoy's cluster, to which a sidecar passes what it does not know.
pub const PASSED: &str = "PassthroughCluster";

/// An outcome as named texts, so that two can be laid side by side.
type Fields = BTreeMap<&'static str, String>;

/// Where they differ, in words; `None` when one of the outcomes that the evaluator allows is what happened. `more` says
/// what else is wrong with a decision.
pub fn difference(
    mesh: &Mesh,
    request: &Request,
    seen: &Observed,
    backends: &Backends,
    more: impl Fn(&Decision<&Request>) -> Vec<String>,
) -> Option<String> {
    let first = mesh.route(request);
    let mut numbers = vec![0];
    if matches!(first.outcome(), Outcome::Forward(_) | Outcome::Failure(_) | Outcome::Abort(_)) {
        // One number in the interval of each destination.
        let mut start = 0;
        numbers.clear();
        for share in first.shares().iter().filter(|share| share.weight > 0) {
            numbers.push(start);
            start += share.weight;
        }
        if numbers.is_empty() {
            numbers.push(0);
        }
    }
    let actual = observed(seen);
    let mut report = Vec::new();
    for random in numbers {
        let with_number = Request { random, ..request.clone() };
        let decision = mesh.route(&with_number);
        let expected = fields(&decision, backends, seen.received.as_ref());
        let wrong: Vec<String> = expected
            .iter()
            .filter(|(field, text)| actual.get(*field) != Some(text))
            .map(|(field, text)| {
                let found = actual.get(field).map_or("nothing", String::as_str);
                format!("    {field}: evaluator {text}, Envoy {found}")
            })
            .chain(
                actual
                    .iter()
                    .filter(|(field, _)| {
                        !expected.contains_key(*field) && **field != "answer's headers"
                    })
                    .map(|(field, text)| format!("    {field}: evaluator nothing, Envoy {text}")),
            )
            .chain(more(&decision).into_iter().map(|text| format!("    {text}")))
            .collect();
        if wrong.is_empty() {
            return None;
        }
        report.push(format!("  {decision}\n{}", wrong.join("\n")));
    }
    Some(format!("request {request}\n{}", report.join("\n")))
}

/// The request as it is sent on.
fn insert_request(fields: &mut Fields, decision: &Decision<&Request>) {
    let request = *decision.request();
    fields.insert("method", request.method.clone());
    fields.insert("path", decision.path().into_owned());
    fields.insert("authority", decision.authority().to_owned());
    let mut headers = request.headers.clone();
    edit(&mut headers, decision.request_edits(), None);
    fields.insert("request headers", shown(&headers, is_of_request));
}

fn fields(
    decision: &Decision<&Request>,
    backends: &Backends,
    received: Option<&Received>,
) -> Fields {
    let mut fields = Fields::new();
    let request = *decision.request();
    if let Some(rule) = decision.rule() {
        fields.insert("route", rule.name.clone());
    }
    let mut flags = Vec::new();
    if decision.delay().is_some() {
        flags.push("DI");
    }
    let mut answer: Vec<(String, String)> = Vec::new();
    let own = |fields: &mut Fields, body: &[u8]| {
        fields.insert("body", String::from_utf8_lossy(body).into_owned());
    };
    let status = decision.outcome().status().unwrap_or(200);
    match decision.outcome() {
        Outcome::Forward(cluster) => {
            fields.insert("cluster", cluster.name.clone());
            let none = BTreeMap::new();
            let labels = cluster.policy.as_ref().map_or(&none, |policy| &policy.labels);
            let servers = backends.servers(&cluster.host, cluster.port, labels);
            let found = received.map(|received| received.server.clone());
            let server = found.filter(|found| servers.contains(found));
            fields.insert("server", server.unwrap_or_else(|| format!("one of {servers:?}")));
            insert_request(&mut fields, decision);
            let limit = decision
                .retries()
                .and_then(|retries| retries.per_try_timeout)
                .into_iter()
                .chain(decision.timeout())
                .min();
            if let Some(limit) = limit {
                fields.insert("time limit", limit.as_millis().to_string());
            }
            answer.extend(ANSWERED.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Outcome::Redirect(to) => {
            answer.push(("location".to_owned(), to.location.clone()));
            own(&mut fields, b"");
        }
        Outcome::DirectResponse(direct) => own(&mut fields, &direct.body),
        Outcome::Abort(_) => {
            flags.push("FI");
            // A client that does not speak gRPC gets no gRPC status.
            own(&mut fields, b"fault filter abort");
        }
        Outcome::Preflight(headers) => {
            answer.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            own(&mut fields, b"");
        }
        Outcome::Failure(failure) => {
            flags.push(failure.kind.flag());
            if failure.kind == FailureKind::NoHealthyUpstream
                && let Some(cluster) = decision.cluster()
            {
                fields.insert("cluster", cluster.name.clone());
            }
            let text = match failure.kind {
                FailureKind::NoHealthyUpstream => "no healthy upstream",
                _ => "",
            };
            own(&mut fields, text.as_bytes());
        }
        Outcome::Passthrough => {
            fields.insert("cluster", PASSED.to_owned());
            fields.insert("server", PASSED.to_owned());
            insert_request(&mut fields, decision);
            answer.extend(ANSWERED.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        other => panic!("no proxy ends with {other}"),
    }
    // Variables of answers are read from the request as it was sent on.
    let mut sent = request.headers.clone();
    edit(&mut sent, decision.request_edits(), None);
    edit(&mut answer, decision.response_edits(), Some(&sent));
    for (name, value) in decision.cors_headers() {
        answer.retain(|(found, _)| found != name);
        answer.push((name.to_owned(), value));
    }
    fields.insert("status", status.to_string());
    fields.insert("flags", flags.join(","));
    // When no endpoint is there, variables of the answer are read from a request that was prepared for one.
    let unknown = status == 503
        && decision.response_edits().iter().any(|edit| match edit {
            HeaderEdit::Set { value, .. } | HeaderEdit::Add { value, .. } => {
                value.literal().is_none()
            }
            _ => false,
        });
    if !unknown {
        fields.insert("answer's headers", shown(&answer, is_of_answer));
    }
    let mut copies: Vec<String> = decision
        .mirrors()
        .iter()
        .filter(|cluster| cluster.failure.is_none())
        .map(|cluster| {
            format!("{}:{}", cluster.host.trim_end_matches(".svc.cluster.local"), cluster.port)
        })
        .collect();
    copies.sort();
    fields.insert("copies", copies.join(" "));
    fields
}

fn observed(seen: &Observed) -> Fields {
    let mut fields = Fields::new();
    if let Some(route) = &seen.line.route {
        fields.insert("route", route.clone());
    }
    // Envoy also logs the cluster of a request that a filter answers.
    let reached = seen.received.is_some()
        || seen.line.flags.as_deref().is_some_and(|flags| flags.ends_with("UH"));
    if let Some(cluster) = seen.line.cluster.as_ref().filter(|_| reached) {
        fields.insert("cluster", cluster.clone());
    }
    match &seen.received {
        Some(received) => {
            fields.insert("server", received.server.clone());
            fields.insert("method", received.method.clone());
            fields.insert("path", received.path.clone());
            fields.insert("authority", received.header("host").unwrap_or_default().to_owned());
            fields.insert("request headers", shown(&received.headers, is_of_request));
            if let Some(limit) = received.header("x-envoy-expected-rq-timeout-ms") {
                fields.insert("time limit", limit.to_owned());
            }
        }
        None => {
            fields.insert("body", String::from_utf8_lossy(&seen.answer.body).into_owned());
        }
    }
    fields.insert("status", seen.answer.status.to_string());
    fields.insert("flags", seen.line.flags.clone().unwrap_or_default());
    fields.insert("answer's headers", shown(&seen.answer.headers, is_of_answer));
    let mut copies: Vec<&str> = seen
        .copies
        .iter()
        .map(|server| server.split_once('/').map_or(server.as_str(), |(service, _)| service))
        .collect();
    copies.sort_unstable();
    fields.insert("copies", copies.join(" "));
    fields
}

/// Carries edits out; variables are read from `request`, or from the headers that are edited.
fn edit(
    headers: &mut Vec<(String, String)>,
    edits: &[HeaderEdit],
    request: Option<&Vec<(String, String)>>,
) {
    apply_header_edits(headers, edits, |now, name, arguments| match (name, arguments) {
        ("REQ", Some(names)) => names.split('?').find_map(|name| {
            let mut all = request.map_or(now, Vec::as_slice).iter();
            // Of several values Envoy takes the first.
            let found = all.find(|(found, _)| found.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        }),
        ("PROTOCOL", None) => Some("HTTP/1.1".to_owned()),
        _ => None,
    });
}

/// Headers by name, in lower case, with their values in order.
fn shown(headers: &[(String, String)], keep: fn(&str) -> bool) -> String {
    let mut all: Vec<(String, &str)> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
        .filter(|(name, _)| keep(name))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(" ")
}

/// Returns `true` for a header of the client's request, `false` for one that Envoy adds about the connection.
fn is_of_request(name: &str) -> bool {
    !["host", "connection", "content-length", "x-request-id", TAG].contains(&name)
        && !name.starts_with("x-envoy-")
        && !name.starts_with("x-forwarded-")
}

/// Returns `true` for a header that rules, servers or the CORS filter put into an answer.
fn is_of_answer(name: &str) -> bool {
    (name.starts_with("x-") && !name.starts_with("x-envoy-"))
        || name.starts_with("access-control-")
        || name == "location"
}
