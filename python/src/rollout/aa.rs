//! `canary.AaReport`.

use std::collections::BTreeMap;

use canary_core::rollout;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::macros::pymethods;

/// The measurement of an A/A run.
#[binding]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct AaReport {
    pub(crate) core: rollout::AaReport,
}

/// The length of the windows in seconds, φ, and the number of windows.
type Level = (f64, f64, u64);

fn levels(report: &rollout::AaReport) -> BTreeMap<&str, Vec<Level>> {
    let level = |one: &rollout::AaLevel| (one.window.as_secs_f64(), one.phi, one.windows);
    let of = report.guardrails.iter();
    of.map(|one| (one.guardrail.as_str(), one.levels.iter().map(level).collect())).collect()
}

pymethods! {
    AaReport [value, dict, card(render_aa)]
    get |report| {
        window: f64 = report.core.advice.window.as_secs_f64();
        enough: bool = report.core.advice.enough;
        bursts_none: Option<bool> = report.core.advice.none;
        levels: BTreeMap<&str, Vec<Level>> = levels(&report.core);
        alarms: BTreeMap<&str, (f64, f64)> = report
            .core
            .alarms
            .iter()
            .map(|one| (one.guardrail.as_str(), (one.e, one.threshold)))
            .collect();
        complete: bool = report.core.is_complete();
        early: Option<&str> = report.core.early.as_deref();
    }
    methods {
        fn __str__(&self) -> String {
            self.core.to_string()
        }

        fn __repr__(&self) -> String {
            format!("AaReport({})", self.core.sentence())
        }
    }
}
