//! Predict responses without a client.

use canary_core::{
    predict::{read_predict, read_predict_grpc},
    tensor::Tensor,
};
use canary_python_macros::binding;
use pyo3::{prelude::*, pybacked::PyBackedBytes, types::PyDict};

use crate::{array, door, error::IntoPy};

/// Bytes of an answer from which on it is read on a thread of its own, which Ctrl-C leaves alone: some milliseconds.
const LARGE: usize = 4 << 20;

/// The outputs in the answer to a REST predict request.
#[binding]
#[pyfunction]
#[pyo3(signature = (body, *, doubles = false))]
pub(crate) fn decode_predict(
    py: Python<'_>,
    body: PyBackedBytes,
    doubles: bool,
) -> PyResult<Bound<'_, PyDict>> {
    decode(py, body, move |body| read_predict(body, doubles))
}

/// The outputs in a gRPC `PredictResponse`.
#[binding]
#[pyfunction]
pub(crate) fn decode_predict_grpc(
    py: Python<'_>,
    body: PyBackedBytes,
) -> PyResult<Bound<'_, PyDict>> {
    decode(py, body, read_predict_grpc)
}

/// The values that `read` finds in an answer, by name.
fn decode(
    py: Python<'_>,
    body: PyBackedBytes,
    read: impl FnOnce(&[u8]) -> canary_core::serving::Result<Vec<(String, Tensor)>> + Send + 'static,
) -> PyResult<Bound<'_, PyDict>> {
    let found = if body.len() < LARGE {
        py.detach(|| read(&body)).py()?
    } else {
        door::abandon(py, move || read(&body).py())?
    };
    let outputs = PyDict::new(py);
    for (name, tensor) in found {
        outputs.set_item(name, array::give(py, tensor)?)?;
    }
    Ok(outputs)
}
