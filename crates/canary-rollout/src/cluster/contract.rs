//! The calls on a store of objects, and the obligations of an implementation.

use std::future::Future;

use futures_core::Stream;
use json_patch::Patch;
use serde_json::Value;

use super::object::ObjectRef;
use crate::Result;

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
/// Implementations give the guarantees of the API server: every write changes `metadata.resourceVersion`, a JSON Patch
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
    /// [`crate::Error::Conflict`] when another field manager owns a field that differs, [`crate::Error::Istio`]
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

    /// Applies a JSON Patch to the object's `scale` subresource, whole or not at all: an `autoscaling/v1` `Scale` with the
    /// object's metadata and `spec.replicas`. Gives the `Scale` as it is afterwards.
    ///
    /// # Errors
    /// As [`Cluster::patch`]; [`crate::Error::NotFound`] or [`crate::Error::Unserved`] also where the kind has no replicas.
    fn patch_scale(
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
