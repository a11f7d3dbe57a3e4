//! `ReferenceGrant`: a permission to refer to objects of another namespace.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::object;
use crate::resource::{Version, namespaced};

/// A permission for objects of other namespaces to refer to objects of this one.
///
/// The Gateway API's [`ReferenceGrant`](https://gateway-api.sigs.k8s.io/reference/spec/#referencegrant), which Istio
/// watches in version `v1beta1`.
#[derive(Clone, Debug, Default)]
pub struct ReferenceGrant {
    /// Name, labels and annotations, and the namespace of the objects that may be referred to.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: ReferenceGrantSpec,
    /// The kind has no status; one that is read is kept.
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::gateway_api_object!(
    ReferenceGrant,
    ReferenceGrantSpec,
    "ReferenceGrant",
    "referencegrants",
    REFERENCE_GRANT,
    "v1beta1",
    NamespaceResourceScope
);
namespaced!(ReferenceGrant);

/// The objects that may refer, and those that may be referred to.
///
/// The Gateway API's [`ReferenceGrantSpec`](https://gateway-api.sigs.k8s.io/reference/spec/#referencegrantspec).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceGrantSpec {
    /// The objects that may refer, 1 to 16. Required.
    pub from: Vec<ReferenceGrantFrom>,
    /// The objects that may be referred to, 1 to 16. Required.
    pub to: Vec<ReferenceGrantTo>,
}

/// Objects that may refer.
///
/// The Gateway API's `ReferenceGrantFrom`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceGrantFrom {
    /// The API group; empty for the core group. Required.
    pub group: String,
    /// The kind. Required.
    pub kind: String,
    /// The namespace. Required.
    pub namespace: String,
}

/// Objects that may be referred to.
///
/// The Gateway API's `ReferenceGrantTo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceGrantTo {
    /// The API group; empty for the core group. Required.
    pub group: String,
    /// The kind. Required.
    pub kind: String,
    /// The name. Default: every object of the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
