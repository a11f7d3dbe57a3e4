//! `canary schema`.

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    commands::{help, route},
    output,
    status::Status::{self, Done, Unusable},
};

/// The JSON schema of a plan.
pub(crate) const PLAN: &str = include_str!("../schemas/plan.json");

/// The kinds of files that have a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// The plan of a rollout.
    Plan,
    /// The cases of `canary route --test`.
    Cases,
}

/// Print the JSON schema of a kind of file, for editors and validators.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary schema plan > plan.schema.json", "canary schema cases > cases.schema.json"],
    &[Done, Unusable],
    "For an editor with the YAML language server, add the first line `# yaml-language-server: $schema=plan.schema.json`.",
))]
pub(crate) struct Schema {
    /// The kind of file.
    #[arg(value_enum)]
    of: Of,
}

impl Schema {
    pub(crate) fn run(&self) -> Result<Status> {
        output::print(match self.of {
            Of::Plan => PLAN,
            Of::Cases => route::SCHEMA,
        })?;
        Ok(Done)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use canary_core::{
        Plan,
        rollout::{
            Accuracy, Agreement, CanaryMatch, Cookie, Custom, ErrorRate, ErrorRatio, Gate, Golden,
            Guardrail, HeaderRoute, Hold, Mean, NumericDrift, ObservedSplit, PairErrors,
            QuantileRatio, Route, SlowRatio, Step, Target, VersionLabels,
        },
    };
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    /// The fields that a type reads: those that it lists when it finds an unknown one.
    fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
        let error = serde_json::from_value::<T>(json!({"no such field": 1})).err().unwrap();
        let error = error.to_string();
        let (_, expected) = error.split_once("expected").unwrap_or_else(|| panic!("{error}"));
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The properties of an object in a schema are the fields of the type, and nothing else is allowed.
    pub(crate) fn same<T: DeserializeOwned>(object: &Value) {
        let properties = object["properties"].as_object().unwrap();
        assert_eq!(properties.keys().cloned().collect::<BTreeSet<_>>(), fields::<T>());
        assert_eq!(object["additionalProperties"], false);
        let required = object["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            let error = serde_json::from_value::<T>(json!({})).err().unwrap().to_string();
            assert!(
                error.contains("missing field") || error.contains("states 0"),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn the_schema_of_a_plan_has_the_fields_that_are_read() {
        let schema: Value = serde_json::from_str(super::PLAN).unwrap();
        let of = |name: &str| &schema["$defs"][name];
        same::<Plan>(&schema);
        same::<Target>(of("target"));
        same::<Route>(of("route"));
        same::<VersionLabels>(of("versionLabels"));
        same::<HeaderRoute>(of("header"));
        same::<CanaryMatch>(of("canaryMatch"));
        same::<Cookie>(of("cookie"));
        same::<Step>(of("step"));
        same::<Hold>(of("hold"));
        same::<Gate>(of("gate"));
        same::<Golden>(of("golden"));
        same::<Guardrail>(of("guardrail"));
        same::<ErrorRatio>(of("errorRatio"));
        same::<SlowRatio>(of("slowRatio"));
        same::<QuantileRatio>(of("quantileRatio"));
        same::<ErrorRate>(of("errorRate"));
        same::<Mean>(of("mean"));
        same::<Agreement>(of("agreement"));
        same::<Accuracy>(of("accuracy"));
        same::<ObservedSplit>(of("observedSplit"));
        same::<NumericDrift>(of("numericDrift"));
        same::<Custom>(of("custom"));
        same::<PairErrors>(of("pairErrors"));
        // Every object of the schema is one of these.
        assert_eq!(
            schema["$defs"].as_object().unwrap().len(),
            25,
            "with the duration, the approval and the condition on a text"
        );
    }
}
