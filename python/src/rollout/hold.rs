//! Steps of a plan, and how long each is held.

use std::time::Duration;

use canary_core::rollout::{Hold, Step};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyString},
};

use crate::{
    convert::{
        given::{Given as _, argument, kind},
        percent,
        time::Seconds,
    },
    json,
};

/// Requests of the canary as a number, a time as a `timedelta` or a text, or a mapping with any of `requests`,
/// `total_requests`, `pairs` and `time`.
pub(super) fn hold(value: &Bound<'_, PyAny>) -> PyResult<Hold> {
    if value.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(
            "hold is a bool; give a number of requests that the canary serves, or a dict",
        ));
    }
    if let Ok(requests) = value.extract::<u64>() {
        return Ok(Hold::requests(requests));
    }
    let text = value.is_instance_of::<PyString>();
    if (text || value.extract::<Duration>().is_ok())
        && let Ok(Seconds(time)) = Seconds::read(value)
    {
        return Ok(Hold::time(time));
    }
    let Ok(bounds) = value.cast::<PyDict>() else {
        let found = if text { value.repr()?.to_string() } else { kind(value) };
        let message = format!(
            "hold is {found}; give the number of requests that the canary serves, a time as a timedelta or a text \
             such as \"10s\", or a dict with any of requests, total_requests, pairs, time"
        );
        return Err(if text {
            PyValueError::new_err(message)
        } else {
            PyTypeError::new_err(message)
        });
    };
    let mut hold = Hold::default();
    for (name, bound) in bounds.iter() {
        match name.extract::<String>()?.as_str() {
            "requests" => hold.requests = Some(argument("hold[\"requests\"]", &bound)?),
            // As keyword arguments are written, and as in YAML.
            "total_requests" | "totalRequests" => {
                hold.total_requests = Some(argument("hold[\"total_requests\"]", &bound)?);
            }
            "pairs" => hold.pairs = Some(argument("hold[\"pairs\"]", &bound)?),
            "time" => hold.time = Some(argument::<Seconds>("hold[\"time\"]", &bound)?.into()),
            other => {
                return Err(PyValueError::new_err(format!(
                    "hold has no {other:?}; it has requests, total_requests, pairs and time"
                )));
            }
        }
    }
    Ok(hold)
}

/// A weight, or a mapping as in YAML, whose hold may be one as in Python.
pub(super) fn step(at: usize, value: &Bound<'_, PyAny>, usual: Hold) -> PyResult<Step> {
    if let Some(weight) = percent::read(value) {
        return Ok(Step::held(weight, usual));
    }
    let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    if number || !json::is_mapping(value)? {
        let found = if number { value.to_string() } else { kind(value) };
        return Err(PyValueError::new_err(format!(
            "steps[{at}] is {found}; give a weight in percent, from 0 to 100 with at most three decimals, or a dict with weight and hold"
        )));
    }
    let Some((rest, held)) = split(value)? else {
        return json::read("step", json::from_python(value)?);
    };
    Ok(json::read::<Step>("step", json::from_python(&rest)?)?.hold(hold(&held)?))
}

/// The step without its hold, and the hold, where it has one.
fn split<'py>(
    step: &Bound<'py, PyAny>,
) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
    let Ok(members) = step.cast::<PyDict>() else { return Ok(None) };
    let Some(held) = members.get_item("hold")? else { return Ok(None) };
    if held.is_none() {
        return Ok(None);
    }
    let rest = members.copy()?;
    rest.del_item("hold")?;
    Ok(Some((rest.into_any(), held)))
}
