//! The objects that are analyzed.

use crate::istio::{DestinationRule, Gateway, VirtualService};

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
