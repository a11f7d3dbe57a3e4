//! Files as inputs: a path, an open file, bytes, or a PIL image.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use canary_core::serving::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyMemoryView, PyString},
};

use super::pil;
use crate::error;

/// The bytes of a file, when the value is one.
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
        return std::fs::read(&path).map(Some).map_err(|cause| {
            if cause.kind() == ErrorKind::NotFound && value.is_instance_of::<PyString>() {
                return not_found(
                    &path,
                    "check the path; a text for the model is given as canary.text(\"…\")",
                );
            }
            unreadable(&path, &cause)
        });
    }
    if pil::is_image(value)? {
        return pil::png(value).map(Some);
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
            "None is not an input; give a path, bytes, a PIL image or an array",
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

/// The error of a file that cannot be read.
pub(crate) fn unreadable(path: &Path, cause: &std::io::Error) -> PyErr {
    if cause.kind() == ErrorKind::NotFound {
        return not_found(path, "check the path");
    }
    error::to_py(Error::Input {
        what: path.display().to_string(),
        reason: format!("cannot be read: {cause}"),
    })
}

fn not_found(path: &Path, help: &str) -> PyErr {
    error::to_py(Error::NotFound {
        object: format!("file {}", path.display()),
        help: help.to_owned(),
    })
}
