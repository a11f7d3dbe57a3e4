//! Arrays whose elements lie one after the other.

use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::{exceptions::PyValueError, prelude::*};

use super::limit;
use crate::error::to_py;

/// The array behind an object, with its elements one after the other.
pub(crate) fn contiguous<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        limit::check(array.ndim())?;
        if array.is_c_contiguous() {
            return Ok(value.clone());
        }
    }
    let numpy = value.py().import("numpy")?;
    let array = if value.is_instance_of::<PyUntypedArray>() {
        value.clone()
    } else if value.hasattr("__dlpack__")? {
        numpy.call_method1("from_dlpack", (value,))?
    } else {
        of_lists(value)?
    };
    limit::check(array.getattr("ndim")?.extract()?)?;
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
            to_py(canary_core::serving::Error::Input {
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
