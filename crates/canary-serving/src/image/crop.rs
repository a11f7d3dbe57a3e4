//! The part of an image that is used.

use crate::{Error, Result};

/// The part of the image that is resized.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Crop {
    /// The whole image; its proportions change when the target's differ.
    #[default]
    None,
    /// The largest square in the middle.
    CentreSquare,
    /// The middle part with that fraction of each side, in (0, 1], as `tf.image.central_crop` takes it.
    /// 0.875 is the customary one for `ImageNet` models.
    CentralFraction(f64),
}

/// A rectangle of pixels inside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// The number of rows.
    pub height: usize,
    /// The number of columns.
    pub width: usize,
}

impl Crop {
    /// The rectangle that is kept of an image of `height` × `width` pixels.
    ///
    /// ```
    /// use canary_core::image::Crop;
    ///
    /// let square = Crop::CentreSquare.region(606, 512)?;
    /// assert_eq!((square.top, square.left, square.height, square.width), (47, 0, 512, 512));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when a fraction is not in (0, 1].
    pub fn region(self, height: usize, width: usize) -> Result<Region> {
        match self {
            Self::None => Ok(Region { top: 0, left: 0, height, width }),
            Self::CentreSquare => {
                let side = height.min(width);
                let (top, left) = ((height - side) / 2, (width - side) / 2);
                Ok(Region { top, left, height: side, width: side })
            }
            Self::CentralFraction(fraction) if fraction > 0.0 && fraction <= 1.0 => {
                let (top, left) = (margin(height, fraction), margin(width, fraction));
                Ok(Region { top, left, height: height - 2 * top, width: width - 2 * left })
            }
            Self::CentralFraction(fraction) => Err(Error::Input {
                what: "crop".to_owned(),
                reason: format!("found a central fraction of {fraction}, expected one in (0, 1]"),
            }),
        }
    }
}

/// The pixels cut off at each end; always less than half of the side.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn margin(side: usize, fraction: f64) -> usize {
    let length = side as f64;
    let cut = ((length - length * fraction) / 2.0) as usize;
    cut.min(side.saturating_sub(1) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_follow_central_crop() {
        let crop = |h, w, f| Crop::CentralFraction(f).region(h, w).unwrap();
        assert_eq!(crop(8, 8, 0.5), Region { top: 2, left: 2, height: 4, width: 4 });
        assert_eq!(crop(7, 9, 0.875), Region { top: 0, left: 0, height: 7, width: 9 });
        assert_eq!(crop(600, 512, 0.875), Region { top: 37, left: 32, height: 526, width: 448 });
        assert_eq!(crop(1, 1, 1e-9), Region { top: 0, left: 0, height: 1, width: 1 });
        assert_eq!(crop(2, 2, 1e-9), Region { top: 0, left: 0, height: 2, width: 2 });
        for wrong in [0.0, -1.0, 1.5, f64::NAN] {
            assert!(Crop::CentralFraction(wrong).region(5, 5).is_err());
        }
    }
}
