//! The state of a gateway and of a class, as controllers report it.

use serde::{Deserialize, Serialize};

use super::{
    gateway::Gateway,
    listener::RouteGroupKind,
    route_status::{Condition, read},
};
use crate::Result;

/// The state of a gateway.
///
/// The Gateway API's [`GatewayStatus`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewaystatus).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewayStatus {
    /// The addresses at which the gateway is reached.
    pub addresses: Vec<GatewayStatusAddress>,
    /// `Accepted`, `Programmed`, `ResolvedRefs` and others.
    pub conditions: Vec<Condition>,
    /// The state of each listener, by name.
    pub listeners: Vec<ListenerStatus>,
    /// The number of attached `ListenerSet`s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached_listener_sets: Option<i32>,
}

/// An address at which a gateway is reached.
///
/// The Gateway API's `GatewayStatusAddress`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatusAddress {
    /// The type, such as `IPAddress` or `Hostname`. Default: `IPAddress`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub address_type: Option<String>,
    /// The address.
    pub value: String,
}

/// The state of a listener.
///
/// The Gateway API's [`ListenerStatus`](https://gateway-api.sigs.k8s.io/reference/spec/#listenerstatus).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListenerStatus {
    /// The name of the listener.
    pub name: String,
    /// The kinds of routes that it takes.
    pub supported_kinds: Vec<RouteGroupKind>,
    /// The number of routes attached, those with unsupported filters included.
    pub attached_routes: i32,
    /// `Accepted`, `Conflicted`, `Programmed`, `ResolvedRefs` and others.
    pub conditions: Vec<Condition>,
}

/// The state of a class of gateways.
///
/// The Gateway API's `GatewayClassStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewayClassStatus {
    /// `Accepted` and others.
    pub conditions: Vec<Condition>,
    /// The features of the Gateway API that the controller has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_features: Option<Vec<SupportedFeature>>,
}

/// A feature of the Gateway API that a controller has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupportedFeature {
    /// The name, such as `HTTPRouteRequestTimeout`.
    pub name: String,
}

impl Gateway {
    /// The state, read from `status`; empty while no controller has reported.
    ///
    /// # Errors
    /// [`Error::Manifest`](crate::Error::Manifest) when `status` is not that of a gateway.
    pub fn gateway_status(&self) -> Result<GatewayStatus> {
        read(self.status.as_ref(), || self.name().to_owned())
    }
}
