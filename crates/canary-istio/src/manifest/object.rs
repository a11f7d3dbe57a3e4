//! One object of a manifest.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{
    Error, Result,
    gateway_api::{self, GatewayApiObject},
    networking::{DestinationRule, Gateway, VirtualService, object::ISTIO},
};

/// One object of a manifest: one of Istio's three kinds, one of the Gateway API's, or any other as JSON.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "objects are held by the dozen, and a box would be in every pattern"
)]
pub enum Object {
    /// A `Gateway` of Istio.
    Gateway(Gateway),
    /// A `VirtualService` of Istio.
    VirtualService(VirtualService),
    /// A `DestinationRule` of Istio.
    DestinationRule(DestinationRule),
    /// An object of the Gateway API.
    GatewayApi(GatewayApiObject),
    /// An object of any other kind, as in the text.
    Other(Value),
}

impl Object {
    /// An object of any other kind, such as a `Deployment` of `k8s-openapi`.
    ///
    /// # Errors
    /// [`Error::Manifest`] when it cannot be written as JSON.
    pub fn other<T>(object: &T) -> Result<Self>
    where
        T: k8s_openapi::Resource + Serialize,
    {
        let value = serde_json::to_value(object).map_err(|error| Error::Manifest {
            what: T::KIND.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self::Other(value))
    }

    /// The kind, such as `VirtualService`; empty when another object has none.
    pub fn kind(&self) -> &str {
        match self {
            Self::Gateway(_) => "Gateway",
            Self::VirtualService(_) => "VirtualService",
            Self::DestinationRule(_) => "DestinationRule",
            Self::GatewayApi(object) => object.kind(),
            Self::Other(value) => value["kind"].as_str().unwrap_or_default(),
        }
    }

    /// The name; empty when there is none.
    pub fn name(&self) -> &str {
        match self {
            Self::Gateway(gateway) => gateway.name(),
            Self::VirtualService(service) => service.name(),
            Self::DestinationRule(rule) => rule.name(),
            Self::GatewayApi(object) => object.name(),
            Self::Other(value) => value["metadata"]["name"].as_str().unwrap_or_default(),
        }
    }

    /// The namespace, when the object names one.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Gateway(gateway) => gateway.metadata.namespace.as_deref(),
            Self::VirtualService(service) => service.metadata.namespace.as_deref(),
            Self::DestinationRule(rule) => rule.metadata.namespace.as_deref(),
            Self::GatewayApi(object) => object.namespace(),
            Self::Other(value) => value["metadata"]["namespace"].as_str(),
        }
    }

    /// The object as people name it: `Kind namespace/name`, or `Kind name` without a namespace.
    pub fn id(&self) -> String {
        id(self.kind(), self.namespace(), self.name())
    }

    /// The object in another version of Istio's, such as `v1`, in which its kind has the same fields. An object of
    /// another API stays unchanged.
    ///
    /// # Errors
    /// [`Error::Manifest`] when Istio has no such version.
    pub fn to_version(self, version: &str) -> Result<Self> {
        Ok(match self {
            Self::Gateway(gateway) => Self::Gateway(gateway.to_version(version)?),
            Self::VirtualService(service) => Self::VirtualService(service.to_version(version)?),
            Self::DestinationRule(rule) => Self::DestinationRule(rule.to_version(version)?),
            other @ (Self::GatewayApi(_) | Self::Other(_)) => {
                ISTIO.wanted(version)?;
                other
            }
        })
    }

    /// The object as JSON.
    ///
    /// # Errors
    /// [`Error::Manifest`] when a number in it is not finite.
    pub fn to_json_value(&self) -> Result<Value> {
        match self {
            Self::Gateway(gateway) => gateway.to_json_value(),
            Self::VirtualService(service) => service.to_json_value(),
            Self::DestinationRule(rule) => rule.to_json_value(),
            Self::GatewayApi(object) => object.to_json_value(),
            Self::Other(value) => Ok(value.clone()),
        }
    }
}

/// `Kind namespace/name`, or `Kind name` without a namespace.
pub(super) fn id(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Gateway(gateway) => gateway.serialize(serializer),
            Self::VirtualService(service) => service.serialize(serializer),
            Self::DestinationRule(rule) => rule.serialize(serializer),
            Self::GatewayApi(object) => object.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

/// A value that a manifest can hold.
pub trait ToObject {
    /// A copy of it as an [`Object`].
    fn to_object(&self) -> Object;
}

macro_rules! to_object {
    ($($kind:ident)*) => {
        $(
            impl From<$kind> for Object {
                fn from(object: $kind) -> Self {
                    Self::$kind(object)
                }
            }

            impl From<&$kind> for Object {
                fn from(object: &$kind) -> Self {
                    Self::$kind(object.clone())
                }
            }

            impl ToObject for $kind {
                fn to_object(&self) -> Object {
                    self.into()
                }
            }
        )*
    };
}

to_object!(Gateway VirtualService DestinationRule);

macro_rules! gateway_api_to_object {
    ($($kind:ident)*) => {
        $(
            impl From<gateway_api::$kind> for Object {
                fn from(object: gateway_api::$kind) -> Self {
                    Self::GatewayApi(object.into())
                }
            }

            impl From<&gateway_api::$kind> for Object {
                fn from(object: &gateway_api::$kind) -> Self {
                    Self::GatewayApi(object.clone().into())
                }
            }

            impl ToObject for gateway_api::$kind {
                fn to_object(&self) -> Object {
                    self.into()
                }
            }
        )*
    };
}

gateway_api_to_object!(
    GatewayClass Gateway HttpRoute GrpcRoute ReferenceGrant BackendTlsPolicy GatewayApiObject
);

impl From<&Object> for Object {
    fn from(object: &Object) -> Self {
        object.clone()
    }
}

impl ToObject for Object {
    fn to_object(&self) -> Object {
        self.clone()
    }
}

impl<T: ToObject + ?Sized> ToObject for &T {
    fn to_object(&self) -> Object {
        (**self).to_object()
    }
}
