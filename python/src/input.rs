//! Inputs of `predict`: a path, bytes, a PIL image, an array, a list of these, or several by name.

use std::path::PathBuf;

use canary_core::predict::{Input, Value};
use numpy::PyUntypedArray;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyList, PyMemoryView, PyString, PyTuple},
};

use crate::{array, error};

/// The inputs of one request, in memory of their own.
pub(crate) fn read(value: &Bound<'_, PyAny>) -> PyResult<Input<'static>> {
    Ok(Input::named(by_name(value, one)?))
}

/// Reads each input with `read`, by its name; the one that needs no name has an empty one.
fn by_name<'py, T>(
    value: &Bound<'py, PyAny>,
    read: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<(String, T)>> {
    let Ok(named) = value.cast::<PyDict>() else {
        return Ok(vec![(String::new(), read(value)?)]);
    };
    named.iter().map(|(name, value)| Ok((name.extract()?, read(&value)?))).collect()
}

/// Inputs of which bytes and arrays are read where they lie, for work that ends before its caller goes on.
pub(crate) struct Borrowed<'py>(Vec<(String, BorrowedValue<'py>)>);

enum BorrowedValue<'py> {
    Bytes(Bound<'py, PyBytes>),
    Array(array::Array<'py>),
    Owned(Value<'static>),
}

impl<'py> Borrowed<'py> {
    pub(crate) fn read(value: &Bound<'py, PyAny>) -> PyResult<Self> {
        by_name(value, BorrowedValue::read).map(Self)
    }

    pub(crate) fn input(&self) -> PyResult<Input<'_>> {
        let values = self.0.iter().map(|(name, value)| Ok((name.as_str(), value.value()?)));
        Ok(Input::named(values.collect::<PyResult<Vec<_>>>()?))
    }
}

impl<'py> BorrowedValue<'py> {
    fn read(value: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone()));
        }
        if value.is_instance_of::<PyUntypedArray>() {
            return array::read(value).map(Self::Array);
        }
        one(value).map(Self::Owned)
    }

    fn value(&self) -> PyResult<Value<'_>> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.as_bytes().into(),
            Self::Array(array) => array.view()?.into(),
            Self::Owned(value) => value.into(),
        })
    }
}

/// One input: a file, an array, or a list of files or of arrays.
fn one(value: &Bound<'_, PyAny>) -> PyResult<Value<'static>> {
    if let Some(file) = file(value)? {
        return Ok(Value::Files(vec![file.into()]));
    }
    if value.hasattr("__next__")? {
        // An iterator gives the entries of one batch.
        return one(
            PyList::new(value.py(), value.try_iter()?.collect::<PyResult<Vec<_>>>()?)?.as_any()
        );
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items: Vec<Bound<'_, PyAny>> = value.extract()?;
        let files = items.iter().map(file).collect::<PyResult<Vec<_>>>()?;
        if !files.is_empty() && files.iter().all(Option::is_some) {
            return Ok(Value::Files(files.into_iter().flatten().map(Into::into).collect()));
        }
    }
    Ok(Value::Tensor(array::to_tensor(value)?))
}

/// The bytes of a file, when the value is one: a path, an open file, bytes, or a PIL image (sent as PNG, which
/// loses nothing of the modes that it has).
pub(crate) fn file(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Some(bytes.as_bytes().to_vec()));
    }
    if value.is_instance_of::<PyByteArray>() || is_view_of_bytes(value)? {
        let bytes = value.py().get_type::<PyBytes>().call1((value,))?;
        return Ok(Some(bytes.extract()?));
    }
    if value.is_instance_of::<PyString>() || value.hasattr("__fspath__")? {
        let path: PathBuf = value.extract()?;
        return std::fs::read(&path).map(Some).map_err(|cause| unreadable(&path, &cause));
    }
    // A PIL image knows its mode and how to save itself.
    if value.hasattr("mode")? && value.hasattr("save")? {
        let py = value.py();
        let buffer = py.import("io")?.call_method0("BytesIO")?;
        let options = PyDict::new(py);
        options.set_item("format", "PNG")?;
        options.set_item("compress_level", 1)?;
        let mode: String = value.getattr("mode")?.extract()?;
        let image = match mode.as_str() {
            "1" | "L" | "LA" | "I;16" | "P" | "RGB" | "RGBA" => value.clone(),
            "I" => value.call_method1("convert", ("I;16",))?,
            "La" => value.call_method1("convert", ("LA",))?,
            "PA" | "RGBa" => value.call_method1("convert", ("RGBA",))?,
            // PNG has no inks and no other colour spaces.
            _ => value.call_method1("convert", ("RGB",))?,
        };
        // The orientation of a camera stands in there; it is applied when that is wanted.
        options.set_item("exif", image.call_method0("getexif")?)?;
        image.call_method("save", (&buffer,), Some(&options))?;
        return Ok(Some(buffer.call_method0("getvalue")?.extract()?));
    }
    if value.hasattr("read")? {
        let read = value.call_method0("read")?;
        let bytes = read.cast::<PyBytes>().map_err(|_| {
            PyTypeError::new_err(
                "the file gives text; open it in binary mode, as with open(path, \"rb\")",
            )
        })?;
        return Ok(Some(bytes.as_bytes().to_vec()));
    }
    if value.is_none() {
        return Err(PyTypeError::new_err(
            "None is no input; give a path, bytes, a PIL image or an array",
        ));
    }
    Ok(None)
}

/// Returns `true` when it is a view of contiguous bytes, rather than of an array.
fn is_view_of_bytes(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !value.is_instance_of::<PyMemoryView>() {
        return Ok(false);
    }
    let format: String = value.getattr("format")?.extract()?;
    Ok(matches!(format.as_str(), "B" | "b" | "c")
        && value.getattr("ndim")?.extract::<usize>()? == 1)
}

pub(crate) fn unreadable(path: &std::path::Path, cause: &std::io::Error) -> PyErr {
    let what = path.display().to_string();
    if cause.kind() == std::io::ErrorKind::NotFound {
        return error::to_py(canary_core::serving::Error::NotFound {
            object: format!("file {what}"),
            help: "check the path".to_owned(),
        });
    }
    error::to_py(canary_core::serving::Error::Input {
        what,
        reason: format!("cannot be read: {cause}"),
    })
}
