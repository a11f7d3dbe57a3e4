//! `canary simulate`.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::rollout::{Scenario, Simulation};
use serde_json::json;

use crate::{
    commands::{help, scenario::Assumed},
    input,
    output::{self, Plain},
    status::Status::{self, Done, Failed, Unusable},
};

/// Simulate a plan with a canary that is no worse, and with worse canaries.
///
/// Without a stated harm, six scenarios are simulated. The same seed gives the same numbers on every machine.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary simulate plan.yaml --runs 200", "canary simulate plan.yaml --errors 0.01,0.04 --runs 200 --output json"],
    &[Done, Failed, Unusable],
    "",
))]
pub(crate) struct Simulate {
    /// The plan: YAML or JSON, or `-`.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    plan: PathBuf,
    /// Simulated releases for each scenario.
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

type Row = (&'static str, Scenario, Simulation);

impl Simulate {
    pub(crate) fn run(&self) -> Result<Status> {
        let plan = input::plan(&self.plan)?;
        let mut rows: Vec<Row> = Vec::new();
        for (name, scenario) in self.scenarios() {
            output::message(&format!("simulating {} releases: {name}", self.runs));
            let simulation = plan.simulate(&scenario, self.runs, self.seed);
            rows.push((name, scenario, simulation.map_err(input::Unusable::error)?));
        }
        if self.output == Plain::Json {
            let all: Vec<_> = rows
                .iter()
                .map(|(name, scenario, of)| {
                    json!({"name": name, "scenario": scenario, "simulation": of})
                })
                .collect();
            output::json(&all)?;
        } else {
            output::print(&self.table(&rows))?;
        }
        Ok(Done)
    }

    fn scenarios(&self) -> Vec<(&'static str, Scenario)> {
        if let Some(stated) = self.assumed.stated() {
            return vec![("as stated", stated)];
        }
        let healthy = self.assumed.healthy();
        vec![
            ("no worse", healthy),
            ("errors 1 % -> 2 %", healthy.errors(0.01, 0.02)),
            ("errors 1 % -> 5 %", healthy.errors(0.01, 0.05)),
            ("slow 5 % -> 10 %", healthy.slow(0.05, 0.10)),
            ("agreement 90 %", Scenario { agreement: 0.90, ..healthy }),
            ("split 5 points off", Scenario { split_error: 5.0, ..healthy }),
        ]
    }

    fn table(&self, rows: &[Row]) -> String {
        let (runs, rate, seed) = (self.runs, self.assumed.rate, self.seed);
        let mut lines = vec![format!(
            "{runs} runs each at {rate} requests/s, seed {seed}; percentages with 95 % intervals\n\n\
             {:<20} {:>22} {:>22} {:>22} {:>9} {:>9}",
            "canary", "rollback", "promote", "inconclusive", "requests", "exposure"
        )];
        for (name, _, of) in rows {
            lines.push(format!(
                "{name:<20} {:>22} {:>22} {:>22} {:>9.0} {:>9.0}",
                of.rollback.to_string(),
                of.promote.to_string(),
                of.inconclusive.to_string(),
                of.requests.median,
                of.exposure.median
            ));
            let by = of.rolled_back_by.iter();
            lines.extend(by.map(|(one, runs)| format!("{:20}   rolled back by {one}: {runs}", "")));
        }
        lines.join("\n")
    }
}
