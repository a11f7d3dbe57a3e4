//! Looks at a cluster and says what a release would lack; `canary preflight` does more.
//!
//! `cargo run --example preflight -- models`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Result, bail};
use canary_core::cluster::{Kubernetes, PreflightOptions, preflight};

#[tokio::main]
async fn main() -> Result<()> {
    let namespace = std::env::args().nth(1).unwrap_or_else(|| "default".to_owned());
    // The kubeconfig and the context that kubectl would use.
    let cluster = Kubernetes::open(None, None).await?;
    let report = preflight(&cluster, &PreflightOptions::new(&namespace)).await?;
    print!("{report}");
    if !report.is_ready() {
        bail!("the cluster is not ready for a release");
    }
    Ok(())
}
