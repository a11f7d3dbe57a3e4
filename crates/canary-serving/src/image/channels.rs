//! The number of samples of a pixel, and grey images.

use std::borrow::Cow;

use super::{Library, PixelData, Pixels};

/// The samples of each pixel of a result.
///
/// ```
/// use canary_core::image::{Channels, Pixels, Preprocess};
///
/// let red = Pixels::rgb8(1, 1, vec![255, 0, 0])?;
/// let grey = Preprocess::unit(28, 28).channels(Channels::Grey).apply_pixels(&red)?;
/// assert_eq!(grey.shape(), [28, 28, 1]);
/// assert_eq!(grey.as_floats().unwrap()[0], 76.0 / 255.0);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channels {
    /// Red, green and blue.
    #[default]
    Rgb,
    /// One grey sample, made before the image is resized: `tf.image.rgb_to_grayscale`, or `convert("L")` with
    /// [`Library::Pillow`]. A grey image keeps its levels.
    Grey,
}

impl Channels {
    /// The number of samples of a pixel.
    ///
    /// ```
    /// assert_eq!(canary_core::image::Channels::Grey.count(), 1);
    /// ```
    pub fn count(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Grey => 1,
        }
    }
}

/// The image with three equal samples in each pixel.
pub(super) fn grey<'a>(pixels: &'a Pixels<'_>, library: Library) -> Pixels<'a> {
    match pixels.data() {
        PixelData::U8(samples) if pixels.is_grey() => pixels.with(PixelData::U8(borrow(samples))),
        PixelData::F32(samples) if pixels.is_grey() => pixels.with(PixelData::F32(borrow(samples))),
        PixelData::U8(samples) => {
            let luminance = match library {
                Library::TensorFlow => luminance_of_levels,
                Library::Pillow => rounded_luminance,
            };
            pixels.with(PixelData::U8(each_pixel(samples, luminance)))
        }
        PixelData::F32(samples) => pixels.with(PixelData::F32(each_pixel(samples, luminance))),
    }
}

fn borrow<T: Clone>(samples: &[T]) -> Cow<'_, [T]> {
    Cow::Borrowed(samples)
}

fn each_pixel<T: Copy>(samples: &[T], grey: fn([T; 3]) -> T) -> Cow<'static, [T]> {
    samples.as_chunks().0.iter().flat_map(|&pixel| [grey(pixel); 3]).collect()
}

/// `rgb_to_grayscale` of floats.
fn luminance([red, green, blue]: [f32; 3]) -> f32 {
    red * 0.2989 + green * 0.587 + blue * 0.114
}

/// `rgb_to_grayscale` of 8-bit levels: through floats from 0 to 1 and back, cut to whole levels.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn luminance_of_levels(pixel: [u8; 3]) -> u8 {
    (luminance(pixel.map(|level| f32::from(level) * (1.0 / 255.0))) * 255.5) as u8
}

/// Pillow's `L`: ITU-R 601-2 in 16 bits, rounded.
fn rounded_luminance(pixel: [u8; 3]) -> u8 {
    let [red, green, blue] = pixel.map(u32::from);
    let [_, level, _, _] = (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000).to_be_bytes();
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_levels_stay_what_they_are() {
        for level in 0..=255 {
            assert_eq!(luminance_of_levels([level; 3]), level);
            assert_eq!(rounded_luminance([level; 3]), level);
        }
    }
}
