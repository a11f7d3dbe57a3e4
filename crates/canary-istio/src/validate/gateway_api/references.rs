//! References to objects.

use super::{forms, limits};
use crate::{
    gateway_api::{BackendObjectRef, LocalObjectRef, ObjectRef, SecretRef},
    path::Path,
    validate::sink::Sink,
};

/// The parts that references have, each if it is given.
pub(super) struct Parts<'r> {
    pub(super) group: Option<&'r String>,
    pub(super) kind: Option<&'r String>,
    pub(super) namespace: Option<&'r String>,
    pub(super) name: Option<&'r String>,
}

/// Checks the parts of a reference.
pub(super) fn parts(reference: &Parts<'_>, path: &Path<'_>, sink: &mut Sink<'_>) {
    forms::optional(reference.group, &forms::GROUP, &path.field("group"), sink);
    forms::optional(reference.kind, &forms::KIND, &path.field("kind"), sink);
    forms::optional(reference.namespace, &forms::NAMESPACE, &path.field("namespace"), sink);
    forms::optional(reference.name, &forms::NAME, &path.field("name"), sink);
}

pub(super) fn local(reference: &LocalObjectRef, path: &Path<'_>, sink: &mut Sink<'_>) {
    let LocalObjectRef { group, kind, name } = reference;
    let found = Parts { group: Some(group), kind: Some(kind), namespace: None, name: Some(name) };
    parts(&found, path, sink);
}

pub(super) fn object(reference: &ObjectRef, path: &Path<'_>, sink: &mut Sink<'_>) {
    let ObjectRef { group, kind, name, namespace } = reference;
    let found = Parts {
        group: Some(group),
        kind: Some(kind),
        namespace: namespace.as_ref(),
        name: Some(name),
    };
    parts(&found, path, sink);
}

pub(super) fn secret(reference: &SecretRef, path: &Path<'_>, sink: &mut Sink<'_>) {
    let SecretRef { group, kind, name, namespace } = reference;
    let found = Parts {
        group: group.as_ref(),
        kind: kind.as_ref(),
        namespace: namespace.as_ref(),
        name: Some(name),
    };
    parts(&found, path, sink);
}

/// Checks a backend without a share.
pub(super) fn backend(reference: &BackendObjectRef, path: &Path<'_>, sink: &mut Sink<'_>) {
    let BackendObjectRef { group, kind, name, namespace, port } = reference;
    let found = Parts {
        group: group.as_ref(),
        kind: kind.as_ref(),
        namespace: namespace.as_ref(),
        name: Some(name),
    };
    parts(&found, path, sink);
    match port {
        Some(port) => limits::port(*port, &path.field("port"), sink),
        None if reference.is_service() => {
            sink.error("G118", path, format!("the reference to Service {name} has no port"))
                .help("add `port` with a port of the Service");
        }
        None => {}
    }
}
