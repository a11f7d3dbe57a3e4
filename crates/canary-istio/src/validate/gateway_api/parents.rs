//! The parents of a route.

use super::{forms, limits, references};
use crate::{
    gateway_api::{ParentRef, UseDefault},
    path::Path,
    validate::{Channel, sink::Sink},
};

/// Checks the parents and the host names that both kinds of routes have.
pub(super) fn check(
    parents: Option<&Vec<ParentRef>>,
    use_default: Option<UseDefault>,
    hostnames: Option<&Vec<String>>,
    root: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let path = root.field("parentRefs");
    let list = parents.map(Vec::as_slice).unwrap_or_default();
    limits::entries(list.len(), 0..=32, &path, sink);
    for (index, parent) in list.iter().enumerate() {
        one(parent, &path.index(index), sink);
    }
    siblings(list, &path, sink);
    let path = root.field("hostnames");
    limits::entries(hostnames.map_or(0, Vec::len), 0..=16, &path, sink);
    forms::each(hostnames, &forms::HOSTNAME, &path, sink);
    if use_default.is_some() {
        experimental_only(&root.field("useDefaultGateways"), "the field", sink);
    }
}

/// Reports something that the standard channel does not have.
pub(super) fn experimental_only(path: &Path<'_>, what: &str, sink: &mut Sink<'_>) -> bool {
    let refused = sink.options.channel == Channel::Standard;
    if refused {
        sink.error(
            "G210",
            path,
            format!("{what} is in the experimental channel of the Gateway API only"),
        )
        .help("remove it, or install the experimental definitions and check for their channel");
    }
    refused
}

fn one(parent: &ParentRef, path: &Path<'_>, sink: &mut Sink<'_>) {
    let ParentRef { group, kind, namespace, name, section_name, port } = parent;
    let parts = references::Parts {
        group: group.as_ref(),
        kind: kind.as_ref(),
        namespace: namespace.as_ref(),
        name: Some(name),
    };
    references::parts(&parts, path, sink);
    forms::optional(section_name.as_ref(), &forms::SECTION, &path.field("sectionName"), sink);
    if let Some(port) = port {
        limits::port(*port, &path.field("port"), sink);
    }
}

/// Compares the references to one parent.
fn siblings(parents: &[ParentRef], path: &Path<'_>, sink: &mut Sink<'_>) {
    let by_port = sink.options.channel == Channel::Experimental;
    let narrowing = if by_port { "sectionName or port" } else { "sectionName" };
    let same = |one: &ParentRef, other: &ParentRef| {
        one.group_or_default() == other.group_or_default()
            && one.kind_or_default() == other.kind_or_default()
            && one.name == other.name
            && one.namespace == other.namespace
    };
    let port = |one: &ParentRef| one.port.filter(|_| by_port);
    for (index, parent) in parents.iter().enumerate() {
        let before = parents[..index].iter().enumerate().filter(|(_, other)| same(parent, other));
        for (earlier, other) in before {
            let place = path.index(index);
            if parent.section_name.is_some() != other.section_name.is_some()
                || port(parent).is_some() != port(other).is_some()
            {
                sink.error(
                    "G101",
                    &place,
                    format!(
                        "{} {} is named in entry {earlier} too, and only one of them has {narrowing}",
                        parent.kind_or_default(),
                        parent.name
                    ),
                )
                .help(format!("set {narrowing} on each, or keep one reference"));
                break;
            }
            if parent.section_name == other.section_name && port(parent) == port(other) {
                let mut message = format!(
                    "{} {} is named in entry {earlier} too, with the same {narrowing}",
                    parent.kind_or_default(),
                    parent.name
                );
                if parent.port != other.port {
                    message
                        .push_str("; ports alone do not tell them apart in the standard channel");
                }
                sink.error("G102", &place, message)
                    .help("remove one of them, or name another listener in sectionName");
                break;
            }
        }
    }
}
