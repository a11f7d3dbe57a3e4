//! Rules that Envoy answers itself: redirects and direct responses.

use canary_core::istio::{
    HttpBody, HttpDirectResponse, HttpRedirect, RedirectPort, RedirectPortSelection,
};
use canary_proto::tensorflow::error::Code;
use serde_json::{Value, json};

/// Envoy's `RedirectAction`; `None` for a status that it does not have, which leaves a route without action.
pub(super) fn redirect(written: &HttpRedirect, listener: u16, tls: bool) -> Option<Value> {
    let mut out = json!({"host_redirect": written.authority.as_deref().unwrap_or_default()});
    match written.prefix_rewrite.as_deref().filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => out["prefix_rewrite"] = json!(prefix),
        None => out["path_redirect"] = json!(written.uri.as_deref().unwrap_or_default()),
    }
    let scheme = written.scheme.as_deref().filter(|scheme| !scheme.is_empty());
    if let Some(scheme) = scheme {
        out["scheme_redirect"] = json!(scheme);
    }
    let port = match &written.redirect_port {
        Some(RedirectPort::Port(port)) => *port,
        Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort)) => listener.into(),
        _ => 0,
    };
    // The default port of a scheme is omitted.
    let usual = match scheme.unwrap_or(if tls { "https" } else { "http" }) {
        "http" => 80,
        "https" => 443,
        _ => 0,
    };
    if port != usual && port != 0 {
        out["port_redirect"] = json!(port);
    }
    let code = match written.redirect_code.unwrap_or(0) {
        0 | 301 => "MOVED_PERMANENTLY",
        302 => "FOUND",
        303 => "SEE_OTHER",
        307 => "TEMPORARY_REDIRECT",
        308 => "PERMANENT_REDIRECT",
        _ => return None,
    };
    out["response_code"] = json!(code);
    Some(out)
}

/// Envoy's `DirectResponseAction`.
pub(super) fn direct(written: &HttpDirectResponse) -> Value {
    let mut out = json!({"status": written.status});
    match &written.body {
        Some(HttpBody::String(text)) => out["body"] = json!({"inline_string": text}),
        Some(HttpBody::Bytes(bytes)) => out["body"] = json!({"inline_bytes": base64(bytes)}),
        Some(HttpBody::Unset) | None => {}
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

/// The number of a gRPC status by its name.
pub(super) fn grpc_status(name: &str) -> i32 {
    Code::from_str_name(name).unwrap_or(Code::Unknown).into()
}
