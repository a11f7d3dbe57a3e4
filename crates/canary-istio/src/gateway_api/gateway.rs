//! `Gateway`: the ports and hosts of a load balancer.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{
    gateway_tls::GatewayTls,
    http_route::UseDefault,
    listener::{AllowedListeners, Listener},
    object,
    object_ref::LocalObjectRef,
};
use crate::resource::{Version, namespaced};

/// A load balancer: its class, and the ports and hosts that it listens on.
///
/// The Gateway API's [`Gateway`](https://gateway-api.sigs.k8s.io/reference/spec/#gateway). Istio's own kind of this name
/// is [`networking::Gateway`](crate::networking::Gateway).
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: GatewaySpec,
    /// The state that the controller reports, as JSON; see [`Gateway::gateway_status`].
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::gateway_api_object!(
    Gateway,
    GatewaySpec,
    "Gateway",
    "gateways",
    SINCE_V1BETA1,
    "v1",
    NamespaceResourceScope
);
namespaced!(Gateway);

/// The class, listeners and addresses of a gateway.
///
/// The Gateway API's [`GatewaySpec`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayspec).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    /// The name of the `GatewayClass`, such as `istio`. Required.
    pub gateway_class_name: String,
    /// The ports that are listened on, 1 to 64, with different names. Required.
    pub listeners: Vec<Listener>,
    /// The addresses wanted, 16 at most. One of type `Hostname` binds Istio to an existing Service; otherwise Istio
    /// deploys one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<GatewayAddress>>,
    /// Settings of the objects that the controller creates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infrastructure: Option<GatewayInfrastructure>,
    /// The namespaces whose `ListenerSet`s may attach. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_listeners: Option<AllowedListeners>,
    /// TLS settings of the whole gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<GatewayTls>,
    /// Makes this a default gateway. Experimental channel only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_scope: Option<UseDefault>,
}

/// An address that a gateway wants.
///
/// The Gateway API's [`GatewaySpecAddress`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayspecaddress).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayAddress {
    /// `IPAddress`, `Hostname`, `NamedAddress` or a type with a domain. Default: `IPAddress`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub address_type: Option<String>,
    /// The address; the controller chooses one when it is absent or empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Settings of the objects that the controller creates for a gateway.
///
/// The Gateway API's [`GatewayInfrastructure`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayinfrastructure).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayInfrastructure {
    /// Labels of the objects, 8 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations of the objects, 16 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// An object with further settings, for Istio a `ConfigMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_ref: Option<LocalObjectRef>,
}

impl GatewayAddress {
    /// The type, or its default.
    pub fn type_or_default(&self) -> &str {
        self.address_type.as_deref().unwrap_or("IPAddress")
    }
}
