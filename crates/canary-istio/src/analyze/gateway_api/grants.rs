//! Permissions to refer to objects of other namespaces.

use std::collections::HashMap;

use crate::{analyze::index::DEFAULT, gateway_api::ReferenceGrant};

/// The grants, by the namespace of the targets.
#[derive(Default)]
pub(super) struct Grants<'o>(HashMap<&'o str, Vec<&'o ReferenceGrant>>);

/// A reference from one namespace to another.
pub(super) struct Reference<'r> {
    /// The kind of the object that refers, of the Gateway API.
    pub(super) from_kind: &'r str,
    pub(super) from_namespace: &'r str,
    pub(super) group: &'r str,
    pub(super) kind: &'r str,
    pub(super) namespace: &'r str,
    pub(super) name: &'r str,
}

impl<'o> Grants<'o> {
    pub(super) fn add(&mut self, grant: &'o ReferenceGrant) {
        let namespace = grant.metadata.namespace.as_deref().unwrap_or(DEFAULT);
        self.0.entry(namespace).or_default().push(grant);
    }

    /// Returns true when a grant in the namespace of the target allows the reference.
    pub(super) fn allow(&self, reference: &Reference<'_>) -> bool {
        self.0.get(reference.namespace).into_iter().flatten().any(|grant| {
            let from = grant.spec.from.iter().any(|from| {
                from.group == "gateway.networking.k8s.io"
                    && from.kind == reference.from_kind
                    && from.namespace == reference.from_namespace
            });
            from && grant.spec.to.iter().any(|to| {
                to.group == reference.group
                    && to.kind == reference.kind
                    && to.name.as_deref().is_none_or(|name| name == reference.name)
            })
        })
    }
}

impl Reference<'_> {
    /// The remedy of a reference that is not granted.
    pub(super) fn remedy(&self) -> String {
        format!(
            "create a ReferenceGrant in namespace {} from {} of {} to {} {}",
            self.namespace, self.from_kind, self.from_namespace, self.kind, self.name
        )
    }
}
