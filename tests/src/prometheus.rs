//! A real Prometheus on loopback, with blocks prepared from a text or with targets to scrape.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{apiserver::free_port, parts};

/// The tests that are skipped without the programs.
pub const UNTESTED: &str = "evidence from a real Prometheus, and metrics in it";
const PACKAGE: &str = "prometheus";

/// A folder of its own, removed in the end.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The settings with which a Prometheus is started.
#[derive(Debug)]
pub struct Setup {
    program: PathBuf,
    promtool: PathBuf,
    folder: Folder,
    scrape: String,
    web: Option<String>,
}

/// A sample that a query gives.
#[derive(Clone, Debug)]
pub struct Sample {
    labels: Value,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// The value of a label; empty where it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.labels[name].as_str().unwrap_or_default()
    }
}

/// A running Prometheus; dropped, it stops and its data are removed.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    port: u16,
    promtool: PathBuf,
    _folder: Folder,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Setup {
    /// An empty one; `None` when the programs are missing.
    ///
    /// # Panics
    /// When no folder can be created, or the programs are missing although they are required.
    pub fn new() -> Option<Self> {
        let program = parts::real_program("prometheus", PACKAGE, UNTESTED)?;
        let promtool = parts::real_program("promtool", PACKAGE, UNTESTED)?;
        let folder = std::env::temp_dir().join(format!(
            "canary-prometheus-{}-{}",
            std::process::id(),
            free_port()
        ));
        fs::create_dir_all(folder.join("data")).unwrap();
        Some(Self { program, promtool, folder: Folder(folder), scrape: String::new(), web: None })
    }

    /// The folder, for certificates and so on.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// Makes blocks of metrics in `OpenMetrics`' text format, with time stamps.
    ///
    /// # Panics
    /// When promtool refuses the text.
    #[must_use]
    pub fn blocks(self, text: &str) -> Self {
        let file = self.folder().join("metrics.txt");
        fs::write(&file, text).unwrap();
        let made = Command::new(&self.promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .arg(&file)
            .arg(self.folder().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self
    }

    /// Scrapes a gateway at `http://HOST:PORT/PATH` at an interval.
    #[must_use]
    pub fn scrape(self, url: &str, interval: Duration) -> Self {
        self.scrape_as("gateway", url, interval)
    }

    /// Scrapes `http://HOST:PORT/PATH` at an interval, as a job of this name.
    #[must_use]
    pub fn scrape_as(mut self, job: &str, url: &str, interval: Duration) -> Self {
        let rest = url.trim_start_matches("http://");
        let (host, path) = rest.split_once('/').unwrap_or((rest, "metrics"));
        let millis = interval.as_millis();
        // Writing to memory cannot fail.
        let _ = write!(
            self.scrape,
            "- job_name: {job}\n  scrape_interval: {millis}ms\n  scrape_timeout: {millis}ms\n  \
             metrics_path: /{path}\n  static_configs: [{{targets: ['{host}']}}]\n"
        );
        self
    }

    /// Sets the text of its web configuration: TLS and users.
    #[must_use]
    pub fn web(mut self, text: impl Into<String>) -> Self {
        self.web = Some(text.into());
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(self) -> Prometheus {
        let folder = self.folder().to_owned();
        let config = format!("scrape_configs:\n{}", self.scrape);
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        let port = free_port();
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg("--storage.tsdb.retention.time=50y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=info");
        if let Some(web) = &self.web {
            fs::write(folder.join("web.yml"), web).unwrap();
            command.arg(format!("--web.config.file={}", folder.join("web.yml").display()));
        }
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let promtool = self.promtool;
        let mut started = Prometheus { child, port, promtool, _folder: self.folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            if let Some(status) = started.child.try_wait().unwrap() {
                panic!("Prometheus ended with {status}: {}", log());
            }
            if log().contains("Server is ready to receive web requests") {
                return started;
            }
            assert!(Instant::now() < deadline, "Prometheus is not ready: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Prometheus {
    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The samples of a query now, by `promtool`.
    ///
    /// # Panics
    /// When the query is refused, or does not give samples.
    pub async fn query(&self, expr: &str) -> Vec<Sample> {
        let mut command = Command::new(&self.promtool);
        command.args(["query", "instant", "-o", "json", &self.url(), expr]);
        let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{expr}: {said}");
        let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let sample = |one: &Value| Sample {
            labels: one["metric"].clone(),
            value: one["value"][1].as_str().unwrap().parse().unwrap(),
        };
        found.iter().map(sample).collect()
    }

    /// Its address without TLS.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
