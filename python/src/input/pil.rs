//! Images of Pillow, which are sent as PNG: it loses nothing of the modes that it has.

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

/// The EXIF tag of the orientation that a camera wrote.
const ORIENTATION: u16 = 0x0112;

/// Returns `true` for a PIL image, which knows its mode and how to save itself.
pub(crate) fn is_image(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.hasattr("mode")? && value.hasattr("save")?)
}

/// The image as the bytes of a PNG file.
pub(super) fn png(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = value.py();
    // A TIFF file is turned upright, and loses its orientation, when its pixels are loaded.
    value.call_method0("load")?;
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
    // Earlier versions of Pillow take all of the image's EXIF where none is given.
    options.set_item("exif", PyBytes::new(py, b""))?;
    if let Some(orientation) = orientation(value)? {
        let exif = py.import("PIL.Image")?.getattr("Exif")?.call0()?;
        exif.set_item(ORIENTATION, orientation)?;
        options.set_item("exif", exif)?;
    }
    image.call_method("save", (&buffer,), Some(&options))?;
    buffer.call_method0("getvalue")?.extract()
}

/// The orientation that a camera wrote, which is applied when that is wanted. The rest of EXIF, such as the place of the
/// photo, stays here. As in a file, a damaged block states none.
fn orientation<'py>(image: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !image.hasattr("getexif")? {
        return Ok(None);
    }
    let found =
        image.call_method0("getexif").and_then(|exif| exif.call_method1("get", (ORIENTATION,)));
    Ok(found.ok().filter(|value| value.extract::<u16>().is_ok()))
}
