//! `canary demo`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use canary_core::{
    Plan, Verdict,
    rollout::{Cause, report::Report},
};
use clap::{Args, FromArgMatches};

use crate::{
    commands::{help, run::Run},
    connection::runtime,
    output::{self, GOOD, styled},
    release::{Course, Ending},
    status::Status::{self, Done, Failed, RolledBack, Suspended, Unusable},
};

/// The plan of the three releases. Its holds count pairs, because a pair includes the canary at any weight.
const PLAN: &str = "\
target: {virtualService: image-classifier}
stable: v1
canary: v2
header: {name: user-group, value: canary}
settle: 100ms
startupTimeout: 5s
steps:
- {weight: 5, hold: {pairs: 60}}
- {weight: 30, hold: {pairs: 60}}
- {weight: 100}
guardrails:
- pairErrors: {}
- agreement: {atLeast: 0.9, provenAbove: 0.8}
";

/// The releases: the title, the options of `canary run`, the status with which it has to end.
const RELEASES: [(&str, &[&str], Status); 3] = [
    ("a good canary", &["--canary-disagree=0.01"], Done),
    ("a bad canary", &["--canary-disagree=0.4"], RolledBack),
    ("a canary that is deployed wrongly", &["--canary-model=modle"], RolledBack),
];

/// Run three releases on the embedded lab: a good canary, a bad one, and one that is deployed wrongly.
///
/// The models are scripted, so no cluster, network or other program is needed. The good canary is promoted, the bad one
/// is rolled back, and the third is refused before it gets any traffic, because its server has the model under another
/// name.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary demo", "canary demo --seed 11 --report demo.html"],
    &[Done, Failed, Unusable, Suspended],
    "",
))]
pub(crate) struct Demo {
    /// Write an HTML report of the three releases: weights, evidence, disagreements.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    report: Option<PathBuf>,
    /// The seed of everything random.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<Status> {
        let plan = Plan::from_yaml(PLAN)?.validated()?;
        let mut page = Report::new("Three releases on the lab");
        for (title, options, expected) in RELEASES {
            output::message(&format!("\n{}", styled(GOOD, title)));
            let run = self.options(options)?;
            let Course { ending, log, disagreements, cluster } =
                runtime()?.block_on(run.on_a_lab(&plan))?;
            let shown =
                log.reported(title, &plan).cluster(cluster.as_str()).disagreements(&disagreements);
            page = page.run(&shown);
            let status = ending.status(true);
            if status == Suspended {
                return Ok(Suspended);
            }
            if status != expected || refused(&ending) != options[0].starts_with("--canary-model") {
                output::message(&format!("error: {title} did not end as expected"));
                return Ok(Failed);
            }
        }
        if let Some(file) = &self.report {
            crate::write_file(file, &page.to_html())
                .with_context(|| format!("cannot write {}", file.display()))?;
            output::message(&format!("\nthe releases as a page: {}", file.display()));
        }
        Ok(Done)
    }

    /// `canary run` with these options; no file of a plan is read.
    fn options(&self, options: &[&str]) -> Result<Run> {
        let seed = self.seed.to_string();
        let fixed = ["run", "demo", "--anew", "--inputs=5000", "--seed", &seed];
        let line = fixed.iter().chain(options);
        let matches = Run::augment_args(clap::Command::new("run")).try_get_matches_from(line)?;
        Ok(Run::from_arg_matches(&matches)?)
    }
}

/// `true` for a canary that was refused before it got any traffic.
fn refused(ending: &Ending) -> bool {
    let Ending::Over { verdict, .. } = ending else { return false };
    matches!(&**verdict, Verdict::Rollback { evidence: Cause::NotReady(_), .. })
}
