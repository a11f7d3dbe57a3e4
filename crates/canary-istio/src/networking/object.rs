//! Fields and functions that the three kinds have in common as Kubernetes objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The group of Istio's networking kinds.
pub(crate) const GROUP: &str = "networking.istio.io";

/// The versions read; their schemas are the same. The first one is written.
pub(crate) const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha3"];

/// An object as it stands in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Read<S> {
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    pub(super) metadata: ObjectMeta,
    #[serde(default)]
    pub(super) spec: S,
    pub(super) status: Option<serde_json::Value>,
}

impl<S> Read<S> {
    /// Checks `apiVersion` and `kind` where they are given; lists of the API server may omit them.
    pub(super) fn check(&self, kind: &str) -> Result<(), String> {
        if let Some(found) = &self.kind
            && found != kind
        {
            return Err(format!("kind is `{found}`, expected `{kind}`"));
        }
        if let Some(found) = &self.api_version
            && !is_istio(found)
        {
            return Err(format!("apiVersion is `{found}`, expected `{GROUP}/v1`"));
        }
        Ok(())
    }
}

/// Returns true for an `apiVersion` of Istio's networking group that is read here.
pub(crate) fn is_istio(api_version: &str) -> bool {
    api_version
        .strip_prefix(GROUP)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|version| VERSIONS.contains(&version))
}

/// An object as it is written to JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Write<'a, S> {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) metadata: &'a ObjectMeta,
    pub(super) spec: &'a S,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: &'a Option<serde_json::Value>,
}

/// An object as JSON.
pub(super) fn to_json<T: k8s_openapi::Metadata<Ty = ObjectMeta> + Serialize>(
    object: &T,
) -> Result<serde_json::Value> {
    serde_json::to_value(object).map_err(|error| Error::Manifest {
        what: format!("{} {}", T::KIND, object.metadata().name.as_deref().unwrap_or_default()),
        reason: error.to_string(),
    })
}

/// Makes a struct with `metadata`, `spec` and `status` a Kubernetes object.
macro_rules! kubernetes_object {
    ($object:ident, $spec:ident, $plural:literal) => {
        impl ::k8s_openapi::Resource for $object {
            const API_VERSION: &'static str = "networking.istio.io/v1";
            const GROUP: &'static str = "networking.istio.io";
            const KIND: &'static str = stringify!($object);
            const VERSION: &'static str = "v1";
            const URL_PATH_SEGMENT: &'static str = $plural;
            type Scope = ::k8s_openapi::NamespaceResourceScope;
        }

        impl ::k8s_openapi::Metadata for $object {
            type Ty = ::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

            fn metadata(&self) -> &Self::Ty {
                &self.metadata
            }

            fn metadata_mut(&mut self) -> &mut Self::Ty {
                &mut self.metadata
            }
        }

        impl ::serde::Serialize for $object {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::networking::object::Write {
                    api_version: <Self as ::k8s_openapi::Resource>::API_VERSION,
                    kind: <Self as ::k8s_openapi::Resource>::KIND,
                    metadata: &self.metadata,
                    spec: &self.spec,
                    status: &self.status,
                }
                .serialize(serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $object {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let read = $crate::networking::object::Read::<$spec>::deserialize(deserializer)?;
                read.check(<Self as ::k8s_openapi::Resource>::KIND)
                    .map_err(::serde::de::Error::custom)?;
                Ok(Self { metadata: read.metadata, spec: read.spec, status: read.status })
            }
        }

        impl $object {
            /// The name of the object; empty when it has none.
            pub fn name(&self) -> &str {
                self.metadata.name.as_deref().unwrap_or_default()
            }

            /// Names the object.
            #[must_use]
            pub fn named(mut self, name: impl Into<String>) -> Self {
                self.metadata.name = Some(name.into());
                self
            }

            /// Puts the object into a namespace.
            #[must_use]
            pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
                self.metadata.namespace = Some(namespace.into());
                self
            }

            /// Adds a label to the object.
            #[must_use]
            pub fn label(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
                let labels = self.metadata.labels.get_or_insert_default();
                labels.insert(label.into(), value.into());
                self
            }

            /// Adds an annotation to the object.
            #[must_use]
            pub fn annotation(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                let annotations = self.metadata.annotations.get_or_insert_default();
                annotations.insert(name.into(), value.into());
                self
            }

            /// The object as JSON.
            ///
            /// # Errors
            /// [`Error::Manifest`](crate::Error::Manifest) when a number in it is not finite.
            pub fn to_json_value(&self) -> $crate::Result<::serde_json::Value> {
                $crate::networking::object::to_json(self)
            }
        }
    };
}
pub(super) use kubernetes_object;
