//! `canary power`.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::rollout::OtherTest;

use crate::{
    commands::{help, scenario::Assumed},
    input,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

/// Find the holds with which a plan detects a stated harm, and print the plan with them.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary power plan.yaml --errors 0.01,0.05 --runs 40 > longer.yaml",
        "canary power plan.yaml --agreement 0.85 --probability 0.8 --runs 40 --output json",
    ],
    &[Done, Failed, Unusable],
    "The text output is the plan, with the results as comments. Status 1: no holds detect the harm.",
))]
pub(crate) struct Power {
    /// The plan: YAML or JSON, or `-`.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    plan: PathBuf,
    /// The required probability of rolling the harm back.
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    probability: f64,
    /// The number of simulated releases for each length of the holds.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    runs: u64,
    /// The seed of everything random.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// The form of the result.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
    #[command(flatten)]
    assumed: Assumed,
}

impl Power {
    pub(crate) fn run(&self) -> Result<Status> {
        let plan = input::plan(&self.plan)?;
        let harm = self.assumed.stated().ok_or_else(|| {
            input::Unusable::error(
                "no harm is stated; state one with --errors, --slow, --latency-ratio, --agreement, --mean or --split-error",
            )
        })?;
        output::message(&format!("simulating {} releases for each length of the holds", self.runs));
        let power = plan.power(&harm, self.probability, self.runs, self.seed)?;
        if self.output == Plain::Json {
            output::json(&power)?;
        } else {
            output::print(&format!(
                "# The holds of the plan times {:.2}: this harm is rolled back in {} of {} simulated releases,\n\
                 # over {} requests of both versions.\n{}{}",
                power.factor,
                power.rollback,
                self.runs,
                power.requests,
                power.other.as_ref().map(other).unwrap_or_default(),
                power.plan.to_yaml()?
            ))?;
        }
        Ok(Done)
    }
}

/// The alternative test of ratios, as one line of a comment.
fn other(other: &OtherTest) -> String {
    let what = match other.sequential {
        Some(sequential) => format!("with {} planned looks (sequential)", sequential.looks),
        None => "without planned looks, at any time".to_owned(),
    };
    let better = if other.is_better { ", which is better" } else { "" };
    format!("# The same holds {what}: {}{better}.\n", other.rollback)
}
