//! Images as they arrive from Python.

use canary_core::image::{Image, Pixels};
use numpy::{PyReadonlyArray3, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use crate::{array, error::IntoPy, input};

/// An image as it arrives from Python; its memory is read where it lies.
pub(super) enum Source<'py> {
    Bytes(Bound<'py, PyBytes>),
    File(Vec<u8>),
    Levels(PyReadonlyArray3<'py, u8>),
    Floats(PyReadonlyArray3<'py, f32>),
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
    let array = array::contiguous(image)?;
    if let Ok(pixels) = array.extract() {
        return Ok(Source::Levels(pixels));
    }
    if let Ok(pixels) = array.extract() {
        return Ok(Source::Floats(pixels));
    }
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    Err(unlike(&shape, &array.getattr("dtype")?.to_string()))
}

impl Source<'_> {
    /// The image as the core reads it.
    pub(super) fn image(&self) -> PyResult<Image<'_>> {
        let contiguous = |_| PyValueError::new_err("the array is not contiguous");
        Ok(match self {
            Self::Bytes(bytes) => Image::File(bytes.as_bytes()),
            Self::File(file) => Image::File(file),
            Self::Levels(pixels) => {
                let (height, width) = channels(pixels.shape())?;
                let samples = pixels.as_slice().map_err(contiguous)?;
                Image::Pixels(Pixels::rgb8(height, width, samples).py()?)
            }
            Self::Floats(pixels) => {
                let (height, width) = channels(pixels.shape())?;
                let samples = pixels.as_slice().map_err(contiguous)?;
                Image::Pixels(Pixels::rgb32f(height, width, samples).py()?)
            }
        })
    }
}

fn channels(shape: &[usize]) -> PyResult<(usize, usize)> {
    match *shape {
        [height, width, 3] => Ok((height, width)),
        _ => Err(unlike(shape, "uint8")),
    }
}

/// The error for an array that is not an image, with how to make it one.
fn unlike(shape: &[usize], dtype: &str) -> PyErr {
    let mut help = Vec::new();
    match *shape {
        [_, _, 3] => {}
        [_, _] => {
            help.push("numpy.stack([image] * 3, axis=-1) gives a grey image its three channels");
        }
        [_, _, 1] => {
            help.push("numpy.repeat(image, 3, axis=-1) gives a grey image its three channels");
        }
        [_, _, 4] => help.push("image[..., :3] leaves out the opacity"),
        [_, _, _, 3] => help.push("batch(images) takes several at once"),
        _ => help.push("give an array of one image, a path, bytes, or a PIL image"),
    }
    if !matches!(dtype, "uint8" | "float32") {
        help.push("image.astype(\"float32\") gives levels from 0 to 1, image.astype(\"uint8\") those from 0 to 255");
    }
    PyValueError::new_err(format!(
        "an image array has shape [height, width, 3] and dtype uint8 or float32; found shape {shape:?} and dtype \
         {dtype}; {}",
        help.join("; ")
    ))
}
