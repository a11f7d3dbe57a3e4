//! The objects that are analyzed.

use crate::{
    manifest::Object,
    networking::{DestinationRule, Gateway, VirtualService},
};

/// One object of an analysis.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'o> {
    /// A `Gateway`.
    Gateway(&'o Gateway),
    /// A `VirtualService`.
    VirtualService(&'o VirtualService),
    /// A `DestinationRule`.
    DestinationRule(&'o DestinationRule),
}

impl<'o> Subject<'o> {
    /// The object of a manifest, when it is of one of the three kinds.
    pub fn of(object: &'o Object) -> Option<Self> {
        match object {
            Object::Gateway(gateway) => Some(Self::Gateway(gateway)),
            Object::VirtualService(service) => Some(Self::VirtualService(service)),
            Object::DestinationRule(rule) => Some(Self::DestinationRule(rule)),
            Object::Other(_) => None,
        }
    }
}

impl<'o> From<&'o Gateway> for Subject<'o> {
    fn from(object: &'o Gateway) -> Self {
        Self::Gateway(object)
    }
}

impl<'o> From<&'o VirtualService> for Subject<'o> {
    fn from(object: &'o VirtualService) -> Self {
        Self::VirtualService(object)
    }
}

impl<'o> From<&'o DestinationRule> for Subject<'o> {
    fn from(object: &'o DestinationRule) -> Self {
        Self::DestinationRule(object)
    }
}
