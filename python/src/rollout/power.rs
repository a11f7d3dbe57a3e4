//! `canary.Power`.

use std::collections::BTreeMap;

use canary_core::rollout;
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyBytes};

use super::{plan::Plan, scores::Scores, simulation::interval};
use crate::{convert::value, macros::pymethods};

/// A plan whose holds are long enough to catch a stated harm.
#[binding]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Power {
    pub(crate) core: rollout::Power,
    pub(crate) scores: Scores,
}

/// The parts of a pickled power.
type Parts<'py> = (Bound<'py, PyBytes>, BTreeMap<String, Py<PyAny>>);

pymethods! {
    Power [dict, plot, card(render_power)]
    get |power| {
        factor: f64 = power.core.factor;
        plan: Plan = Plan { core: power.core.plan.clone(), scores: power.scores.clone() };
        p_rollback: f64 = power.core.rollback.p;
        interval: (f64, f64) = interval(&power.core.rollback);
        requests: u64 = power.core.requests;
        other_p_rollback: Option<f64> = power.core.other.as_ref().map(|other| other.rollback.p);
        other_is_better: Option<bool> = power.core.other.as_ref().map(|other| other.is_better);
    }
    methods {
        fn __eq__(&self, other: &Self) -> bool {
            self.core == other.core
        }

        fn __hash__(&self) -> PyResult<u64> {
            value::hash(&self.core)
        }

        fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Parts<'py>)> {
            let restore = py.get_type::<Self>().getattr("_restore")?;
            Ok((restore, (value::bytes(py, &self.core)?, self.scores.to_python(py))))
        }

        #[staticmethod]
        #[pyo3(name = "_restore")]
        fn restore(bytes: &[u8], scores: BTreeMap<String, Py<PyAny>>) -> PyResult<Self> {
            Ok(Self { core: value::restore(bytes)?, scores: Scores::new(scores) })
        }

        fn __repr__(&self) -> String {
            format!("Power(holds x {:.2}: rollback {})", self.core.factor, self.core.rollback)
        }
    }
}
