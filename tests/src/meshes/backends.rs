//! Servers that say how a request reached them.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

use canary_core::route::Service;
use canary_lab::envoy::{Backend, BackendEndpoint};
use serde::{Deserialize, Serialize};

/// A request as a server received it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// The server: `service.namespace:port/version`.
    pub server: String,
    /// The port on which it listens.
    pub port: u16,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers in order.
    pub headers: Vec<(String, String)>,
}

impl Received {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Headers that every server answers with.
pub const ANSWERED: [(&str, &str); 2] = [("x-backend", "echo"), ("x-up", "u")];

type Log = Arc<Mutex<Vec<Received>>>;

/// The services of the tests, each pod of them a server on loopback.
#[derive(Debug)]
pub struct Backends {
    /// Those of Kubernetes.
    pub services: Vec<Backend>,
    /// Those outside of the cluster, by host and port.
    outside: BTreeMap<(String, u16), SocketAddr>,
    log: Log,
}

/// Service, namespace, ports, and the versions of its pods.
const SERVICES: [(&str, &str, &[u16], &[&str]); 4] = [
    ("model", "default", &[8501], &["v1", "v2"]),
    ("other", "default", &[80, 8080], &["v1", "v2"]),
    ("model", "shop", &[9000], &["v1"]),
    ("empty", "default", &[80], &[]),
];
/// Hosts outside of the cluster, each with its ports.
const OUTSIDE: [(&str, &[u16]); 2] =
    [("ext.example.com", &[80, 8080]), ("x.wild.example.com", &[80])];
/// Services that stand for other hosts.
const ALIASES: [(&str, &str); 2] =
    [("alias", "other.default.svc.cluster.local"), ("away", "api.example.com")];

impl Backends {
    /// Starts every server.
    pub fn start() -> Self {
        let log = Log::default();
        let mut services = Vec::new();
        for (name, namespace, ports, versions) in SERVICES {
            let endpoints = versions.iter().map(|version| {
                let addresses = ports.iter().map(|port| {
                    let server = format!("{name}.{namespace}:{port}/{version}");
                    (*port, serve(server, Arc::clone(&log)))
                });
                BackendEndpoint { labels: labels(name, version), addresses: addresses.collect() }
            });
            services.push(Backend {
                host: format!("{name}.{namespace}.svc.cluster.local"),
                ports: ports.to_vec(),
                external_name: None,
                endpoints: endpoints.collect(),
            });
        }
        for (name, host) in ALIASES {
            services.push(Backend {
                host: format!("{name}.default.svc.cluster.local"),
                ports: vec![80],
                external_name: Some(host.to_owned()),
                endpoints: Vec::new(),
            });
        }
        let mut outside = BTreeMap::new();
        for (host, ports) in OUTSIDE {
            for port in ports {
                let address = serve(format!("{host}:{port}/outside"), Arc::clone(&log));
                outside.insert((host.to_owned(), *port), address);
            }
        }
        Self { services, outside, log }
    }

    /// Starts a further server and returns its address.
    pub fn server(&self, name: &str) -> SocketAddr {
        serve(name.to_owned(), Arc::clone(&self.log))
    }

    /// The address of a host outside of the cluster.
    pub fn outside(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.outside.get(&(host.to_owned(), port)).copied()
    }

    /// The services as the evaluator's inventory.
    pub fn inventory(&self) -> Vec<Service> {
        self.services
            .iter()
            .map(|backend| {
                let mut service = Service::new(&backend.host);
                for port in &backend.ports {
                    service = service.port(*port);
                }
                if let Some(host) = &backend.external_name {
                    return service.external_name(host);
                }
                service = service.without_endpoints();
                for endpoint in &backend.endpoints {
                    service = service.endpoint(endpoint.labels.clone(), true);
                }
                service
            })
            .collect()
    }

    /// The servers behind a host and port whose pods have some labels.
    pub fn servers(&self, host: &str, port: u16, wanted: &BTreeMap<String, String>) -> Vec<String> {
        let short = host.trim_end_matches(".svc.cluster.local");
        // A wildcard stands for the one name below it that has a server.
        let named = host.replace('*', "x");
        let outside = self.outside(&named, port).map(|_| format!("{named}:{port}/outside"));
        self.services
            .iter()
            .filter(|backend| backend.host == host && backend.ports.contains(&port))
            .flat_map(|backend| &backend.endpoints)
            .filter(|endpoint| {
                wanted.iter().all(|(key, value)| endpoint.labels.get(key) == Some(value))
            })
            .map(|endpoint| format!("{short}:{port}/{}", endpoint.labels["version"]))
            .chain(outside)
            .collect()
    }

    /// The requests that the servers received since the last call.
    pub fn take_log(&self) -> Vec<Received> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn labels(app: &str, version: &str) -> BTreeMap<String, String> {
    [("app", app), ("version", version)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// A server on a free port that answers until the process ends.
fn serve(server: String, log: Log) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (server, log) = (server.clone(), Arc::clone(&log));
            std::thread::spawn(move || {
                let _ = answer(stream, &server, &log);
            });
        }
    });
    address
}

/// Answers requests on one connection until it ends. `x-echo-status` requests a status.
fn answer(stream: TcpStream, server: &str, log: &Log) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let port = stream.local_addr()?.port();
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.trim_end().splitn(3, ' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end_matches(['\r', '\n']);
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let received = Received { server: server.to_owned(), port, method, path, headers };
        let length = received.header("content-length").and_then(|length| length.parse().ok());
        reader.by_ref().take(length.unwrap_or(0)).read_to_end(&mut Vec::new())?;
        let status = received.header("x-echo-status").unwrap_or("200").to_owned();
        let body = serde_json::to_string(&received).unwrap();
        log.lock().unwrap_or_else(PoisonError::into_inner).push(received);
        let [one, two] = ANSWERED.map(|(name, value)| format!("{name}: {value}"));
        let head = format!(
            "HTTP/1.1 {status} OK\r\n{one}\r\n{two}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes())?;
    }
}
