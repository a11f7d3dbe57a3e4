//! `canary aa`.

use anyhow::Result;

use crate::{commands::help, commands::run::Run, input, status::Status};

const NOTES: &str = "\
Deploy the stable version a second time, as the canary that the plan names, with pods of its own: a burst of one failing pod is
then at one version, as in a release. The steps below 100 run as those of `canary run`; an alarm is reported and rolls
nothing back; then everything goes back to the stable version. 100 is never written.

The report has the dispersion of the bad requests over windows of three lengths, the windows that `bursts` of the plan needs,
and the guardrails that alarmed. The state is not that of `canary run` with the same plan. All else is as `canary run --help`
says; the verdict of a run is inconclusive, and the status 0 when every step was held.";

/// Measure a service with the stable version on both sides: which windows the tests need, and which alarms are false.
///
/// It is `canary run` of the plan with `aa: true`.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary aa plan.yaml --stable-errors 0.02 --canary-errors 0.02 --report aa.html",
        "canary aa plan.yaml --cluster --images photo.jpg --store aa.jsonl",
    ],
    &Status::ALL,
    NOTES,
))]
pub(crate) struct Aa {
    #[command(flatten)]
    run: Run,
}

impl Aa {
    pub(crate) fn run(&self) -> Result<Status> {
        self.run.check()?;
        let plan = input::plan(&self.run.plan)?.aa();
        let ending = self.run.of(&plan)?.ending;
        let complete = ending.aa().is_some_and(canary_core::rollout::AaReport::is_complete);
        Ok(if complete { Status::Done } else { ending.status(self.run.plain_status) })
    }
}
