//! Changes of headers: those that every proxy makes, and the edits of rules.

use std::net::SocketAddr;

use canary_core::route::HeaderEdit;
use hyper::{
    HeaderMap,
    header::{CONNECTION, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE},
};

/// Removes the headers that concern one connection only (RFC 9110, section 7.6.1).
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

/// Adds the headers by which Envoy describes the client to the destination.
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

/// Applies the edits of a rule to headers: to those of the response to `request`, or, without it, to those of a request.
pub(crate) fn apply(headers: &mut HeaderMap, edits: &[HeaderEdit], request: Option<&HeaderMap>) {
    // The same as `canary_core::route::apply_header_edits`, on hyper's headers.
    let mut pending: Vec<(HeaderName, HeaderValue, bool)> = Vec::new();
    for edit in edits {
        let (name, value, set) = match edit {
            HeaderEdit::Remove { name } => {
                write(headers, &mut pending);
                headers.remove(&**name);
                continue;
            }
            HeaderEdit::Set { name, value } => (name, value, true),
            HeaderEdit::Add { name, value } => (name, value, false),
            _ => continue,
        };
        if set && pending.last().is_some_and(|(_, _, set)| !set) {
            write(headers, &mut pending);
        }
        let text = value.expand(|variable, arguments| {
            variable_of(request.unwrap_or(headers), variable, arguments)
        });
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&text))
        else {
            continue;
        };
        if !text.is_empty() {
            pending.push((name, value, set));
        }
    }
    write(headers, &mut pending);
}

fn write(headers: &mut HeaderMap, pending: &mut Vec<(HeaderName, HeaderValue, bool)>) {
    for (name, value, set) in pending.drain(..) {
        if set {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
}

/// The value of a variable of Envoy: `REQ(one?other)` is the first of these headers that is present.
fn variable_of(request: &HeaderMap, name: &str, arguments: Option<&str>) -> Option<String> {
    match (name, arguments) {
        ("REQ", Some(names)) => {
            let value = names.split('?').find_map(|name| request.get(name))?;
            value.to_str().ok().map(str::to_owned)
        }
        ("PROTOCOL", None) => Some("HTTP/1.1".to_owned()),
        _ => None,
    }
}
