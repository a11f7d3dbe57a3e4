//! Objects as Rust types instead of JSON, on any cluster.

use futures_core::Stream;
use futures_util::{StreamExt, stream::BoxStream};
use k8s_openapi::{
    Metadata, NamespaceResourceScope, Resource, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Cluster, ObjectRef, WatchEvent};
use crate::{Error, Result};

/// A type whose objects live in namespaces: Istio's three kinds, and those of k8s-openapi.
pub trait Kind:
    Resource<Scope = NamespaceResourceScope>
    + Metadata<Ty = ObjectMeta>
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
{
}

impl<K> Kind for K where
    K: Resource<Scope = NamespaceResourceScope>
        + Metadata<Ty = ObjectMeta>
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
{
}

/// A change of a typed object that is being watched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change<K> {
    /// It was created or changed; the object as it is now.
    Applied(K),
    /// It was deleted; the object as it was last.
    Deleted(K),
}

/// Typed calls on every [`Cluster`].
///
/// Reading drops fields that the type does not know; so what was read and belongs to others is changed by
/// [`Cluster::patch`], never written back whole.
///
/// ```
/// # async fn example(cluster: impl canary_core::cluster::Cluster) -> canary_core::Result<()> {
/// use canary_core::{VirtualService, cluster::Typed};
///
/// cluster.apply_typed(&VirtualService::weighted("image-classifier", [("resnet50", 100)])).await?;
/// let read = cluster.get_typed::<VirtualService>("default", "image-classifier").await?;
/// assert_eq!(read.and_then(|object| object.spec.http).map(|rules| rules.len()), Some(1));
/// # Ok(())
/// # }
/// ```
pub trait Typed: Cluster {
    /// The object, or `None` when there is none of that name.
    ///
    /// # Errors
    /// [`Error::Istio`] when it does not fit the type; otherwise as [`Cluster::get`].
    fn get_typed<K: Kind>(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<K>>> + Send {
        let object = ObjectRef::new(K::API_VERSION, K::KIND, namespace, name);
        async move { self.get(&object).await?.map(read).transpose() }
    }

    /// Every object of the type, in one namespace or in all.
    ///
    /// # Errors
    /// [`Error::Istio`] when one does not fit the type; otherwise as [`Cluster::list`].
    fn list_typed<K: Kind>(
        &self,
        namespace: Option<&str>,
    ) -> impl Future<Output = Result<Vec<K>>> + Send {
        async move {
            let found = self.list(K::API_VERSION, K::KIND, namespace).await?;
            found.into_iter().map(read).collect()
        }
    }

    /// Server-side apply of a typed object; an object without a namespace goes to `default`.
    ///
    /// # Errors
    /// As [`Cluster::apply`].
    fn apply_typed<K: Kind>(&self, object: &K) -> impl Future<Output = Result<K>> + Send {
        async move {
            let object = serde_json::to_value(object).map_err(|error| unfit::<K>(&error))?;
            read(self.apply(&object).await?)
        }
    }

    /// Deletes the object; `false` when there was none.
    ///
    /// # Errors
    /// As [`Cluster::delete`].
    fn delete_typed<K: Kind>(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<bool>> + Send {
        let object = ObjectRef::new(K::API_VERSION, K::KIND, namespace, name);
        async move { self.delete(&object).await }
    }

    /// The changes of one object, beginning with its present state when it exists.
    fn watch_typed<K: Kind + 'static>(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Stream<Item = Result<Change<K>>> + Send + 'static {
        let object = ObjectRef::new(K::API_VERSION, K::KIND, namespace, name);
        let events: BoxStream<'static, _> = self.watch(&object).boxed();
        events.map(|event| {
            Ok(match event? {
                WatchEvent::Applied(object) => Change::Applied(read(object)?),
                WatchEvent::Deleted(object) => Change::Deleted(read(object)?),
            })
        })
    }
}

impl<C: Cluster> Typed for C {}

fn read<K: Kind>(object: Value) -> Result<K> {
    serde_json::from_value(object).map_err(|error| unfit::<K>(&error))
}

fn unfit<K: Kind>(error: &serde_json::Error) -> Error {
    Error::manifest(format!("{} from the cluster", K::KIND), error.to_string())
}
