//! Parents that no controller looks at.

use super::is_known;
use crate::{gateway_api::ParentRef, path::Path, validate::sink::Sink};

pub(in super::super) fn check(
    parents: Option<&Vec<ParentRef>>,
    root: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let path = root.field("parentRefs");
    let list = parents.map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        sink.warning("C030", &path, "the route names no parent, so it attaches to nothing")
            .help("name a Gateway, or a Service for requests inside the mesh");
    }
    for (index, parent) in list.iter().enumerate().filter(|(_, parent)| !is_known(parent)) {
        let kind = parent.kind_or_default();
        sink.warning(
            "C039",
            &path.index(index).field("kind"),
            format!(
                "Istio has no parents of kind {kind} in the group `{}`, and reports no status for it",
                parent.group_or_default()
            ),
        )
        .found(kind)
        .help("name a Gateway; for a Service, write `group: \"\"` too");
    }
}
