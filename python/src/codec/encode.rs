//! Predict requests without a client.

use canary_core::predict::{ModelVersion, write_predict, write_predict_grpc};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use super::interruptible::write_interruptibly;
use crate::convert::choice;

/// The body of a REST predict request.
#[binding]
#[pyfunction]
#[pyo3(signature = (input, *, signature = None, form = "row"))]
pub(crate) fn encode_predict<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    signature: Option<&str>,
    form: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let form = choice::form(form)?;
    let signature = signature.unwrap_or_default();
    write_interruptibly(py, input, |body, input| write_predict(body, signature, form, input))
}

/// The bytes of a gRPC `PredictRequest`.
#[binding]
#[pyfunction]
#[pyo3(signature = (inputs, *, model, signature = None, version = None, label = None))]
pub(crate) fn encode_predict_grpc<'py>(
    py: Python<'py>,
    inputs: &Bound<'py, PyAny>,
    model: &str,
    signature: Option<&str>,
    version: Option<u64>,
    label: Option<String>,
) -> PyResult<Bound<'py, PyBytes>> {
    let version = match (version, label) {
        (Some(_), Some(_)) => {
            return Err(PyValueError::new_err("give version or label, not both"));
        }
        (Some(number), None) => ModelVersion::Number(number),
        (None, Some(label)) => ModelVersion::Label(label),
        (None, None) => ModelVersion::Latest,
    };
    let signature = signature.unwrap_or_default();
    write_interruptibly(py, inputs, |body, input| {
        write_predict_grpc(body, model, &version, signature, input)
    })
}
