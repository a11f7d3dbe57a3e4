//! Checks whether the namespace is in the mesh: by sidecars, or by ambient mode and a waypoint.

use canary_rollout::{
    Arms,
    cluster::{Cluster, ObjectRef},
};

use super::{Check, Outcome, PreflightOptions};
use crate::Kubernetes;

/// Checks the labels of the namespace, and in ambient mode whether the plan's versions are addressable there.
pub(super) async fn injection(cluster: &Kubernetes, options: &PreflightOptions) -> Check {
    const NAME: &str = "sidecar injection";
    let namespace = options.namespace.as_str();
    let routes = options.plan.as_ref().and_then(|plan| plan.target.routes());
    let subsets = routes.is_none_or(|routes| routes.arms == Arms::Subsets);
    let object = ObjectRef::new("v1", "Namespace", "", namespace);
    let found = match cluster.get(&object).await {
        Err(error) => return Check::unknown(NAME, &error),
        Ok(None) => {
            return Check::new(NAME, Outcome::Fail, format!("there is no namespace {namespace}"))
                .remedy(format!("kubectl create namespace {namespace}"));
        }
        Ok(Some(found)) => found,
    };
    let label =
        |name: &str| found.pointer("/metadata/labels").and_then(|labels| labels[name].as_str());
    match (label("istio-injection"), label("istio.io/rev"), label("istio.io/dataplane-mode")) {
        (Some("enabled"), None, _) => Check::new(NAME, Outcome::Pass, "istio-injection=enabled"),
        (Some("enabled"), Some(revision), _) => Check::new(
            NAME,
            Outcome::Warn,
            format!("istio-injection=enabled and istio.io/rev={revision}; the first one wins"),
        )
        .remedy(format!("kubectl label namespace {namespace} istio-injection-")),
        (Some(other), ..) => Check::new(NAME, Outcome::Warn, format!("istio-injection={other}"))
            .remedy(format!(
                "kubectl label namespace {namespace} istio-injection=enabled --overwrite"
            )),
        (None, Some(revision), _) => {
            Check::new(NAME, Outcome::Pass, format!("istio.io/rev={revision}"))
        }
        (None, None, Some("ambient")) if subsets => Check::new(
            NAME,
            Outcome::Warn,
            "ambient mode, in which a waypoint addresses no subsets",
        )
        .remedy(
            "for calls inside the mesh make one Service for each version, and a plan with arms: services; at the ingress \
             gateway the subsets apply",
        ),
        (None, None, Some("ambient")) => {
            let waypoint = label("istio.io/use-waypoint");
            match waypoint {
                Some(name) => {
                    Check::new(NAME, Outcome::Pass, format!("ambient mode with waypoint {name}"))
                }
                None => Check::new(NAME, Outcome::Warn, "ambient mode without a waypoint").remedy(
                    format!(
                        "weights apply at the ingress gateway; for calls inside the mesh make a waypoint: kubectl label \
                         namespace {namespace} istio.io/use-waypoint=waypoint"
                    ),
                ),
            }
        }
        (None, None, _) => Check::new(NAME, Outcome::Warn, "the namespace has no label for it")
            .remedy(format!("kubectl label namespace {namespace} istio-injection=enabled")),
    }
}
