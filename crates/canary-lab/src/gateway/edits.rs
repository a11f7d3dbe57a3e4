//! Headers on their way through: what proxies add and remove, and what rules edit.

use std::net::SocketAddr;

use canary_core::route::HeaderEdit;
use hyper::{
    HeaderMap,
    header::{CONNECTION, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE},
};

/// Removes what concerns one connection only (RFC 9110, section 7.6.1).
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        headers.remove(name);
    }
    if headers.get(TE).is_some_and(|te| te != "trailers") {
        headers.remove(TE);
    }
}

/// What Envoy tells the destination about the client.
pub(crate) fn forwarded(headers: &mut HeaderMap, peer: SocketAddr, random: u64) {
    let peer = peer.ip().to_string();
    let chain = match headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()) {
        Some(before) => format!("{before},{peer}"),
        None => peer,
    };
    insert(headers, "x-forwarded-for", &chain);
    insert(headers, "x-forwarded-proto", "http");
    if !headers.contains_key("x-request-id") {
        let (high, low) = (random.rotate_left(17), random);
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        );
        insert(headers, "x-request-id", &id);
    }
}

pub(crate) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Carries out the edits of a rule.
pub(crate) fn apply(headers: &mut HeaderMap, edits: &[HeaderEdit], request: &HeaderMap) {
    let lookup = |name: &str, argument: Option<&str>| match (name, argument) {
        ("REQ", Some(header)) => {
            request.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned)
        }
        ("PROTOCOL", None) => Some("HTTP/1.1".to_owned()),
        _ => None,
    };
    for edit in edits {
        match edit {
            HeaderEdit::Remove { name } => {
                headers.remove(&**name);
            }
            HeaderEdit::Set { name, value } | HeaderEdit::Add { name, value } => {
                let text = value.expand(lookup);
                let (Ok(name), Ok(value)) =
                    (name.parse::<HeaderName>(), HeaderValue::from_str(&text))
                else {
                    continue;
                };
                if text.is_empty() {
                    continue;
                }
                if matches!(edit, HeaderEdit::Set { .. }) {
                    headers.insert(name, value);
                } else {
                    headers.append(name, value);
                }
            }
            _ => {}
        }
    }
}
