//! `GatewayClass`: gateways with a common controller.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{gateway_status::GatewayClassStatus, object, route_status::read};
use crate::{Result, resource::Version};

/// A class of gateways, with the controller that makes them work; it belongs to no namespace.
///
/// The Gateway API's [`GatewayClass`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayclass). Istio creates
/// `istio`, `istio-waypoint`, `istio-east-west` and `istio-remote`.
#[derive(Clone, Debug, Default)]
pub struct GatewayClass {
    /// Name, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: GatewayClassSpec,
    /// The state that the controller reports, as JSON; see [`GatewayClass::class_status`].
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::gateway_api_object!(
    GatewayClass,
    GatewayClassSpec,
    "GatewayClass",
    "gatewayclasses",
    SINCE_V1BETA1,
    "v1",
    ClusterResourceScope
);

impl GatewayClass {
    /// A class of gateways of one controller.
    pub fn new(name: impl Into<String>, controller: impl Into<String>) -> Self {
        let mut class = Self::default().named(name);
        class.spec.controller_name = controller.into();
        class
    }

    /// Istio's class `istio`, as Istio creates it.
    pub fn istio() -> Self {
        Self::new("istio", "istio.io/gateway-controller")
    }

    /// The state, read from `status`; empty while no controller has reported.
    ///
    /// # Errors
    /// [`Error::Manifest`](crate::Error::Manifest) when `status` is not that of a class.
    pub fn class_status(&self) -> Result<GatewayClassStatus> {
        read(self.status.as_ref(), || self.name().to_owned())
    }
}

/// The controller and the parameters of a class.
///
/// The Gateway API's [`GatewayClassSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#gatewayclassspec).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassSpec {
    /// The controller, as `domain/path`, which cannot be changed. Required.
    pub controller_name: String,
    /// An object with settings of the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_ref: Option<ParametersRef>,
    /// A description, 64 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An object with settings of a controller.
///
/// The Gateway API's `ParametersReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParametersRef {
    /// The API group; empty for the core group. Required.
    pub group: String,
    /// The kind. Required.
    pub kind: String,
    /// The name. Required.
    pub name: String,
    /// The namespace, for a kind that has namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}
