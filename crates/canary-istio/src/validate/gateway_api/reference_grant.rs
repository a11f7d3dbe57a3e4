//! A `ReferenceGrant`.

use super::{limits, references};
use crate::{gateway_api::ReferenceGrant, path::Path, validate::sink::Sink};

pub(super) fn check(grant: &ReferenceGrant, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let path = root.field("from");
    limits::entries(grant.spec.from.len(), 1..=16, &path, sink);
    for (index, from) in grant.spec.from.iter().enumerate() {
        let parts = references::Parts {
            group: Some(&from.group),
            kind: Some(&from.kind),
            namespace: Some(&from.namespace),
            name: None,
        };
        references::parts(&parts, &path.index(index), sink);
    }
    let path = root.field("to");
    limits::entries(grant.spec.to.len(), 1..=16, &path, sink);
    for (index, to) in grant.spec.to.iter().enumerate() {
        let parts = references::Parts {
            group: Some(&to.group),
            kind: Some(&to.kind),
            namespace: None,
            name: to.name.as_ref(),
        };
        references::parts(&parts, &path.index(index), sink);
    }
}
