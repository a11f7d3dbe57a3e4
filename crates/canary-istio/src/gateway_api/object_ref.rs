//! References to objects.

use serde::{Deserialize, Serialize};

/// A reference to an object of the same namespace.
///
/// The Gateway API's `LocalObjectReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalObjectRef {
    /// The API group; empty for the core group. Required.
    pub group: String,
    /// The kind. Required.
    pub kind: String,
    /// The name. Required.
    pub name: String,
}

impl LocalObjectRef {
    /// The object of this group, kind and name.
    pub fn new(group: impl Into<String>, kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { group: group.into(), kind: kind.into(), name: name.into() }
    }
}

/// A reference to an object of any namespace.
///
/// The Gateway API's `ObjectReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// The API group; empty for the core group. Required.
    pub group: String,
    /// The kind. Required.
    pub kind: String,
    /// The name. Required.
    pub name: String,
    /// The namespace. Default: that of the object that refers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A reference to a `Secret`, or to another object that holds a certificate.
///
/// The Gateway API's `SecretObjectReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The API group. Default: empty, which is the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind. Default: `Secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name. Required.
    pub name: String,
    /// The namespace. Default: that of the object that refers. Another one needs a `ReferenceGrant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl SecretRef {
    /// The `Secret` of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}
