//! The common fields and functions of the modelled kinds as Kubernetes objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A group of the Kubernetes API: its name, and the versions in which a kind of it is read.
pub(crate) struct Api {
    /// The group, such as `networking.istio.io`.
    pub(crate) group: &'static str,
    /// The versions, whose schemas are the same. An object that was not read is written in the first.
    pub(crate) versions: &'static [&'static str],
    /// The owner of the versions in messages, such as `Istio`.
    pub(crate) owner: &'static str,
}

impl Api {
    /// The version of this name, such as `v1alpha3`, or of an `apiVersion` with it.
    pub(crate) fn version(&self, name: &str) -> Option<Version> {
        let bare = self.version_of(name).unwrap_or(name);
        self.versions.iter().position(|version| *version == bare).map(Version)
    }

    /// The version of this name.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the kind has no such version.
    pub(crate) fn wanted(&self, name: &str) -> Result<Version> {
        self.version(name).ok_or_else(|| Error::Manifest {
            what: format!("version {name:?}"),
            reason: format!(
                "{} has no such version; write one of {}",
                self.owner,
                self.versions.join(", ")
            ),
        })
    }

    /// Returns true for an `apiVersion` of the group that is read.
    pub(crate) fn has(&self, api_version: &str) -> bool {
        self.version_of(api_version).is_some_and(|version| self.versions.contains(&version))
    }

    /// The `apiVersion` of objects of a version.
    pub(crate) fn api_version(&self, version: Version) -> String {
        format!("{}/{}", self.group, self.versions.get(version.0).unwrap_or(&self.versions[0]))
    }

    /// The version within an `apiVersion` of the group.
    fn version_of<'t>(&self, api_version: &'t str) -> Option<&'t str> {
        api_version.strip_prefix(self.group)?.strip_prefix('/')
    }
}

/// A version in which a kind is written, as its place among the versions of its [`Api`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version(usize);

/// A kind that is modelled here.
pub(crate) trait Kind: k8s_openapi::Resource {
    /// The group and the versions of the kind.
    const API: &'static Api;
}

/// An object as it stands in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Read<S> {
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    #[serde(default)]
    pub(crate) spec: S,
    pub(crate) status: Option<serde_json::Value>,
}

impl<S> Read<S> {
    /// The version that the object names, else the first.
    pub(crate) fn version(&self, api: &Api) -> Version {
        self.api_version.as_deref().and_then(|name| api.version(name)).unwrap_or_default()
    }

    /// Checks `apiVersion` and `kind` where they are given; lists of the API server may omit them.
    pub(crate) fn check<K: Kind>(&self) -> Result<(), String> {
        if let Some(found) = &self.kind
            && found != K::KIND
        {
            return Err(format!("kind is `{found}`, expected `{}`", K::KIND));
        }
        if let Some(found) = &self.api_version
            && !K::API.has(found)
        {
            return Err(format!("apiVersion is `{found}`, expected `{}`", K::API_VERSION));
        }
        Ok(())
    }
}

/// An object as it is written to JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Write<'a, S> {
    pub(crate) api_version: String,
    pub(crate) kind: &'static str,
    pub(crate) metadata: &'a ObjectMeta,
    pub(crate) spec: &'a S,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: &'a Option<serde_json::Value>,
}

/// An object as JSON.
pub(crate) fn to_json<T: k8s_openapi::Metadata<Ty = ObjectMeta> + Serialize>(
    object: &T,
) -> Result<serde_json::Value> {
    serde_json::to_value(object).map_err(|error| Error::Manifest {
        what: format!("{} {}", T::KIND, object.metadata().name.as_deref().unwrap_or_default()),
        reason: error.to_string(),
    })
}

/// Makes a struct with `metadata`, `spec`, `status` and `version` a Kubernetes object.
macro_rules! kubernetes_object {
    (
        $object:ident, $spec:ident, $kind:expr, $plural:literal,
        $api:expr, $group:literal, $version:literal, $scope:ident
    ) => {
        impl ::k8s_openapi::Resource for $object {
            const API_VERSION: &'static str = concat!($group, "/", $version);
            const GROUP: &'static str = $group;
            const KIND: &'static str = $kind;
            const VERSION: &'static str = $version;
            const URL_PATH_SEGMENT: &'static str = $plural;
            type Scope = ::k8s_openapi::$scope;
        }

        impl $crate::resource::Kind for $object {
            const API: &'static $crate::resource::Api = &$api;
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
                $crate::resource::Write {
                    api_version: self.api_version(),
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
                let read = $crate::resource::Read::<$spec>::deserialize(deserializer)?;
                read.check::<Self>().map_err(::serde::de::Error::custom)?;
                let version = read.version(<Self as $crate::resource::Kind>::API);
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
            #[doc = concat!("`", $group, "/", $version, "`.")]
            pub fn api_version(&self) -> String {
                <Self as $crate::resource::Kind>::API.api_version(self.version)
            }

            /// The object in another version, such as `v1`; nothing else of it changes.
            ///
            /// # Errors
            /// [`Error::Manifest`](crate::Error::Manifest) when the kind has no such version.
            pub fn to_version(mut self, version: &str) -> $crate::Result<Self> {
                self.version = <Self as $crate::resource::Kind>::API.wanted(version)?;
                Ok(self)
            }

            /// The object as JSON.
            ///
            /// # Errors
            /// [`Error::Manifest`](crate::Error::Manifest) when a number in it is not finite.
            pub fn to_json_value(&self) -> $crate::Result<::serde_json::Value> {
                $crate::resource::to_json(self)
            }
        }
    };
}
pub(crate) use kubernetes_object;

/// Lets an object be put into a namespace.
macro_rules! namespaced {
    ($object:ident) => {
        impl $object {
            /// Puts the object into a namespace.
            #[must_use]
            pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
                self.metadata.namespace = Some(namespace.into());
                self
            }
        }
    };
}
pub(crate) use namespaced;
