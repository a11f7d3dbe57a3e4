//! Filters that Istio does not have, and values of headers that it or Envoy refuses.

use super::header_values;
use crate::{gateway_api::RouteFilter, path::Path, validate::sink::Sink};

/// Checks the filters of a rule.
pub(super) fn check(filters: Option<&Vec<RouteFilter>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (index, filter) in filters.into_iter().flatten().enumerate() {
        let place = path.index(index);
        if matches!(filter, RouteFilter::ExtensionRef(_) | RouteFilter::ExternalAuth(_)) {
            unsupported(filter, "", &place, sink);
        }
        header_values::check(filter, &place, sink);
    }
}

/// Checks the filters of a backend.
pub(super) fn of_backend(filters: Option<&Vec<RouteFilter>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (index, filter) in filters.into_iter().flatten().enumerate() {
        let place = path.index(index);
        let modifies = matches!(
            filter,
            RouteFilter::RequestHeaderModifier(_) | RouteFilter::ResponseHeaderModifier(_)
        );
        if !modifies {
            unsupported(filter, " of a backend", &place, sink);
        }
        header_values::check(filter, &place, sink);
    }
}

fn unsupported(filter: &RouteFilter, whose: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    let name = filter.filter_type();
    sink.warning(
        "C031",
        &path.field("type"),
        format!(
            "Istio has no filter {name}{whose} and removes the whole route from the proxies; status: ResolvedRefs \
             False with InvalidFilter, Accepted True"
        ),
    )
    .found(name)
    .help("remove the filter, or move it to the rule if it is one that rules have");
}
