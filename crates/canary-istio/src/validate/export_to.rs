//! The namespaces an object is visible in.

use super::sink::Sink;
use crate::names::export_namespace;
use crate::names::is_label;
use crate::path::Path;

/// Checks `exportTo`; `with_selector` when the object is a `DestinationRule` for selected workloads.
pub(super) fn check(
    export_to: Option<&[String]>,
    with_selector: bool,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let Some(entries) = export_to else { return };
    let namespace = sink.namespace;
    let mut seen: Vec<&str> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = path.index(index);
        let key = export_namespace(entry, namespace);
        if seen.contains(&key) {
            let message = if entry == "." || entries.iter().take(index).any(|other| other == ".") {
                "`.` and the object's own namespace are the same"
            } else {
                "the namespace is listed twice"
            };
            sink.error("V017", &place, message).found(entry).help("list each namespace once");
        } else if entry == "~" {
            sink.error("V017", &place, "`~` is allowed in a ServiceEntry only").found(entry);
        } else if key == "*" || is_label(key) {
            seen.push(key);
        } else {
            sink.error("V017", &place, "must be `.`, `*` or the name of a namespace").found(entry);
        }
    }
    if with_selector && !seen.is_empty() {
        if !seen.contains(&namespace) {
            sink.error(
                "V086",
                path,
                "with a workloadSelector a rule cannot be visible outside of its namespace",
            )
            .found(entries)
            .help("write `exportTo: [\".\"]`");
        } else if seen.len() > 1 {
            sink.error(
                "V086",
                path,
                "with a workloadSelector a rule can be visible in its namespace only",
            )
            .found(entries)
            .help("write `exportTo: [\".\"]`");
        }
    }
    if seen.contains(&"*") && entries.len() > 1 {
        sink.error(
            "V017",
            path,
            "`*` already means every namespace, other entries cannot be combined with it",
        )
        .found(entries)
        .help("write `exportTo: [\"*\"]`, or list the namespaces without `*`");
    }
}
