//! The argument `evidence`: where the requests of others are counted or observed.

use canary_core::{evidence::prometheus::Prometheus as Core, rollout::Plan};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyList, PyTuple},
};

use super::{
    observed::{EventLoop, Observed},
    raised::Raised,
};
use crate::{prometheus::Prometheus, rollout::observation::Observation};

const EXPECTED: &str = "give canary.Prometheus, an iterable or async iterable of canary.Observation, or a list of these";

/// A source of evidence about the requests of others.
#[derive(Clone)]
pub(crate) enum Evidence {
    Counted(Box<Core>),
    Observed(Observed),
}

/// The sources that a caller gives: one, or a list of them. A list of observations is one source.
pub(super) fn read(
    given: &Bound<'_, PyAny>,
    plan: &Plan,
    raised: &Raised,
    event_loop: &EventLoop,
) -> PyResult<Vec<Evidence>> {
    let observes = |one: &Bound<'_, PyAny>| one.is_instance_of::<Observation>();
    if observes(given) {
        return Err(PyTypeError::new_err(format!("evidence is one observation; {EXPECTED}")));
    }
    let listed = given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>();
    let items = if listed { given.try_iter()?.collect::<PyResult<Vec<_>>>()? } else { Vec::new() };
    let count = items.iter().filter(|item| observes(item)).count();
    let sources = match count {
        0 if listed => items,
        0 => vec![given.clone()],
        all if all == items.len() => vec![given.clone()],
        _ => {
            return Err(PyTypeError::new_err(format!(
                "evidence lists observations beside other things; {EXPECTED}"
            )));
        }
    };
    let mut number = 0;
    let source = |one: &Bound<'_, PyAny>| {
        if let Ok(prometheus) = one.cast::<Prometheus>() {
            return Ok(Evidence::Counted(Box::new(prometheus.get().core.clone())));
        }
        if !one.hasattr("__aiter__")? && !one.hasattr("__iter__")? {
            let kind = one.get_type().name()?;
            return Err(PyTypeError::new_err(format!("evidence is a {kind}; {EXPECTED}")));
        }
        number += 1;
        let name = match number {
            1 => "observations".to_owned(),
            number => format!("observations {number}"),
        };
        let (raised, event_loop) = (raised.clone(), event_loop.clone());
        Ok(Evidence::Observed(Observed::new(&name, one, plan, raised, event_loop)?))
    };
    sources.iter().map(source).collect()
}
