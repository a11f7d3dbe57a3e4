//! The bytes of an image file to RGB pixels.

mod bmp;
mod gif;
mod jpeg;
mod png;
mod webp;

use super::{Format, Pixels, exif::Orientation};
use crate::{Error, Result};

/// How a file is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// The most pixels an image may have; looked up in its header, before memory is taken. 100 million
    /// by default. The pixels take 3 bytes each, and while they are decoded up to 10 (a progressive JPEG).
    pub max_pixels: u64,
    /// Whether the orientation that a camera wrote (EXIF) is applied. Off by default, as in TensorFlow.
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

    /// Changes whether the orientation that a camera wrote is applied.
    #[must_use]
    pub fn honour_exif(mut self, honour_exif: bool) -> Self {
        self.honour_exif = honour_exif;
        self
    }
}

/// What a decoder gives: RGB samples, and the orientation written beside them.
struct Decoded {
    height: usize,
    width: usize,
    rgb: Vec<u8>,
    orientation: Option<Orientation>,
}

/// Why a decoder gave nothing; [`decode`] names the format and the remedy.
enum Failure {
    /// The pixels that the header promises, over the limit.
    TooLarge { height: u64, width: u64 },
    /// What the decoder says, in one line.
    Broken(String),
}

/// The pixels of an image file as `tf.io.decode_image(channels=3, expand_animations=False)` gives them.
///
/// Grey and palette images become RGB, 16-bit samples keep their upper byte, alpha is dropped (the colours
/// under it stay as they are stored), CMYK is multiplied out. More is read than TensorFlow reads: BMP
/// with a palette or alpha, and a GIF's first frame keeps its place on the GIF's canvas.
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
    let decoded = by_format(format, bytes, options.max_pixels);
    let Decoded { height, width, rgb, orientation } =
        decoded.map_err(|failure| explain(format, bytes.len(), options.max_pixels, failure))?;
    let orientation = orientation.filter(|_| options.honour_exif).unwrap_or_default();
    let (height, width, rgb) = orientation.apply(height, width, rgb);
    Pixels::rgb8(height, width, rgb)
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
    // No image has so few pixels: every decoder stops at the header.
    match by_format(format, bytes, 0) {
        Err(Failure::TooLarge { height, width }) => Ok((height, width)),
        Err(failure) => Err(explain(format, bytes.len(), 0, failure)),
        Ok(Decoded { height, width, .. }) => Ok((height as u64, width as u64)),
    }
}

fn by_format(format: Format, bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    match format {
        Format::Jpeg => jpeg::decode(bytes, max_pixels),
        Format::Png => png::decode(bytes, max_pixels),
        Format::Gif => gif::decode(bytes, max_pixels),
        Format::WebP => webp::decode(bytes, max_pixels),
        Format::Bmp => bmp::decode(bytes, max_pixels),
    }
}

fn explain(format: Format, length: usize, max_pixels: u64, failure: Failure) -> Error {
    let reason = match failure {
        Failure::TooLarge { height, width } => format!(
            "found {height} × {width} pixels in the header, expected at most {max_pixels} in all; \
             raise max_pixels if the file is to be trusted"
        ),
        Failure::Broken(said) => format!(
            "found damaged or cut off data in a file of {length} bytes ({said}); \
             send the whole file, or save it again"
        ),
    };
    Error::Input { what: format!("{format} image"), reason }
}

/// `height × width` as the length of its RGB samples, if that many pixels are allowed and there is one.
fn check_size(height: u64, width: u64, max_pixels: u64) -> Result<usize, Failure> {
    if height == 0 || width == 0 {
        return Err(Failure::Broken("no pixels".to_owned()));
    }
    height
        .checked_mul(width)
        .filter(|&pixels| pixels <= max_pixels)
        .and_then(|pixels| usize::try_from(pixels).ok())
        .and_then(|pixels| pixels.checked_mul(3))
        .ok_or(Failure::TooLarge { height, width })
}

/// A library's message as one short line.
fn one_line(message: &str) -> Failure {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Failure::Broken(line.chars().take(200).collect())
}

/// Drops the fourth sample of each pixel, in place.
fn drop_alpha(mut rgba: Vec<u8>) -> Vec<u8> {
    let pixels = rgba.len() / 4;
    for pixel in 1..pixels {
        rgba.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    rgba.truncate(3 * pixels);
    rgba.shrink_to_fit();
    rgba
}

/// Spreads each grey level over three samples; `step` is the number of samples a source pixel has.
fn spread_grey(grey: &[u8], step: usize) -> Vec<u8> {
    grey.iter().step_by(step).flat_map(|&level| [level; 3]).collect()
}
