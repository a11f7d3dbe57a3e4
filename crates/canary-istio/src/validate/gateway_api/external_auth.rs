//! External authorization, of the experimental channel.

use super::{forms, limits, references};
use crate::{
    gateway_api::{ExternalAuth, ExternalAuthProtocol},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(auth: &ExternalAuth, path: &Path<'_>, sink: &mut Sink<'_>) {
    references::backend(&auth.backend_ref, &path.field("backendRef"), sink);
    let of = |protocol| auth.protocol == protocol;
    let settings = [
        ("grpc", "GRPC", of(ExternalAuthProtocol::Grpc), auth.grpc.is_some()),
        ("http", "HTTP", of(ExternalAuthProtocol::Http), auth.http.is_some()),
    ];
    for (field, protocol, wanted, given) in settings {
        if wanted && !given {
            sink.error("G117", path, format!("protocol is {protocol}, and `{field}` is missing"))
                .help(format!("add `{field}: {{}}`"));
        } else if given && !wanted {
            sink.error("G117", path, format!("`{field}` is given, and protocol is not {protocol}"))
                .help(format!("remove `{field}`, or correct the protocol"));
        }
    }
    if let Some(grpc) = &auth.grpc {
        let path = path.field("grpc");
        names(grpc.allowed_headers.as_ref(), &path.field("allowedHeaders"), sink);
    }
    if let Some(http) = &auth.http {
        let path = path.field("http");
        forms::optional(http.path.as_ref(), &forms::AUTH_PATH, &path.field("path"), sink);
        names(http.allowed_headers.as_ref(), &path.field("allowedHeaders"), sink);
        let allowed = http.allowed_response_headers.as_ref();
        names(allowed, &path.field("allowedResponseHeaders"), sink);
    }
}

fn names(list: Option<&Vec<String>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    limits::entries(list.map_or(0, Vec::len), 0..=64, path, sink);
    limits::distinct(list.into_iter().flatten(), path, sink);
}
