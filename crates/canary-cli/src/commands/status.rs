//! `canary status`.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use canary_core::{
    Plan,
    cluster::{Kubernetes, Status as Found, status_of},
    evidence::Timestamp,
};

use crate::{
    commands::help,
    connection::{Connection, duration, runtime},
    input,
    kind::Kind,
    metered::Metered,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

const NOTES: &str = "\
The state comes from the object's annotation, which the driver writes with every weight and every ten seconds, and
from the Lease. Required permissions: get on the object, get on leases to show the driver, and, with --prometheus, get
on destinationrules.

The observed split is the driver's stored count over the whole rollout. With --prometheus, it is the count of Istio's proxies
since the current weight was written, at most over the time of --over; the output names the source.";

/// Show the state of a rollout without changing it: weights, driver, observed split, the verdict so far.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary status image-classifier", "canary status image-classifier --plan plan.yaml --output json"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct StatusOf {
    /// The object that holds the rollout's state: the first route of its plan.
    name: String,
    /// The kind of that object.
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    kind: Kind,
    /// Its namespace.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// The plan of the rollout; with it, the observed split and the readings of the guardrails are shown too.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    plan: Option<PathBuf>,
    /// The form of the state.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
    #[command(flatten)]
    connection: Connection,
    /// The maximum time over which Prometheus counts.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration, requires = "prometheus")]
    over: Duration,
    #[command(flatten)]
    metered: Metered,
}

impl StatusOf {
    pub(crate) fn run(&self) -> Result<Status> {
        if self.metered.prometheus.is_some() && self.plan.is_none() {
            return Err(input::Unusable::error(
                "--prometheus needs --plan, which names the subsets",
            ));
        }
        let plan = self.plan.as_deref().map(input::plan).transpose()?;
        let found = runtime()?.block_on(self.read(plan.as_ref()))?;
        match self.output {
            Plain::Text => output::print(&found.to_string())?,
            Plain::Json => output::json(&found)?,
        }
        Ok(Done)
    }

    async fn read(&self, plan: Option<&Plan>) -> Result<Found> {
        let cluster = self.connection.open().await?;
        let object = self.kind.object(&self.namespace, &self.name);
        let found = status_of(&cluster, &object, plan).await?;
        match plan {
            Some(plan) => self.counted(found, &cluster, plan).await,
            None => Ok(found),
        }
    }

    /// The observed split by what Prometheus counts, when one is given.
    async fn counted(&self, status: Found, cluster: &Kubernetes, plan: &Plan) -> Result<Found> {
        let Some(source) = self.metered.source(cluster, plan).await? else { return Ok(status) };
        let lag = u64::try_from(self.metered.lag.as_millis())?;
        let now = Timestamp(Timestamp::now().0.saturating_sub(lag));
        let longest = Timestamp(now.0.saturating_sub(u64::try_from(self.over.as_millis())?));
        let weighted = status.rollout.as_ref().map_or(longest, |rollout| rollout.since);
        let since = longest.max(weighted).min(now);
        let over = now.since(since).as_secs();
        let by = format!("Prometheus at {}, over the last {over} s", source.url());
        let window = source.window(since, now).await?.unwrap_or_default();
        Ok(status.counted(by, &window))
    }
}
