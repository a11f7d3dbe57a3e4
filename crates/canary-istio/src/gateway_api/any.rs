//! An object of any of the modelled kinds.

use serde::{Serialize, Serializer};

use super::{BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant};
use crate::Result;

/// An object of the Gateway API, of any of the kinds that are modelled here.
///
/// ```
/// use canary_core::{Manifest, Object, gateway_api::GatewayApiObject};
///
/// let text = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: istio}\n\
///     spec: {controllerName: istio.io/gateway-controller}\n";
/// let manifest = Manifest::read(text)?;
/// let Object::GatewayApi(GatewayApiObject::GatewayClass(class)) = &manifest.objects[0] else { panic!() };
/// assert_eq!(class.name(), "istio");
/// # Ok::<(), canary_core::manifest::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "objects are held by the dozen, and a box would be in every pattern"
)]
pub enum GatewayApiObject {
    /// A class of gateways.
    GatewayClass(GatewayClass),
    /// A gateway.
    Gateway(Gateway),
    /// Routes of HTTP requests.
    HttpRoute(HttpRoute),
    /// Routes of gRPC requests.
    GrpcRoute(GrpcRoute),
    /// A permission to refer to objects of another namespace.
    ReferenceGrant(ReferenceGrant),
    /// TLS from a proxy to a backend.
    BackendTlsPolicy(BackendTlsPolicy),
}

macro_rules! each {
    ($object:expr, $one:ident => $result:expr) => {
        match $object {
            GatewayApiObject::GatewayClass($one) => $result,
            GatewayApiObject::Gateway($one) => $result,
            GatewayApiObject::HttpRoute($one) => $result,
            GatewayApiObject::GrpcRoute($one) => $result,
            GatewayApiObject::ReferenceGrant($one) => $result,
            GatewayApiObject::BackendTlsPolicy($one) => $result,
        }
    };
}

impl GatewayApiObject {
    /// The kind, such as `HTTPRoute`.
    pub fn kind(&self) -> &'static str {
        fn kind<K: k8s_openapi::Resource>(_: &K) -> &'static str {
            K::KIND
        }
        each!(self, object => kind(object))
    }

    /// The name; empty when there is none.
    pub fn name(&self) -> &str {
        each!(self, object => object.name())
    }

    /// The namespace, when the object names one.
    pub fn namespace(&self) -> Option<&str> {
        each!(self, object => object.metadata.namespace.as_deref())
    }

    /// The object as JSON.
    ///
    /// # Errors
    /// [`Error::Manifest`](crate::Error::Manifest) when it cannot be written.
    pub fn to_json_value(&self) -> Result<serde_json::Value> {
        each!(self, object => object.to_json_value())
    }

    /// The object with the defaults of the API server in the fields that are absent.
    #[must_use]
    pub fn with_defaults(self) -> Self {
        each!(self, object => object.with_defaults().into())
    }
}

impl Serialize for GatewayApiObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        each!(self, object => object.serialize(serializer))
    }
}

macro_rules! from {
    ($($kind:ident)*) => {
        $(impl From<$kind> for GatewayApiObject {
            fn from(object: $kind) -> Self {
                Self::$kind(object)
            }
        })*
    };
}

from!(GatewayClass Gateway HttpRoute GrpcRoute ReferenceGrant BackendTlsPolicy);
