//! Where objects live: the contract that Kubernetes and the embedded lab both keep.
//!
//! Objects travel as raw JSON, so that fields of other controllers and of newer versions survive untouched.

mod apply;
mod discovery;
mod driver;
mod kinds;
#[cfg(test)]
mod memory;
mod precondition;
mod presence;
mod readiness;
mod release_id;
mod rollout;
mod status;
mod typed;

use std::{fmt, future::Future};

use futures_core::Stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;

pub use apply::{Applied, Effect, apply_all, tear_down};
pub use discovery::{GatewayAddress, Reach, gateway_addresses, ingress_addresses, route_addresses};
pub use driver::HeaderProbe;
pub use driver::{
    Clock, Control, Driver, Probe, Progress, Run, RunLog, Snapshot, SystemClock, lease_name,
};
pub use json_patch::{Patch, PatchOperation};
pub use precondition::failed_tests;
pub use presence::{Behind, Presence, presence};
pub use readiness::wait_ready;
pub use readiness::{PodProblem, Readiness, readiness};
pub use release_id::release_id;
pub use rollout::Rollout;
pub use status::{Observed, RolloutStatus, RouteWeights, Status, status};
pub use typed::{Change, Kind, Typed};

/// Names one object: its type, namespace and name.
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
    /// [`crate::Error::Manifest`] when apiVersion, kind or metadata.name is missing.
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

/// A change of an object that is being watched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WatchEvent {
    /// It was created or changed; the object as it is now.
    Applied(Value),
    /// It was deleted; the object as it was last.
    Deleted(Value),
}

/// A store of Kubernetes objects with resource versions, preconditions and watches.
///
/// Implementations keep what the API server promises: every write changes `metadata.resourceVersion`, a JSON Patch
/// whose `test` fails changes nothing, and a watch misses no change.
pub trait Cluster: Send + Sync {
    /// The object, or `None` when there is none of that name.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when the store cannot be reached.
    fn get(&self, object: &ObjectRef) -> impl Future<Output = Result<Option<Value>>> + Send;

    /// Every object of a type, in one namespace or in all.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when the store cannot be reached.
    fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Value>>> + Send;

    /// Creates the object or brings the fields it states to the values it states (server-side apply).
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when another field manager owns a field that differs, [`crate::Error::Invalid`]
    /// when the store refuses the object, [`crate::Error::Cluster`] when it cannot be reached.
    fn apply(&self, object: &Value) -> impl Future<Output = Result<Value>> + Send;

    /// Applies a JSON Patch (RFC 6902) whole or not at all, and gives the object as it is afterwards.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when one of its `test` operations does not hold, [`crate::Error::NotFound`] when
    /// there is no such object, [`crate::Error::Cluster`] when the store cannot be reached.
    fn patch(
        &self,
        object: &ObjectRef,
        patch: &Patch,
    ) -> impl Future<Output = Result<Value>> + Send;

    /// Deletes the object; `false` when there was none.
    ///
    /// # Errors
    /// [`crate::Error::Cluster`] when the store cannot be reached.
    fn delete(&self, object: &ObjectRef) -> impl Future<Output = Result<bool>> + Send;

    /// The changes of one object, beginning with its present state when it exists.
    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static;
}
