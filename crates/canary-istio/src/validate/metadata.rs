//! Rules on the metadata of every kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::sink::Sink;
use crate::path::Path;

/// Annotations that users may not set, with what they are for.
const REFUSED: &[(&str, &str, &str)] = &[
    ("istio.io/dry-run", "V018", "only an AuthorizationPolicy can be tried without effect"),
    ("internal.istio.io/webhook-always-reject", "V019", "Istio refuses every object with it"),
    (
        "internal.istio.io/parent-namespace",
        "V019",
        "Istio sets it itself and refuses it from users",
    ),
    ("internal.istio.io/parents", "V019", "Istio sets it itself and refuses it from users"),
];

/// Checks annotations and the name; `false` when Istio looks no further.
pub(super) fn check(metadata: &ObjectMeta, sink: &mut Sink<'_>) -> bool {
    let root = Path::root("metadata");
    match metadata.name.as_deref() {
        None | Some("") if metadata.generate_name.is_none() => {
            sink.error("S001", &root.field("name"), "the object has no name")
                .help("set metadata.name");
        }
        Some(name) if !name.is_empty() && !is_subdomain(name) => {
            sink.error(
                "S001",
                &root.field("name"),
                "the name of an object must be lower-case letters, digits, `-` and `.`, 253 at most",
            )
            .found(name);
        }
        _ => {}
    }
    let Some(annotations) = &metadata.annotations else { return true };
    let path = root.field("annotations");
    for (key, code, why) in REFUSED {
        if annotations.contains_key(*key) {
            sink.error(code, &path.key(key), format!("the annotation is not allowed here: {why}"))
                .help("remove the annotation");
            return false;
        }
    }
    true
}

/// Returns true when `name` is a DNS subdomain as Kubernetes demands of names.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(crate::names::is_unbounded_label)
        && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}
