//! NumPy arrays as tensors and tensors as NumPy arrays, without copies where the memory allows.

mod contiguous;
mod give;
pub(crate) mod limit;
mod read;
mod texts;

use canary_core::tensor::{Tensor, TensorData};
use numpy::{Element, IxDyn, PyArray, ndarray::ArrayView};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};

pub(crate) use self::{
    give::{give, own},
    read::{Array, read, to_tensor},
};

/// A read-only NumPy array over the memory of a tensor that `owner` keeps alive.
///
/// `bfloat16`, which NumPy lacks, becomes `float32`; strings become an object array of `str` where they are declared to
/// be text, else of `bytes`.
pub(crate) fn share<'py>(
    tensor: &Tensor,
    owner: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = owner.py();
    let shape = tensor.shape();
    match tensor.data() {
        TensorData::Float(values) => borrow(values, shape, owner),
        TensorData::Double(values) => borrow(values, shape, owner),
        TensorData::Int8(values) => borrow(values, shape, owner),
        TensorData::Int16(values) => borrow(values, shape, owner),
        TensorData::Int32(values) => borrow(values, shape, owner),
        TensorData::Int64(values) => borrow(values, shape, owner),
        TensorData::Uint8(values) => borrow(values, shape, owner),
        TensorData::Uint16(values) => borrow(values, shape, owner),
        TensorData::Uint32(values) => borrow(values, shape, owner),
        TensorData::Uint64(values) => borrow(values, shape, owner),
        TensorData::Bool(values) => borrow(values, shape, owner),
        TensorData::Half(bits) => borrow(
            half::slice::HalfBitsSliceExt::reinterpret_cast::<half::f16>(bits.as_slice()),
            shape,
            owner,
        ),
        TensorData::Bfloat16(bits) => own(py, give::widened(bits), shape),
        TensorData::String(values) => texts::objects(py, values, shape, tensor.is_text()),
        _ => Err(PyTypeError::new_err(format!("{} has no NumPy dtype", tensor.dtype()))),
    }
}

#[allow(unsafe_code)]
fn borrow<'py, T: Element>(
    values: &[T],
    shape: &[usize],
    owner: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    limit::check(shape.len())?;
    let view = ArrayView::from_shape(IxDyn(shape), values)
        .map_err(|error| PyTypeError::new_err(format!("a tensor of shape {shape:?}: {error}")))?;
    // SAFETY: `values` is memory of a tensor inside `owner`, a frozen class whose tensors never move nor change, and
    // the array holds a reference to `owner` as its base, so the memory outlives the array. It is made read-only
    // before anybody else sees it.
    let array = unsafe { PyArray::borrow_from_array(&view, owner.clone()) };
    let flags = PyDict::new(owner.py());
    flags.set_item("write", false)?;
    array.call_method("setflags", (), Some(&flags))?;
    Ok(array.into_any())
}
