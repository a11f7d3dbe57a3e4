//! Real model servers with the model `mix`, started by the project's scripts on the loopback.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use crate::parts::root;

/// A running server; it is ended when this is dropped.
#[derive(Debug)]
pub struct ModelServer {
    process: Child,
    folder: PathBuf,
    http: u16,
    grpc: u16,
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl ModelServer {
    /// Starts `mlserver`, `kserve` or `triton`, whose scores are those of version `shift` of the model; `None` after saying
    /// what is left untested, where the servers are not installed.
    ///
    /// With `CANARY_REAL_PARTS=required`, as in continuous integration, missing servers fail the test.
    ///
    /// # Panics
    /// When the servers are missing although they are required, or one does not start.
    pub fn start(name: &str, shift: u32) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let environments = root().join(".cache/model-servers");
        if !environments.join(".installed").is_file() {
            let script = "scripts/real/build-model-servers.sh";
            let required = std::env::var("CANARY_REAL_PARTS").is_ok_and(|it| it == "required");
            assert!(!required, "the model servers are missing; run {script}");
            println!("left out: the tests against {name} (it is missing; run {script})");
            return None;
        }
        // Triton comes with the environment of MLServer.
        let environment = if name == "kserve" { "kserve" } else { "mlserver" };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("canary-{name}-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let (http, grpc, metrics) = (free_port(), free_port(), free_port());
        std::fs::create_dir_all(&folder).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = Command::new(environments.join(environment).join("bin/python"))
            .arg(root().join("scripts/real/model_servers/serve.py"))
            .args([name, &folder.join("files").to_string_lossy()])
            .args([http, grpc, metrics].map(|port| port.to_string()))
            .env("MIX_SHIFT", shift.to_string())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Self { process, folder, http, grpc })
    }

    /// The address of REST.
    pub fn rest(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// The address of gRPC.
    pub fn grpc(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.grpc)
    }

    /// The last lines that it wrote, for the message of a test that fails.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        // Asked, and not killed: Triton ends the processes of its models.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let start = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && start.elapsed().as_secs() < 15 {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
