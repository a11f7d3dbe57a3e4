//! The kinds that can be referred to by name alone.

use super::ObjectRef;

/// A kind: its name, its group and version, its plural name in paths, and whether its objects live in namespaces.
type Kind = (&'static str, &'static str, &'static str, bool);

/// The kinds that this library reads or writes, in alphabetical order.
const KINDS: &[Kind] = &[
    ("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", false),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
    ("ConfigMap", "v1", "configmaps", true),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", false),
    ("Deployment", "apps/v1", "deployments", true),
    ("DestinationRule", "networking.istio.io/v1", "destinationrules", true),
    ("EndpointSlice", "discovery.k8s.io/v1", "endpointslices", true),
    ("Event", "v1", "events", true),
    ("GRPCRoute", "gateway.networking.k8s.io/v1", "grpcroutes", true),
    ("Gateway", "networking.istio.io/v1", "gateways", true),
    ("HTTPRoute", "gateway.networking.k8s.io/v1", "httproutes", true),
    ("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers", true),
    ("Job", "batch/v1", "jobs", true),
    ("Lease", "coordination.k8s.io/v1", "leases", true),
    ("Namespace", "v1", "namespaces", false),
    ("Node", "v1", "nodes", false),
    ("Pod", "v1", "pods", true),
    ("ReplicaSet", "apps/v1", "replicasets", true),
    ("ResourceQuota", "v1", "resourcequotas", true),
    ("Role", "rbac.authorization.k8s.io/v1", "roles", true),
    ("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", true),
    ("Secret", "v1", "secrets", true),
    ("SelfSubjectAccessReview", "authorization.k8s.io/v1", "selfsubjectaccessreviews", false),
    ("Service", "v1", "services", true),
    ("ServiceAccount", "v1", "serviceaccounts", true),
    ("StatefulSet", "apps/v1", "statefulsets", true),
    ("VirtualService", "networking.istio.io/v1", "virtualservices", true),
];

fn kind_of(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|(known, ..)| *known == name)
}

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
        kind_of(kind).map(|(_, version, ..)| *version)
    }

    /// The name of a kind in the paths of the API server; `None` for an unknown kind.
    ///
    /// ```
    /// use canary_core::cluster::ObjectRef;
    ///
    /// assert_eq!(ObjectRef::plural_of("VirtualService"), Some("virtualservices"));
    /// ```
    pub fn plural_of(kind: &str) -> Option<&'static str> {
        kind_of(kind).map(|(_, _, plural, _)| *plural)
    }

    /// Returns `true` for a kind whose objects belong to no namespace.
    pub fn is_cluster_wide(kind: &str) -> bool {
        kind_of(kind).is_some_and(|(.., namespaced)| !namespaced)
    }

    /// Every kind that is known here, in alphabetical order.
    ///
    /// ```
    /// use canary_core::cluster::ObjectRef;
    ///
    /// assert!(ObjectRef::known_kinds().any(|kind| kind == "Lease"));
    /// ```
    pub fn known_kinds() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once_and_in_order() {
        assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(ObjectRef::is_cluster_wide("Namespace") && !ObjectRef::is_cluster_wide("Pod"));
        assert_eq!(ObjectRef::plural_of("Gatway"), None);
    }
}
