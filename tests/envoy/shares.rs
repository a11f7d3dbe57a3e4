//! Weights: the shares of many requests are those that the evaluator says.

use canary_core::{DestinationRule, Gateway, Mesh, Request, VirtualService};
use canary_lab::envoy::{Envoy, Inventory, Routes, listener};
use canary_tests::meshes::{backends::Received, client::send};

use super::{binary, run::BACKENDS};

/// A true share gives a count as rare as this on either side in less than one of a million runs.
const RARE: f64 = 1e-6;

/// The probabilities of at most, and of at least, so many of `n` requests at a share.
fn tails(count: u32, n: u32, share: f64) -> [f64; 2] {
    if share > 0.5 {
        let [most, least] = tails(n - count, n, 1.0 - share);
        return [least, most];
    }
    let mut term = (f64::from(n) * (1.0 - share).ln()).exp();
    let [mut most, mut least] = [0.0, 0.0];
    for k in 0..=n {
        most += if k <= count { term } else { 0.0 };
        least += if k >= count { term } else { 0.0 };
        term *= f64::from(n - k) / f64::from(k + 1) * share / (1.0 - share);
    }
    [most, least]
}

#[test]
fn the_tails_are_those_of_the_binomial_distribution() {
    for (found, expected) in
        [(tails(0, 1, 0.25), [0.75, 1.0]), (tails(1, 2, 0.75), [0.4375, 0.9375])]
    {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near, "{found:?} instead of {expected:?}");
    }
    assert!(tails(510, 1_500, 0.3)[1] > RARE && tails(550, 1_500, 0.3)[1] < RARE);
    assert!(tails(7, 1_500, 0.001)[1] > RARE && tails(15, 1_500, 0.001)[1] < RARE);
}

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
        let second = u32::try_from(second).unwrap();
        let tails = tails(second, REQUESTS, share);
        assert!(tails.iter().all(|tail| *tail > RARE), "{weights:?}: {second} of {REQUESTS}");
    }
}
