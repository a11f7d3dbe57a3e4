//! Names of objects.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;

/// The reference of one object: its type, namespace and name.
///
/// ```
/// use canary_core::cluster::ObjectRef;
///
/// let object = ObjectRef::virtual_service("default", "image-classifier");
/// assert_eq!(object.to_string(), "VirtualService default/image-classifier");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Group and version, such as `networking.istio.io/v1` or `v1`.
    pub api_version: String,
    /// The kind, such as `VirtualService`.
    pub kind: String,
    /// The namespace; empty for a cluster-wide object.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// An object of any type.
    pub fn new(
        api_version: impl Into<String>,
        kind: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// An Istio `VirtualService`, read and written as v1.
    pub fn virtual_service(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new("networking.istio.io/v1", "VirtualService", namespace, name)
    }

    /// An Istio `DestinationRule`, read and written as v1.
    pub fn destination_rule(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new("networking.istio.io/v1", "DestinationRule", namespace, name)
    }

    /// An Istio `Gateway`, read and written as v1.
    pub fn gateway(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new("networking.istio.io/v1", "Gateway", namespace, name)
    }

    /// The reference of an object given as JSON; a missing namespace becomes `default`.
    ///
    /// # Errors
    /// [`crate::Error::Istio`] when apiVersion, kind or metadata.name is missing.
    pub fn of(object: &Value) -> Result<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let required = |pointer: &str, field: &str| {
            text(pointer).filter(|found| !found.is_empty()).ok_or_else(|| {
                let reason = format!("{field} is missing; every Kubernetes object needs it");
                crate::Error::manifest("object", reason)
            })
        };
        Ok(Self::new(
            required("/apiVersion", "apiVersion")?,
            required("/kind", "kind")?,
            text("/metadata/namespace").unwrap_or("default"),
            required("/metadata/name", "metadata.name")?,
        ))
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}
