//! NumPy arrays as tensors and tensors as NumPy arrays, without copies where the memory allows.

use std::borrow::Cow;

use canary_core::tensor::{DType, DataView, Tensor, TensorData, TensorView};
use numpy::{
    Element, IxDyn, PyArray, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray,
    PyUntypedArrayMethods,
    ndarray::{self, ArrayView},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBytes, PyList, PyString},
};

use crate::error::IntoPy;

/// A NumPy array whose memory is read while the value lives.
pub(crate) enum Array<'py> {
    Half(PyReadonlyArrayDyn<'py, half::f16>),
    /// The bits of an array of `ml_dtypes.bfloat16`: NumPy has no such numbers of its own.
    Bfloat16(PyReadonlyArrayDyn<'py, u16>),
    Float(PyReadonlyArrayDyn<'py, f32>),
    Double(PyReadonlyArrayDyn<'py, f64>),
    Int8(PyReadonlyArrayDyn<'py, i8>),
    Int16(PyReadonlyArrayDyn<'py, i16>),
    Int32(PyReadonlyArrayDyn<'py, i32>),
    Int64(PyReadonlyArrayDyn<'py, i64>),
    Uint8(PyReadonlyArrayDyn<'py, u8>),
    Uint16(PyReadonlyArrayDyn<'py, u16>),
    Uint32(PyReadonlyArrayDyn<'py, u32>),
    Uint64(PyReadonlyArrayDyn<'py, u64>),
    Bool(PyReadonlyArrayDyn<'py, bool>),
    /// Texts and byte strings have no memory that could be shared.
    Strings(Tensor),
}

/// The array behind any object with the buffer protocol, `DLPack`, `__array__` or nested lists of numbers.
pub(crate) fn read<'py>(value: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
    let array = contiguous(value)?;
    if let Some(typed) = typed(&array) {
        return Ok(typed);
    }
    let dtype = array.getattr("dtype")?;
    if !dtype.getattr("isnative")?.extract::<bool>()? {
        let native =
            array.call_method1("astype", (dtype.call_method1("newbyteorder", ("=",))?,))?;
        if let Some(typed) = typed(&native) {
            return Ok(typed);
        }
    }
    if dtype.getattr("name")?.extract::<String>()? == "bfloat16" {
        let bits = array.call_method1("view", ("uint16",))?;
        return Ok(Array::Bfloat16(bits.cast::<PyArrayDyn<u16>>()?.readonly()));
    }
    let kind: String = dtype.getattr("kind")?.extract()?;
    if matches!(kind.as_str(), "S" | "U" | "O") {
        return Ok(Array::Strings(strings(&array)?));
    }
    Err(PyTypeError::new_err(format!(
        "arrays of dtype {dtype} cannot be sent; use a float, integer, bool, str or bytes dtype"
    )))
}

/// The array when its elements are numbers as this machine has them.
fn typed<'py>(array: &Bound<'py, PyAny>) -> Option<Array<'py>> {
    macro_rules! try_types {
        ($($variant:ident($element:ty)),*) => {
            $(if let Ok(typed) = array.cast::<PyArrayDyn<$element>>() {
                return Some(Array::$variant(typed.readonly()));
            })*
        };
    }
    try_types!(
        Float(f32),
        Uint8(u8),
        Double(f64),
        Int64(i64),
        Int32(i32),
        Bool(bool),
        Half(half::f16),
        Int8(i8),
        Int16(i16),
        Uint16(u16),
        Uint32(u32),
        Uint64(u64)
    );
    None
}

/// The array behind an object, with its elements one after the other.
pub(crate) fn contiguous<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(array) = value.cast::<PyUntypedArray>()
        && array.is_c_contiguous()
    {
        return Ok(value.clone());
    }
    let numpy = value.py().import("numpy")?;
    let array = if value.is_instance_of::<PyUntypedArray>() {
        value.clone()
    } else if value.hasattr("__dlpack__")? {
        numpy.call_method1("from_dlpack", (value,))?
    } else {
        of_lists(value)?
    };
    // `ascontiguousarray` makes a scalar a list of one.
    numpy
        .call_method1("ascontiguousarray", (&array,))?
        .call_method1("reshape", (array.getattr("shape")?,))
}

/// The array of nested lists, or of anything else that NumPy makes one of.
fn of_lists<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let make = |dtype: Option<&str>| {
        let array = py.import("numpy")?.call_method1("asarray", (value, dtype));
        array.map_err(|error| {
            if !error.is_instance_of::<PyValueError>(py) {
                return error;
            }
            crate::error::to_py(canary_core::serving::Error::Input {
                what: "input".to_owned(),
                reason: format!(
                    "it forms no array: {}; lists at the same depth must have the same length",
                    error.value(py)
                ),
            })
        })
    };
    let array = make(None)?;
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    // A dtype of texts cuts zeros off the end of bytes, and turns numbers beside texts into texts.
    if matches!(kind.as_str(), "S" | "U") && !value.hasattr("__array__")? {
        return make(Some("object"));
    }
    Ok(array)
}

fn strings(array: &Bound<'_, PyAny>) -> PyResult<Tensor> {
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

impl Array<'_> {
    /// The array as a request is written from it.
    pub(crate) fn view(&self) -> PyResult<TensorView<'_>> {
        macro_rules! view {
            ($array:expr, $variant:ident) => {
                TensorView::new(
                    Cow::Borrowed($array.shape()),
                    DataView::$variant($array.as_slice().map_err(|_| not_contiguous())?),
                )
                .py()
            };
        }
        match self {
            Self::Half(array) => {
                let values = array.as_slice().map_err(|_| not_contiguous())?;
                let bits = half::slice::HalfFloatSliceExt::reinterpret_cast(values);
                TensorView::new(Cow::Borrowed(array.shape()), DataView::Half(bits)).py()
            }
            Self::Bfloat16(array) => view!(array, Bfloat16),
            Self::Float(array) => view!(array, Float),
            Self::Double(array) => view!(array, Double),
            Self::Int8(array) => view!(array, Int8),
            Self::Int16(array) => view!(array, Int16),
            Self::Int32(array) => view!(array, Int32),
            Self::Int64(array) => view!(array, Int64),
            Self::Uint8(array) => view!(array, Uint8),
            Self::Uint16(array) => view!(array, Uint16),
            Self::Uint32(array) => view!(array, Uint32),
            Self::Uint64(array) => view!(array, Uint64),
            Self::Bool(array) => view!(array, Bool),
            Self::Strings(tensor) => Ok(tensor.view()),
        }
    }
}

fn not_contiguous() -> PyErr {
    PyTypeError::new_err(
        "the array's memory is not contiguous; pass numpy.ascontiguousarray(array)",
    )
}

/// A read-only NumPy array over the memory of a tensor that `owner` keeps alive.
///
/// `bfloat16`, which NumPy lacks, becomes `float32`; strings become an object array of `str` where all are UTF-8, else
/// of `bytes`.
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
        TensorData::Bfloat16(bits) => own(py, widened(bits), shape),
        TensorData::String(values) => objects(py, values, shape),
        _ => Err(PyTypeError::new_err(format!("{} has no NumPy dtype", tensor.dtype()))),
    }
}

/// `bfloat16`, which NumPy lacks, as `float32`.
fn widened(bits: &[u16]) -> Vec<f32> {
    bits.iter().map(|&bits| f32::from_bits(u32::from(bits) << 16)).collect()
}

/// A NumPy array that owns the memory of a tensor of numbers, which is not copied; strings as [`share`] gives them.
pub(crate) fn give(py: Python<'_>, tensor: Tensor) -> PyResult<Bound<'_, PyAny>> {
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
        TensorData::String(values) => objects(py, &values, &shape),
        TensorData::Bfloat16(bits) => own(py, widened(&bits), &shape),
        TensorData::Half(bits) => {
            let values = half::vec::HalfBitsVecExt::reinterpret_into::<half::f16>(bits);
            own(py, values, &shape)
        }
        other => {
            Err(PyTypeError::new_err(format!("a tensor of {} cannot be given away", other.dtype())))
        }
    }
}

/// A NumPy array of these values.
pub(crate) fn own<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let array = ndarray::Array::from_shape_vec(IxDyn(shape), values)
        .map_err(|error| PyTypeError::new_err(format!("a tensor of shape {shape:?}: {error}")))?;
    Ok(PyArray::from_owned_array(py, array).into_any())
}

fn objects<'py>(
    py: Python<'py>,
    values: &[Vec<u8>],
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let texts: Result<Vec<_>, _> = values.iter().map(|value| std::str::from_utf8(value)).collect();
    let items = match texts {
        Ok(texts) => PyList::new(py, texts)?,
        Err(_) => PyList::new(py, values.iter().map(|value| PyBytes::new(py, value)))?,
    };
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("empty", (values.len(), "object"))?;
    array.set_item(pyo3::types::PySlice::full(py), items)?;
    array.call_method1("reshape", (shape,))
}

#[allow(unsafe_code)]
fn borrow<'py, T: Element>(
    values: &[T],
    shape: &[usize],
    owner: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let view = ArrayView::from_shape(IxDyn(shape), values)
        .map_err(|error| PyTypeError::new_err(format!("a tensor of shape {shape:?}: {error}")))?;
    // SAFETY: `values` is memory of a tensor inside `owner`, a frozen class whose tensors never move nor change, and
    // the array holds a reference to `owner` as its base, so the memory outlives the array. It is made read-only
    // before anybody else sees it.
    let array = unsafe { PyArray::borrow_from_array(&view, owner.clone()) };
    let flags = pyo3::types::PyDict::new(owner.py());
    flags.set_item("write", false)?;
    array.call_method("setflags", (), Some(&flags))?;
    Ok(array.into_any())
}

/// TensorFlow's name of a NumPy dtype's counterpart, for messages.
pub(crate) fn dtype_name(dtype: DType) -> &'static str {
    dtype.as_str()
}

/// A tensor of its own from any array-like object.
pub(crate) fn to_tensor(value: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    Ok(read(value)?.view()?.to_tensor())
}
