//! Copies a SavedModel between folders, `gs://` and `s3://`; `canary copy-model` does more.
//!
//! `cargo run --release --example copy_model -- gs://bucket/resnet_101/1 /models/image_classifier/2`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result};
use canary_core::serving::store::{CopyModel, Location};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (from, to) = arguments.next().zip(arguments.next()).context("usage: copy_model FROM TO")?;
    let copied = CopyModel::new(Location::parse(&from)?, Location::parse(&to)?).run().await?;
    for file in &copied.files {
        println!("{}  {:>12}  {}", file.sha256, file.bytes, file.path);
    }
    println!("version {}: {} bytes in {}", copied.version, copied.bytes, copied.to);
    Ok(())
}
