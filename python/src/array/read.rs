//! NumPy arrays, and whatever becomes one, as tensors.

use std::borrow::Cow;

use canary_core::tensor::{DataView, Tensor, TensorData, TensorView};
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::{contiguous::contiguous, texts};
use crate::error::IntoPy;

/// Declares an array whose memory is read while the value lives, in the element types that a request is written from.
macro_rules! arrays {
    ($($variant:ident($element:ty)),*) => {
        /// A NumPy array whose memory is read while the value lives.
        pub(crate) enum Array<'py> {
            $($variant(PyReadonlyArrayDyn<'py, $element>),)*
            Half(PyReadonlyArrayDyn<'py, half::f16>),
            /// The bits of an array of `ml_dtypes.bfloat16`: NumPy has no such numbers of its own.
            Bfloat16(PyReadonlyArrayDyn<'py, u16>),
            /// Texts and byte strings have no memory that could be shared; booleans have bytes that Rust's must not.
            Owned(Tensor),
        }

        impl Array<'_> {
            /// The array as a request is written from it.
            pub(crate) fn view(&self) -> PyResult<TensorView<'_>> {
                match self {
                    $(Self::$variant(array) => view(array, DataView::$variant),)*
                    Self::Bfloat16(array) => view(array, DataView::Bfloat16),
                    Self::Half(array) => view(array, |values| {
                        DataView::Half(half::slice::HalfFloatSliceExt::reinterpret_cast(values))
                    }),
                    Self::Owned(tensor) => Ok(tensor.view()),
                }
            }
        }

        /// The array when its elements are numbers as this machine has them.
        fn typed<'py>(array: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
            $(if let Ok(typed) = array.cast::<PyArrayDyn<$element>>() {
                return Ok(Some(Array::$variant(typed.readonly())));
            })*
            if let Ok(typed) = array.cast::<PyArrayDyn<half::f16>>() {
                return Ok(Some(Array::Half(typed.readonly())));
            }
            match array.cast::<PyArrayDyn<bool>>() {
                Ok(booleans) => Ok(Some(Array::Owned(normalised(booleans)?))),
                Err(_) => Ok(None),
            }
        }
    };
}

arrays!(
    Float(f32),
    Uint8(u8),
    Double(f64),
    Int64(i64),
    Int32(i32),
    Int8(i8),
    Int16(i16),
    Uint16(u16),
    Uint32(u32),
    Uint64(u64)
);

fn view<'a, T: numpy::Element>(
    array: &'a PyReadonlyArrayDyn<'_, T>,
    data: impl FnOnce(&'a [T]) -> DataView<'a>,
) -> PyResult<TensorView<'a>> {
    TensorView::new(Cow::Borrowed(array.shape()), data(elements(array)?)).py()
}

fn elements<'a, T: numpy::Element>(array: &'a PyReadonlyArrayDyn<'_, T>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| {
        PyTypeError::new_err(
            "the array's memory is not contiguous; pass numpy.ascontiguousarray(array)",
        )
    })
}

/// A copy of booleans, read as bytes: one that is not 0 is true, and Rust's booleans are 0 and 1 alone.
fn normalised(booleans: &Bound<'_, PyArrayDyn<bool>>) -> PyResult<Tensor> {
    let bytes = booleans.as_any().call_method1("view", ("uint8",))?;
    let bytes = bytes.cast::<PyArrayDyn<u8>>()?.readonly();
    let values = elements(&bytes)?.iter().map(|&byte| byte != 0).collect();
    Tensor::new(bytes.shape().to_vec(), TensorData::Bool(values)).py()
}

/// The array behind any object with the buffer protocol, `DLPack`, `__array__` or nested lists of numbers.
pub(crate) fn read<'py>(value: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
    let array = contiguous(value)?;
    if let Some(typed) = typed(&array)? {
        return Ok(typed);
    }
    let dtype = array.getattr("dtype")?;
    if !dtype.getattr("isnative")?.extract::<bool>()? {
        let native =
            array.call_method1("astype", (dtype.call_method1("newbyteorder", ("=",))?,))?;
        if let Some(typed) = typed(&native)? {
            return Ok(typed);
        }
    }
    if dtype.getattr("name")?.extract::<String>()? == "bfloat16" {
        let bits = array.call_method1("view", ("uint16",))?;
        return Ok(Array::Bfloat16(bits.cast::<PyArrayDyn<u16>>()?.readonly()));
    }
    let kind: String = dtype.getattr("kind")?.extract()?;
    if matches!(kind.as_str(), "S" | "U" | "O") {
        return texts::read(&array).map(Array::Owned);
    }
    Err(PyTypeError::new_err(format!(
        "arrays of dtype {dtype} cannot be sent; use a float, integer, bool, str or bytes dtype"
    )))
}

/// A tensor of its own from any array-like object.
pub(crate) fn to_tensor(value: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    match read(value)? {
        Array::Owned(tensor) => Ok(tensor),
        array => Ok(array.view()?.to_tensor()),
    }
}
