//! Tells the model server, the mesh and the network apart.

use std::time::Duration;

use canary_http::{
    ConnectFailure, Error as HttpError, Phase, Response, TlsFailure, causes, server_text,
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::protocol::Protocol;
use crate::error::{Origin, PredictError};

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: PredictError,
    /// True when this client sends the request again by itself.
    pub(crate) repeat: bool,
    /// The pause that the response asks for.
    pub(crate) pause: Option<Duration>,
}

impl From<PredictError> for Failure {
    fn from(error: PredictError) -> Self {
        Self { error, repeat: false, pause: None }
    }
}

// Remedies that REST and gRPC share.
pub(crate) const NO_ROUTE: &str =
    "no VirtualService matches the host, port, path and headers of the request";
pub(crate) const UNKNOWN_MODEL: &str = "check the model's name, which is the server's --model_name, and version; .status() lists the \
     versions";
pub(crate) const CHECK_INPUT: &str =
    "check(…) compares an input with the signature before it is sent";
pub(crate) const NOT_LOADED: &str = "the model is not loaded; .wait(…) waits until it is";
pub(crate) const FULL: &str = "the server is full: send fewer at once";

/// The header in which a proxy may pass on Envoy's response flags (`%RESPONSE_FLAGS%`).
const FLAGS: [&str; 2] = ["x-envoy-response-flags", "x-response-flags"];

/// An error response of Envoy itself, recognised by its text, with the flag that Envoy's log would show.
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>
const LOCAL_REPLIES: &[(&str, &str, &str)] = &[
    ("no healthy upstream", "UH", "no endpoint of the chosen subset is ready; see its pods"),
    ("reset reason: overflow", "UO", "a circuit breaker of the DestinationRule is open"),
    ("reset reason: connection termination", "UC", "the model server closed the connection"),
    (
        "reset reason: remote connection failure",
        "UF",
        "the endpoint cannot be reached; see its pods and its port",
    ),
    ("reset reason: remote reset", "UR", "the model server reset the request"),
    ("upstream connect error", "UF", "the endpoint cannot be reached; see its pods and its port"),
    (
        "upstream request timeout",
        "UT",
        "the VirtualService's timeout is shorter than the prediction",
    ),
    ("stream timeout", "SI", "the gateway waited too long for the stream"),
    ("fault filter abort", "FI", "the VirtualService injects this fault"),
    ("local_rate_limited", "RL", "the mesh limits the rate of requests"),
    ("RBAC: access denied", "RBAC", "an AuthorizationPolicy refuses the request"),
    ("Jwt", "JWT", "a RequestAuthentication refuses the token"),
];

/// The failure of an exchange without a whole response.
pub(crate) fn of_network(url: &str, cause: HttpError) -> Failure {
    let why = innermost(&cause);
    let (origin, message, help) = match &cause {
        HttpError::Input { reason, .. } => (Origin::Request, reason.clone(), ""),
        HttpError::Connect { failure: ConnectFailure::Refused, .. } => (
            Origin::Network,
            "nothing listens there: the connection was refused".to_owned(),
            "check the host and the port, and that the gateway or the server is up",
        ),
        HttpError::Timeout { phase: Phase::Connect, .. } => (
            Origin::Network,
            "the connection was not established in time".to_owned(),
            "check the host, and that no firewall drops the packets",
        ),
        HttpError::Connect { failure, .. } => {
            let help = match failure {
                ConnectFailure::Name => "check the host's name",
                _ => "",
            };
            (Origin::Network, format!("no connection: {why}"), help)
        }
        HttpError::Tls { failure, .. } => {
            let help = match failure {
                TlsFailure::Untrusted => "give the authority that signed it as `ca_certificate`",
                TlsFailure::Refused => "give the client's own certificate as `identity`",
                _ => "",
            };
            (Origin::Network, format!("no connection: {why}"), help)
        }
        HttpError::Broken { phase: Phase::Body, .. } => (
            Origin::Network,
            format!("the connection broke in the middle of the answer: {why}"),
            "",
        ),
        HttpError::TooLarge { limit } => (
            Origin::Answer,
            format!("the answer is larger than the limit of {limit} bytes"),
            "raise `max_answer_bytes`",
        ),
        // `Broken` before the answer, and what a later version of the client adds.
        _ => (Origin::Network, format!("the connection broke before the answer: {why}"), ""),
    };
    let mut error = PredictError::new(origin, url, message);
    help.clone_into(&mut error.help);
    error.sent = cause.was_sent();
    error.retryable = cause.is_retryable();
    error.timed_out = matches!(cause, HttpError::Timeout { .. });
    error.source = Some(Box::new(cause));
    let repeat = error.retryable;
    Failure { error, repeat, pause: None }
}

/// The text of the last cause, which is the most specific.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

/// The failure of a response whose status is not 2xx.
pub(crate) fn of_status(url: &str, response: &Response, protocol: Protocol) -> Failure {
    let text = String::from_utf8_lossy(&response.body);
    let text = text.trim();
    let status = response.status;
    let (origin, message, help, flags) = origin_of(status, &response.headers, text, protocol);
    let mut error = PredictError::new(origin, url, message);
    error.help = help;
    error.status = Some(status.as_u16());
    error.response_flags = header(&response.headers, &FLAGS).or(flags.map(str::to_owned));
    let busy = status == StatusCode::TOO_MANY_REQUESTS;
    error.timed_out = matches!(status, StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT);
    error.retryable = busy
        || error.timed_out
        || matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY);
    let of_mesh = origin == Origin::Mesh && status == StatusCode::SERVICE_UNAVAILABLE;
    let injected = error.response_flags.as_deref() == Some("FI");
    Failure {
        error,
        repeat: busy || of_mesh && !injected,
        pause: header(&response.headers, &["retry-after"])
            .and_then(|text| retry_after(&text, Timestamp::now())),
    }
}

/// The pause that `retry-after` asks for: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

fn header(headers: &HeaderMap, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .filter(|text| !text.is_empty() && *text != "-")
        .map(|text| server_text(text).into_owned())
}

/// True when Envoy sent the response, its own or a server's.
pub(crate) fn by_envoy(headers: &HeaderMap) -> bool {
    let server = headers.get(http::header::SERVER);
    server.is_some_and(|server| server == "istio-envoy" || server == "envoy")
}

/// True when Envoy passed a server's response on: it adds this header to those, and to none of its own.
pub(crate) fn by_upstream(headers: &HeaderMap) -> bool {
    headers.contains_key("x-envoy-upstream-service-time")
}

/// The flag and the remedy of a refusal of Envoy itself, by its text.
pub(crate) fn local_reply(headers: &HeaderMap, text: &str) -> Option<(&'static str, &'static str)> {
    let known = |(part, flag, _): &&(&str, &str, &str)| {
        text.contains(part) && (*flag != "JWT" || by_envoy(headers))
    };
    LOCAL_REPLIES.iter().find(known).map(|&(_, flag, help)| (flag, help))
}

/// The party that returned a response, the message, the remedy, and Envoy's response flag.
type Finding = (Origin, String, String, Option<&'static str>);

fn origin_of(status: StatusCode, headers: &HeaderMap, text: &str, protocol: Protocol) -> Finding {
    let by_server = |message: String, help: &str| (Origin::Server, message, help.to_owned(), None);
    if let Some(message) = server_message(text) {
        let help = server_help(status, &message, protocol);
        return by_server(format!("{message} (HTTP {status})"), help);
    }
    let by_envoy = by_envoy(headers);
    if !by_upstream(headers) {
        if let Some((flag, help)) = local_reply(headers, text) {
            return (Origin::Mesh, first_line(text, status), help.to_owned(), Some(flag));
        }
        if status.is_redirection() {
            let to = header(headers, &["location"]).unwrap_or_else(|| "elsewhere".to_owned());
            let origin = if by_envoy { Origin::Mesh } else { Origin::Answer };
            let help = "redirects are not followed; use that address, for example with https://";
            return (origin, format!("redirected to {to} (HTTP {status})"), help.to_owned(), None);
        }
        if by_envoy && status == StatusCode::NOT_FOUND && text.is_empty() {
            let message = "the gateway has no route for the request (HTTP 404)".to_owned();
            return (Origin::Mesh, message, NO_ROUTE.to_owned(), Some("NR"));
        }
        if by_envoy && status == StatusCode::SERVICE_UNAVAILABLE && text.is_empty() {
            let help = "the route's host or subset does not exist; see the DestinationRule";
            let message = "the route leads to no cluster (HTTP 503)".to_owned();
            return (Origin::Mesh, message, help.to_owned(), Some("NC"));
        }
        if by_envoy {
            return (Origin::Mesh, first_line(text, status), String::new(), None);
        }
    }
    if looks_like_html(headers, text) {
        return (
            Origin::Answer,
            format!("a web page was answered, not JSON (HTTP {status})"),
            "check the address: the REST port of the model server is 8501 by default".to_owned(),
            None,
        );
    }
    if text.is_empty() && status == StatusCode::BAD_REQUEST && protocol == Protocol::TensorFlow {
        return by_server(
            "HTTP 400 with an empty body".to_owned(),
            "the server answers this to a version that does not fit into 64 bits",
        );
    }
    let help = match protocol {
        Protocol::TensorFlow => "",
        _ => open_help(status, text),
    };
    by_server(first_line(text, status), help)
}

/// The text of an error in JSON: `error` (TensorFlow Serving, Triton, KServe), `detail` (MLServer, KServe) or `message`
/// (TorchServe).
fn server_message(text: &str) -> Option<String> {
    /// A longer text is not an error message, and reading it would take many times its size.
    const LONGEST: usize = 64 << 10;
    if text.len() > LONGEST {
        return None;
    }
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let error = ["error", "detail", "message"].into_iter().find_map(|name| json.get(name))?;
    let text = match error {
        serde_json::Value::String(text) => last_of_traceback(text).to_owned(),
        serde_json::Value::Array(faults) if !faults.is_empty() => {
            faults.iter().map(fault).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    Some(server_text(text.trim()).into_owned())
}

/// One entry of the list of faults that `FastAPI` makes of a request: its message and its place.
fn fault(fault: &serde_json::Value) -> String {
    let Some(message) = fault.get("msg").and_then(serde_json::Value::as_str) else {
        return fault.to_string();
    };
    let place = fault.get("loc").and_then(serde_json::Value::as_array).map(|place| {
        let parts = place.iter().map(|part| match part {
            serde_json::Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        parts.collect::<Vec<_>>().join(".")
    });
    place.map_or_else(|| message.to_owned(), |place| format!("{place}: {message}"))
}

/// The last line of a Python traceback, which names the exception; any other text as it is.
fn last_of_traceback(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines.next() {
        Some(first) if first.contains("Traceback (most recent call last)") => {
            lines.next_back().unwrap_or(text)
        }
        _ => text,
    }
}

/// The remedy of an error of a server of the Open Inference Protocol, or of KServe's V1.
fn open_help(status: StatusCode, message: &str) -> &'static str {
    let loading = message.contains("not ready") || message.contains("no available versions");
    match status {
        _ if loading => NOT_LOADED,
        StatusCode::NOT_FOUND => "check the model's name and version",
        StatusCode::NOT_IMPLEMENTED => "the server has no versions: leave the version out",
        StatusCode::UNPROCESSABLE_ENTITY => {
            "the server does not read this request; NaN, for one, is not read as JSON by every server: use a grpc:// \
             address"
        }
        StatusCode::BAD_REQUEST => CHECK_INPUT,
        StatusCode::SERVICE_UNAVAILABLE => NOT_LOADED,
        StatusCode::TOO_MANY_REQUESTS => FULL,
        _ => "",
    }
}

fn server_help(status: StatusCode, message: &str, protocol: Protocol) -> &'static str {
    if protocol != Protocol::TensorFlow {
        return open_help(status, message);
    }
    match status {
        StatusCode::NOT_FOUND => UNKNOWN_MODEL,
        StatusCode::BAD_REQUEST if message.contains("label") => {
            "the server's configuration gives no version this label"
        }
        StatusCode::BAD_REQUEST => CHECK_INPUT,
        StatusCode::SERVICE_UNAVAILABLE => NOT_LOADED,
        StatusCode::TOO_MANY_REQUESTS => FULL,
        _ => "",
    }
}

pub(crate) fn looks_like_html(headers: &HeaderMap, text: &str) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"))
        || text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<html"))
        || text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"))
}

/// One line of at most 200 characters, and the status: the first, or the last of a Python traceback.
fn first_line(text: &str, status: StatusCode) -> String {
    let line = last_of_traceback(text).lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return format!("HTTP {status} with an empty body");
    }
    let shown = server_text(line);
    let short: String = shown.chars().take(200).collect();
    let dots = if short.len() < shown.len() { "…" } else { "" };
    format!("{short}{dots} (HTTP {status})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response { status, headers: map, body: body.to_owned().into() };
        of_status("http://a", &response, Protocol::TensorFlow)
    }

    const ENVOY: (&str, &str) = ("server", "istio-envoy");
    const UPSTREAM: (&str, &str) = ("x-envoy-upstream-service-time", "3");

    #[test]
    fn origins_are_told_apart() {
        let not_found = r#"{"error": "Servable not found for request: Latest(x)"}"#;
        for (status, headers, body, origin, flags, repeat) in [
            (404, vec![ENVOY, UPSTREAM], not_found, Origin::Server, None, false),
            (404, vec![], not_found, Origin::Server, None, false),
            (404, vec![ENVOY], "", Origin::Mesh, Some("NR"), false),
            (503, vec![ENVOY], "", Origin::Mesh, Some("NC"), true),
            (503, vec![ENVOY], "no healthy upstream", Origin::Mesh, Some("UH"), true),
            (503, vec![], "no healthy upstream", Origin::Mesh, Some("UH"), true),
            (
                503,
                vec![ENVOY],
                "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused",
                Origin::Mesh,
                Some("UF"),
                true,
            ),
            (503, vec![ENVOY], "fault filter abort", Origin::Mesh, Some("FI"), false),
            (504, vec![ENVOY], "upstream request timeout", Origin::Mesh, Some("UT"), false),
            (503, vec![ENVOY, UPSTREAM], r#"{"error":"not loaded"}"#, Origin::Server, None, false),
            (429, vec![ENVOY], "local_rate_limited", Origin::Mesh, Some("RL"), true),
            (429, vec![], r#"{"error":"full"}"#, Origin::Server, None, true),
            (400, vec![], "", Origin::Server, None, false),
            (301, vec![ENVOY, ("location", "https://a/")], "", Origin::Mesh, None, false),
            (404, vec![], "<HTML><HEAD>\n<TITLE>404", Origin::Answer, None, false),
        ] {
            let found = failure(status, &headers, body);
            assert_eq!(found.error.origin, origin, "{status} {body}");
            assert_eq!(found.error.response_flags.as_deref(), flags, "{status} {body}");
            assert_eq!(found.repeat, repeat, "{status} {body}");
        }
    }

    #[test]
    fn flags_of_a_header_win_and_retry_after_is_read() {
        let found = failure(
            503,
            &[ENVOY, ("x-envoy-response-flags", "UO"), ("retry-after", "2")],
            "upstream connect error",
        );
        assert_eq!(found.error.response_flags.as_deref(), Some("UO"));
        assert_eq!(found.pause, Some(Duration::from_secs(2)));
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            ("Sun, 01 Mar 2026 12:00:07 GMT", Some(7)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
