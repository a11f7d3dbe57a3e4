//! The common fields and functions of the three kinds as Kubernetes objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The group of Istio's networking kinds.
pub(crate) const GROUP: &str = "networking.istio.io";

/// The versions read; their schemas are the same. An object that was not read is written in the first.
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
    /// The version that the object names, else the first.
    pub(super) fn version(&self) -> Version {
        self.api_version.as_deref().and_then(Version::named).unwrap_or_default()
    }

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

/// A version in which the kinds are written; their fields are the same in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version(usize);

impl Version {
    /// The version of this name, such as `v1alpha3`, or of an `apiVersion` with it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let bare = name.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        VERSIONS.iter().position(|version| *version == bare).map(Self)
    }

    /// The version of this name.
    ///
    /// # Errors
    /// [`Error::Manifest`] when Istio has no such version.
    pub(crate) fn wanted(name: &str) -> Result<Self> {
        Self::named(name).ok_or_else(|| Error::Manifest {
            what: format!("version {name:?}"),
            reason: format!("Istio has no such version; write one of {}", VERSIONS.join(", ")),
        })
    }

    /// The `apiVersion` of objects of this version.
    pub(crate) fn api_version(self) -> String {
        format!("{GROUP}/{}", VERSIONS.get(self.0).unwrap_or(&VERSIONS[0]))
    }
}

/// Returns true for a message without anything in it, which is not written: it was not given.
pub(super) fn is_default<T: Default + PartialEq>(message: &T) -> bool {
    *message == T::default()
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
    pub(super) api_version: String,
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

        /// Objects are equal when metadata, spec and status are equal, in any version.
        impl PartialEq for $object {
            fn eq(&self, other: &Self) -> bool {
                self.metadata == other.metadata
                    && self.spec == other.spec
                    && self.status == other.status
            }
        }

        impl ::serde::Serialize for $object {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::networking::object::Write {
                    api_version: self.version.api_version(),
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
                let version = read.version();
                Ok(Self { metadata: read.metadata, spec: read.spec, status: read.status, version })
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

            /// The `apiVersion` in which the object is written: that in which it was read, or
            /// `networking.istio.io/v1`.
            pub fn api_version(&self) -> String {
                self.version.api_version()
            }

            /// The object in another version, such as `v1`; nothing else of it changes.
            ///
            /// # Errors
            /// [`Error::Manifest`](crate::Error::Manifest) when Istio has no such version.
            pub fn to_version(mut self, version: &str) -> $crate::Result<Self> {
                self.version = $crate::networking::object::Version::wanted(version)?;
                Ok(self)
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
