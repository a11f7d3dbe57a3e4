//! Weights: the shares of many requests are those that the evaluator says.

use canary_core::{DestinationRule, Gateway, Mesh, Request, VirtualService};
use canary_lab::envoy::{Envoy, Inventory, Routes, listener};
use canary_tests::meshes::{backends::Received, client::send};

use super::{binary, run::BACKENDS};

/// The 0.9995 quantile of a normal variable: a true share fails once in a thousand runs.
const Z: f64 = 3.29;

#[test]
fn shares_are_those_of_the_weights() {
    const REQUESTS: u32 = 1_500;
    let Some(binary) = binary() else { return };
    let gateway = Gateway::http("edge", 80, ["*"]);
    let subsets = DestinationRule::subsets("model", ["v1", "v2"]);
    let split = |weights: [i32; 2]| {
        VirtualService::weighted("model", [("v1", weights[0]), ("v2", weights[1])])
            .hosts(["*"])
            .gateway("edge")
            .port(8501)
    };
    let envoy = Envoy::start(&binary, drop).unwrap();
    for (number, weights) in [[70, 30], [0, 100], [1, 999]].into_iter().enumerate() {
        let service = split(weights);
        let mesh = Mesh::new([&gateway, &subsets, &service]).unwrap();
        let mut inventory =
            Inventory::default().object(gateway.clone()).object(subsets.clone()).object(service);
        for backend in &BACKENDS.services {
            inventory = inventory.backend(backend.clone());
        }
        let rendered = inventory.render();
        let name = format!("edge-{number}");
        envoy.set_clusters(&rendered.clusters).unwrap();
        envoy.set_listeners(&[listener(&name, Routes::Inline(&rendered.routes[&80]))]).unwrap();
        let address = envoy.listeners().unwrap()[&name];
        let request = Request::get("http://a.example/");
        let second = (0..REQUESTS)
            .filter(|_| {
                let answer = send(address, &request, "share");
                let received: Received = serde_json::from_slice(&answer.body).unwrap();
                received.server.ends_with("/v2")
            })
            .count();
        let share = mesh.route(&request).shares()[1].fraction();
        let n = f64::from(REQUESTS);
        let found = f64::from(u32::try_from(second).unwrap()) / n;
        let tolerance = Z * (share * (1.0 - share) / n).sqrt();
        assert!((found - share).abs() <= tolerance, "{weights:?}: {found} instead of {share}");
    }
}
