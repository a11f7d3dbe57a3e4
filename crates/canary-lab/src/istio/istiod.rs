//! The process of istiod.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use canary_core::rollout::{Error, Result};
use serde_json::{Value, json};

use super::objects::GATEWAY_NAMESPACE;
use crate::{
    envoy::get,
    program::{Folder, Program},
};

/// The longest that istiod may take to become ready.
const TIMEOUT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

/// Settings that turn off the features which a stock Envoy without an agent lacks, or which need a cluster around istiod.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("PILOT_ENABLE_METADATA_EXCHANGE", "false"),
    ("PILOT_ENABLE_ALPN_FILTER", "false"),
    ("ENABLE_CA_SERVER", "false"),
    ("PILOT_CERT_PROVIDER", "none"),
    ("INJECT_ENABLED", "false"),
    ("VALIDATION_WEBHOOK_CONFIG_NAME", ""),
    // Without a template of injection it cannot deploy gateways: a Gateway names its Service.
    ("PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER", "false"),
    ("POD_NAMESPACE", GATEWAY_NAMESPACE),
    // The holder of the lease under which the status of routes is written.
    ("POD_NAME", "istiod"),
];

/// Istio's control plane; dropping it stops it.
#[derive(Debug)]
pub struct Istiod {
    // Before its folder, so that it stops before the folder is removed.
    _program: Program,
    _folder: Folder,
    http: SocketAddr,
    discovery: SocketAddr,
}

impl Istiod {
    /// Starts istiod for the API server of a kubeconfig file, and waits until it is ready.
    ///
    /// The API server must have all of Istio's definitions and the namespace `istio-system`.
    ///
    /// # Errors
    /// [`Error::Cluster`] when it cannot be started or does not become ready, with the end of its log.
    pub fn start(binary: &Path, kubeconfig: &Path) -> Result<Self> {
        let action = || format!("start {}", binary.display());
        let failed = |error: io::Error| failure(action(), error.to_string());
        let folder = Folder::new("istiod").map_err(failed)?;
        let [http, discovery, monitoring] = free_addresses().map_err(failed)?;
        let file = |name: &str| folder.path().join(name);
        fs::write(file("mesh.yaml"), mesh().to_string()).map_err(failed)?;
        let mut program = Program::start(binary, &file("istiod.log"), |command| {
            command
                .arg("discovery")
                .arg(format!("--httpAddr={http}"))
                .arg(format!("--grpcAddr={discovery}"))
                .arg(format!("--monitoringAddr={monitoring}"))
                .args(["--secureGRPCAddr=", "--httpsAddr="])
                .arg(format!("--kubeconfig={}", kubeconfig.display()))
                .arg(format!("--meshConfig={}", file("mesh.yaml").display()))
                .arg("--networksConfig=/dev/null")
                .envs(ENVIRONMENT)
                .current_dir(folder.path());
        })
        .map_err(failed)?;
        let started = Instant::now();
        while get(http, "/ready").is_err() {
            if let Some(why) = program.failure(started, TIMEOUT) {
                return Err(failure(action(), why));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(Self { _program: program, _folder: folder, http, discovery })
    }

    /// The address at which proxies ask for their configuration, without TLS.
    pub fn discovery_address(&self) -> SocketAddr {
        self.discovery
    }

    /// The body of one of istiod's pages, such as `/debug/syncz`.
    ///
    /// # Errors
    /// [`Error::Cluster`] when it does not answer with 200.
    pub fn page(&self, path: &str) -> Result<String> {
        get(self.http, path).map_err(|error| failure(format!("read {path}"), error.to_string()))
    }
}

pub(super) fn failure(action: String, reason: String) -> Error {
    Error::Cluster { action, reason, retryable: false, source: None }
}

/// Addresses of loopback that are free now.
pub(super) fn free_addresses<const N: usize>() -> io::Result<[SocketAddr; N]> {
    // All are open at the same time, so that they differ.
    let mut open = Vec::with_capacity(N);
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        open.push(listener);
    }
    Ok(addresses)
}

/// The settings of the mesh: one line of JSON for each request on the gateway's standard output, as
/// [`crate::envoy::LogLine`] reads it, and no certificates, for which clusters would wait.
fn mesh() -> Value {
    json!({
        "rootNamespace": GATEWAY_NAMESPACE,
        "enablePrometheusMerge": false,
        "enableAutoMtls": false,
        "accessLogFile": "/dev/stdout",
        "accessLogEncoding": "JSON",
        "accessLogFormat": crate::envoy::log_format().to_string(),
    })
}
