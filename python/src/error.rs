//! The core's errors as Python exceptions; the classes themselves are in `canary/_errors.py`.

use canary_core::{
    Error,
    error::{Origin, PredictError},
    manifest, rollout, serving,
};
use pyo3::{
    prelude::*,
    types::{PyDict, PyType},
};

use crate::{finding::Finding, show};

/// The exception of that name with the message and the details given.
pub(crate) fn raise(
    py: Python<'_>,
    class: &str,
    message: &str,
    details: &Bound<'_, PyDict>,
) -> PyErr {
    let exception = py
        .import("canary._errors")
        .and_then(|module| module.getattr(class))
        .and_then(|class| Ok(class.cast_into::<PyType>()?))
        .and_then(|class| class.call((message,), Some(details)));
    match exception {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The Python exception for an error of the core.
pub(crate) fn to_py(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    Python::attach(|py| {
        let details = PyDict::new(py);
        match describe(py, &error, &details) {
            Ok(class) => raise(py, class, &full_message(&error), &details),
            Err(error) => error,
        }
    })
}

/// Names the exception class and fills in its attributes.
fn describe(py: Python<'_>, error: &Error, details: &Bound<'_, PyDict>) -> PyResult<&'static str> {
    match error {
        Error::Istio(error) => describe_istio(py, error, details),
        Error::Rollout(error) => describe_rollout(py, error, details),
        Error::Serving(error) => describe_serving(py, error, details),
        _ => Ok("CanaryError"),
    }
}

fn describe_istio(
    py: Python<'_>,
    error: &manifest::Error,
    details: &Bound<'_, PyDict>,
) -> PyResult<&'static str> {
    Ok(match error {
        manifest::Error::Invalid(findings) => {
            let findings: Vec<_> = findings.iter().cloned().map(Finding).collect();
            details.set_item("findings", show::records(py, findings)?)?;
            "InvalidError"
        }
        manifest::Error::Manifest { .. } => "ManifestError",
        _ => "CanaryError",
    })
}

fn describe_rollout(
    py: Python<'_>,
    error: &rollout::Error,
    details: &Bound<'_, PyDict>,
) -> PyResult<&'static str> {
    Ok(match error {
        rollout::Error::Istio(error) => describe_istio(py, error, details)?,
        rollout::Error::Conflict { object, diff, .. } => {
            details.set_item("object", object)?;
            details.set_item("diff", diff)?;
            "ConflictError"
        }
        rollout::Error::NotFound { object, .. } => {
            details.set_item("object", object)?;
            "NotFoundError"
        }
        rollout::Error::Cluster { .. }
        | rollout::Error::Unserved { .. }
        | rollout::Error::Expired { .. } => {
            details.set_item("retryable", error.is_retryable())?;
            "ClusterError"
        }
        rollout::Error::NotReady { .. } => {
            details.set_item("retryable", true)?;
            "NotReadyError"
        }
        rollout::Error::Forbidden { .. } => {
            details.set_item("retryable", false)?;
            "ForbiddenError"
        }
        rollout::Error::Refused { .. } => "RefusedError",
        rollout::Error::Plan(_) => "PlanError",
        rollout::Error::Predictor(error) => match error.downcast_ref::<serving::Error>() {
            Some(error) => describe_serving(py, error, details)?,
            None => "CanaryError",
        },
        _ => "CanaryError",
    })
}

fn describe_serving(
    py: Python<'_>,
    error: &serving::Error,
    details: &Bound<'_, PyDict>,
) -> PyResult<&'static str> {
    Ok(match error {
        serving::Error::Istio(error) => describe_istio(py, error, details)?,
        serving::Error::Input { .. } => "ImageError",
        serving::Error::Predict(error) => describe_predict(error, details)?,
        serving::Error::NotFound { object, .. } => {
            details.set_item("object", object)?;
            "NotFoundError"
        }
        serving::Error::Store { retryable, .. } => {
            details.set_item("retryable", retryable)?;
            "StoreError"
        }
        _ => "CanaryError",
    })
}

fn describe_predict(error: &PredictError, details: &Bound<'_, PyDict>) -> PyResult<&'static str> {
    let (class, origin) = match error.origin {
        Origin::Server if error.timed_out => ("ServerTimeoutError", "server"),
        Origin::Server => ("ServerError", "server"),
        Origin::Mesh if error.timed_out => ("MeshTimeoutError", "mesh"),
        Origin::Mesh => ("MeshError", "mesh"),
        Origin::Network if error.timed_out => ("NetworkTimeoutError", "network"),
        Origin::Network => ("NetworkError", "network"),
        Origin::Request => ("RequestError", "request"),
        Origin::Answer => ("AnswerError", "answer"),
        _ => ("PredictError", "unknown"),
    };
    details.set_item("origin", origin)?;
    details.set_item("url", &error.url)?;
    details.set_item("status", error.status)?;
    details.set_item("grpc_code", error.grpc_code)?;
    details.set_item("response_flags", &error.response_flags)?;
    details.set_item("subset", &error.subset)?;
    details.set_item("attempts", error.attempts)?;
    details.set_item("elapsed", error.elapsed.as_secs_f64())?;
    details.set_item("retryable", error.retryable)?;
    Ok(class)
}

/// The message with its chain of causes: Python shows no `source()`.
fn full_message(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = inner.source();
    }
    message
}

/// Turns a core result into a Python one.
pub(crate) trait IntoPy<T> {
    /// The value, or the exception that fits the error.
    fn py(self) -> PyResult<T>;
}

impl<T, E: Into<Error>> IntoPy<T> for Result<T, E> {
    fn py(self) -> PyResult<T> {
        self.map_err(to_py)
    }
}
