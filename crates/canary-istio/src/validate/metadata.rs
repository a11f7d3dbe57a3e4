//! Rules on the metadata of every kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{labels, sink::Sink};
use crate::{
    names::{is_label, is_subdomain},
    path::Path,
};

/// Annotations that users may not set, with their purposes.
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

/// Checks the metadata as Istio's webhook and the API server do; `false` when Istio looks no further.
pub(super) fn check(metadata: &ObjectMeta, sink: &mut Sink<'_>) -> bool {
    check_stored(metadata, sink);
    let root = Path::root("metadata");
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

/// Checks the metadata as the API server does for every kind.
pub(super) fn check_stored(metadata: &ObjectMeta, sink: &mut Sink<'_>) {
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
    check_namespace(metadata, &root, sink);
    check_labels(metadata, &root, sink);
    check_annotations(metadata, &root, sink);
}

fn check_namespace(metadata: &ObjectMeta, root: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(namespace) = metadata.namespace.as_deref().filter(|name| !name.is_empty()) else {
        return;
    };
    if !is_label(namespace) || namespace.bytes().any(|byte| byte.is_ascii_uppercase()) {
        sink.error(
            "S010",
            &root.field("namespace"),
            "the name of a namespace must be lower-case letters, digits and inner `-`, 63 at most",
        )
        .found(namespace);
    }
}

/// The longest value of a label.
const MAX_LABEL_VALUE: usize = 63;
/// The number of bytes that keys and values of all annotations may have.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Checks labels as the API server does, which is stricter than Istio is with labels elsewhere.
fn check_labels(metadata: &ObjectMeta, root: &Path<'_>, sink: &mut Sink<'_>) {
    let path = root.field("labels");
    for (key, value) in metadata.labels.iter().flatten() {
        if let Err(reason) = qualified(key) {
            sink.error("S011", &path.key(key), reason).found(key);
        }
        if !labels::is_value(value) || value.len() > MAX_LABEL_VALUE {
            sink.error(
                "S011",
                &path.key(key),
                "the value of a label must be empty, or 63 letters, digits, `-`, `_` and `.` at most, \
                 with a letter or digit at both ends",
            )
            .found(value);
        }
    }
}

/// Checks annotations; the case of a key does not count.
fn check_annotations(metadata: &ObjectMeta, root: &Path<'_>, sink: &mut Sink<'_>) {
    let path = root.field("annotations");
    let mut size = 0;
    for (key, value) in metadata.annotations.iter().flatten() {
        size += key.len() + value.len();
        if let Err(reason) = qualified(&key.to_ascii_lowercase()) {
            sink.error("S012", &path.key(key), reason).found(key);
        }
    }
    if size > MAX_ANNOTATIONS {
        sink.error(
            "S012",
            &path,
            format!("the annotations have {size} bytes, must have 262144 at most"),
        );
    }
}

/// Checks a key: a name, after a lower-case DNS name and `/` if there is one.
fn qualified(key: &str) -> Result<(), &'static str> {
    labels::check_key(key)?;
    match key.rsplit_once('/') {
        Some((prefix, _)) if !is_subdomain(prefix) => {
            Err("the part of a key before `/` must be a DNS name in lower case")
        }
        _ => Ok(()),
    }
}
