//! `canary.HttpRoute`.

super::arguments::route_class!(
    HttpRoute,
    "HTTPRoute",
    "HttpRouteSpec",
    "The Gateway API's `HTTPRoute`: where HTTP requests at gateways, or to services of the mesh, go."
);
