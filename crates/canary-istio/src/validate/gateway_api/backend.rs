//! Backends of a rule.

use super::{filters, forms, limits, references};
use crate::{gateway_api::BackendRef, path::Path, validate::sink::Sink};

/// The backends, each by itself.
pub(super) fn check(
    backends: Option<&Vec<BackendRef>>,
    allowed: filters::Allowed,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    limits::entries(backends.map_or(0, Vec::len), 0..=16, path, sink);
    for (index, backend) in backends.into_iter().flatten().enumerate() {
        let place = path.index(index);
        references::backend(&backend.object(), &place, sink);
        if let Some(weight) = backend.weight {
            limits::number(weight, 0..=1_000_000, &place.field("weight"), sink);
        }
        filters::check(backend.filters.as_ref(), allowed, &place.field("filters"), sink);
    }
}

/// The name of a rule.
pub(super) fn rule_name(name: Option<&String>, path: &Path<'_>, sink: &mut Sink<'_>) {
    forms::optional(name, &forms::SECTION, &path.field("name"), sink);
}
