//! Checks a file of manifests as Istio would admit them, and prints the findings; `canary validate` does more.
//!
//! `cargo run --example validate -- examples/mesh.yaml`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result, bail};
use canary_core::{
    Manifest,
    validate::{Options, Validate},
};

fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: validate FILE")?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    // The objects that can be read are still checked.
    let (manifest, mut findings) = Manifest::read_with_findings(&file, &text)?;
    findings.extend(manifest.validate_with(&Options::default()));
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} objects, {} findings", manifest.objects.len(), findings.len());
    if findings.has_errors() {
        bail!("{file} has errors");
    }
    Ok(())
}
