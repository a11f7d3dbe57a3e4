//! The rules for some hosts, compiled as far as they do not depend on a listener.

use std::sync::Arc;

use super::{connections::ConnectionRule, rules::Rule};
use crate::names::{Exports, Nearness};

/// The kind of object that an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A VirtualService.
    VirtualService,
    /// Routes of the Gateway API whose parent is a gateway, or a Service of their own namespace: they hold for every
    /// client.
    Routes,
    /// Routes of the Gateway API whose parent is a Service of another namespace: they hold for clients in the
    /// namespace of the routes.
    Consumer,
}

/// The place of an entry among those that a proxy sees: nearer ones first, and routes of the Gateway API of the proxy's
/// own namespace before other public ones.
pub(super) type Rank = (Nearness, bool);

/// A VirtualService, or routes of the Gateway API for one host merged into one, ready to be bound to listeners.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) origin: Origin,
    /// The objects, as `VirtualService namespace/name`.
    pub(super) object: String,
    /// The namespace of the object; of several routes that of the oldest.
    pub(super) namespace: String,
    pub(super) hosts: Vec<String>,
    pub(super) gateways: Vec<String>,
    pub(super) exports: Exports,
    pub(super) rules: Vec<Arc<Rule>>,
    /// The rules for TLS that is not ended at the proxy.
    pub(super) tls: Vec<ConnectionRule>,
    /// The rules for other connections.
    pub(super) tcp: Vec<ConnectionRule>,
    /// Rules that are not in force, with the reasons.
    pub(super) notes: Vec<Note>,
}

/// A rule that is not in force.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) kind: NoteKind,
    /// The root, as `VirtualService namespace/name`.
    pub(crate) object: String,
    /// The rule of the root that delegates.
    pub(crate) path: String,
    /// The full description.
    pub(crate) text: String,
}

/// The reason why a rule is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoteKind {
    /// Its delegate does not exist, or is not exported to the namespace of the root.
    NoDelegate,
    /// A rule of its delegate contradicts it.
    Conflict,
}

impl Entry {
    /// Returns true when it comes from routes of the Gateway API.
    pub(super) fn is_of_routes(&self) -> bool {
        self.origin != Origin::VirtualService
    }

    /// The rank for a proxy in namespace `viewer`; `None` when it does not see the entry
    /// (`VirtualServicesForGateway` and `SelectVirtualServices` of `pilot/pkg/model`).
    pub(super) fn rank(&self, viewer: &str) -> Option<Rank> {
        let nearness = self.exports.seen_from(viewer, &self.namespace)?;
        Some((nearness, !(self.is_of_routes() && self.namespace == viewer)))
    }

    /// Returns true when it holds for clients in a namespace, as far as its origin decides that.
    pub(super) fn concerns(&self, client: &str) -> bool {
        self.origin != Origin::Consumer || self.namespace == client
    }
}
