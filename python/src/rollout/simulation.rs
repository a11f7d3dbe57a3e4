//! `canary.Simulation`.

use std::collections::BTreeMap;

use canary_core::rollout::{self, Chance, Summary};
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyDict};
use serde::{Deserialize, Serialize};

use crate::{
    convert::{plain, value},
    macros::{arguments, pymethods},
};

/// The number of simulated runs of a plan by outcome, and their cost.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
pub(crate) struct Simulation {
    pub(crate) core: rollout::Simulation,
    pub(crate) plan: rollout::Plan,
    pub(crate) scenario: rollout::Scenario,
}

/// The ends of an interval.
pub(super) fn interval(chance: &Chance) -> (f64, f64) {
    (chance.low, chance.high)
}

fn quantiles<'py>(py: Python<'py>, summary: &Summary) -> PyResult<Bound<'py, PyDict>> {
    Ok(arguments!(py, summary; mean, p05, median, p95, max))
}

impl Simulation {
    fn dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut json = value::json(&self.core)?;
        if let Some(members) = json.as_object_mut() {
            members.insert("scenario".to_owned(), value::json(&self.scenario)?);
        }
        plain::to_python(py, &json)
    }
}

pymethods! {
    Simulation [value, table, plot]
    get |simulation| {
        runs: u64 = simulation.core.runs;
        seed: u64 = simulation.core.seed;
        p_rollback: f64 = simulation.core.rollback.p;
        p_promote: f64 = simulation.core.promote.p;
        p_inconclusive: f64 = simulation.core.inconclusive.p;
        intervals: BTreeMap<&'static str, (f64, f64)> = BTreeMap::from([
            ("rollback", interval(&simulation.core.rollback)),
            ("promote", interval(&simulation.core.promote)),
            ("inconclusive", interval(&simulation.core.inconclusive)),
        ]);
        rolled_back_by: BTreeMap<String, u64> = simulation.core.rolled_back_by.clone();
        inconclusive_because: BTreeMap<String, u64> = simulation.core.inconclusive_because.clone();
    }
    make |simulation, py| {
        requests: PyResult<Bound<'py, PyDict>> = quantiles(py, &simulation.core.requests);
        requests_to_rollback: PyResult<Bound<'py, PyDict>> = quantiles(py, &simulation.core.requests_to_rollback);
        seconds: PyResult<Bound<'py, PyDict>> = quantiles(py, &simulation.core.seconds);
        exposure: PyResult<Bound<'py, PyDict>> = quantiles(py, &simulation.core.exposure);
    }
    methods {
        fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            self.dict(py)
        }

        fn __repr__(&self) -> String {
            let core = &self.core;
            format!(
                "Simulation({} runs: rollback {}, promote {}, inconclusive {})",
                core.runs, core.rollback, core.promote, core.inconclusive
            )
        }

        fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
            py.import("canary._rollout_html")?.call_method1("render_simulation", (self.dict(py)?,))?.extract()
        }
    }
}
