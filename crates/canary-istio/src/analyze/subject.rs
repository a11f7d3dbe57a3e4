//! The objects that are analyzed.

use serde_json::Value;

use crate::{
    gateway_api::GatewayApiObject,
    manifest::Object,
    networking::{DestinationRule, Gateway, VirtualService},
};

/// One object of an analysis.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Subject<'o> {
    /// A `Gateway`.
    Gateway(&'o Gateway),
    /// A `VirtualService`.
    VirtualService(&'o VirtualService),
    /// A `DestinationRule`.
    DestinationRule(&'o DestinationRule),
    /// A `Gateway` of the Gateway API, which VirtualServices may name, as JSON.
    KubernetesGateway(&'o Value),
    /// An object of the Gateway API.
    GatewayApi(&'o GatewayApiObject),
    /// A `ServiceEntry`, whose hosts destinations may name, as JSON.
    ServiceEntry(&'o Value),
}

impl<'o> Subject<'o> {
    /// The object of a manifest, when it is of a kind that an analysis looks at.
    pub fn of(object: &'o Object) -> Option<Self> {
        match object {
            Object::Gateway(gateway) => Some(Self::Gateway(gateway)),
            Object::VirtualService(service) => Some(Self::VirtualService(service)),
            Object::DestinationRule(rule) => Some(Self::DestinationRule(rule)),
            Object::GatewayApi(object) => Some(Self::GatewayApi(object)),
            Object::Other(value) => {
                let group = value["apiVersion"].as_str()?.split('/').next()?;
                match (group, value["kind"].as_str()?) {
                    ("gateway.networking.k8s.io", "Gateway") => {
                        Some(Self::KubernetesGateway(value))
                    }
                    ("networking.istio.io", "ServiceEntry") => Some(Self::ServiceEntry(value)),
                    _ => None,
                }
            }
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
