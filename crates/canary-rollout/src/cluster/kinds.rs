//! The kinds that can be referred to by name alone.

use super::ObjectRef;

/// The group and version of each kind, as it is asked for.
const VERSIONS: &[(&str, &str)] = &[
    ("ConfigMap", "v1"),
    ("Deployment", "apps/v1"),
    ("DestinationRule", "networking.istio.io/v1"),
    ("Event", "v1"),
    ("Gateway", "networking.istio.io/v1"),
    ("HorizontalPodAutoscaler", "autoscaling/v2"),
    ("Job", "batch/v1"),
    ("Lease", "coordination.k8s.io/v1"),
    ("Namespace", "v1"),
    ("Node", "v1"),
    ("Pod", "v1"),
    ("Role", "rbac.authorization.k8s.io/v1"),
    ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    ("Secret", "v1"),
    ("Service", "v1"),
    ("ServiceAccount", "v1"),
    ("VirtualService", "networking.istio.io/v1"),
];

/// Kinds that belong to no namespace.
const CLUSTER_WIDE: &[&str] =
    &["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace", "Node"];

impl ObjectRef {
    /// The group and version under which a kind is requested; `None` for an unknown kind.
    ///
    /// ```
    /// use canary_core::cluster::ObjectRef;
    ///
    /// assert_eq!(ObjectRef::version_of("Deployment"), Some("apps/v1"));
    /// assert_eq!(ObjectRef::version_of("Kitten"), None);
    /// ```
    pub fn version_of(kind: &str) -> Option<&'static str> {
        VERSIONS.iter().find(|(known, _)| *known == kind).map(|(_, version)| *version)
    }

    /// Returns `true` for a kind whose objects belong to no namespace.
    pub fn is_cluster_wide(kind: &str) -> bool {
        CLUSTER_WIDE.contains(&kind)
    }
}
