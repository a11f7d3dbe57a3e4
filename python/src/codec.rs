//! `canary.encode_predict` and `canary.decode_predict`, and the same for gRPC: predict calls without a client.

use canary_core::{
    predict::{
        Body, Form, Input, ModelVersion, read_predict, read_predict_grpc, write_predict,
        write_predict_grpc,
    },
    tensor::Tensor,
};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBytes, PyDict},
};

use crate::{array, door, error::IntoPy, input::Borrowed};

/// Bytes of an answer from which on it is read on a thread of its own, which Ctrl-C leaves alone: some milliseconds.
const LARGE: usize = 4 << 20;

/// A body that is given up when its writing shall not go on.
struct Interruptible<'a> {
    body: &'a mut Vec<u8>,
    go_on: &'a dyn Fn() -> bool,
    /// The bytes until the next check.
    left: usize,
    ended: bool,
}

impl Interruptible<'_> {
    /// About a hundred microseconds of writing.
    const STRIDE: usize = 64 << 10;
}

impl Body for Interruptible<'_> {
    fn reserve(&mut self, additional: usize) {
        Body::reserve(self.body, additional);
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        if self.left < bytes.len() {
            self.left = Self::STRIDE;
            self.ended = self.ended || !(self.go_on)();
        }
        self.left = self.left.saturating_sub(bytes.len());
        self.body.extend_from_slice(bytes);
    }

    fn is_abandoned(&self) -> bool {
        self.ended
    }
}

/// The form of that name.
pub(crate) fn form(name: &str) -> PyResult<Form> {
    match name {
        "row" => Ok(Form::Row),
        "column" => Ok(Form::Column),
        other => {
            Err(PyValueError::new_err(format!("form is {other:?}; choose \"row\" or \"column\"")))
        }
    }
}

/// The body of a REST predict request.
#[pyfunction]
#[pyo3(signature = (input, *, signature = None, form = "row"))]
pub(crate) fn encode_predict<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    signature: Option<&str>,
    form: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let form = self::form(form)?;
    let signature = signature.unwrap_or_default();
    write_interruptibly(py, input, |body, input| write_predict(body, signature, form, input))
}

/// The bytes that `write` writes of an input, until Ctrl-C.
fn write_interruptibly<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    write: impl Fn(&mut Interruptible<'_>, &Input<'_>) -> canary_core::serving::Result<()> + Send + Sync,
) -> PyResult<Bound<'py, PyBytes>> {
    let borrowed = Borrowed::read(input)?;
    let input = borrowed.input()?;
    let mut body = Vec::new();
    let writing = |go_on: &dyn Fn() -> bool| {
        let left = Interruptible::STRIDE;
        write(&mut Interruptible { body: &mut body, go_on, left, ended: false }, &input)
    };
    door::compute(py, writing)?.py()?;
    Ok(PyBytes::new(py, &body))
}

/// The bytes of a gRPC `PredictRequest`.
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

/// The outputs in the answer to a REST predict request.
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
