//! The reason of a failed prediction in one line, for the text of a verdict.

use std::error::Error;

use canary_http::root_cause;
use canary_rollout::evidence::line;

use crate::error::{Origin, PredictError};

/// The failure of a request: the status, the text and Envoy's response flags of a response, or what the network
/// did, with the address.
pub(crate) fn of_request(error: &PredictError) -> String {
    line(&match (error.origin, error.status) {
        (Origin::Network, _) => of_network(error),
        (Origin::Answer, status) => {
            let status = status.map_or_else(String::new, |status| format!("{status} "));
            format!("{status}unreadable response: {}", error.message)
        }
        (_, status) => of_response(error, status),
    })
}

/// True when the request left the client: without a connection no server has seen it.
pub(crate) fn was_sent(error: &PredictError) -> bool {
    error.origin != Origin::Network || error.sent
}

fn of_response(error: &PredictError, status: Option<u16>) -> String {
    let message = line(&error.message);
    let mut text = message.as_str();
    if let Some(status) = status {
        // The text begins with the status, so it is not repeated.
        text = text.rfind(" (HTTP ").map_or(text, |end| &text[..end]);
        text = text.strip_prefix("HTTP ").unwrap_or(text);
        text = text.strip_prefix(&status.to_string()).unwrap_or(text).trim_start();
    }
    let status = status.map_or_else(String::new, |status| format!("{status} "));
    let flags = error.response_flags.as_deref();
    let flags = flags.map_or_else(String::new, |flags| format!(" ({flags})"));
    format!("{status}{text}{flags}")
}

fn of_network(error: &PredictError) -> String {
    let reason = with_cause(&error.message, error.source());
    let address = error.url.split_once("://").map_or(error.url.as_str(), |(_, rest)| rest);
    let address = address.split('/').next().unwrap_or_default();
    format!("{reason} ({address})")
}

/// A text with that of the root cause, unless it holds it; a refused connection needs no other words.
fn with_cause(text: &str, error: Option<&(dyn Error + 'static)>) -> String {
    let Some(cause) = error.map(root_cause) else { return text.to_owned() };
    if cause == "connection refused" {
        return cause;
    }
    if text.contains(&cause) { text.to_owned() } else { format!("{text}: {cause}") }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;

    fn response(status: u16, message: &str, flags: Option<&str>) -> String {
        let mut error = PredictError::new(Origin::Server, "http://a:1/v1", message);
        error.status = Some(status);
        error.response_flags = flags.map(str::to_owned);
        assert!(was_sent(&error));
        of_request(&error)
    }

    #[test]
    fn a_response_is_told_by_status_text_and_flags() {
        for (status, message, flags, said) in [
            (404, "Servable not found (HTTP 404 Not Found)", None, "404 Servable not found"),
            (
                503,
                "no healthy upstream (HTTP 503 Service Unavailable)",
                Some("UH"),
                "503 no healthy upstream (UH)",
            ),
            (
                500,
                "HTTP 500 Internal Server Error with an empty body",
                None,
                "500 Internal Server Error with an empty body",
            ),
            (400, "two\n lines\t(HTTP 400 Bad Request)", None, "400 two lines"),
        ] {
            assert_eq!(response(status, message, flags), said);
        }
        let long = response(500, &"é".repeat(10_000), None);
        assert!(long.ends_with('…') && long.chars().count() < 300, "{long}");
    }

    #[test]
    fn the_network_is_told_by_its_last_cause_and_the_address() {
        let mut error = PredictError::new(
            Origin::Network,
            "http://127.0.0.1:1/v1/models/m:predict",
            "no connection",
        );
        let refused = io::Error::from(ErrorKind::ConnectionRefused);
        error.source = Some(Box::new(io::Error::other(refused)));
        assert_eq!(of_request(&error), "connection refused (127.0.0.1:1)");
        error.source = Some(Box::new(io::Error::from(ErrorKind::ConnectionRefused)));
        assert_eq!(of_request(&error), "connection refused (127.0.0.1:1)");
        error.sent = false;
        assert!(!was_sent(&error));

        let mut broke = PredictError::new(Origin::Network, "http://a:80/", "it broke");
        broke.source = Some(Box::new(io::Error::from(ErrorKind::ConnectionReset)));
        assert_eq!(of_request(&broke), "it broke: connection reset (a:80)");
        assert!(was_sent(&broke), "a server may have seen it");
    }
}
