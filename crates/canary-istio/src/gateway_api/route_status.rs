//! The state of a route, as controllers report it.

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::{Deserialize, Serialize};

use super::{grpc_route::GrpcRoute, http_route::HttpRoute, parent_ref::ParentRef};
use crate::{Error, Result};

/// The state of a route at each of its parents.
///
/// The Gateway API's [`RouteStatus`](https://gateway-api.sigs.k8s.io/reference/spec/#routestatus).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteStatus {
    /// One entry for each parent and controller. A parent without an entry has no controller that reports.
    #[serde(default)]
    pub parents: Vec<RouteParentStatus>,
}

/// The state of a route at one parent.
///
/// The Gateway API's [`RouteParentStatus`](https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteParentStatus {
    /// The parent, as the route names it.
    pub parent_ref: ParentRef,
    /// The controller that reports; Istio's is `istio.io/gateway-controller`.
    pub controller_name: String,
    /// `Accepted`, `ResolvedRefs` and others.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

macro_rules! route_status {
    ($($route:ident)*) => {$(
        impl $route {
            /// The state at each parent, read from `status`; without parents while no controller has reported.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::", stringify!($route), ";")]
            ///
            #[doc = concat!("let mut route = ", stringify!($route), "::default();")]
            /// route.status = Some(serde_json::json!({"parents": [{"parentRef": {"name": "public"},
            ///     "controllerName": "istio.io/gateway-controller", "conditions": []}]}));
            /// assert_eq!(route.route_status()?.parents[0].parent_ref.name, "public");
            /// # Ok::<(), canary_core::manifest::Error>(())
            /// ```
            ///
            /// # Errors
            /// [`Error::Manifest`] when `status` is not that of a route.
            pub fn route_status(&self) -> Result<RouteStatus> {
                read(self.status.as_ref(), || self.name().to_owned())
            }
        }
    )*};
}

route_status!(HttpRoute GrpcRoute);

/// Reads a status; the default when there is none.
pub(super) fn read<'s, T: Default + Deserialize<'s>>(
    status: Option<&'s serde_json::Value>,
    name: impl FnOnce() -> String,
) -> Result<T> {
    status.map_or_else(
        || Ok(T::default()),
        |status| {
            T::deserialize(status).map_err(|error| Error::Manifest {
                what: format!("the status of {}", name()),
                reason: error.to_string(),
            })
        },
    )
}
