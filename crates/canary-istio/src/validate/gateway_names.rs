//! Names of gateways in `gateways` of a `VirtualService` and of its matches.

use super::sink::Sink;
use crate::names::{check_fqdn, is_label};
use crate::path::Path;

/// Checks the list as Istio does, which looks no further than the first name without a namespace.
pub(super) fn check(names: Option<&[String]>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let names = names.unwrap_or_default();
    for (index, name) in names.iter().enumerate() {
        let place = path.index(index);
        if check_name(name, &place, sink) {
            continue;
        }
        for (offset, rest) in names[index + 1..].iter().enumerate() {
            if let Err(reason) = well_formed(rest) {
                sink.warning(
                    "C002",
                    &path.index(index + 1 + offset),
                    format!("Istio does not look at this entry, but {reason}"),
                )
                .found(rest)
                .help("write `<namespace>/<name>`, or the name of a Gateway in the same namespace");
            }
        }
        return;
    }
}

/// Checks one name; `false` when Istio stops after it.
fn check_name(name: &str, path: &Path<'_>, sink: &mut Sink<'_>) -> bool {
    let Some((namespace, gateway)) = name.split_once('/') else {
        let mut labels = name.split('.');
        if let (Some(first), Some(second)) = (labels.next(), labels.next()) {
            sink.warning("V047", path, "a gateway is named in the old form `name.namespace`")
                .found(name)
                .help(format!("write `{second}/{first}`"));
        }
        if let Err(reason) = check_fqdn(name) {
            sink.error("V047", path, format!("not the name of a gateway: {reason}")).found(name);
        }
        return false;
    };
    if namespace.is_empty() || gateway.is_empty() {
        sink.error(
            "V047",
            path,
            "both the namespace and the name of a gateway must be given around `/`",
        )
        .found(name);
    } else {
        if !is_label(namespace) {
            let note = sink
                .error("V047", path, "the namespace of a gateway must be a DNS label")
                .found(name);
            if namespace == "." {
                note.help(
                    "leave `./` out: a name without a namespace is one of the same namespace",
                );
            }
        }
        if !is_label(gateway) {
            sink.error("V047", path, "the name of a gateway must be a DNS label").found(name);
        }
    }
    true
}

fn well_formed(name: &str) -> Result<(), &'static str> {
    match name.split_once('/') {
        None => check_fqdn(name).map_err(|_| "it is not the name of a gateway"),
        Some((namespace, gateway)) if is_label(namespace) && is_label(gateway) => Ok(()),
        Some(_) => Err("it is not `<namespace>/<name>` of a gateway"),
    }
}
