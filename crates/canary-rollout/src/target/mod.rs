//! The target of a rollout.

mod canary_match;
mod header_route;
mod route;
mod routes;
mod version_labels;
mod written;
mod written_route;

use serde::{Deserialize, Serialize};

use crate::cluster::ObjectRef;
use written::Written;

pub use canary_match::{CanaryMatch, Cookie};
pub use header_route::HeaderRoute;
pub use route::{Protocol, Route, RouteKind, RuleSelector, Rules};
pub use routes::{Arms, Routes};
pub use version_labels::VersionLabels;

/// The routes or labels that a rollout moves from the stable version to the canary.
///
/// As text it has a short form, for one rule of one `VirtualService` whose versions are subsets, and a long form:
///
/// ```
/// use canary_core::rollout::{Plan, Route, Routes, Rules, Target};
///
/// let short = Target::new("image-classifier");
/// assert_eq!(serde_json::to_value(&short)?, serde_json::json!({
///     "namespace": "default", "virtualService": "image-classifier",
/// }));
///
/// let rest_and_grpc = Route::virtual_service("image-classifier").rules(["rest", "grpc"]);
/// let long = Target::from(Routes::of([rest_and_grpc]).namespace("models"));
/// assert_eq!(serde_json::to_value(&long)?, serde_json::json!({
///     "namespace": "models",
///     "routes": [{"virtualService": "image-classifier", "rules": ["rest", "grpc"]}],
/// }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
#[non_exhaustive]
pub enum Target {
    /// Routes whose weights are moved together.
    Routes(Routes),
    /// The labels of two versions in the same model servers.
    VersionLabels(VersionLabels),
}

impl Target {
    /// The one rule that leads to the stable subset in the `VirtualService` of that name, in namespace `default`.
    pub fn new(virtual_service: impl Into<String>) -> Self {
        Self::Routes(Routes::of([Route::virtual_service(virtual_service)]))
    }

    /// The namespace of the object that holds the rollout's state.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Routes(routes) => routes.namespace_of(routes.first()),
            Self::VersionLabels(labels) => &labels.namespace,
        }
    }

    /// The name of the object that holds the rollout's state; the Lease of the rollout is named after it.
    pub fn name(&self) -> &str {
        match self {
            Self::Routes(routes) => &routes.first().name,
            Self::VersionLabels(labels) => &labels.config_map,
        }
    }

    /// The object that holds the rollout's state and the commands of people: the first route, or the
    /// `ConfigMap` with the model config file.
    ///
    /// ```
    /// let target = canary_core::rollout::Target::new("image-classifier");
    /// assert_eq!(target.state_object().to_string(), "VirtualService default/image-classifier");
    /// ```
    pub fn state_object(&self) -> ObjectRef {
        match self {
            Self::Routes(routes) => routes.object(routes.first()),
            Self::VersionLabels(labels) => labels.config_map_ref(),
        }
    }

    /// The routes, for a target that is routes.
    pub fn routes(&self) -> Option<&Routes> {
        match self {
            Self::Routes(routes) => Some(routes),
            Self::VersionLabels(_) => None,
        }
    }

    /// The routes to be changed, for a target that is routes.
    pub fn routes_mut(&mut self) -> Option<&mut Routes> {
        match self {
            Self::Routes(routes) => Some(routes),
            Self::VersionLabels(_) => None,
        }
    }

    /// The labels, for a target that is two versions in the same servers.
    pub fn version_labels(&self) -> Option<&VersionLabels> {
        match self {
            Self::VersionLabels(labels) => Some(labels),
            Self::Routes(_) => None,
        }
    }

    /// Sets the namespace of the objects that name none themselves.
    pub fn set_namespace(&mut self, namespace: impl Into<String>) {
        match self {
            Self::Routes(routes) => routes.namespace = namespace.into(),
            Self::VersionLabels(labels) => labels.namespace = namespace.into(),
        }
    }
}

impl From<VersionLabels> for Target {
    fn from(labels: VersionLabels) -> Self {
        Self::VersionLabels(labels)
    }
}

impl From<Routes> for Target {
    fn from(routes: Routes) -> Self {
        Self::Routes(routes)
    }
}

#[cfg(test)]
mod tests;
