//! Paths byte by byte: how Envoy changes them before rules see them, and what the evaluator does.

use canary_core::{Gateway, Mesh, Request, VirtualService};
use canary_lab::envoy::{Envoy, Inventory, Routes, listener};
use canary_tests::meshes::{backends::Received, client::send};

use super::{binary, run::BACKENDS};

/// Paths in which every byte that HTTP/1.1 allows occurs once, and every escape once in either case.
fn paths() -> Vec<String> {
    let bytes = (0x21..0x7f_u8).filter(|byte| !b"#?".contains(byte));
    let raw = bytes.clone().map(|byte| format!("/a{}b", char::from(byte)));
    let first = bytes.map(|byte| format!("/{}", char::from(byte)));
    let lower = (0..=255_u8).map(|byte| format!("/a%{byte:02x}b"));
    let upper = (0..=255_u8).map(|byte| format!("/%{byte:02X}/b"));
    let dots = [
        "/a/.",
        "/a/..",
        "/a/../",
        "/..",
        "/../..",
        "/a/.../b",
        "/a/..b",
        "/a//../b",
        "/a/%2e",
        "/a/%2E%2e/b",
        "/a/.%2e/b",
        "/%2e",
        "/a/%2",
        "/a/%",
        "/a%zz",
        "/a%2fb/../c",
        "/a\\..\\b",
        "/a/..\\b",
        "/a/../b?x=/../y",
        "/a?../b",
        "/a;x=1/../b",
        "/a/%25%32%65/b",
        "//a/../b",
        "//a//..//b",
        "/a/..;/b",
        "/./a",
        "/.a/..b",
        "/a/b/../../../c",
        "/a/..;x=1/b",
        "/a/%2e%2e;x/b",
        "/a/.;/b",
        "/a/..;",
        "/a/%2E;/b",
        "/a/%2e%2",
        "/?a%41",
        "/a|b?%41|",
        "/v1/models/m:predict?x=1",
        "/a/.%2e;x/b",
        "/a/%2e.;x/b",
        "/%2%65",
        "/%%65%65",
        "/%%34%31",
        "/%6%34x",
        "/%%41g",
        "/%2%2e/a",
        "/..\\..;/a",
        "/a/...;/b",
    ];
    let dots = dots.into_iter().map(str::to_owned);
    raw.chain(first).chain(lower).chain(upper).chain(dots).collect()
}

#[test]
fn paths_are_normalised_alike() {
    let Some(binary) = binary() else { return };
    let gateway = Gateway::http("edge", 80, ["*"]);
    let service = VirtualService::to("model").hosts(["*"]).gateway("edge").port(8501);
    let mesh = Mesh::new([&gateway, &service]).unwrap();
    let mut inventory = Inventory::default().object(gateway).object(service);
    for backend in &BACKENDS.services {
        inventory = inventory.backend(backend.clone());
    }
    let rendered = inventory.render();
    let envoy = Envoy::start(&binary, drop).unwrap();
    envoy.set_clusters(&rendered.clusters).unwrap();
    envoy.set_listeners(&[listener("edge", Routes::Inline(&rendered.routes[&80]))]).unwrap();
    let address = envoy.listeners().unwrap()["edge"];
    let mut wrong = Vec::new();
    let all = paths();
    for path in &all {
        let request = Request { path: path.clone(), ..Request::get("http://a.example/") };
        let answer = send(address, &request, "path");
        let decision = mesh.route(&request);
        let status = decision.outcome().status().unwrap_or(200);
        let seen = serde_json::from_slice::<Received>(&answer.body);
        let seen = seen.map(|received| received.path).unwrap_or_default();
        if status != answer.status || (status == 200 && seen != decision.path()) {
            wrong.push(format!(
                "{path}: evaluator {status} {}, Envoy {} {seen}",
                decision.path(),
                answer.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} paths:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
