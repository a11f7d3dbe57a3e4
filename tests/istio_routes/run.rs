//! One batch: many meshes, the proxies of all of them in one Envoy.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use canary_core::{Mesh, Request, route::Outcome, stats::Random};
use canary_lab::envoy::{Envoy, LogLine};
use canary_tests::{
    istio::Oracle,
    meshes::{
        backends::{Backends, Received},
        client::{TAG, send},
        compare::{Observed, PASSED, difference},
        draw::Draw,
    },
};
use serde_json::Value;

use super::{
    scene::{Kind, Scene},
    settings,
    stock::{Fitted, fit, list, text},
};

const MESHES: u64 = 40;
const REQUESTS: u64 = 10;

/// The results of a batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) pairs: usize,
    pub(crate) differences: Vec<String>,
    /// The number of requests by how they end.
    pub(crate) ends: BTreeMap<&'static str, usize>,
}

/// The servers, which all batches share.
static BACKENDS: LazyLock<Backends> = LazyLock::new(Backends::start);
/// The server behind everything that is passed through.
static PASSED_TO: LazyLock<SocketAddr> = LazyLock::new(|| BACKENDS.server(PASSED));

/// A mesh both ways.
struct Case {
    name: String,
    scene: Scene,
    mesh: Mesh,
    fitted: Fitted,
    /// Istiod's clusters by name.
    clusters: BTreeMap<String, Value>,
}

/// The names of routes that istiod makes for what a sidecar does not know.
const BEYOND: [&str; 2] = ["allow_any", "block_all"];
/// The name of the route of a service without rules.
const DEFAULT: &str = "default";

/// A request that was sent.
struct Sent {
    index: usize,
    tag: String,
    request: Request,
    /// False where the proxy does not read the connection.
    http: bool,
    seen: Observed,
}

/// The meshes of a batch that Istio and the evaluator take, with istiod's configuration fitted to the machine.
fn cases(oracle: &mut Oracle, kind: Kind, seed: u64, batch: &mut Batch) -> Vec<Case> {
    let backends = &*BACKENDS;
    let mut cases = Vec::new();
    for number in 0..MESHES {
        let mut draw = Draw(Random::of_run(seed, number));
        let mut scene = Scene::new(kind, &mut draw, backends);
        let answer = oracle.ask(&scene.question(backends));
        let problem = text(&answer["error"]);
        assert!(problem.is_empty(), "seed {seed}, mesh {number}: {problem}\n{}", scene.text());
        scene.without(&answer["refused"]);
        let mesh = match scene.mesh(backends) {
            Ok(mesh) => mesh,
            Err(error) => {
                batch.differences.push(format!(
                    "seed {seed}, mesh {number}: the evaluator refuses what Istio takes: {error}\n{}",
                    scene.text()
                ));
                continue;
            }
        };
        let name = format!("m{number}");
        let configuration = &answer["proxies"][0];
        let fitted = fit(configuration, &name, *PASSED_TO);
        let clusters = list(&configuration["clusters"])
            .map(|cluster| (text(&cluster["name"]).to_owned(), cluster.clone()))
            .collect();
        cases.push(Case { name, scene, mesh, fitted, clusters });
    }
    cases
}

/// Generates, runs and compares a batch.
pub(crate) fn batch(binary: &Path, oracle: &mut Oracle, kind: Kind, seed: u64) -> Batch {
    let backends = &*BACKENDS;
    let mut batch = Batch::default();
    let cases = cases(oracle, kind, seed, &mut batch);
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
    let every = |of: fn(&Fitted) -> &Vec<Value>| -> Vec<Value> {
        cases.iter().flat_map(|case| of(&case.fitted)).cloned().collect()
    };
    if let Err(error) = envoy.set_clusters(&every(|fitted| &fitted.clusters)) {
        batch.differences.push(format!("seed {seed}: {error}"));
    }
    if let Err(error) = envoy.set_listeners(&every(|fitted| &fitted.listeners)) {
        batch.differences.push(format!("seed {seed}: {error}"));
    }
    let addresses = envoy.listeners().unwrap();

    let mut sent = Vec::new();
    let mut logged = 0;
    for (index, case) in cases.iter().enumerate() {
        let number = case.name[1..].parse::<u64>().unwrap();
        let mut draw = Draw(Random::of_run(!seed, number));
        let ports = ports(case);
        if ports.is_empty() && kind.is_gateway() {
            continue;
        }
        for count in 0..REQUESTS {
            let request = case.scene.request(&mut draw, &ports);
            let Some((name, address)) = arrival(case, &request, &addresses) else {
                batch.differences.push(format!(
                    "seed {seed}: no listener for {request} in {:?}\n{}",
                    case.fitted.listeners.iter().map(|one| text(&one["name"])).collect::<Vec<_>>(),
                    case.scene.text()
                ));
                break;
            };
            let http = case.fitted.http.contains(&name);
            logged += usize::from(http);
            let tag = format!("{seed}-{}-{count}", case.name);
            let answer = send(address, &request, &tag);
            sent.push(Sent {
                index,
                tag,
                request,
                http,
                seen: Observed { answer, ..Observed::default() },
            });
        }
    }
    wait(&lines, logged);
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let mut received: HashMap<String, Vec<Received>> = HashMap::new();
    for message in backends.take_log() {
        let tag = message.header(TAG).unwrap_or_default().to_owned();
        received.entry(tag).or_default().push(message);
    }
    for Sent { index, tag, request, http, mut seen } in sent {
        let case = &cases[index];
        seen.line = lines.get(&tag).cloned().unwrap_or_default();
        seen.sort(received.remove(&tag).unwrap_or_default());
        let route = seen.line.route.clone().and_then(|name| case.fitted.routes.get(&name));
        let route = route.filter(|route| !BEYOND.contains(&text(&route["name"])));
        own_names(&mut seen, &case.name);
        batch.pairs += 1;
        *batch.ends.entry(ending(&case.mesh, &request)).or_default() += 1;
        if !http {
            batch.differences.extend(unread(&case.mesh, &request, &seen).map(|found| {
                format!("seed {seed}, mesh {}, {tag}\n{found}\n{}", case.name, case.scene.text())
            }));
            continue;
        }
        let more = |decision: &canary_core::Decision<&Request>| {
            route.map_or_else(Vec::new, |route| {
                settings::differences(decision, route, &case.clusters)
            })
        };
        if let Some(found) = difference(&case.mesh, &request, &seen, backends, more) {
            let route = route.map(Value::to_string).unwrap_or_default();
            batch.differences.push(format!(
                "seed {seed}, mesh {}, {tag}\n{found}\n  istiod's route: {route}\n{}",
                case.name,
                case.scene.text()
            ));
        }
    }
    batch
}

/// The end of a request, in a word.
fn ending(mesh: &Mesh, request: &Request) -> &'static str {
    match mesh.route(request).outcome() {
        Outcome::Forward(_) => "forwarded",
        Outcome::Redirect(_) => "redirected",
        Outcome::DirectResponse(_) => "answered",
        Outcome::Abort(_) => "aborted",
        Outcome::Preflight(_) => "preflight",
        Outcome::Passthrough => "passed through",
        Outcome::Failure(failure) => failure.kind.flag(),
        _ => "otherwise",
    }
}

/// The difference where no service of the client's is on the port: the proxy passes the connection on without reading it,
/// or closes it where the evaluator tells the answer that it would give over HTTP.
fn unread(mesh: &Mesh, request: &Request, seen: &Observed) -> Option<String> {
    let decision = mesh.route(request);
    let same = match decision.outcome() {
        Outcome::Passthrough => {
            seen.received.as_ref().is_some_and(|received| received.server == PASSED)
        }
        Outcome::DirectResponse(answer) => answer.status == 502 && seen.answer.status == 0,
        _ => false,
    };
    let found = seen.received.as_ref().map(|received| &received.server);
    (!same).then(|| format!("request {request}\n    unread: evaluator {decision}, Envoy {found:?}"))
}

/// The ports of the listeners of a gateway.
fn ports(case: &Case) -> Vec<u16> {
    let names = case.fitted.listeners.iter().map(|listener| text(&listener["name"]));
    names.filter_map(|name| name.rsplit('_').next()?.parse().ok()).collect()
}

/// The listener that a request comes to: that of its port, else the one for everything else.
fn arrival(
    case: &Case,
    request: &Request,
    addresses: &BTreeMap<String, SocketAddr>,
) -> Option<(String, SocketAddr)> {
    let port = request.port.unwrap_or(80);
    [format!("{}/0.0.0.0_{port}", case.name), format!("{}/virtualOutbound", case.name)]
        .into_iter()
        .find_map(|name| addresses.get(&name).map(|address| (name.clone(), *address)))
}

/// Takes the names of this test out of what was logged.
fn own_names(seen: &mut Observed, proxy: &str) {
    if let Some(route) = &mut seen.line.route {
        route.truncate(route.find('#').unwrap_or(route.len()));
    }
    seen.line.route = seen
        .line
        .route
        .take()
        .filter(|route| route != DEFAULT && !BEYOND.contains(&route.as_str()));
    if let Some(cluster) = &mut seen.line.cluster
        && let Some(own) = cluster.strip_prefix(&format!("{proxy}|"))
    {
        *cluster = own.to_owned();
    }
}

/// Waits until Envoy has written a line for each request, and copies have arrived.
fn wait(lines: &Mutex<HashMap<String, LogLine>>, expected: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if lines.lock().unwrap_or_else(PoisonError::into_inner).len() >= expected {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // Copies are sent without waiting for them.
    std::thread::sleep(Duration::from_millis(100));
}
