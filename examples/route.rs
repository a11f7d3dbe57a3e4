//! Says where a request goes, and why, from manifests alone; `canary route` does more.
//!
//! `cargo run --example route -- examples/mesh.yaml http://any/v1/models/image_classifier:predict`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result};
use canary_core::{Manifest, Mesh, Request};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (file, url) = arguments.next().zip(arguments.next()).context("usage: route FILE URL")?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let mesh = Mesh::of(Manifest::read_named(&file, &text)?)?;
    for request in [Request::get(&url), Request::get(&url).header("user-group", "canary")] {
        let decision = mesh.route(&request);
        println!("{request}\n{}", decision.why());
        for share in decision.shares() {
            println!("share: {share}");
        }
        println!();
    }
    Ok(())
}
