//! The options of a run on a cluster.

use crate::{connection::Connection, metered::Metered};

/// A real cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "On a cluster")]
pub(crate) struct ClusterOptions {
    /// Run on a Kubernetes cluster with Istio instead of the lab. Both versions must be deployed, and responses must
    /// name their subset, as configured by `stamp_subset`. `canary preflight --plan` lists what is missing.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// The gateway's address; by default that of the VirtualService's Gateway.
    #[arg(long, value_name = "URL", requires = "cluster")]
    pub(crate) gateway_url: Option<String>,
    /// The Host header, if the VirtualService's hosts are not `*`.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) host: Option<String>,
    /// The model's name on its server; by default the name of the VirtualService.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) model: Option<String>,
    /// The signature that accepts image files.
    #[arg(long, value_name = "NAME", default_value = "serving_preprocess", requires = "cluster")]
    pub(crate) signature: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) metered: Metered,
}
