//! Options for the connection to a cluster.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use canary_core::cluster::Kubernetes;

/// The connection to a cluster.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "The cluster")]
pub(crate) struct Connection {
    /// The kubeconfig; by default KUBECONFIG, ~/.kube/config, or the service account of the pod that this runs in.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; by default its current one.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

impl Connection {
    /// The cluster as reports name it: the context, where one is chosen, and the address of the API server.
    pub(crate) fn name(&self, cluster: &Kubernetes) -> String {
        let server = cluster.server().unwrap_or_default();
        self.context
            .as_ref()
            .map_or_else(|| server.to_owned(), |context| format!("{context} ({server})"))
    }

    /// Connects.
    pub(crate) async fn open(&self) -> Result<Kubernetes> {
        Ok(Kubernetes::open(self.kubeconfig.as_deref(), self.context.as_deref()).await?)
    }
}

/// The runtime of a command that waits for others.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// A duration as plans have them, such as `20ms` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    jiff::fmt::friendly::SpanParser::new()
        .parse_unsigned_duration(text)
        .map_err(|_| "expected a time such as 20ms or 1m 30s".to_owned())
}
