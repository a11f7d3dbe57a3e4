//! `canary.Guardrail`.

use std::sync::Arc;

use canary_core::rollout::{self, OnAlarm};
use canary_python_macros::binding;
use pyo3::prelude::*;

use super::scores::Score;
use crate::{
    convert::{choice::choose, value},
    json,
    macros::pymethods,
};

/// One thing that must not get worse.
#[binding("error_ratio()")]
#[pyclass(frozen, module = "canary", from_py_object)]
#[derive(Clone)]
pub(crate) struct Guardrail {
    pub(crate) core: rollout::Guardrail,
    /// The caller's own score, for a custom guardrail.
    pub(crate) score: Option<Score>,
}

impl Guardrail {
    pub(super) fn new(
        mut core: rollout::Guardrail,
        name: Option<String>,
        share: f64,
        minimum: Option<u64>,
        proven: Option<f64>,
        action: Option<&str>,
    ) -> PyResult<Self> {
        core = core.share(share);
        if let Some(action) = action {
            let known =
                [OnAlarm::Rollback, OnAlarm::Pause, OnAlarm::Warn].map(|one| (one.name(), one));
            core = core.on_alarm(choose("action", action, &known)?);
        }
        if let Some(name) = name {
            core = core.named(name);
        }
        if let Some(minimum) = minimum {
            core = core.minimum(minimum);
        }
        if let Some(bound) = proven {
            core = core.proven(bound);
        }
        Ok(Self { core, score: None })
    }
}

/// The parts of a pickled guardrail.
type Parts<'py> = (Bound<'py, PyAny>, Option<Py<PyAny>>);

pymethods! {
    Guardrail [dict, card(render_value)]
    get |guardrail| {
        name: &str = &guardrail.core.name;
        test: &'static str = guardrail.core.check.kind();
        share: f64 = guardrail.core.share;
        minimum: u64 = guardrail.core.minimum;
        action: &'static str = guardrail.core.on_alarm.name();
    }
    methods {
        fn __eq__(&self, other: &Self) -> bool {
            let same = match (&self.score, &other.score) {
                (None, None) => true,
                (Some(one), Some(two)) => one.is(&**two),
                _ => false,
            };
            same && self.core == other.core
        }

        fn __hash__(&self) -> PyResult<u64> {
            value::hash(&self.core)
        }

        fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Parts<'py>)> {
            let restore = py.get_type::<Self>().getattr("_restore")?;
            let score = self.score.as_ref().map(|score| score.clone_ref(py));
            Ok((restore, (self.to_dict(py)?, score)))
        }

        #[staticmethod]
        #[pyo3(signature = (value, score = None))]
        fn _restore(value: &Bound<'_, PyAny>, score: Option<Py<PyAny>>) -> PyResult<Self> {
            let core = json::read("guardrail", json::from_python(value)?)?;
            Ok(Self { core, score: score.map(Arc::new) })
        }

        fn __repr__(&self) -> PyResult<String> {
            Ok(format!("Guardrail({})", value::json(&self.core)?))
        }
    }
}
