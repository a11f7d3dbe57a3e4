//! RGB pixels in memory, decoded or given by the caller.

use std::borrow::Cow;

use crate::{Error, Result};

/// The samples of [`Pixels`]: three (red, green, blue) a pixel, rows from top to bottom.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PixelData<'a> {
    /// Levels from 0 to 255.
    U8(Cow<'a, [u8]>),
    /// Any finite values; the presets take them as levels from 0 to 255.
    F32(Cow<'a, [f32]>),
}

/// An RGB image of `height` × `width` pixels, owned or borrowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels<'a> {
    height: usize,
    width: usize,
    data: PixelData<'a>,
    /// The three samples of each pixel are the one that the caller gave.
    grey: bool,
}

impl<'a> Pixels<'a> {
    /// An image of 8-bit levels.
    ///
    /// ```
    /// use canary_core::image::Pixels;
    ///
    /// let red = Pixels::rgb8(1, 2, vec![255, 0, 0, 255, 0, 0])?;
    /// assert_eq!((red.height(), red.width()), (1, 2));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when there are not `height × width × 3` samples, or none at all.
    pub fn rgb8(height: usize, width: usize, samples: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        let samples = samples.into();
        check_count(height, width, samples.len())?;
        Ok(Self { height, width, data: PixelData::U8(samples), grey: false })
    }

    /// An image of floats on the scale from 0 to 255.
    ///
    /// # Errors
    /// [`Error::Input`] when there are not `height × width × 3` samples, or one is not finite.
    pub fn rgb32f(height: usize, width: usize, samples: impl Into<Cow<'a, [f32]>>) -> Result<Self> {
        let samples = samples.into();
        check_count(height, width, samples.len())?;
        // In blocks without a way out, which the compiler turns into vector code.
        let finite =
            |block: &[f32]| block.iter().fold(true, |all, sample| all & sample.is_finite());
        if !samples.chunks(256).all(finite)
            && let Some(at) = samples.iter().position(|sample| !sample.is_finite())
        {
            let (row, column, channel) = (at / 3 / width, at / 3 % width, at % 3);
            return Err(Error::Input {
                what: format!("pixels[{row}, {column}, {channel}]"),
                reason: format!(
                    "found {}, expected a finite number; replace it before",
                    samples[at]
                ),
            });
        }
        Ok(Self { height, width, data: PixelData::F32(samples), grey: false })
    }

    /// An image of 8-bit grey levels, one a pixel, spread over the three channels.
    ///
    /// # Errors
    /// [`Error::Input`] when there are not `height × width` samples, or none at all.
    pub fn grey8(height: usize, width: usize, samples: &[u8]) -> Result<Self> {
        check_grey(height, width, samples.len())?;
        let rgb = Self::rgb8(height, width, spread(samples.iter().copied(), samples.len()))?;
        Ok(Self { grey: true, ..rgb })
    }

    /// An image of grey floats on the scale from 0 to 255, one a pixel, spread over the three channels.
    ///
    /// ```
    /// use canary_core::image::{PixelData, Pixels};
    ///
    /// let half = Pixels::grey32f(1, 1, &[127.5])?;
    /// assert_eq!(half.data(), &PixelData::F32(vec![127.5; 3].into()));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when there are not `height × width` samples, or one is not finite.
    pub fn grey32f(height: usize, width: usize, samples: &[f32]) -> Result<Self> {
        check_grey(height, width, samples.len())?;
        let rgb = Self::rgb32f(height, width, spread(samples.iter().copied(), samples.len()))?;
        Ok(Self { grey: true, ..rgb })
    }

    /// The same image with other samples, as many of them.
    pub(super) fn with<'b>(&self, data: PixelData<'b>) -> Pixels<'b> {
        Pixels { height: self.height, width: self.width, data, grey: self.grey }
    }

    /// Returns `true` when the caller gave one sample a pixel.
    pub(super) fn is_grey(&self) -> bool {
        self.grey
    }

    /// The number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The samples.
    pub fn data(&self) -> &PixelData<'a> {
        &self.data
    }

    /// The samples, without the image around them.
    pub fn into_data(self) -> PixelData<'a> {
        self.data
    }
}

/// Grey levels, each repeated for three samples.
pub(super) fn spread<T: Copy>(grey: impl Iterator<Item = T>, pixels: usize) -> Vec<T> {
    let mut samples = Vec::with_capacity(pixels * 3);
    samples.extend(grey.flat_map(|level| [level; 3]));
    samples
}

fn check_grey(height: usize, width: usize, found: usize) -> Result<()> {
    if height.checked_mul(width) == Some(found) {
        return Ok(());
    }
    Err(Error::Input {
        what: format!("grey pixels of {height} × {width}"),
        reason: format!("found {found} samples, expected height × width"),
    })
}

fn check_count(height: usize, width: usize, found: usize) -> Result<()> {
    let wanted = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(3));
    if wanted == Some(found) && found > 0 {
        return Ok(());
    }
    let wanted = wanted.map_or_else(|| "more than fits in memory".to_owned(), |n| n.to_string());
    let reason = if found == 0 {
        "found no sample, expected at least one pixel".to_owned()
    } else {
        format!("found {found} samples, expected height × width × 3 = {wanted}")
    };
    Err(Error::Input { what: format!("pixels of {height} × {width} × 3"), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_values_are_checked() {
        assert!(Pixels::rgb8(2, 2, vec![0; 11]).is_err());
        assert!(Pixels::rgb8(0, 2, vec![]).is_err());
        assert!(Pixels::rgb8(usize::MAX, 2, vec![0; 6]).is_err());
        let grey = Pixels::grey8(1, 2, &[7, 9]).unwrap();
        assert_eq!(grey.data(), &PixelData::U8(vec![7, 7, 7, 9, 9, 9].into()));
        let mut samples = vec![0.0; 12];
        samples[10] = f32::NAN;
        let error = Pixels::rgb32f(2, 2, samples).unwrap_err().to_string();
        assert!(error.starts_with("pixels[1, 1, 1]: found NaN"), "{error}");
    }
}
