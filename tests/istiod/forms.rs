//! The kinds of targets: their objects, and the ways of a client to them.

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    gateway_api::{self, GatewayAddress, GrpcRoute, HttpRoute, Listener},
    predict::Client,
    rollout::{Route, Routes},
};
use canary_lab::istio::GATEWAY_NAMESPACE;
use serde_json::{Value, json};

use crate::stage::{APP, GATEWAY, STABLE};

/// The Service that clients in the mesh call.
pub(crate) const CALLED: &str = "image-classifier-all";
/// The name of the Gateway API's Gateway.
const PUBLIC: &str = "public";

/// A kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Two rules of one `VirtualService`, for REST and for gRPC, between two subsets.
    TwoRules,
    /// A `VirtualService` between two Services.
    TwoServices,
    /// An `HTTPRoute` at the gateway.
    Http,
    /// A `GRPCRoute` at the gateway.
    Grpc,
    /// An `HTTPRoute` and a `GRPCRoute` at the gateway, which move together.
    HttpAndGrpc,
    /// An `HTTPRoute` whose parent is a Service.
    Mesh,
}

/// A way of a client to the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Rest,
    Grpc,
}

impl Form {
    /// The name by which a plan and the answers call a version.
    pub(crate) fn arm(self, version: &str) -> String {
        if self == Self::TwoRules { version.to_owned() } else { format!("{APP}-{version}") }
    }

    /// The target of a plan.
    pub(crate) fn target(self) -> Routes {
        let http = || Route::http_route(APP);
        match self {
            Self::TwoRules => Routes::of([Route::virtual_service(APP).rules(["rest", "grpc"])]),
            Self::TwoServices => Routes::of([Route::virtual_service(APP)]).services(),
            Self::Http | Self::Mesh => Routes::of([http()]),
            Self::Grpc => Routes::of([Route::grpc_route(APP)]),
            Self::HttpAndGrpc => Routes::of([http(), Route::grpc_route("grpc")]),
        }
    }

    /// The ways in which its versions are reached.
    pub(crate) fn ways(self) -> &'static [Way] {
        match self {
            Self::TwoRules | Self::HttpAndGrpc => &[Way::Rest, Way::Grpc],
            Self::Grpc => &[Way::Grpc],
            Self::TwoServices | Self::Http | Self::Mesh => &[Way::Rest],
        }
    }

    /// The objects beside the routes.
    pub(crate) fn surroundings(self, canaries: &[&str]) -> Vec<Value> {
        match self {
            Self::TwoRules => {
                let subsets = [&[STABLE][..], canaries].concat();
                vec![
                    value(Gateway::http(GATEWAY, 80, ["*"])),
                    value(DestinationRule::subsets(APP, subsets)),
                ]
            }
            Self::TwoServices => vec![value(Gateway::http(GATEWAY, 80, ["*"]))],
            Self::Http | Self::Grpc | Self::HttpAndGrpc => vec![value(public())],
            Self::Mesh => vec![json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": CALLED, "namespace": "default"},
                "spec": {"selector": {"app": APP}, "ports": [{"name": "http", "port": REST}]},
            })],
        }
    }

    /// The routes that give the canary this share.
    pub(crate) fn routes(self, canary: &str, share: i32) -> Vec<Value> {
        let weights =
            || [STABLE, canary].map(|one| self.arm(one)).into_iter().zip([100 - share, share]);
        let http = || HttpRoute::weighted(APP, weights()).port(8501).stamp_backend(HEADER);
        let grpc = || GrpcRoute::weighted(APP, weights()).port(8500).stamp_backend(HEADER);
        match self {
            Self::TwoRules => vec![two_rules([(STABLE, 100 - share), (canary, share)])],
            Self::TwoServices => vec![two_services(&weights().collect::<Vec<_>>())],
            Self::Http => vec![value(http().gateway(parent()))],
            Self::Grpc => vec![value(grpc().gateway(parent()))],
            Self::HttpAndGrpc => {
                let service = "tensorflow.serving.PredictionService";
                let grpc = grpc().named("grpc").gateway(parent()).grpc_service(service);
                vec![value(http().gateway(parent())), value(grpc)]
            }
            Self::Mesh => vec![value(http().service(CALLED))],
        }
    }
}

/// The port of the model servers for REST.
pub(crate) const REST: u16 = 8501;

const HEADER: &str = Client::SUBSET_HEADER;

/// The Gateway of the Gateway API, as a parent of routes.
pub(crate) fn parent() -> String {
    format!("{GATEWAY_NAMESPACE}/{PUBLIC}")
}

/// A Gateway on the Service of the gateway that runs, which must be in its namespace; routes come from all of them.
pub(crate) fn public() -> gateway_api::Gateway {
    let listener = Listener::http(80).from_all_namespaces();
    let mut gateway =
        gateway_api::Gateway::new(PUBLIC).namespace(GATEWAY_NAMESPACE).listener(listener);
    gateway.spec.addresses = Some(vec![GatewayAddress {
        address_type: Some("Hostname".to_owned()),
        value: Some(format!("istio-ingressgateway.{GATEWAY_NAMESPACE}.svc.cluster.local")),
    }]);
    gateway
}

fn two_rules(weights: [(&str, i32); 2]) -> Value {
    let split = |port: u16| {
        let to = weights.map(|(subset, weight)| {
            json!({
                "destination": {"host": APP, "subset": subset, "port": {"number": port}}, "weight": weight,
                "headers": {"response": {"set": {HEADER: subset}}},
            })
        });
        json!(to)
    };
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"hosts": ["*"], "gateways": [GATEWAY], "http": [
            {"name": "grpc", "match": [{"uri": {"prefix": "/tensorflow.serving."}}], "route": split(8500)},
            {"name": "rest", "route": split(8501)},
        ]},
    })
}

fn two_services(weights: &[(String, i32)]) -> Value {
    let to = weights.iter().map(|(service, weight)| {
        json!({
            "destination": {"host": service, "port": {"number": 8501}}, "weight": weight,
            "headers": {"response": {"set": {HEADER: service}}},
        })
    });
    let routes = VirtualService::to(APP).hosts(["*"]).gateway(GATEWAY);
    let mut routes = value(routes);
    routes["spec"]["http"] = json!([{"route": to.collect::<Vec<_>>()}]);
    routes
}

/// An object as JSON.
pub(crate) fn value(object: impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}
