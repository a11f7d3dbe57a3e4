//! `canary.encode_predict` and `canary.decode_predict`: the JSON of predict calls, without a client.

use canary_core::predict::{Form, Input, Value, read_predict, write_predict};
use numpy::PyUntypedArray;
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{array, bytes::BytesWriter, error::IntoPy, input};

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
    let mut body = BytesWriter::new();
    let mut write = |input: Input<'_>| {
        let write = || write_predict(&mut body, signature.unwrap_or_default(), form, &input);
        py.detach(write).py()
    };
    // The two that are large are read where they lie.
    if let Ok(bytes) = input.cast::<PyBytes>() {
        write(Value::Files(vec![bytes.as_bytes().into()]).into())?;
    } else if input.is_instance_of::<PyUntypedArray>() {
        let array = array::read(input)?;
        write(Value::View(array.view()?).into())?;
    } else {
        write(input::read(input)?)?;
    }
    body.finish(py)
}

/// The outputs in the answer to a REST predict request.
#[pyfunction]
#[pyo3(signature = (body, *, doubles = false))]
pub(crate) fn decode_predict<'py>(
    py: Python<'py>,
    body: &[u8],
    doubles: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let outputs = PyDict::new(py);
    // The bytes of a `bytes` object do not change while it is held.
    let found = py.detach(|| read_predict(body, doubles)).py()?;
    for (name, tensor) in found {
        outputs.set_item(name, array::give(py, tensor)?)?;
    }
    Ok(outputs)
}
