//! Tools that write objects as a Git repository states them: Argo CD and Flux.

use std::fmt;

use serde_json::Value;

use crate::json::{list, text};

/// The prefix of kustomize-controller's labels and annotations.
const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";

/// A tool that keeps an object as a Git repository states it.
///
/// Such a tool may write back the weights of a rollout that is under way. Unlike Flagger or Argo Rollouts it changes no
/// weights of its own, so a rollout works beside it once it leaves the routes alone, see [`GitOps::remedy`].
///
/// Sources: <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>,
/// <https://fluxcd.io/flux/components/kustomize/kustomizations/>, <https://fluxcd.io/flux/components/helm/helmreleases/>.
///
/// ```
/// use canary_core::rollout::patch::GitOps;
/// use serde_json::json;
///
/// let theirs = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "models"}}});
/// let tool = GitOps::of(&theirs).unwrap();
/// assert_eq!(tool, GitOps::FluxKustomize);
/// assert!(tool.remedy().contains("kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"));
/// assert_eq!(GitOps::of(&json!({"metadata": {}})), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GitOps {
    /// Argo CD.
    ArgoCd,
    /// Flux's kustomize-controller.
    FluxKustomize,
    /// Flux's helm-controller.
    FluxHelm,
}

impl GitOps {
    /// The tool that manages an object, by its labels and annotations or by a field manager of its spec.
    pub fn of(object: &Value) -> Option<Self> {
        by_mark(object).or_else(|| by_manager(object))
    }

    /// The tool that writes under this name of a field manager.
    pub fn of_manager(manager: &str) -> Option<Self> {
        match manager {
            "argocd-controller" | "argocd-application-controller" => Some(Self::ArgoCd),
            "kustomize-controller" => Some(Self::FluxKustomize),
            "helm-controller" => Some(Self::FluxHelm),
            _ => None,
        }
    }

    /// Returns `true` when the object itself tells the tool not to change it.
    ///
    /// Flux reads annotations and labels of the object; Argo CD reads its `Application`, which is not looked at.
    pub fn leaves_alone(self, object: &Value) -> bool {
        let is = |name: &str, wanted: &str| {
            ["/metadata/annotations", "/metadata/labels"].iter().any(|place| {
                let members = object.pointer(place);
                let value = members.and_then(|found| found[format!("{KUSTOMIZE}/{name}")].as_str());
                value.is_some_and(|value| value.eq_ignore_ascii_case(wanted))
            })
        };
        self == Self::FluxKustomize
            && (is("reconcile", "disabled") || is("ssa", "IfNotPresent") || is("ssa", "Ignore"))
    }

    /// The settings by which the tool leaves the routes to a rollout.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::ArgoCd => {
                "in the Application, set spec.ignoreDifferences for group networking.istio.io and kinds VirtualService \
                 and DestinationRule to managedFieldsManagers: [canary] (for the time of a run) or, for VirtualService, \
                 to jsonPointers: [/spec/http] (for good), and add RespectIgnoreDifferences=true to \
                 spec.syncPolicy.syncOptions"
            }
            Self::FluxKustomize => {
                "annotate the VirtualService and the DestinationRule with kustomize.toolkit.fluxcd.io/ssa: IfNotPresent \
                 in Git, or with kustomize.toolkit.fluxcd.io/reconcile: disabled in the cluster for the time of a run"
            }
            Self::FluxHelm => {
                "in the HelmRelease, leave spec.driftDetection off, or add /spec/http of VirtualService and \
                 /spec/subsets of DestinationRule to spec.driftDetection.ignore; do not upgrade the chart during a run"
            }
        }
    }
}

impl fmt::Display for GitOps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ArgoCd => "Argo CD",
            Self::FluxKustomize => "Flux, kustomize-controller",
            Self::FluxHelm => "Flux, helm-controller",
        })
    }
}

fn by_mark(object: &Value) -> Option<GitOps> {
    let has = |place: &str, key: &str| {
        object.pointer(place).and_then(|members| members.get(key)).is_some()
    };
    let label = |key: &str| has("/metadata/labels", key);
    if has("/metadata/annotations", "argocd.argoproj.io/tracking-id")
        || label("argocd.argoproj.io/instance")
    {
        Some(GitOps::ArgoCd)
    } else if label("kustomize.toolkit.fluxcd.io/name") {
        Some(GitOps::FluxKustomize)
    } else if label("helm.toolkit.fluxcd.io/name") {
        Some(GitOps::FluxHelm)
    } else {
        None
    }
}

/// A manager of any field: Argo CD's default label, `app.kubernetes.io/instance`, is set by others too.
fn by_manager(object: &Value) -> Option<GitOps> {
    list(object, "/metadata/managedFields")
        .iter()
        .find_map(|entry| GitOps::of_manager(text(entry, "/manager")))
}
