//! Prints the state of a rollout: weights, driver, observed split, the verdict so far; `canary status` does more.
//!
//! `cargo run --example status -- default image-classifier`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result};
use canary_core::cluster::{Kubernetes, status};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (namespace, name) = arguments
        .next()
        .zip(arguments.next())
        .context("usage: status NAMESPACE VIRTUAL_SERVICE")?;
    let cluster = Kubernetes::open(None, None).await?;
    print!("{}", status(&cluster, &namespace, &name, None).await?);
    Ok(())
}
