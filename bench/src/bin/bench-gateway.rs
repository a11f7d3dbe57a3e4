//! A lab with one scripted model behind its gateway, for load from outside.
//!
//! `bench-gateway` prints `{"gateway": PORT, "metrics": PORT}` and serves until its standard input ends.

use std::{
    error::Error,
    io::{Read, Write},
    time::Duration,
};

use canary_core::{DestinationRule, Gateway, VirtualService, serving::Workload};
use canary_lab::{Lab, model::Scripted};

fn main() -> Result<(), Box<dyn Error>> {
    let lab = Lab::builder().model("models/m", Scripted::new("military uniform", 0.45)).start()?;
    for object in Workload::new("m", "v1").model("m", "models/m").objects()? {
        lab.apply(&object)?;
    }
    lab.apply(&Gateway::http("edge", 80, ["*"]))?;
    lab.apply(&DestinationRule::subsets("m", ["v1"]))?;
    lab.apply(&VirtualService::to("m").port(8501).hosts(["*"]).gateway("edge"))?;
    lab.wait_ready(Duration::from_secs(5))?;
    let metrics = lab.metrics_url();
    let metrics: u16 = metrics
        .trim_start_matches("http://127.0.0.1:")
        .split('/')
        .next()
        .unwrap_or_default()
        .parse()?;
    let ports = serde_json::json!({"gateway": lab.gateway_address().port(), "metrics": metrics});
    writeln!(std::io::stdout(), "{ports}")?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
