//! One batch: services and `DestinationRule`s, many meshes on them, each with a listener of its own in one Envoy.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use canary_core::{Manifest, Mesh, Object, Request, stats::Random};
use canary_lab::envoy::{Envoy, Inventory, LogLine, Routes, listener};
use canary_tests::meshes::{
    backends::{Backends, Received},
    client::{TAG, send},
    compare::{Observed, difference},
    draw::Draw,
    objects,
};

const MESHES: u64 = 40;
const REQUESTS: u64 = 10;

/// The results of a batch.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) pairs: usize,
    pub(super) differences: Vec<String>,
}

/// The servers, which all batches share.
pub(super) static BACKENDS: LazyLock<Backends> = LazyLock::new(Backends::start);

/// A mesh both ways.
struct Case {
    name: String,
    text: String,
    mesh: Mesh,
    ports: Vec<u16>,
}

/// Generates, runs and compares a batch.
pub(super) fn batch(binary: &Path, seed: u64) -> Batch {
    let backends = &*BACKENDS;
    let mut draw = Draw(Random::new(seed));
    let rules = objects::destination_rules(&mut draw);
    let mut batch = Batch::default();
    let lines: Arc<Mutex<HashMap<String, LogLine>>> = Arc::default();
    let envoy = {
        let lines = Arc::clone(&lines);
        Envoy::start(binary, move |line| {
            if let Some(tag) = line.tag.clone() {
                lines.lock().unwrap_or_else(PoisonError::into_inner).insert(tag, line);
            }
        })
        .unwrap()
    };
    let mut inventory = Inventory::default().gateway_label("istio", "ingressgateway");
    for backend in &backends.services {
        inventory = inventory.backend(backend.clone());
    }
    for rule in &rules {
        inventory = inventory.object(rule.clone());
    }
    envoy.set_clusters(&inventory.render().clusters).unwrap();

    let mut cases = Vec::new();
    let mut listeners = Vec::new();
    for number in 0..MESHES {
        let mut draw = Draw(Random::of_run(seed, number));
        let made = objects::objects(&mut draw);
        let all: Vec<Object> = made
            .gateways
            .into_iter()
            .map(Object::from)
            .chain(made.services.into_iter().map(Object::from))
            .chain(rules.iter().cloned().map(Object::from))
            .collect();
        let name = format!("m{number}");
        let text = Manifest::from(all.clone()).to_yaml().unwrap();
        let built =
            Mesh::builder().objects(all.iter().cloned()).services(backends.inventory()).build();
        let mesh = match built {
            Ok(mesh) => mesh,
            Err(error) => {
                batch.differences.push(format!(
                    "seed {seed}, mesh {number}: the evaluator refuses what was generated: {error}\n{text}"
                ));
                continue;
            }
        };
        let mut own = inventory.clone();
        for object in all.iter().filter(|object| object.kind() != "DestinationRule") {
            own = own.object(object.clone());
        }
        let rendered = own.render();
        for (port, routes) in &rendered.routes {
            listeners.push(listener(&format!("{name}-{port}"), Routes::Inline(routes)));
        }
        let ports = rendered.routes.keys().copied().collect();
        cases.push(Case { name, text, mesh, ports });
    }
    if let Err(error) = envoy.set_listeners(&listeners) {
        batch.differences.push(format!("seed {seed}: {error}"));
    }
    let addresses = envoy.listeners().unwrap();

    let mut sent: Vec<(usize, String, Request, Observed)> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let number = case.name[1..].parse::<u64>().unwrap();
        let mut draw = Draw(Random::of_run(!seed, number));
        for count in 0..REQUESTS {
            let request = objects::request(&mut draw, &case.ports);
            let at = format!("{}-{}", case.name, request.port.unwrap());
            let Some(address) = addresses.get(&at) else {
                batch.differences.push(format!("seed {seed}: Envoy refuses {at}\n{}", case.text));
                break;
            };
            let tag = format!("{seed}-{}-{count}", case.name);
            let answer = send(*address, &request, &tag);
            sent.push((index, tag, request, Observed { answer, ..Observed::default() }));
        }
    }
    wait_for_lines(&lines, &sent);
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let mut received: HashMap<String, Vec<Received>> = HashMap::new();
    for message in backends.take_log() {
        let tag = message.header(TAG).unwrap_or_default().to_owned();
        received.entry(tag).or_default().push(message);
    }
    for (index, tag, request, mut seen) in sent {
        let case = &cases[index];
        seen.line = lines.get(&tag).cloned().unwrap_or_default();
        seen.sort(received.remove(&tag).unwrap_or_default());
        batch.pairs += 1;
        if let Some(found) = difference(&case.mesh, &request, &seen, backends, |_| Vec::new()) {
            batch
                .differences
                .push(format!("seed {seed}, mesh {}, {tag}\n{found}\n{}", case.name, case.text));
        }
    }
    batch
}

/// Waits until Envoy has written a line for each request, and copies have arrived.
fn wait_for_lines(
    lines: &Mutex<HashMap<String, LogLine>>,
    sent: &[(usize, String, Request, Observed)],
) {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        let known = lines.lock().unwrap_or_else(PoisonError::into_inner).len();
        if known >= sent.len() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // Copies are sent without waiting for them.
    std::thread::sleep(Duration::from_millis(100));
}
