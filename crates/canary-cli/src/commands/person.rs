//! `canary pause`, `resume`, `approve`, `abort` and `promote`: a person's commands to a running release.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use canary_core::{
    cluster::Release,
    rollout::{Error, Verb},
};

use crate::{
    commands::help,
    connection::{Connection, duration, runtime},
    input,
    kind::Kind,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

const NOTES: &str = "\
The command is written into an annotation of the object, and this program waits until the driver has carried it out.
The record has the person, the time and the reason. Status 1: the command was refused, or no driver acknowledged it in time.
Required permissions: get and patch on the object, and get on leases.";

/// The release, and the person who gives the command.
#[derive(Debug, clap::Args)]
struct Person {
    /// The object that holds the release's state: the first route of its plan.
    name: String,
    /// The kind of that object.
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    kind: Kind,
    /// Its namespace.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// The person in the record; by default the user and host of this process.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// The maximum time to wait for the driver.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    timeout: Duration,
    /// The form of the record.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
    #[command(flatten)]
    connection: Connection,
}

impl Person {
    fn send(&self, verb: Verb, why: Option<&str>, plan: Option<&PathBuf>) -> Result<Status> {
        let plan = plan.map(|file| input::plan(file)).transpose()?;
        if let Some(plan) = &plan {
            let of = plan.target.state_object();
            if (&of.name, &of.namespace) != (&self.name, &self.namespace) {
                return Err(input::Unusable::error(format!(
                    "the plan is of {of}, not of {}/{}",
                    self.namespace, self.name
                )));
            }
        }
        let record = runtime()?.block_on(async {
            let cluster = self.connection.open().await?;
            let mut release = Release::of(cluster, &self.name)
                .namespace(&self.namespace)
                .kind(self.kind.into())
                .timeout(self.timeout);
            if let Some(by) = &self.by {
                release = release.by(by);
            }
            if let Some(plan) = plan {
                release = release.plan(plan);
            }
            anyhow::Ok(release.send(verb, why.unwrap_or_default()).await)
        })?;
        match record {
            Ok(record) if self.output == Plain::Json => output::json(&record)?,
            Ok(record) => output::print(&record.to_string())?,
            Err(error @ (Error::Refused { .. } | Error::NotReady { .. })) => {
                output::error(&error.into());
                return Ok(Failed);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Done)
    }
}

/// Pause a release: the weights stay, and the guardrails continue.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary pause image-classifier", "canary pause image-classifier --namespace models --by alice"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Pause {
    #[command(flatten)]
    person: Person,
}

/// Resume a paused release.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary resume image-classifier", "canary resume image-classifier --namespace models --by alice"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Resume {
    #[command(flatten)]
    person: Person,
}

/// Approve the step that waits for a person.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary approve image-classifier", "canary approve image-classifier --by alice --output json"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Approve {
    #[command(flatten)]
    person: Person,
}

/// Abort a release: route all traffic to the stable version now.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary abort image-classifier --because 'the labels are shifted'", "canary abort image-classifier --plan plan.yaml"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Abort {
    #[command(flatten)]
    person: Person,
    /// The reason, for the record.
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// The plan of the release; with it, the weights are reset even if no driver runs.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    plan: Option<PathBuf>,
}

/// Promote the canary by a person's decision, not by a statistical verdict.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary promote image-classifier --because 'the fix is urgent'", "canary promote image-classifier --by alice --output json"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Promote {
    #[command(flatten)]
    person: Person,
    /// The reason, for the record.
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

impl Pause {
    pub(crate) fn run(&self) -> Result<Status> {
        self.person.send(Verb::Pause, None, None)
    }
}

impl Resume {
    pub(crate) fn run(&self) -> Result<Status> {
        self.person.send(Verb::Resume, None, None)
    }
}

impl Approve {
    pub(crate) fn run(&self) -> Result<Status> {
        self.person.send(Verb::Approve, None, None)
    }
}

impl Abort {
    pub(crate) fn run(&self) -> Result<Status> {
        self.person.send(Verb::Abort, self.because.as_deref(), self.plan.as_ref())
    }
}

impl Promote {
    pub(crate) fn run(&self) -> Result<Status> {
        self.person.send(Verb::Promote, self.because.as_deref(), None)
    }
}
