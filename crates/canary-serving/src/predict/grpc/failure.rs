//! Tells the model server, the mesh and the network apart over gRPC.

use std::error::Error as _;

use hyper_util::client::legacy;
use tonic::{Code, Status};

use crate::{
    error::{Origin, PredictError},
    predict::failure::{Failure, LOCAL_REPLIES, innermost, of_network},
};

/// The failure that a status stands for.
pub(crate) fn failure_of(url: &str, status: Status, limit: usize) -> Failure {
    let mut cause = status.source();
    let mut broke = None;
    while let Some(error) = cause {
        if error.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect) {
            return connect(url, status);
        }
        if error.is::<legacy::Error>() || error.is::<hyper::Error>() {
            broke = Some(innermost(error));
        }
        cause = error.source();
    }
    if let Some(why) = broke {
        let message = format!("the connection broke before the answer was whole: {why}");
        let mut error = PredictError::new(Origin::Network, url, message);
        error.retryable = true;
        error.source = Some(Box::new(status));
        return Failure { error, repeat: true, pause: None };
    }
    let code = status.code();
    if code == Code::OutOfRange && status.message().contains("message length too large") {
        return of_network(url, canary_http::Error::TooLarge { limit });
    }
    let (origin, mut help, flags) = judge(&status);
    // gRPC's servers refuse so what is above their own limit ("Received message larger than max"): it stays so.
    let too_large = code == Code::ResourceExhausted && status.message().contains("larger than max");
    if too_large {
        help = "the server takes no message of that size: send fewer or smaller inputs at once, or raise its limit";
    }
    let name = format!("{code:?}");
    let text = status.message().trim();
    let message =
        if text.is_empty() { format!("gRPC {name}") } else { format!("{text} (gRPC {name})") };
    let mut error = PredictError::new(origin, url, message);
    help.clone_into(&mut error.help);
    error.grpc_code = Some(code as i32);
    error.response_flags = flags.map(str::to_owned);
    error.timed_out = code == Code::DeadlineExceeded;
    error.retryable =
        matches!(code, Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded)
            && !too_large;
    let of_mesh = origin == Origin::Mesh && code == Code::Unavailable && flags != Some("FI");
    let repeat = of_mesh || code == Code::ResourceExhausted && !too_large;
    error.source = Some(Box::new(status));
    Failure { error, repeat, pause: None }
}

/// No connection came about: said in the words of REST, with the status as the cause.
fn connect(url: &str, status: Status) -> Failure {
    let mut message = "no connection came about".to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        message = error.to_string();
        cause = error.source();
    }
    let refused = message.to_lowercase().contains("refused");
    let trusted = !message.contains("certificate");
    let text = if refused {
        "nothing listens there: the connection was refused".to_owned()
    } else {
        format!("no connection: {message}")
    };
    let mut error = PredictError::new(Origin::Network, url, text);
    if refused {
        "check the host and the port, and that the gateway or the server is up"
    } else if !trusted {
        "give the authority that signed it as `ca_certificate`"
    } else {
        ""
    }
    .clone_into(&mut error.help);
    error.retryable = trusted;
    error.sent = false;
    error.source = Some(Box::new(status));
    Failure { error, repeat: trusted, pause: None }
}

fn judge(status: &Status) -> (Origin, &'static str, Option<&'static str>) {
    let metadata = status.metadata();
    let by_envoy =
        metadata.get("server").is_some_and(|server| server == "istio-envoy" || server == "envoy");
    let by_upstream = metadata.contains_key("x-envoy-upstream-service-time");
    let text = status.message();
    if !by_upstream {
        for (part, flag, help) in LOCAL_REPLIES {
            if text.contains(part) && (by_envoy || *flag != "JWT") {
                return (Origin::Mesh, help, Some(flag));
            }
        }
        if by_envoy && status.code() == Code::Unimplemented {
            let help = "no VirtualService matches the host, port, path and headers of the request";
            return (Origin::Mesh, help, Some("NR"));
        }
        if by_envoy {
            return (Origin::Mesh, "", None);
        }
        if text.contains("grpc-status header missing") {
            return (Origin::Answer, "check that this is the gRPC port, 8500 by default", None);
        }
    }
    let help = match status.code() {
        Code::NotFound => "check the model's name and version; .status() lists what is served",
        Code::InvalidArgument => "check(…) compares an input with the signature before it is sent",
        Code::Unavailable => "the model is not loaded; .wait(…) waits until it is",
        Code::ResourceExhausted => "the server is full: send fewer at once",
        _ => "",
    };
    (Origin::Server, help, None)
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataMap;

    use super::*;

    fn failure(code: Code, message: &str, headers: &[(&'static str, &'static str)]) -> Failure {
        let mut metadata = MetadataMap::new();
        for (name, value) in headers {
            metadata.insert(*name, value.parse().unwrap());
        }
        failure_of("grpc://a", Status::with_metadata(code, message, metadata), 1)
    }

    #[test]
    fn origins_are_told_apart() {
        let envoy = ("server", "istio-envoy");
        let upstream = ("x-envoy-upstream-service-time", "2");
        for (code, message, headers, origin, flags, repeat) in [
            (
                Code::NotFound,
                "Servable not found",
                vec![envoy, upstream],
                Origin::Server,
                None,
                false,
            ),
            (Code::Unavailable, "no healthy upstream", vec![envoy], Origin::Mesh, Some("UH"), true),
            (Code::Unimplemented, "", vec![envoy], Origin::Mesh, Some("NR"), false),
            (Code::Unavailable, "not loaded", vec![], Origin::Server, None, false),
            (Code::ResourceExhausted, "full", vec![], Origin::Server, None, true),
            (
                Code::ResourceExhausted,
                "Received message larger than max (9 vs. 4)",
                vec![],
                Origin::Server,
                None,
                false,
            ),
            (
                Code::Internal,
                "grpc-status header missing, mapped",
                vec![],
                Origin::Answer,
                None,
                false,
            ),
        ] {
            let found = failure(code, message, &headers);
            assert_eq!(found.error.origin, origin, "{message}");
            assert_eq!(found.error.response_flags.as_deref(), flags, "{message}");
            assert_eq!(found.repeat, repeat, "{message}");
            assert_eq!(found.error.grpc_code, Some(code as i32));
        }
    }
}
