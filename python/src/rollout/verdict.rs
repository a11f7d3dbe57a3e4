//! `canary.Verdict`.

use canary_core::{Verdict as Core, evidence::Timestamp};
use canary_python_macros::binding;
use pyo3::{
    prelude::*,
    types::{PyDateTime, PyTzInfo},
};
use serde::{Deserialize, Serialize};

use super::{aa::AaReport, reading};
use crate::{
    convert::{plain, time},
    macros::pymethods,
};

/// The result of a rollout.
#[binding]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Verdict {
    pub(crate) core: Core,
    /// The time when an earlier run on the same release gave it, where one did.
    pub(crate) stored: Option<Timestamp>,
}

impl Verdict {
    /// The verdict in one sentence, and whose it is.
    pub(crate) fn sentence(&self) -> String {
        self.core.sentence(self.stored)
    }

    /// The moment as Python has it.
    fn moment<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        let Some(Timestamp(millis)) = self.stored else { return Ok(None) };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds below 2^53")]
        let seconds = millis as f64 / 1e3;
        let utc = PyTzInfo::utc(py)?.to_owned();
        PyDateTime::from_timestamp(py, seconds, Some(&utc)).map(Some)
    }
}

pymethods! {
    Verdict [value]
    get |verdict| {
        name: &'static str = verdict.core.name();
        promoted: bool = matches!(verdict.core, Core::Promote { .. });
        promoted_by: Option<&str> = match &verdict.core {
            Core::PromotedByPerson { by, .. } => Some(by),
            _ => None,
        };
        rolled_back: bool = matches!(verdict.core, Core::Rollback { .. });
        cause: Option<&'static str> = verdict.core.cause();
        aa: Option<AaReport> = verdict.core.aa().cloned().map(|core| AaReport { core });
        guardrail: Option<&str> = match &verdict.core {
            Core::Rollback { guardrail, .. } => Some(guardrail),
            _ => None,
        };
        exposure: Option<u64> = match &verdict.core {
            Core::Promote { exposure, .. }
            | Core::PromotedByPerson { exposure, .. }
            | Core::Rollback { exposure, .. } => Some(*exposure),
            _ => None,
        };
    }
    make |verdict, py| {
        stored: PyResult<Option<Bound<'py, PyDateTime>>> = verdict.moment(py);
        evidence: PyResult<Bound<'py, PyAny>> = reading::records(py, verdict.core.readings());
    }
    methods {
        fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            let mut json = self.core.to_json();
            if let Some(members) = json.as_object_mut() {
                members.insert("sentence".to_owned(), self.sentence().into());
                members.insert("stored".to_owned(), self.stored.map(time::rfc3339).into());
            }
            plain::to_python(py, &json)
        }

        fn __str__(&self) -> String {
            self.sentence()
        }

        fn __repr__(&self) -> String {
            format!("Verdict({})", self.sentence())
        }

        fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
            let module = py.import("canary._rollout_html")?;
            let readings = reading::records(py, self.core.readings())?;
            module.call_method1("render_verdict", (self.core.name(), self.sentence(), readings))?.extract()
        }
    }
}
