//! Other tools that write routes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// A tool that writes the rules and weights of a route by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteOwner {
    /// Flagger, by an owner reference to its `Canary`.
    Flagger,
    /// Argo Rollouts, by the label that its plugin for the Gateway API sets during a rollout.
    ArgoRollouts,
    /// `KServe`, by an owner reference to its `InferenceService`.
    KServe,
}

impl RouteOwner {
    /// The tool that owns an object, by its labels and owner references.
    ///
    /// ```
    /// use canary_core::gateway_api::{HttpRoute, RouteOwner};
    ///
    /// let route = HttpRoute::to("pets").label("rollouts.argoproj.io/gatewayapi-canary", "in-progress");
    /// assert_eq!(RouteOwner::of(&route.metadata), Some(RouteOwner::ArgoRollouts));
    /// ```
    pub fn of(metadata: &ObjectMeta) -> Option<Self> {
        let owned_by = |group: &str, kind: &str| {
            metadata.owner_references.iter().flatten().any(|owner| {
                owner.kind == kind && owner.api_version.split('/').next() == Some(group)
            })
        };
        let labelled = |label| metadata.labels.iter().flatten().any(|(key, _)| key == label);
        if owned_by("flagger.app", "Canary") {
            Some(Self::Flagger)
        } else if owned_by("serving.kserve.io", "InferenceService") {
            Some(Self::KServe)
        } else if labelled("rollouts.argoproj.io/gatewayapi-canary") {
            Some(Self::ArgoRollouts)
        } else {
            None
        }
    }

    /// The name of the tool.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flagger => "Flagger",
            Self::ArgoRollouts => "Argo Rollouts",
            Self::KServe => "KServe",
        }
    }
}
