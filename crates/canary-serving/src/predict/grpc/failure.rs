//! Tells the model server, the mesh and the network apart over gRPC.

use std::io;

use canary_http::{ConnectFailure, Error as HttpError, Phase, TlsFailure, causes, server_text};
use hyper_util::client::legacy;
use tonic::{Code, Status};

use super::call::Refusal;
use crate::{
    error::{Origin, PredictError},
    predict::failure::{
        CHECK_INPUT, FULL, Failure, NO_ROUTE, NOT_LOADED, UNKNOWN_MODEL, by_envoy, by_upstream,
        innermost, local_reply, of_network,
    },
};

/// The failure that a status stands for.
pub(crate) fn failure_of(url: &str, refusal: Refusal, limit: usize) -> Failure {
    let Refusal { status, by_server } = refusal;
    if causes(&status).filter_map(|cause| cause.downcast_ref()).any(legacy::Error::is_connect) {
        return of_network(url, connect(status));
    }
    if causes(&status).any(|cause| cause.is::<legacy::Error>() || cause.is::<hyper::Error>()) {
        let broken = HttpError::Broken { phase: Phase::Head, sent: true, source: status.into() };
        return of_network(url, broken);
    }
    let code = status.code();
    if code == Code::OutOfRange && status.message().contains("message length too large") {
        return of_network(url, HttpError::TooLarge { limit });
    }
    let (origin, mut help, flags) = origin_of(&status, by_server);
    // gRPC servers answer this to a request above their own limit ("Received message larger than max"); a retry would
    // fail too.
    let too_large = code == Code::ResourceExhausted && status.message().contains("larger than max");
    if too_large {
        help = "the server does not accept messages of that size: send fewer or smaller inputs at once, or raise its limit";
    }
    let name = format!("{code:?}");
    let text = server_text(status.message().trim());
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
    // The message has all that the server stated, with control characters escaped.
    error.source = if by_server { None } else { Some(Box::new(status)) };
    Failure { error, repeat, pause: None }
}

/// The error of connecting that a status stands for, as REST has it.
fn connect(status: Status) -> HttpError {
    let untrusted = innermost(&status).contains("certificate");
    let refused = causes(&status)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
    let source = status.into();
    if untrusted {
        return HttpError::Tls { failure: TlsFailure::Untrusted, source };
    }
    let failure = if refused { ConnectFailure::Refused } else { ConnectFailure::Other };
    HttpError::Connect { failure, source }
}

/// The party that returned a status, the remedy, and Envoy's response flag.
fn origin_of(status: &Status, by_server: bool) -> (Origin, &'static str, Option<&'static str>) {
    let headers = status.metadata().clone().into_headers();
    let text = status.message();
    if !by_upstream(&headers) {
        if let Some((flag, help)) = local_reply(&headers, text) {
            return (Origin::Mesh, help, Some(flag));
        }
        if by_envoy(&headers) && status.code() == Code::Unimplemented {
            return (Origin::Mesh, NO_ROUTE, Some("NR"));
        }
        if by_envoy(&headers) {
            return (Origin::Mesh, "", None);
        }
        if !by_server {
            return (Origin::Answer, "check that this is the gRPC port, 8500 by default", None);
        }
    }
    let help = match status.code() {
        Code::NotFound => UNKNOWN_MODEL,
        Code::InvalidArgument => CHECK_INPUT,
        Code::Unavailable => NOT_LOADED,
        Code::ResourceExhausted => FULL,
        _ => "",
    };
    (Origin::Server, help, None)
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataMap;

    use super::*;

    fn failure(
        code: Code,
        message: &str,
        headers: &[(&'static str, &'static str)],
        by_server: bool,
    ) -> Failure {
        let mut metadata = MetadataMap::new();
        for (name, value) in headers {
            metadata.insert(*name, value.parse().unwrap());
        }
        let status = Status::with_metadata(code, message, metadata);
        failure_of("grpc://a", Refusal { status, by_server }, 1)
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
            (Code::Internal, "made up by the client", vec![], Origin::Answer, None, false),
        ] {
            let by_server = origin != Origin::Answer;
            let found = failure(code, message, &headers, by_server);
            assert_eq!(found.error.origin, origin, "{message}");
            assert_eq!(found.error.response_flags.as_deref(), flags, "{message}");
            assert_eq!(found.repeat, repeat, "{message}");
            assert_eq!(found.error.grpc_code, Some(code as i32));
        }
    }
}
