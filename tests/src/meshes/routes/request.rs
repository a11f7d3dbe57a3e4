//! Generated requests to routes.

use canary_core::{Object, Request, gateway_api::GatewayApiObject};

use super::super::{
    clients::{self, Client},
    draw::Draw,
    objects,
};

const HOSTS: [&str; 11] = [
    "a.example.com",
    "a.example.com",
    "A.example.com:8080",
    "b.example.com",
    "x.b.example.com",
    "y.x.b.example.com",
    "example.com",
    "z.com",
    "model.example.org",
    "203.0.113.7",
    "other.net",
];
const PATHS: [&str; 16] = [
    "/",
    "/v1",
    "/v1/",
    "/v1/models",
    "/v1/models/m:predict",
    "/v1x",
    "/v1.x/y",
    "/v1ax",
    "/V1/x",
    "/v2/x",
    "/foo",
    "/foo/bar",
    "/pkg.Models/Predict",
    "/pkg.Models/Other",
    "/pkg.Models",
    "/other",
];
const QUERIES: [&str; 6] = ["", "", "", "?q=a", "?q=1&x=b", "?Q=a&q=b"];

/// A request to a gateway that listens on these ports, mostly for a host name of one of the routes.
pub fn at_gateway(draw: &mut Draw, ports: &[u16], objects: &[Object]) -> Request {
    let mut request = objects::request(draw, ports);
    draw.one(&HOSTS).clone_into(&mut request.authority);
    let names: Vec<&String> = objects.iter().flat_map(hostnames).collect();
    if !names.is_empty() && !draw.once_in(3) {
        let place = usize::try_from(draw.below(names.len() as u64)).unwrap();
        request.authority = names[place].replacen('*', draw.one(&["w", "x.b"]), 1);
    }
    with_path(draw, &mut request);
    request
}

/// A request of a client in the mesh.
pub fn in_mesh(draw: &mut Draw, client: &Client) -> Request {
    let mut request = clients::request(draw, client);
    if !draw.once_in(4) {
        with_path(draw, &mut request);
    }
    request
}

fn hostnames(object: &Object) -> &[String] {
    let names = match object {
        Object::GatewayApi(GatewayApiObject::HttpRoute(route)) => &route.spec.hostnames,
        Object::GatewayApi(GatewayApiObject::GrpcRoute(route)) => &route.spec.hostnames,
        _ => return &[],
    };
    names.as_deref().unwrap_or_default()
}

fn with_path(draw: &mut Draw, request: &mut Request) {
    request.path = format!("{}{}", draw.one(&PATHS), draw.one(&QUERIES));
    if request.path.starts_with("/pkg") && !draw.once_in(3) {
        "POST".clone_into(&mut request.method);
    }
}
