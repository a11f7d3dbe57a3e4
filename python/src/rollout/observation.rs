//! `canary.Observation`.

use std::time::Duration;

use canary_core::evidence::{Arm, Request, Subsets, Timestamp};
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};
use serde::{Deserialize, Serialize};

use crate::{
    convert::{given::kind, time::Seconds},
    macros::pymethods,
};

/// The last moment that is read, in Unix seconds: the end of the year 9999.
const LAST: f64 = 253_402_300_799.0;

/// One request that somebody else observed.
#[binding("Observation(\"canary\", sent_at)")]
#[pyclass(frozen, eq, module = "canary")]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Observation {
    arm: Option<String>,
    /// Unix seconds.
    sent_at: f64,
    ok: bool,
    latency: Option<Duration>,
    value: Option<f64>,
    user: Option<String>,
    id: Option<String>,
}

impl Observation {
    /// The observation of a request of the core.
    pub(crate) fn of(at: Timestamp, request: &Request) -> Self {
        let arm = match request.arm {
            Arm::Stable => Some("stable"),
            Arm::Canary => Some("canary"),
            Arm::Unknown => None,
        };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds below 2^53")]
        let sent_at = at.0 as f64 / 1e3;
        Self {
            arm: arm.map(str::to_owned),
            sent_at,
            ok: !request.failed,
            latency: request.latency,
            value: request.value,
            user: request.user.as_deref().map(str::to_owned),
            id: request.id.as_deref().map(str::to_owned),
        }
    }

    /// The request, and when it was sent; the reason when its arm is neither of the two.
    pub(crate) fn request(&self, subsets: &Subsets) -> Result<(Timestamp, Request), String> {
        let arm = match &self.arm {
            None => Arm::Unknown,
            Some(name) => subsets.named(name).ok_or_else(|| {
                format!(
                    "has the arm {name:?}, expected {:?} or \"stable\", {:?} or \"canary\", or None where no version \
                     answered",
                    subsets.stable, subsets.canary
                )
            })?,
        };
        let request = Request {
            failed: !self.ok,
            value: self.value,
            user: self.user.as_deref().map(Into::into),
            id: self.id.as_deref().map(Into::into),
            ..Request::served(arm, self.latency)
        };
        Ok((timestamp(self.sent_at), request))
    }
}

/// The moment of Unix seconds.
pub(super) fn timestamp(seconds: f64) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to the year 9999"
    )]
    let millis = (seconds * 1e3).round() as u64;
    Timestamp(millis)
}

/// Unix seconds of a number or of a `datetime` with a time zone.
pub(super) fn moment(given: &Bound<'_, PyAny>) -> PyResult<f64> {
    let seconds = if given.hasattr("timestamp")? {
        if given.getattr("tzinfo")?.is_none() {
            return Err(PyValueError::new_err(format!(
                "sent_at is {given}, without a time zone; give one, such as datetime.now(timezone.utc), or Unix seconds"
            )));
        }
        given.call_method0("timestamp")?.extract()?
    } else {
        given.extract::<f64>().map_err(|_| {
            let found = kind(given);
            PyTypeError::new_err(format!("sent_at is {found}; give a datetime or Unix seconds"))
        })?
    };
    if !(0.0..=LAST).contains(&seconds) {
        return Err(PyValueError::new_err(format!(
            "sent_at is {seconds}; expected Unix seconds from 0 to {LAST}, which is the year 9999"
        )));
    }
    Ok(seconds)
}

pymethods! {
    Observation [value, card(render_value)]
    get |observation| {
        arm: Option<&str> = observation.arm.as_deref();
        sent_at: f64 = observation.sent_at;
        ok: bool = observation.ok;
        latency: Option<f64> = observation.latency.map(|latency| latency.as_secs_f64());
        value: Option<f64> = observation.value;
        user: Option<&str> = observation.user.as_deref();
        id: Option<&str> = observation.id.as_deref();
    }
    methods {
        #[new]
        #[pyo3(signature = (arm, sent_at, *, ok = true, latency = None, value = None, user = None, id = None))]
        fn new(
            arm: Option<String>,
            sent_at: &Bound<'_, PyAny>,
            ok: bool,
            latency: Option<Seconds>,
            value: Option<f64>,
            user: Option<String>,
            id: Option<String>,
        ) -> PyResult<Self> {
            let latency = latency.map(Into::into);
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                return Err(PyValueError::new_err(format!("value is {value}; give a number, or None")));
            }
            Ok(Self { arm, sent_at: moment(sent_at)?, ok, latency, value, user, id })
        }

        fn __repr__(&self) -> String {
            let arm = self.arm.as_ref().map_or_else(|| "None".to_owned(), |arm| format!("{arm:?}"));
            let ok = if self.ok { "" } else { ", ok=False" };
            let id = self.id.as_ref().map_or_else(String::new, |id| format!(", id={id:?}"));
            format!("Observation({arm}, {}{ok}{id})", self.sent_at)
        }
    }
}
