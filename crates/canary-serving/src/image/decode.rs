//! The bytes of an image file to RGB pixels.

mod jpeg;
mod others;

use ::image::{DynamicImage, metadata::Orientation};

use super::{Format, Pixels};
use crate::{Error, Result};

/// Settings of decoding a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// The most pixels an image may have; checked in its header, before memory is allocated. 100 million
    /// by default. The pixels take 3 bytes each, and while they are decoded up to 11 (a PNG of 16-bit samples).
    pub max_pixels: u64,
    /// Apply the orientation that a camera wrote (EXIF). Off by default, as in TensorFlow.
    pub honour_exif: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { max_pixels: 100_000_000, honour_exif: false }
    }
}

impl DecodeOptions {
    /// Changes the most pixels an image may have.
    #[must_use]
    pub fn max_pixels(mut self, max_pixels: u64) -> Self {
        self.max_pixels = max_pixels;
        self
    }

    /// Changes if the orientation that a camera wrote is applied.
    #[must_use]
    pub fn honour_exif(mut self, honour_exif: bool) -> Self {
        self.honour_exif = honour_exif;
        self
    }
}

/// The reason why a decoder failed; [`decode`] adds the format and the remedy.
enum Failure {
    /// The pixels that the header promises, over the limit.
    TooLarge { height: u64, width: u64 },
    /// An unsupported kind of image.
    Unsupported(String),
    /// The decoder's finding, in one line.
    Broken(String),
}

/// The pixels of an image file as `tf.io.decode_image(channels=3, expand_animations=False)` gives them.
///
/// Grey and palette images become RGB, 16-bit samples keep their upper byte, alpha is dropped (the colours
/// under it stay as they are stored), CMYK is multiplied out. Some files are read that TensorFlow refuses: BMP with a
/// palette or alpha, TIFF of 8- or 16-bit grey and RGB samples, and a GIF's first frame keeps its place on the GIF's
/// canvas.
///
/// ```
/// use canary_core::image::{DecodeOptions, Pixels, decode};
///
/// let gif = b"GIF89a\x01\0\x01\0\x80\0\0\x07\x08\x09\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// let pixels = decode(gif, &DecodeOptions::default())?;
/// assert_eq!(pixels, Pixels::rgb8(1, 1, vec![7, 8, 9])?);
/// # Ok::<(), canary_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Input`] when the bytes are no image of a known format, the file is damaged or cut off, or it
/// has more pixels than [`DecodeOptions::max_pixels`].
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<Pixels<'static>> {
    let format = Format::sniff(bytes)?;
    let decoded = match format {
        Format::Jpeg => jpeg::decode(bytes, options),
        _ => others::decode(format, bytes, options),
    };
    let failed = |failure| explain(format, bytes.len(), options.max_pixels, failure);
    let (mut image, orientation) = decoded.map_err(failed)?;
    image.apply_orientation(orientation);
    Pixels::try_from(image)
}

/// Height and width that the header of an image file promises; its pixels are not decoded.
///
/// ```
/// let gif = b"GIF89a\x01\0\x01\0\x80\0\0\x07\x08\x09\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// assert_eq!(canary_core::image::dimensions(gif)?, (1, 1));
/// # Ok::<(), canary_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Input`] when the bytes are no image of a known format, or the header is damaged.
pub fn dimensions(bytes: &[u8]) -> Result<(u64, u64)> {
    let format = Format::sniff(bytes)?;
    let found = match format {
        Format::Jpeg => jpeg::dimensions(bytes),
        _ => others::dimensions(format, bytes),
    };
    found.map_err(|failure| explain(format, bytes.len(), 0, failure))
}

/// An image as it is stored, and the orientation to apply to it.
type Decoded = Result<(DynamicImage, Orientation), Failure>;

fn explain(format: Format, length: usize, max_pixels: u64, failure: Failure) -> Error {
    let reason = match failure {
        Failure::TooLarge { height, width } => format!(
            "found {height} × {width} pixels in the header, expected at most {max_pixels} in all; \
             raise max_pixels if you trust the file"
        ),
        Failure::Unsupported(kind) => {
            format!("found a kind that is not decoded ({kind}); save it as a plain RGB file")
        }
        Failure::Broken(said) => format!(
            "found damaged or cut off data in a file of {length} bytes ({said}); \
             send the whole file, or save it again"
        ),
    };
    Error::Input { what: format!("{format} image"), reason }
}

/// A library's message as one short line.
fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(200).collect()
}
