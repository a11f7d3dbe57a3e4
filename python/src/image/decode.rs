//! `canary.decode_image`.

use canary_core::image::{DecodeOptions, PixelData, Pixels, decode, dimensions};
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

use crate::{array, convert::given::kind, door, error::IntoPy, input};

/// The options of decoding a file.
pub(super) fn options(exif: bool, max_pixels: Option<u64>) -> DecodeOptions {
    let mut options = DecodeOptions::default();
    options.honour_exif = exif;
    if let Some(max_pixels) = max_pixels {
        options.max_pixels = max_pixels;
    }
    options
}

/// Pixels from which on a file is decoded on a thread of its own, which Ctrl-C leaves alone: about ten milliseconds.
const LARGE: u64 = 1 << 20;

/// The pixels of a file.
pub(super) fn decoded_file(
    py: Python<'_>,
    file: &[u8],
    options: DecodeOptions,
) -> PyResult<Pixels<'static>> {
    let large = dimensions(file).is_ok_and(|(height, width)| height.saturating_mul(width) > LARGE);
    if large {
        let file = file.to_vec();
        return door::abandon(py, move || decode(&file, &options).py());
    }
    py.detach(|| decode(file, &options)).py()
}

/// The pixels of an image file, RGB, as TensorFlow's `decode_image` gives them.
#[binding]
#[pyfunction]
#[pyo3(signature = (image, *, exif = false, max_pixels = None))]
pub(crate) fn decode_image<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    exif: bool,
    max_pixels: Option<u64>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(file) = input::file(image)? else {
        return Err(PyTypeError::new_err(format!(
            "image is {}; give a path, the bytes of a file, or a PIL image",
            kind(image)
        )));
    };
    let options = options(exif, max_pixels);
    let pixels = decoded_file(py, &file, options)?;
    let shape = [pixels.height(), pixels.width(), 3];
    match pixels.into_data() {
        PixelData::U8(samples) => array::own(py, samples.into_owned(), &shape),
        PixelData::F32(samples) => array::own(py, samples.into_owned(), &shape),
        _ => Err(PyValueError::new_err("the image's levels have an unknown type")),
    }
}
