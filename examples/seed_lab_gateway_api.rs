//! The lab's releases on the Gateway API: two Services and an `HTTPRoute`, by weights and by a header.
//!
//! ```text
//! cargo run --release --example seed_lab_gateway_api
//! ```
//!
//! Real models answer when their files are found (`make demo` installs them), scripted ones otherwise.
#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use canary_core::{
    Manifest,
    gateway_api::{Gateway, HttpRoute},
    predict::Client,
    serving::Workload,
};
use canary_lab::{Lab, model::ModelFiles};

const APP: &str = "image-classifier";
const VERSIONS: [&str; 2] = ["efficientnet-lite0", "efficientnet-lite1"];
const REQUESTS: usize = 120;

fn workload(version: &str) -> Workload {
    // Subsets are not addressable by the Gateway API: each version has a Service of its own.
    let path = format!("models/{version}");
    Workload::new(APP, version).model("image_classifier", path).own_service()
}

/// The names of both Services, the stable one first.
fn services() -> Result<[String; 2]> {
    let name = |version: &str| -> Result<String> {
        let service = workload(version).version_service()?;
        service.metadata.name.context("a Service has a name")
    };
    Ok([name(VERSIONS[0])?, name(VERSIONS[1])?])
}

/// The route with these weights; each answer names the Service that gave it.
fn split(weights: [i32; 2]) -> Result<HttpRoute> {
    let route = HttpRoute::weighted(APP, services()?.into_iter().zip(weights));
    Ok(route.gateway("public").port(8501).stamp_backend(Client::SUBSET_HEADER))
}

/// The number of answers by each Service.
async fn answers(
    client: &Client,
    photo: &[u8],
    requests: usize,
) -> Result<BTreeMap<String, usize>> {
    let mut answers = client.predict_many(vec![photo; requests], 4);
    let mut counts = BTreeMap::new();
    while let Some(answer) = answers.next().await {
        let by = answer?.subset().context("the answer does not name its Service")?.to_owned();
        *counts.entry(by).or_default() += 1;
    }
    Ok(counts)
}

#[tokio::main]
async fn main() -> Result<()> {
    let files = ModelFiles::find();
    let photo = match files.as_ref().ok().and_then(|files| files.photo.as_ref()) {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => b"any bytes do for a scripted model".to_vec(),
    };
    let lab = Lab::builder().scripted_when_missing().start()?;
    let client =
        Client::new(&lab.gateway_url())?.model("image_classifier").signature("serving_preprocess");
    let gateway = Gateway::http("public", 80);
    println!("{}", Manifest::of([&gateway]).to_yaml()?);
    lab.apply(&gateway)?;
    for version in VERSIONS {
        for object in workload(version).objects()? {
            lab.apply(&object)?;
        }
    }
    lab.wait_ready(Duration::from_secs(60))?;

    let [stable, canary] = services()?;
    for weights in [[100, 0], [70, 30]] {
        lab.apply(&split(weights)?)?;
        let seen = answers(&client, &photo, REQUESTS).await?;
        let served = seen.get(&canary).copied().unwrap_or(0);
        println!("weights {weights:?}: {served} of {REQUESTS} answers by {canary}");
        ensure!((served > 0) == (weights[1] > 0), "the weights do not divide the requests");
    }

    let focused = split([100, 0])?.when_header("user-group", "canary", canary.as_str());
    lab.apply(&focused.stamp_backend(Client::SUBSET_HEADER))?;
    let plain = answers(&client, &photo, 20).await?;
    let user = answers(&client.clone().header("user-group", "canary"), &photo, 20).await?;
    println!("without the header: {plain:?}; with user-group: canary: {user:?}");
    ensure!(plain.contains_key(&stable) && plain.len() == 1, "the header is not needed");
    ensure!(user.contains_key(&canary) && user.len() == 1, "the header does not lead to {canary}");

    lab.apply(&split([0, 100])?)?;
    let seen = answers(&client, &photo, 20).await?;
    println!("promoted: {seen:?}");
    ensure!(seen.len() == 1 && seen.contains_key(&canary), "not every answer is by {canary}");
    Ok(())
}
