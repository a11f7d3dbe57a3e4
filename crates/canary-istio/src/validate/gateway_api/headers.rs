//! Names and values of headers.

use super::{forms, limits};
use crate::{
    gateway_api::{HeaderMatch, HeaderModifier, HttpHeader},
    path::Path,
    validate::{Channel, sink::Sink},
};

/// The form of header values, which depends on the channel.
fn value_form(sink: &Sink<'_>) -> &'static forms::Form {
    match sink.options.channel {
        Channel::Standard => &forms::HEADER_VALUE,
        Channel::Experimental => &forms::STRICT_HEADER_VALUE,
    }
}

/// Checks a filter that changes headers.
pub(super) fn modifier(modifier: &HeaderModifier, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (field, list) in [("set", &modifier.set), ("add", &modifier.add)] {
        let path = path.field(field);
        let list = list.as_deref().unwrap_or_default();
        limits::entries(list.len(), 0..=16, &path, sink);
        limits::distinct(list.iter().map(|header| &header.name), &path, sink);
        for (index, HttpHeader { name, value }) in list.iter().enumerate() {
            let place = path.index(index);
            forms::text(name, &forms::HEADER_NAME, &place.field("name"), sink);
            forms::text(value, value_form(sink), &place.field("value"), sink);
        }
    }
    let path = path.field("remove");
    let list = modifier.remove.as_deref().unwrap_or_default();
    limits::entries(list.len(), 0..=16, &path, sink);
    limits::distinct(list, &path, sink);
}

/// Checks the headers of a match of an `HTTPRoute`.
pub(super) fn http_matches(
    headers: Option<&Vec<HeaderMatch>>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    matches(headers, value_form(sink), path, sink);
}

/// Checks the headers of a match of a `GRPCRoute`, whose values have no form in either channel.
pub(super) fn grpc_matches(
    headers: Option<&Vec<HeaderMatch>>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    matches(headers, &forms::HEADER_VALUE, path, sink);
}

fn matches(
    headers: Option<&Vec<HeaderMatch>>,
    form: &forms::Form,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let list = headers.map(Vec::as_slice).unwrap_or_default();
    limits::entries(list.len(), 0..=16, path, sink);
    limits::distinct(list.iter().map(|header| &header.name), path, sink);
    for (index, header) in list.iter().enumerate() {
        let place = path.index(index);
        forms::text(&header.name, &forms::HEADER_NAME, &place.field("name"), sink);
        forms::text(&header.value, form, &place.field("value"), sink);
    }
}
