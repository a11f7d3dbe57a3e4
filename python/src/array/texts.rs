//! Tensors of texts and of byte strings.

use canary_core::tensor::{Tensor, TensorData};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyList, PySlice, PyString},
};

use super::limit;
use crate::error::IntoPy;

/// The texts and byte strings of an array.
pub(super) fn read(array: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let items = array.call_method0("ravel")?.call_method0("tolist")?;
    let items = items.cast_into::<PyList>()?;
    if !items.is_empty() && items.iter().all(|item| item.is_instance_of::<PyString>()) {
        return Tensor::texts(shape, items.extract::<Vec<String>>()?).py();
    }
    let bytes = items
        .iter()
        .map(|item| {
            if let Ok(text) = item.cast::<PyString>() {
                return Ok(text.to_str()?.as_bytes().to_vec());
            }
            match item.cast::<PyBytes>() {
                Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
                Err(_) => Err(PyTypeError::new_err(format!(
                    "object arrays may hold str and bytes, found {}",
                    item.get_type()
                ))),
            }
        })
        .collect::<PyResult<Vec<_>>>()?;
    Tensor::new(shape, TensorData::String(bytes)).py()
}

/// An array of `str` where the strings are declared to be text, else of `bytes`. Bytes that are not UTF-8 are in a text as
/// `os.fsdecode` has them, by the error handler `surrogateescape`.
pub(super) fn objects<'py>(
    py: Python<'py>,
    values: &[Vec<u8>],
    shape: &[usize],
    text: bool,
) -> PyResult<Bound<'py, PyAny>> {
    limit::check(shape.len())?;
    let item = |value: &Vec<u8>| -> PyResult<Bound<'py, PyAny>> {
        if !text {
            return Ok(PyBytes::new(py, value).into_any());
        }
        match std::str::from_utf8(value) {
            Ok(text) => Ok(PyString::new(py, text).into_any()),
            Err(_) => PyBytes::new(py, value).call_method1("decode", ("utf-8", "surrogateescape")),
        }
    };
    let items = PyList::new(py, values.iter().map(item).collect::<PyResult<Vec<_>>>()?)?;
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("empty", (values.len(), "object"))?;
    array.set_item(PySlice::full(py), items)?;
    array.call_method1("reshape", (shape,))
}
