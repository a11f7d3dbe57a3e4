//! A real Kubernetes API server with etcd on loopback, with Istio's real `CustomResourceDefinition`s.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::parts;

/// The tests that are skipped without these programs.
const UNTESTED: &str = "everything against a real Kubernetes API server";
const SCRIPT: &str = "build-kubernetes.sh";

/// Runs a program for as long as its own standard input is open, then kills it: so nothing is left behind, however the
/// test ends.
const KEEPER: &str = r#""$@" & cat >/dev/null; kill -9 $! 2>/dev/null; wait $! 2>/dev/null"#;
/// The same, and removes the folder named first.
const LAST_KEEPER: &str = r#"folder=$1; shift; "$@" & cat >/dev/null; kill -9 $! 2>/dev/null; wait $! 2>/dev/null; rm -rf "$folder""#;

/// Stops the program of a keeper at once.
fn stop(keeper: &mut Child) {
    drop(keeper.stdin.take());
    let _ = keeper.wait();
}

/// A running API server; dropped, it stops and its data are removed.
#[derive(Debug)]
pub struct ApiServer {
    folder: PathBuf,
    etcd: Child,
    server: Option<Child>,
    binary: PathBuf,
    etcd_port: u16,
    port: u16,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.stop();
        stop(&mut self.etcd);
    }
}

/// A port that is free now.
///
/// # Panics
/// When the machine has no free port on loopback.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The server that tests share which neither stop it nor change what belongs to all.
static SHARED: OnceCell<Option<ApiServer>> = OnceCell::const_new();

impl ApiServer {
    /// The server that all tests of this process share; it stops when the process ends. Each test works in namespaces
    /// of its own, see [`ApiServer::namespace`].
    ///
    /// # Panics
    /// As [`ApiServer::start`].
    pub async fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::start).await.as_ref()
    }

    /// Makes a namespace.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn namespace(&self, name: &str) {
        use canary_core::cluster::Cluster;

        let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.connect("admin").await.unwrap().apply(&namespace).await.unwrap();
    }

    /// Starts etcd and the API server, waits until it is ready, and installs Istio's definitions; `None` when the
    /// programs are missing.
    ///
    /// # Panics
    /// When a program is there but does not start.
    pub async fn start() -> Option<Self> {
        let binary = parts::real_part("kube-apiserver", SCRIPT, UNTESTED)?;
        let etcd_binary = parts::real_part("etcd", SCRIPT, UNTESTED)?;
        let definitions = parts::real_part("istio-crds.yaml", SCRIPT, UNTESTED)?;
        let (etcd_port, peer_port, port) = (free_port(), free_port(), free_port());
        let folder = std::env::temp_dir().join(format!("canary-apiserver-{port}"));
        fs::create_dir_all(folder.join("certs")).unwrap();
        let etcd = Command::new("sh")
            .args(["-c", LAST_KEEPER, "sh"])
            .arg(&folder)
            .arg(etcd_binary)
            .arg("--data-dir")
            .arg(folder.join("etcd"))
            .args(["--listen-client-urls", &format!("http://127.0.0.1:{etcd_port}")])
            .args(["--advertise-client-urls", &format!("http://127.0.0.1:{etcd_port}")])
            .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer_port}")])
            .args(["--initial-advertise-peer-urls", &format!("http://127.0.0.1:{peer_port}")])
            .args(["--initial-cluster", &format!("default=http://127.0.0.1:{peer_port}")])
            .arg("--unsafe-no-fsync")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("etcd.log")).unwrap())
            .spawn()
            .unwrap();
        fs::write(
            folder.join("tokens.csv"),
            "admin-token,admin,1,\"system:masters\"\ndriver-token,driver,2,\"drivers\"\nother-token,other,3,\"others\"\n",
        )
        .unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        fs::write(folder.join("accounts.key"), key.serialize_pem()).unwrap();
        fs::write(folder.join("accounts.pub"), key.public_key_pem()).unwrap();
        let mut this = Self { folder, etcd, server: None, binary, etcd_port, port };
        this.run().await;
        this.install(&definitions).await;
        Some(this)
    }

    /// Starts the API server on the same data, after [`ApiServer::stop`].
    ///
    /// # Panics
    /// When it does not become ready in a minute.
    pub async fn run(&mut self) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("apiserver.log"))
            .unwrap();
        let child = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(&self.binary)
            .args(["--etcd-servers", &format!("http://127.0.0.1:{}", self.etcd_port)])
            .args(["--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1"])
            .args(["--secure-port", &self.port.to_string()])
            .args(["--cert-dir", &file("certs")])
            .args(["--token-auth-file", &file("tokens.csv")])
            .args(["--authorization-mode", "RBAC"])
            .args(["--service-cluster-ip-range", "10.0.0.0/24"])
            .args(["--service-account-issuer", "https://kubernetes.default.svc"])
            .args(["--service-account-key-file", &file("accounts.pub")])
            .args(["--service-account-signing-key-file", &file("accounts.key")])
            .args(["--disable-admission-plugins", "ServiceAccount"])
            .args(["--endpoint-reconciler-type", "none"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.ready().await {
            assert!(
                Instant::now() < deadline,
                "the API server did not become ready:\n{}",
                self.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Kills the API server at once, as a crash would; etcd and the data stay.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            stop(&mut server);
        }
    }

    /// Makes etcd forget every version before the present one, as its compaction does every few minutes.
    ///
    /// # Panics
    /// When etcd does not answer.
    pub fn compact(&self) {
        let answer = self.ask_etcd("/v3/kv/range", r#"{"key": "YQ=="}"#);
        let revision =
            answer.split("\"revision\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let revision: u64 = revision.unwrap().parse().unwrap();
        let compact = format!(r#"{{"revision": "{revision}", "physical": true}}"#);
        self.ask_etcd("/v3/kv/compaction", &compact);
    }

    /// One request to etcd's JSON gateway.
    fn ask_etcd(&self, path: &str, body: &str) -> String {
        use std::io::{Read, Write};

        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.etcd_port)).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer
    }

    /// The folder of the server's files, which is removed with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A kubeconfig for one of the users `admin`, `driver` and `other`.
    ///
    /// # Panics
    /// When the server has not written its certificate yet.
    pub fn kubeconfig(&self, user: &str) -> String {
        self.kubeconfig_with_token(&format!("{user}-token"))
    }

    /// A kubeconfig for the account with this token.
    ///
    /// # Panics
    /// When the server has not written its certificate yet.
    pub fn kubeconfig_with_token(&self, token: &str) -> String {
        let certificate = self.folder.join("certs/apiserver.crt");
        assert!(certificate.is_file(), "the API server has no certificate yet");
        serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {
                "server": format!("https://127.0.0.1:{}", self.port),
                "certificate-authority": certificate,
            }}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
            "current-context": "test",
        })
        .to_string()
    }

    /// The last lines that the server wrote.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.join("apiserver.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    async fn ready(&self) -> bool {
        if !self.folder.join("certs/apiserver.crt").is_file() {
            return false;
        }
        let Ok(cluster) = self.connect("admin").await else { return false };
        let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
        cluster.client().request_text(request).await.is_ok()
    }

    /// Connects as one of the users.
    ///
    /// # Errors
    /// The errors of [`canary_core::cluster::Kubernetes::from_kubeconfig`].
    pub async fn connect(
        &self,
        user: &str,
    ) -> canary_core::rollout::Result<canary_core::cluster::Kubernetes> {
        canary_core::cluster::Kubernetes::from_kubeconfig(&self.kubeconfig(user), None).await
    }

    /// Istio's definitions, of all its kinds; `None` when they are missing.
    ///
    /// # Panics
    /// When the file is not what Istio releases.
    pub fn definitions() -> Option<Vec<serde_json::Value>> {
        let file = parts::real_part("istio-crds.yaml", SCRIPT, UNTESTED)?;
        let text = fs::read_to_string(file).unwrap();
        let documents = text.split("\n---").filter(|document| document.contains("\nkind: "));
        Some(documents.map(|document| serde_saphyr::from_str(document).unwrap()).collect())
    }

    /// The Gateway API's definitions of a channel, `standard` or `experimental`; `None` when they are missing.
    ///
    /// # Panics
    /// When the file is not what the Gateway API releases.
    pub fn gateway_api(channel: &str) -> Option<Vec<serde_json::Value>> {
        let file = format!("gateway-api-{channel}.yaml");
        let file = parts::real_part(&file, "fetch-gateway-api.sh", "the rules of the Gateway API")?;
        let text = fs::read_to_string(file).unwrap();
        let documents = text.split("\n---\n").filter(|document| document.contains("\nkind: "));
        Some(documents.map(|document| serde_saphyr::from_str(document).unwrap()).collect())
    }

    /// Installs the Gateway API's standard definitions beside Istio's, once for all tests that share the server.
    ///
    /// # Panics
    /// As [`ApiServer::install_gateway_api`].
    pub async fn with_gateway_api(&self) {
        static INSTALLED: OnceCell<()> = OnceCell::const_new();
        INSTALLED.get_or_init(|| self.install_gateway_api("standard")).await;
    }

    /// Installs the Gateway API's definitions of a channel in place of any others, and waits until they are in force.
    ///
    /// # Panics
    /// When the server refuses them, or they are not in force in half a minute.
    pub async fn install_gateway_api(&self, channel: &str) {
        use canary_core::cluster::Cluster;

        let cluster = self.connect("admin").await.unwrap();
        for definition in Self::gateway_api(channel).unwrap() {
            cluster.apply(&definition).await.unwrap();
        }
        // The field is in one of the channels only.
        let probe = serde_json::json!({"apiVersion": "gateway.networking.k8s.io/v1", "metadata":
            {"name": "probe", "namespace": "default"}, "kind": "HTTPRoute", "spec": {"useDefaultGateways": "None"}});
        let versions = [
            ("HTTPRoute", "v1"),
            ("GRPCRoute", "v1"),
            ("Gateway", "v1"),
            ("ReferenceGrant", "v1beta1"),
            ("BackendTLSPolicy", "v1"),
        ];
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let mut served = true;
            for (kind, version) in versions {
                let api_version = format!("gateway.networking.k8s.io/{version}");
                served &= cluster.list(&api_version, kind, Some("default")).await.is_ok();
            }
            let admitted = cluster.clone().dry_run(true).apply(&probe).await;
            if served && admitted.is_ok() == (channel == "experimental") {
                return;
            }
            assert!(Instant::now() < deadline, "the definitions are not in force: {admitted:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Installs the definitions of the three kinds and waits until they are served.
    async fn install(&self, definitions: &Path) {
        use canary_core::cluster::Cluster;

        let cluster = self.connect("admin").await.unwrap();
        let text = fs::read_to_string(definitions).unwrap();
        for document in text.split("\n---") {
            let wanted = [
                "gateways.networking",
                "virtualservices.networking",
                "destinationrules.networking",
            ];
            if !wanted.iter().any(|name| document.contains(&format!("\n  name: {name}"))) {
                continue;
            }
            let definition: serde_json::Value = serde_saphyr::from_str(document).unwrap();
            cluster.apply(&definition).await.unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        for kind in ["Gateway", "VirtualService", "DestinationRule"] {
            while cluster.list("networking.istio.io/v1", kind, Some("default")).await.is_err() {
                assert!(Instant::now() < deadline, "{kind} is not served");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
