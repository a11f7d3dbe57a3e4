//! Destinations as rules name them.

use crate::{names::qualify, networking::Destination};

/// A destination as a rule names it, with its host completed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) subset: Option<String>,
    pub(super) port: Option<u16>,
    /// The namespace of the object that names it.
    pub(super) namespace: String,
}

impl Address {
    pub(super) fn new(written: &Destination, namespace: &str, domain: &str) -> Self {
        let number = written.port.as_ref().and_then(|port| port.number);
        Self {
            host: qualify(&written.host, namespace, domain),
            subset: written.subset.clone().filter(|subset| !subset.is_empty()),
            port: number.map(|port| u16::try_from(port).unwrap_or(0)),
            namespace: namespace.to_owned(),
        }
    }
}
