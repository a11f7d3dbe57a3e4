//! `canary replay`.

use std::{fs::File, io::BufReader, path::PathBuf};

use anyhow::Result;
use canary_core::{Verdict, evidence::Stored};

use crate::{
    commands::help,
    input,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Inconclusive, RolledBack, Unusable},
};

const NOTES: &str = "\
A step uses only the requests that were observed at its own weight; the others are ignored and counted. Gates count as
passed, and approvals as given.";

/// Evaluate the stored observations of a run with a plan, without sending or writing anything.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary replay observations.jsonl --plan plan.yaml",
        "canary replay observations.jsonl --plan plan.yaml --output json",
    ],
    &[Done, Failed, Unusable, RolledBack, Inconclusive],
    NOTES,
))]
pub(crate) struct Replay {
    /// The observations: a file written by `canary run --store`.
    #[arg(value_name = "OBSERVATIONS", value_hint = clap::ValueHint::FilePath)]
    observations: PathBuf,
    /// The plan to evaluate: YAML or JSON, or `-`.
    #[arg(long, value_name = "PLAN", value_hint = clap::ValueHint::FilePath)]
    plan: PathBuf,
    /// The form of the result.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
}

impl Replay {
    pub(crate) fn run(&self) -> Result<Status> {
        let plan = input::plan(&self.plan)?;
        let path = self.observations.display();
        let file = File::open(&self.observations)
            .map_err(|error| input::Unusable::error(format!("cannot read {path}: {error}")))?;
        let replay = plan
            .replay(Stored::read(BufReader::new(file)))
            .map_err(|error| input::Unusable::error(format!("{path}: {error}")))?;
        if self.output == Plain::Json {
            output::json(&replay)?;
        } else {
            output::print(&replay.to_string())?;
        }
        Ok(match replay.verdict {
            Verdict::Promote { .. } => Done,
            Verdict::Rollback { .. } => RolledBack,
            _ => Inconclusive,
        })
    }
}
