//! Prints the manifests with which a plan runs inside a cluster, as a Job with the least permissions; `canary in-cluster`
//! does more.
//!
//! `cargo run --example in_cluster -- examples/plan.yaml registry.example.com/canary:1.0 | kubectl apply -f -`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result};
use canary_core::{
    Manifest, Object, Plan,
    cluster::{InCluster, Mount},
};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (file, image) =
        arguments.next().zip(arguments.next()).context("usage: in_cluster PLAN IMAGE")?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let job = InCluster::new(image)
        .arg("--cluster")
        .arg("--plain-status")
        .mount(Mount::Claim("photos".to_owned()), "/photos");
    let objects = job.objects(&Plan::from_yaml(&text)?)?;
    let manifest: Manifest = objects.into_iter().map(Object::Other).collect();
    print!("{}", manifest.to_yaml()?);
    Ok(())
}
