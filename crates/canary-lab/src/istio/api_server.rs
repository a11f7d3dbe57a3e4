//! Kubernetes' API server with etcd, for a lab on Istio's control plane.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use canary_core::{
    cluster::{Cluster, Kubernetes},
    rollout::Result,
};
use serde_json::{Value, json};

use super::{
    istiod::{failure, free_addresses},
    parts::IstioParts,
};
use crate::{
    api::{kubeconfig, token},
    program::{Folder, Program},
};

/// The longest that the API server may take to become ready.
const TIMEOUT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);
/// The certificate that the server makes for itself, and its key, which also signs the tokens of service accounts.
const CERTIFICATE: &str = "certs/apiserver.crt";
const KEY: &str = "certs/apiserver.key";
const KUBECONFIG: &str = "kubeconfig";

/// A running API server; dropping it stops it and removes its data.
#[derive(Debug)]
pub(crate) struct ApiServer {
    // In the order in which they stop; the folder is removed last.
    server: Program,
    _etcd: Program,
    // The folder with the administrator's token, which is stored nowhere else.
    folder: Folder,
}

impl ApiServer {
    /// Starts etcd and the server, waits until it is ready, and installs Istio's definitions.
    pub(crate) async fn start(parts: &IstioParts) -> Result<Self> {
        let action = || format!("start {}", parts.kube_apiserver.display());
        let failed = |error: io::Error| failure(action(), error.to_string());
        let folder = Folder::new("kubernetes").map_err(failed)?;
        let [client, peer, address] = free_addresses().map_err(failed)?;
        // The folder can be read by this user alone; the token keeps others on the machine out.
        let token = token().map_err(failed)?;
        let users = format!("{token},lab,1,\"system:masters\"\n");
        let authority = json!({"certificate-authority": folder.path().join(CERTIFICATE)});
        let kubeconfig = kubeconfig("lab", address, &authority, &token).to_string();
        fs::write(folder.path().join("tokens.csv"), users).map_err(failed)?;
        fs::write(folder.path().join(KUBECONFIG), kubeconfig).map_err(failed)?;
        let etcd = etcd(&parts.etcd, folder.path(), client, peer).map_err(failed)?;
        let server = server(&parts.kube_apiserver, folder.path(), client, address);
        let server = server.map_err(failed)?;
        let mut this = Self { server, _etcd: etcd, folder };
        let started = Instant::now();
        while !this.is_ready().await {
            if let Some(why) = this.server.failure(started, TIMEOUT) {
                return Err(failure(action(), why));
            }
            tokio::time::sleep(PAUSE).await;
        }
        this.install(&parts.definitions).await?;
        Ok(this)
    }

    /// The file with the kubeconfig, in a folder that only this user can read.
    pub(crate) fn kubeconfig_file(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }

    /// Connects as its administrator.
    pub(crate) async fn connect(&self) -> Result<Kubernetes> {
        Kubernetes::open(Some(&self.kubeconfig_file()), None).await
    }

    async fn is_ready(&self) -> bool {
        if !self.folder.path().join(CERTIFICATE).is_file() {
            return false;
        }
        let Ok(cluster) = self.connect().await else { return false };
        // Namespaces are served before the server is ready; those of its own come last.
        matches!(cluster.list("v1", "Namespace", None).await, Ok(all) if all.len() >= 4)
    }

    async fn install(&self, definitions: &Path) -> Result<()> {
        let unreadable = |error: String| failure(format!("read {}", definitions.display()), error);
        let text =
            fs::read_to_string(definitions).map_err(|error| unreadable(error.to_string()))?;
        let cluster = self.connect().await?;
        let documents = text.split("\n---").filter(|document| document.contains("\nkind: "));
        for document in documents {
            let definition: Value =
                serde_saphyr::from_str(document).map_err(|error| unreadable(error.to_string()))?;
            cluster.apply(&definition).await?;
        }
        Ok(())
    }
}

fn etcd(binary: &Path, folder: &Path, client: SocketAddr, peer: SocketAddr) -> io::Result<Program> {
    let (client, peer) = (format!("http://{client}"), format!("http://{peer}"));
    Program::start(binary, &folder.join("etcd.log"), |command| {
        command
            .arg("--data-dir")
            .arg(folder.join("etcd"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}"), "--unsafe-no-fsync"]);
    })
}

fn server(
    binary: &Path,
    folder: &Path,
    etcd: SocketAddr,
    address: SocketAddr,
) -> io::Result<Program> {
    Program::start(binary, &folder.join("apiserver.log"), |command| {
        command
            .args(["--etcd-servers", &format!("http://{etcd}")])
            .args(["--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1"])
            .args(["--secure-port", &address.port().to_string()])
            .arg("--cert-dir")
            .arg(folder.join("certs"))
            .arg("--token-auth-file")
            .arg(folder.join("tokens.csv"))
            .args(["--authorization-mode", "RBAC"])
            .args(["--service-cluster-ip-range", "10.0.0.0/24"])
            .args(["--service-account-issuer", "https://kubernetes.default.svc"])
            .arg("--service-account-key-file")
            .arg(folder.join(KEY))
            .arg("--service-account-signing-key-file")
            .arg(folder.join(KEY))
            .args(["--disable-admission-plugins", "ServiceAccount"])
            .args(["--endpoint-reconciler-type", "none"]);
    })
}
