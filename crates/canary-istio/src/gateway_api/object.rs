//! The group of the Gateway API's kinds.

use crate::resource::Api;

/// The group of the Gateway API.
pub(crate) const GROUP: &str = "gateway.networking.k8s.io";

/// The kinds that are modelled here.
pub(crate) const KINDS: [&str; 6] =
    ["BackendTLSPolicy", "GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"];

/// The kinds of the group that are not modelled here.
pub(crate) const OTHER_KINDS: [&str; 4] = ["ListenerSet", "TCPRoute", "TLSRoute", "UDPRoute"];

/// The versions of kinds that have been in the standard channel since Gateway API 1.0.
pub(super) const SINCE_V1BETA1: Api =
    Api { group: GROUP, versions: &["v1", "v1beta1"], owner: "the Gateway API" };

/// The versions of kinds that entered the standard channel as `v1`.
pub(super) const SINCE_V1: Api = Api { group: GROUP, versions: &["v1"], owner: "the Gateway API" };

/// The versions of `ReferenceGrant`, which Istio watches as `v1beta1`.
pub(super) const REFERENCE_GRANT: Api =
    Api { group: GROUP, versions: &["v1beta1", "v1"], owner: "the Gateway API" };

/// Returns true for an `apiVersion` of the group, in whatever version.
pub(crate) fn is_in_group(api_version: &str) -> bool {
    api_version.strip_prefix(GROUP).is_some_and(|rest| rest.starts_with('/'))
}

/// Makes a struct with `metadata`, `spec`, `status` and `version` an object of the Gateway API.
macro_rules! gateway_api_object {
    ($object:ident, $spec:ident, $kind:literal, $plural:literal, $api:ident, $version:literal, $scope:ident) => {
        $crate::resource::kubernetes_object!(
            $object,
            $spec,
            $kind,
            $plural,
            $crate::gateway_api::object::$api,
            "gateway.networking.k8s.io",
            $version,
            $scope
        );
    };
}
pub(super) use gateway_api_object;
