//! `canary.Comparison`.

use canary_core::rollout;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    convert::{plain, value},
    macros::pymethods,
};

/// The results of several rules on the same simulated traffic.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Comparison {
    pub(crate) core: rollout::Comparison,
}

pymethods! {
    Comparison [value, table, plot, card(render_comparison)]
    get |comparison| {
        errors: (f64, f64) = (comparison.core.traffic.errors.stable, comparison.core.traffic.errors.canary);
        harmful: bool = comparison.core.is_harmful();
        runs: u64 = comparison.core.runs;
        seed: u64 = comparison.core.seed;
    }
    methods {
        fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            let mut json = value::json(&self.core)?;
            let outcomes = json.get_mut("rules").and_then(Value::as_array_mut);
            for (outcome, rule) in outcomes.into_iter().flatten().zip(&self.core.rules) {
                outcome["name"] = rule.rule.to_string().into();
            }
            plain::to_python(py, &json)
        }

        fn __repr__(&self) -> String {
            let rules = self.core.rules.iter().map(|one| format!("{}: rollback {}", one.rule, one.rollback));
            format!("Comparison({} runs; {})", self.core.runs, rules.collect::<Vec<_>>().join("; "))
        }
    }
}
