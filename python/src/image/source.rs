//! Images as they arrive from Python.

use canary_core::image::{Image, Pixels};
use numpy::PyUntypedArray;
use pyo3::{prelude::*, types::PyBytes};

use crate::{array, error::IntoPy, input};

/// An image as it arrives from Python; its memory is read where it lies.
pub(super) enum Source<'py> {
    Bytes(Bound<'py, PyBytes>),
    File(Vec<u8>),
    Array(array::Array<'py>),
}

/// The image behind an object.
pub(super) fn source<'py>(image: &Bound<'py, PyAny>) -> PyResult<Source<'py>> {
    if let Ok(bytes) = image.cast::<PyBytes>() {
        return Ok(Source::Bytes(bytes.clone()));
    }
    if !image.is_instance_of::<PyUntypedArray>()
        && let Some(file) = input::file(image)?
    {
        return Ok(Source::File(file));
    }
    array::read(image).map(Source::Array)
}

impl Source<'_> {
    /// The image as the core reads it.
    pub(super) fn image(&self) -> PyResult<Image<'_>> {
        Ok(match self {
            Self::Bytes(bytes) => Image::File(bytes.as_bytes()),
            Self::File(file) => Image::File(file),
            Self::Array(array) => Image::Pixels(Pixels::try_from(array.view()?).py()?),
        })
    }
}
