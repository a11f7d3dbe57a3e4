//! Images of Pillow, which are sent as PNG: it loses nothing of the modes that it has.

use pyo3::{prelude::*, types::PyDict};

/// Returns `true` for a PIL image, which knows its mode and how to save itself.
pub(crate) fn is_image(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.hasattr("mode")? && value.hasattr("save")?)
}

/// The image as the bytes of a PNG file.
pub(super) fn png(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
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
    // The orientation of a camera is in there; it is applied when that is wanted.
    options.set_item("exif", image.call_method0("getexif")?)?;
    image.call_method("save", (&buffer,), Some(&options))?;
    buffer.call_method0("getvalue")?.extract()
}
