//! The objects of the Gateway API among those of a mesh.

use crate::gateway_api::{
    Gateway, GatewayApiObject, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant,
};

/// The objects of the Gateway API that decide routes, as they were given.
#[derive(Clone, Debug, Default)]
pub(in crate::route) struct GatewayApiObjects {
    pub(super) classes: Vec<GatewayClass>,
    pub(super) gateways: Vec<Gateway>,
    pub(super) http_routes: Vec<HttpRoute>,
    pub(super) grpc_routes: Vec<GrpcRoute>,
    pub(super) grants: Vec<ReferenceGrant>,
}

impl GatewayApiObjects {
    /// Adds an object; a kind that does not decide routes is left aside.
    pub(in crate::route) fn push(&mut self, object: GatewayApiObject) {
        match object {
            GatewayApiObject::GatewayClass(class) => self.classes.push(class),
            GatewayApiObject::Gateway(gateway) => self.gateways.push(gateway),
            GatewayApiObject::HttpRoute(route) => self.http_routes.push(route),
            GatewayApiObject::GrpcRoute(route) => self.grpc_routes.push(route),
            GatewayApiObject::ReferenceGrant(grant) => self.grants.push(grant),
            GatewayApiObject::BackendTlsPolicy(_) => {}
        }
    }
}
