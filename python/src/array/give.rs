//! Tensors as NumPy arrays that own their memory.

use canary_core::tensor::{Tensor, TensorData};
use numpy::{Element, IxDyn, PyArray, ndarray};
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::{limit, texts};

/// `bfloat16`, which NumPy lacks, as `float32`.
pub(super) fn widened(bits: &[u16]) -> Vec<f32> {
    bits.iter().map(|&bits| f32::from_bits(u32::from(bits) << 16)).collect()
}

/// A NumPy array that owns the memory of a tensor of numbers, which is not copied; strings as [`share`] gives them.
pub(crate) fn give(py: Python<'_>, tensor: Tensor) -> PyResult<Bound<'_, PyAny>> {
    let text = tensor.is_text();
    let (shape, data) = tensor.into_parts();
    match data {
        TensorData::Float(values) => own(py, values, &shape),
        TensorData::Double(values) => own(py, values, &shape),
        TensorData::Int8(values) => own(py, values, &shape),
        TensorData::Int16(values) => own(py, values, &shape),
        TensorData::Int32(values) => own(py, values, &shape),
        TensorData::Int64(values) => own(py, values, &shape),
        TensorData::Uint8(values) => own(py, values, &shape),
        TensorData::Uint16(values) => own(py, values, &shape),
        TensorData::Uint32(values) => own(py, values, &shape),
        TensorData::Uint64(values) => own(py, values, &shape),
        TensorData::Bool(values) => own(py, values, &shape),
        TensorData::String(values) => texts::objects(py, &values, &shape, text),
        TensorData::Bfloat16(bits) => own(py, widened(&bits), &shape),
        TensorData::Half(bits) => {
            let values = half::vec::HalfBitsVecExt::reinterpret_into::<half::f16>(bits);
            own(py, values, &shape)
        }
        other => Err(PyTypeError::new_err(format!(
            "a tensor of {} cannot be passed to NumPy",
            other.dtype()
        ))),
    }
}

/// A NumPy array of these values.
pub(crate) fn own<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    limit::check(shape.len())?;
    let array = ndarray::Array::from_shape_vec(IxDyn(shape), values)
        .map_err(|error| PyTypeError::new_err(format!("a tensor of shape {shape:?}: {error}")))?;
    Ok(PyArray::from_owned_array(py, array).into_any())
}
