//! `canary aa`.

use anyhow::Result;

use crate::{commands::help, commands::run::Run, input, status::Status};

const NOTES: &str = "\
Deploy the stable version a second time, as the plan's canary and with its own pods: a burst of one failing pod then affects
one version, as in a release. The steps below 100 run as with `canary run`; an alarm is reported and does not roll back.
At the end all traffic goes back to the stable version. The weight 100 is never written.

The report has the dispersion of failed requests over windows of three lengths, the window length that `bursts` of the plan
needs, and the guardrails that alarmed. The state is separate from that of `canary run` with the same plan. The options are
those of `canary run`. The verdict is inconclusive, and the exit status is 0 if every step was completed.";

/// Run the stable version against itself (A/A) to measure the windows that the tests need, and false alarms.
///
/// This is `canary run` of the plan with `aa: true`.
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
