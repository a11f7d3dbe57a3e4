//! Runs a plan on the embedded lab: moves the weights, judges the canary after every observation, promotes or rolls
//! back. `canary run` does more.
//!
//! `cargo run --release --example ramp`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use std::time::Duration;

use anyhow::Result;
use canary_core::{
    DestinationRule, Gateway, Plan, VirtualService,
    cluster::{Progress, Rollout},
    evidence::Sample,
    predict::Client,
    rollout::{Guardrail, Hold},
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use futures_util::{StreamExt, stream};

const APP: &str = "image-classifier";

/// Two versions behind a gateway, with everything at the stable one.
fn lab() -> Result<Lab> {
    let lab = Lab::builder()
        .model("models/v1", Scripted::new("tabby cat", 0.90))
        .model("models/v2", Scripted::new("tabby cat", 0.93).disagree(0.01, "tiger cat"))
        .start()?;
    for version in ["v1", "v2"] {
        let workload = Workload::new(APP, version).model("model", format!("models/{version}"));
        for object in workload.objects()? {
            lab.apply(&object)?;
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"]))?;
    lab.apply(&DestinationRule::subsets(APP, ["v1", "v2"]))?;
    let routes = VirtualService::weighted(APP, [("v1", 100), ("v2", 0)]);
    let routes = routes.hosts(["*"]).gateway("gateway").port(8501);
    lab.apply(&routes.stamp_subset(Client::SUBSET_HEADER))?;
    lab.wait_ready(Duration::from_secs(60))?;
    Ok(lab)
}

#[tokio::main]
async fn main() -> Result<()> {
    let lab = lab()?;
    let plan = Plan::new(APP, "v1", "v2")
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::pairs(100))
        .settle(Duration::from_millis(100))
        .guardrail(Guardrail::pair_errors())
        .guardrail(Guardrail::agreement(0.9));
    let client = Client::new(&lab.gateway_url())?.model("model").signature("serving_preprocess");
    let photo = |number: u64| Sample::new(format!("photo {number}"), number.to_le_bytes().to_vec());
    let photos = stream::iter((1..10_000).map(move |number| Ok(photo(number))));
    let driver = Rollout::of(plan).requests(client, photo(0), photos).on(lab.cluster().clone())?;
    let (mut run, control) = driver.start().await?;
    // Ctrl-C stores the state and leaves the weights.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            control.suspend();
        }
    });
    while let Some(progress) = run.next().await {
        match progress? {
            Progress::Written { split, .. } => println!("written: {split}"),
            Progress::Finished { verdict, .. } => println!("{verdict}"),
            _ => {}
        }
    }
    Ok(())
}
