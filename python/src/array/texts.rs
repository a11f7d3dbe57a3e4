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

/// An array of `str` where all are UTF-8, else of `bytes`.
pub(super) fn objects<'py>(
    py: Python<'py>,
    values: &[Vec<u8>],
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    limit::check(shape.len())?;
    let texts: Result<Vec<_>, _> = values.iter().map(|value| std::str::from_utf8(value)).collect();
    let items = match texts {
        Ok(texts) => PyList::new(py, texts)?,
        Err(_) => PyList::new(py, values.iter().map(|value| PyBytes::new(py, value)))?,
    };
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("empty", (values.len(), "object"))?;
    array.set_item(PySlice::full(py), items)?;
    array.call_method1("reshape", (shape,))
}
