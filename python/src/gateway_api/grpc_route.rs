//! `canary.GrpcRoute`.

super::arguments::route_class!(
    GrpcRoute,
    "GRPCRoute",
    "GrpcRouteSpec",
    "The Gateway API's `GRPCRoute`: where gRPC requests at gateways, or to services of the mesh, go."
);
