//! Durations given as seconds, as `datetime.timedelta` or as text, and moments as text.

use std::{borrow::Cow, convert::Infallible, time::Duration};

use canary_core::evidence::Timestamp;
use pyo3::{
    prelude::*,
    types::{PyBool, PyFloat, PyString},
};

use super::given::{Given, Refused};

/// A duration of zero or more, as an argument.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

/// The forms of a duration.
const FORMS: &str = "seconds of 0 or more, a timedelta, or a text such as \"10s\"";

impl<'py> Given<'py> for Seconds {
    fn wanted() -> Cow<'static, str> {
        FORMS.into()
    }

    fn several() -> Cow<'static, str> {
        "durations".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        if let Ok(duration) = value.extract::<Duration>() {
            return Ok(Self(duration));
        }
        if let Ok(text) = value.cast::<PyString>() {
            let duration = text.to_string().parse::<jiff::SignedDuration>().ok();
            let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
            return duration.map(Self).ok_or_else(|| Refused::range(value, FORMS));
        }
        let number = (!value.is_instance_of::<PyBool>()).then(|| value.extract::<f64>().ok());
        let seconds = number.flatten().ok_or_else(|| Refused::kind(value, FORMS))?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| Refused::range(value, FORMS))
    }
}

impl<'py> IntoPyObject<'py> for &Seconds {
    type Target = PyFloat;
    type Output = Bound<'py, PyFloat>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.0.as_secs_f64().into_pyobject(py)
    }
}

impl From<Seconds> for Duration {
    fn from(Seconds(duration): Seconds) -> Self {
        duration
    }
}

/// A moment as JSON has it, such as `2026-11-29T01:06:09.25Z`.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    jiff_of(at).to_string()
}

fn jiff_of(Timestamp(millis): Timestamp) -> jiff::Timestamp {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}
