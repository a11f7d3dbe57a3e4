//! Destinations as rules name them.

use std::sync::Arc;

use crate::{names::qualify, networking::Destination};

/// A destination as a rule names it, with its host completed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) subset: Option<String>,
    pub(super) port: Option<u16>,
    /// The namespace of the object that names it.
    pub(super) namespace: String,
    pub(super) named: Named,
}

/// The field that names a destination, which decides what a proxy answers when the destination does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named {
    /// A `Destination`: 503.
    Destination,
    /// A `backendRef` of a route of the Gateway API: 500.
    Backend,
    /// A `backendRef` that Istio does not follow, with the reason: 500.
    Refused(Arc<str>),
}

impl Address {
    pub(super) fn new(written: &Destination, namespace: &str, domain: &str) -> Self {
        let number = written.port.as_ref().and_then(|port| port.number);
        Self {
            host: qualify(&written.host, namespace, domain),
            subset: written.subset.clone().filter(|subset| !subset.is_empty()),
            port: number.map(|port| u16::try_from(port).unwrap_or(0)),
            namespace: namespace.to_owned(),
            named: Named::Destination,
        }
    }
}
