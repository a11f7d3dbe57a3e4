//! Shared by the examples in this folder; see README.md for their index.

mod metrics;

use std::{path::PathBuf, time::Duration};

use canary_core::cluster::Kubernetes;

pub use metrics::{Metered, PASSWORD, TOKEN};

/// The connection to a cluster.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "The cluster")]
pub struct Connection {
    /// The kubeconfig; by default KUBECONFIG, ~/.kube/config, or the service account of the pod that this runs in.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; by default its current one.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// As [`Kubernetes::open`].
    pub async fn open(&self) -> canary_core::rollout::Result<Kubernetes> {
        Kubernetes::open(self.kubeconfig.as_deref(), self.context.as_deref()).await
    }
}

/// A duration as plans have them, such as `20ms` or `1m 30s`.
///
/// # Errors
/// That the text is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    jiff::fmt::friendly::SpanParser::new()
        .parse_unsigned_duration(text)
        .map_err(|_| "expected a time such as 20ms or 1m 30s".to_owned())
}
