//! `canary lab`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use canary_lab::{
    Lab,
    model::{ModelFiles, Scripted},
};
use serde_json::json;

use crate::{
    commands::help,
    connection::{duration, runtime},
    input,
    lab_access::LabAccess,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

const NOTES: &str = "\
The addresses are printed when everything is ready. Without files, the lab of the guide is served: two versions of
`image-classifier` behind a gateway, with real models if their files are installed, and scripted models otherwise. With
files, each Deployment of TensorFlow Serving is served by the --model of its path.";

/// Serve a mesh on this machine until Ctrl-C: an object store, a gateway and model servers on loopback.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary lab --for 1s",
        "canary lab mesh.yaml --model 'models/v1=tabby cat' --for 1s --output json",
    ],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct LabOf {
    /// Manifests to apply, in this order: files, folders or `-`.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// A scripted model: its path and the class that it answers (repeatable).
    #[arg(long = "model", value_name = "PATH=CLASS", value_parser = super::route::pair)]
    models: Vec<(String, String)>,
    /// The seed of the gateway's random draws.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// End after this time, such as 10m.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Write a kubeconfig for the lab's objects to this file while the lab is up. With it, commands of another process reach
    /// the lab as they reach a cluster, kubectl too.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,
    /// The form of the addresses.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
}

/// The time within which the model servers have to be ready.
const READY: Duration = Duration::from_secs(60);

impl LabOf {
    pub(crate) fn run(&self) -> Result<Status> {
        let lab = self.start()?;
        let access = LabAccess::write(&lab, self.kubeconfig.as_deref())?;
        let (gateway, metrics) = (lab.gateway_url(), lab.metrics_url());
        output::print(&match self.output {
            Plain::Text => format!("gateway: {gateway}\nmetrics: {metrics}"),
            Plain::Json => json!({"gateway": gateway, "metrics": metrics}).to_string(),
        })?;
        if let Some(problem) = lab.problem() {
            output::message(&format!("warning: {problem}"));
        }
        output::message("serving until Ctrl-C");
        runtime()?.block_on(async {
            let end = async {
                match self.time {
                    Some(time) => tokio::time::sleep(time).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = crate::release::signal() => {}
                () = end => {}
            }
        });
        drop(access);
        Ok(Done)
    }

    fn start(&self) -> Result<Lab> {
        if self.files.is_empty() && self.models.is_empty() {
            if let Err(error) = ModelFiles::find() {
                output::message(&format!("the models are scripted: {error}"));
            }
            return Ok(Lab::seed()?);
        }
        let objects = input::objects(&self.files)?;
        let mut builder = Lab::builder().seed(self.seed).scripted_when_missing();
        for (path, class) in &self.models {
            builder = builder.model(path, Scripted::new(class, 0.9));
        }
        let lab = builder.start()?;
        for object in objects {
            lab.apply(&object).with_context(|| format!("cannot apply {}", object.id()))?;
        }
        lab.wait_ready(READY)?;
        Ok(lab)
    }
}
