//! Applies manifests by server-side apply, in the order that the objects need each other; `canary apply` does more.
//!
//! `cargo run --example apply -- mesh.yaml`, with a namespace in each object

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result};
use canary_core::{
    Manifest,
    cluster::{Kubernetes, apply_all},
    validate::{Options, Validate},
};

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: apply FILE")?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let manifest = Manifest::read_named(&file, &text)?;
    manifest.validate_with(&Options::default()).into_result()?;
    let objects = manifest.objects.iter().map(canary_core::Object::to_json_value);
    let objects = objects.collect::<Result<Vec<_>, _>>()?;
    // The kubeconfig and the context that kubectl would use. Fields of other managers are not overwritten.
    let cluster = Kubernetes::open(None, None).await?.dry_run(true);
    apply_all(&cluster, &objects, |one| println!("{:9} {} (dry run)", one.effect, one.object))
        .await?;
    Ok(())
}
