//! Routes that another tool writes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{gateway_api::RouteOwner, path::Path, validate::sink::Sink};

pub(super) fn check(metadata: &ObjectMeta, sink: &mut Sink<'_>) {
    let Some(owner) = RouteOwner::of(metadata) else { return };
    let root = Path::root("metadata");
    let path = if owner == RouteOwner::ArgoRollouts {
        root.field("labels")
    } else {
        root.field("ownerReferences")
    };
    let name = owner.name();
    sink.warning(
        "C044",
        &path,
        format!("{name} owns this route and writes its rules, which undoes the changes of others"),
    )
    .help(format!("change the weights with {name}, or take the route out of its hands"));
}
